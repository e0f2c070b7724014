from . import model
from . import graph_model
from . import failure
