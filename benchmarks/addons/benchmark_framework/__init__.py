from . import models
from . import units
