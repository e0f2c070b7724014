"""Measures, one file each, imported in the order of the table."""

from . import enqueue
from . import drain
from . import statements
from . import graph
from . import latency
from . import start
from . import backlog
from . import held
from . import screens
from . import one_process
from . import memory
from . import framework
from . import imports
