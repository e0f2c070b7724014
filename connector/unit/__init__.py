from . import backend_adapter, binder, exporter, importer, mapper, synchronizer
