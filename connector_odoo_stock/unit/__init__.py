from . import backend_adapter
from . import stock
