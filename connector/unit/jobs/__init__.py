from . import keys, probe
