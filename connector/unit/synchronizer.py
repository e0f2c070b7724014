"""Base classes of synchronizers: ``Synchronizer``, ``Importer``, ``Exporter``, ``Deleter``."""

import random
from functools import cached_property

from ..exception import NoConnectorUnitError
from .backend_adapter.crud import BackendAdapter
from .binding.binder import Binder
from .connector_unit import ConnectorUnit
from .mapper.mapper import ExportMapper, ImportMapper, Mapper


class Synchronizer(ConnectorUnit):
    """Does a synchronisation with the help of a mapper, a binder and an adapter, which are looked up when they are first used."""

    _base_mapper = Mapper

    #: Id in the external system of the one record that the flow is about
    external_id = None

    def run(self, *args, **kwargs):
        """Do the synchronisation and return what to tell about it."""
        raise NotImplementedError(f"{type(self).__name__} does not define run()")

    def _names(self):
        """Return what messages for the user call the record and the backend."""
        return {"id": self.external_id, "backend": self.environment.backend_name}

    @cached_property
    def mapper(self):
        return self.unit_for(self._base_mapper)

    @cached_property
    def binder(self):
        return self.unit_for(Binder)

    @cached_property
    def backend_adapter(self):
        return self.unit_for(BackendAdapter)


class Importer(Synchronizer):
    """Brings something from the external system into Odoo."""

    _base_mapper = ImportMapper

    @cached_property
    def export_mapper(self):
        """The mapper of the model's export, None where nothing is exported."""
        try:
            return self.unit_for(ExportMapper)
        except NoConnectorUnitError:
            return None


class Exporter(Synchronizer):
    """Brings something from Odoo to the external system."""

    _base_mapper = ExportMapper


class Deleter(Synchronizer):
    """Deletes something in the external system."""


def a_moment():
    """Return some seconds to wait for another job, not the same for all who wait."""
    return random.uniform(1, 5)
