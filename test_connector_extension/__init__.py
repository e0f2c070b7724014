from . import consumers
from . import jobs
from . import models
from . import units
