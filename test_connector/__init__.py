from . import hostile_jobs
from . import jobs
from . import models
from . import newer_jobs
from . import units
