from . import models
from . import unit
