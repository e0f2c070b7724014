from . import backend_adapter
from . import flow
from . import stock
