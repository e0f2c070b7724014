from . import batch, bulk, record, unsent
