from . import backend_adapter, binder, exporter, http_adapter, importer, mapper, synchronizer
