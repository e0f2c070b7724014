from . import binder, clock, sent, state
