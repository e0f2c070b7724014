from . import controllers
from . import models
from . import unit
from . import wizards
