from . import (
    backend_adapter,
    binding,
    conflict_policy,
    exporter,
    importer,
    jobs,
    mapper,
    matcher,
    reconciler,
    synchronizer,
    webhook_receiver,
)
