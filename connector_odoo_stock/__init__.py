from . import models
from . import unit
from . import consumer
