from . import bulk, conflict, consumers, creation, deleter, record
