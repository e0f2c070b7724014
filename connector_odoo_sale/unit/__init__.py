from . import backend_adapter
from . import sale_order
