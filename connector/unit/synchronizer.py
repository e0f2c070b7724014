"""Synchronizers: the flow of a synchronisation. The flows themselves are in importer.py and exporter.py."""

from ..connector import Binder, ConnectorUnit
from .backend_adapter import BackendAdapter
from .mapper import ExportMapper, ImportMapper, Mapper


class Synchronizer(ConnectorUnit):
    """Does a synchronisation with the help of a mapper, a binder and an adapter, which are looked up when they are first used."""

    _base_mapper = Mapper

    def __init__(self, environment):
        super().__init__(environment)
        self._mapper = None
        self._binder = None
        self._backend_adapter = None

    def run(self, *args, **kwargs):
        """Do the synchronisation and return what to tell about it."""
        raise NotImplementedError(f"{type(self).__name__} does not define run()")

    @property
    def mapper(self):
        if self._mapper is None:
            self._mapper = self.unit_for(self._base_mapper)
        return self._mapper

    @property
    def binder(self):
        if self._binder is None:
            self._binder = self.unit_for(Binder)
        return self._binder

    @property
    def backend_adapter(self):
        if self._backend_adapter is None:
            self._backend_adapter = self.unit_for(BackendAdapter)
        return self._backend_adapter


class Importer(Synchronizer):
    """Brings something from the external system into Odoo."""

    _base_mapper = ImportMapper


class Exporter(Synchronizer):
    """Brings something from Odoo to the external system."""

    _base_mapper = ExportMapper


class Deleter(Synchronizer):
    """Deletes something in the external system."""
