from . import effect
from . import shop
