"""Source records to be mapped, one by one or a page of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from odoo.models import BaseModel

from ..types import Source, Values

if TYPE_CHECKING:
    from .mapper import Mapper


class MapOptions(dict[str, Any]):
    """The options of a mapping as attributes or keys; an option that was not given is None.

    What a mapping sets is there for the later ones, and for the children of the record.
    """

    def __getattr__(self, name: str) -> Any:
        return self.get(name)

    def __setattr__(self, name: str, value: object) -> None:
        if hasattr(dict, name):
            raise AttributeError(
                f"An option cannot be called {name!r}, as that is a method of its dict: options[{name!r}]"
            )
        self[name] = value

    def __delattr__(self, name: str) -> None:
        self.pop(name, None)

    def __missing__(self, name: str) -> None:
        return None


class MapRecord:
    """A source record to be mapped.

    :param mapper: :class:`~odoo.addons.connector.unit.mapper.mapper.Mapper`
    :param source: source record: a dict or a recordset of one record
    :param parent: :class:`MapRecord` of the parent, if this one is a child
    :param binding: for imports, the Odoo record to update, an empty recordset for a new one; None:
        not known
    """

    def __init__(
        self, mapper: Mapper, source: Source, parent: MapRecord | None = None, binding: BaseModel | None = None
    ) -> None:
        self.mapper = mapper
        self.source = source
        self.parent = parent
        self.binding = binding
        self._forced_values: Values | None = None

    def values(self, for_create: bool | None = None, fields: Iterable[str] | None = None, **options: Any) -> Values:
        """Return the mapped values as a dict.

        :param for_create: whether the values are for a new record; otherwise ``@only_create``
            mappings are left out. None: it depends on the binding, and is false if that is not
            known
        :param fields: names of the source fields that matter; None: all
        :param options: further options for the mappings, in ``self.options``
        :raise MappingError: a value cannot be mapped
        """
        values = self.mapper.apply(self, self.options(for_create, fields, options))
        if self._forced_values:
            values.update(self._forced_values)
        return values

    def options(self, for_create: bool | None, fields: Iterable[str] | None, further: dict[str, Any]) -> MapOptions:
        """Return the :class:`MapOptions` of a call of :meth:`values`.

        :param further: dict of the other options
        """
        if for_create is None and self.binding is not None:
            for_create = not self.binding
        options = MapOptions(further) if further else MapOptions()  # without keywords: it is made for each record
        options["for_create"], options["fields"] = for_create, fields
        return options

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Set values that :meth:`values` adds to the mapped ones.

        The arguments are those of ``dict.update``.
        """
        self._forced_values = dict(self._forced_values or (), **dict(*args, **kwargs))


class MapRecords:
    """A page of source records to be mapped, as a sequence of :class:`MapRecord`.

    :param mapper: :class:`~odoo.addons.connector.unit.mapper.mapper.Mapper`
    :param map_records: list of :class:`MapRecord`
    """

    def __init__(self, mapper: Mapper, map_records: list[MapRecord]) -> None:
        self._mapper = mapper
        self._map_records = map_records

    def __len__(self) -> int:
        return len(self._map_records)

    def __iter__(self) -> Iterator[MapRecord]:
        return iter(self._map_records)

    def __getitem__(self, index: int) -> MapRecord:
        return self._map_records[index]

    def values(
        self, for_create: bool | None = None, fields: Iterable[str] | None = None, **options: Any
    ) -> list[Values]:
        """Return the mapped values of all records, in their order, as a list of dicts.

        The look-ups of ``direct`` in bindings are done for all records and their children together,
        by one query for each binding model. Arguments and errors are those of
        :meth:`MapRecord.values`. If several records cannot be mapped, the error is that of the
        first one.
        """
        sources = [map_record.source for map_record in self._map_records]
        with self._mapper.page(sources, fields):
            return [map_record.values(for_create, fields, **options) for map_record in self._map_records]
