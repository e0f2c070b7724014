from . import (
    backend_adapter,
    binder,
    conflict,
    deleter,
    exporter,
    http_adapter,
    importer,
    mapper,
    safe_creation,
    sync_state,
    synchronizer,
)
