from . import backend_adapter, exporter, importer, mapper, synchronizer
