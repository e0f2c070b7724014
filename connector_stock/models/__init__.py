from . import stock_backend
from . import stock_binding
