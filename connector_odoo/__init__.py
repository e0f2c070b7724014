from . import backend
from . import unit
from . import models
from . import consumer
