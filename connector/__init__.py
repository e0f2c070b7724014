from . import backend_model
from . import binding_line
from . import binding_conflict
from . import checkpoint
from .http import probe, status, exchange, webhook
from . import controllers
from . import consumer
from . import export_intent
from . import failure
from . import producer
from . import unit
from . import wizards
