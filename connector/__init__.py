from . import queue
from . import backend_model
from . import checkpoint
from . import producer
from . import unit
from . import wizards
from .hooks import pre_init_hook
from .queue.hosts.server import post_load
