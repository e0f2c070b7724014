from . import checkpoint
from . import digest
