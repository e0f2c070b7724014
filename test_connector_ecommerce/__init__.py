from . import backend, models, unit, consumer
