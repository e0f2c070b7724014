"""Base classes of synchronizers: ``Synchronizer``, ``Importer``, ``Exporter``, ``Deleter``."""

from __future__ import annotations

import random
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..event.no_export import without_export
from ..exception import NoConnectorUnitError
from .backend_adapter.crud import BackendAdapter
from .binding.binder import Binder
from .connector_unit import ConnectorUnit
from .mapper.mapper import ExportMapper, ImportMapper, Mapper
from .types import ExternalId

if TYPE_CHECKING:
    from .backend_adapter.since import Since


class Synchronizer(ConnectorUnit):
    """Base class of importers, exporters and deleters, which use a mapper, a binder and an adapter.

    Each of them is looked up at its first use.
    """

    _base_mapper: type[Mapper] = Mapper

    #: External id of the record that is synchronised
    external_id: ExternalId | None = None

    def run(self, *args: Any, **kwargs: Any) -> Any:
        """Run the synchronisation and return the message for the user."""
        raise NotImplementedError(f"{type(self).__name__} does not define run()")

    def _names(self) -> dict[str, Any]:
        """Return the names of the record and the backend for messages."""
        return {"id": self.external_id, "backend": self.environment.backend_name}

    def _archive_here(self, binding: Any) -> bool:
        """Archive the record of a binding; it is not exported to this backend.

        :return: False: its model has no archive
        """
        record = without_export(self.binder.unwrap_binding(binding), self.backend_record)
        if "active" not in record._fields:
            return False
        if record.active:
            record.active = False
        return True

    @cached_property
    def mapper(self) -> Mapper:
        return self.unit_for(self._base_mapper)

    @cached_property
    def binder(self) -> Binder:
        return self.unit_for(Binder)

    @cached_property
    def backend_adapter(self) -> Any:
        return self.unit_for(BackendAdapter)


class Importer(Synchronizer):
    """Base class of synchronizers from the external system to Odoo."""

    _base_mapper = ImportMapper

    if TYPE_CHECKING:  # it is of the class above

        @cached_property
        def mapper(self) -> ImportMapper: ...

    @cached_property
    def _changed(self) -> Since | None:
        """How the adapter finds what has changed, None if it does not say it or there is none."""
        try:
            changed = getattr(self.backend_adapter, "changed", None)
        except NoConnectorUnitError:
            return None
        if changed is None:
            return None
        # a process without declared adapters starts without their modules
        from .backend_adapter.since import Since

        return changed if isinstance(changed, Since) else None  # it may be a method of the author's

    @cached_property
    def export_mapper(self) -> ExportMapper | None:
        """The mapper of the model's export, None if nothing is exported."""
        try:
            return self.unit_for(ExportMapper)
        except NoConnectorUnitError:
            return None


class Exporter(Synchronizer):
    """Base class of synchronizers from Odoo to the external system."""

    _base_mapper = ExportMapper


class Deleter(Synchronizer):
    """Base class of synchronizers that delete in the external system."""


def a_moment() -> float:
    """Return a random number of seconds to wait for another job.

    It is random so that not all waiting jobs come back at the same time.
    """
    return random.uniform(1, 5)
