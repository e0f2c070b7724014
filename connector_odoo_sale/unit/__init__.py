from . import backend_adapter
from . import flow
from . import sale_order
