from . import queue
from . import backend_model
from . import binding_line
from . import binding_conflict
from . import checkpoint
from .http import probe, status, exchange, webhook
from . import controllers
from . import consumer
from . import export_intent
from . import producer
from . import unit
from . import wizards
from .hooks import pre_init_hook, uninstall_hook
from .queue.hosts.server import post_load
