from . import effect
from . import order
from . import shop
