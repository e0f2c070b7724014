from . import corner_backend
from . import corner_order
from . import corner_stock
