"""Mapping of child records, such as order lines, and matching of those that are already in Odoo."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from odoo import Command
from odoo.models import BaseModel

from ...exception import InvalidDataError, MappingError, NoConnectorUnitError
from ...extension import class_name
from ..binding.changes import changed_values
from ..binding.kept import LineCommands, UntoldLines, written_together
from ..connector_unit import ConnectorUnit, external_id_text
from ..types import ExternalId, Values
from .record import MapRecord

if TYPE_CHECKING:
    from .mapper import ImportMapper

#: A command for the field of the children.
LineCommand: TypeAlias = tuple[Any, ...]


class MapChild(ConnectorUnit):
    """Base class to map the children of a record, each with the mapper of its model."""

    def get_items(self, items: Any, parent: MapRecord, target: str, options: Mapping[str, Any]) -> Any:
        """Return the children's values in the form that the target field needs.

        :param items: source records of the children
        :param parent: :class:`~odoo.addons.connector.unit.mapper.mapper.MapRecord` of the parent
            record
        :param target: name of the target field
        :param options: :class:`~odoo.addons.connector.unit.mapper.mapper.MapOptions` of the parent
        """
        raise NotImplementedError(f"{type(self).__name__} does not define get_items()")

    def skip_item(self, map_record: MapRecord) -> bool:
        """Return whether to leave a child out."""
        return False

    def get_item_values(self, map_record: MapRecord, target: str, options: Mapping[str, Any]) -> Values:
        """Return the values of a child as a dict."""
        return map_record.values(**options)

    def _map_records(self, items: Any, parent: MapRecord) -> list[MapRecord]:
        mapper = parent.mapper.mapper_of_children(self.environment.model_name)
        map_records = [mapper.map_record(item, parent=parent) for item in items]
        return [map_record for map_record in map_records if not self.skip_item(map_record)]


class ExportMapChild(MapChild):
    """Mapping of the children of an exported record to a list of dicts."""

    def get_items(self, items: Any, parent: MapRecord, target: str, options: Mapping[str, Any]) -> Any:
        options = {**options, "fields": None}
        return self.format_items(
            [self.get_item_values(map_record, target, options) for map_record in self._map_records(items, parent)]
        )

    def format_items(self, items_values: list[Values]) -> Any:
        """Return the value to send for the target field, from the list of the children's values."""
        return items_values


class ImportMapChild(MapChild):
    """Mapping of the children of an imported record to commands for the children in Odoo.

    The commands create, update, delete and reorder them, so that they are the same as in the
    source.

    A child is matched by the fields of ``_key_fields``. Without these, it is matched by its
    external id if its model is a binding model, else by all mapped values: then a child that has
    changed is deleted and created again. A child without changes gets no command.

    ::

        @shop
        class OrderLineChild(ImportMapChild):
            _model_name = "sale.order.line"
            _key_fields = ("product_id",)
    """

    #: names of the fields by which a child is matched; children with the same values are told apart
    #: by their order
    _key_fields: Sequence[str] = ()
    #: key of the external id in a source record; see also :meth:`get_external_id`
    _external_id_key: str = "id"
    #: name of the field that keeps children in the order of the source; they are not reordered if
    #: the model lacks this field or the mapper maps it
    _sequence_field: str = "sequence"

    def get_items(self, items: Any, parent: MapRecord, target: str, options: Mapping[str, Any]) -> list[Any]:
        existing = self.get_existing(parent, target)
        map_records = self._map_records(items, parent)
        self._check_ids(map_records, target)
        self._match(map_records, existing, target, options)
        values_list = [
            self.get_item_values(map_record, target, _item_options(options, for_create=not map_record.binding))
            for map_record in map_records
        ]
        bindings = [map_record.binding for map_record in map_records]
        self._keep_order(bindings, values_list)
        commands = [self.remove_item(record) for record in existing - self.model.union(*bindings)]
        for map_record, values in zip(map_records, values_list, strict=True):
            commands.append(self._command(map_record, values))
        given = {
            map_record.binding: (values, _unsaid(map_record))
            for map_record, values in zip(map_records, values_list, strict=True)
            if map_record.binding
        }
        written_with = parent.mapper.mapper_of_children(self.environment.model_name).written_with
        return LineCommands([command for command in commands if command], given, written_with)

    def get_untold(self, parent: MapRecord, target: str) -> UntoldLines:
        """Return no command for children of an existing record, of which the source says nothing.

        What they have is kept if the update of the record would have Odoo compute it anew.
        """
        try:
            mapper = cast("ImportMapper", parent.mapper.mapper_of_children(self.environment.model_name))
        except NoConnectorUnitError:
            if type(self).get_items is ImportMapChild.get_items:
                raise
            return UntoldLines(self.model, self.model.browse, (), {})  # its own lines need no mapper
        return UntoldLines(
            self.model, lambda: self.get_existing(parent, target), mapper.unsaid({}), mapper.written_with
        )

    def get_existing(self, parent: MapRecord, target: str) -> BaseModel:
        """Return the existing children of the record, to update or remove, archived ones included.

        :param parent: :class:`~odoo.addons.connector.unit.mapper.mapper.MapRecord`; its ``binding``
            is the record, empty if it is new
        :param target: name of the field with the children
        """
        record = parent.mapper.model if parent.binding is None else parent.binding
        return record.with_context(active_test=False)[target].with_env(self.env)

    def get_external_id(self, map_record: MapRecord) -> ExternalId | None:
        """Return the external id of a child, None if it has none."""
        return map_record.source.get(self._external_id_key)

    def remove_item(self, record: BaseModel) -> LineCommand | None:
        """Return the command for an existing child that is not in the source any more.

        :param record: one of :meth:`get_existing`
        :return: command; None leaves the child as it is
        """
        return Command.delete(record.id)

    def _command(self, map_record: MapRecord, values: Values) -> LineCommand | None:
        if map_record.binding:
            changed = changed_values(map_record.binding, values)
            cast("ImportMapper", map_record.mapper).check_adds_once(map_record.binding, changed)
            together = written_together(
                map_record.binding,
                changed,
                values,
                map_record.mapper.written_with,
                unsaid=_unsaid(map_record),
            )
            return Command.update(map_record.binding.id, together) if changed else None
        return Command.create({**self._binding_values(map_record), **values})

    def _binding_values(self, map_record: MapRecord) -> Values:
        """Return the values that bind a new child, if its model is a binding model."""
        binder = self.binder_for()
        if not binder.is_binding_model():
            return {}
        values = {binder._backend_field: self.backend_record.id}
        external_id = self.get_external_id(map_record)
        return values if external_id_text(external_id) is None else {**values, **binder.bind_values(external_id)}  # type: ignore[arg-type]  # it is one

    # Matching

    def _check_ids(self, map_records: list[MapRecord], target: str) -> None:
        """Refuse children with the same external id, if they are matched by it."""
        if not self.binder_for().is_binding_model():
            return
        seen: set[str] = set()
        for map_record in map_records:
            text = external_id_text(self.get_external_id(map_record))
            if text in seen:
                names = {"field": target, "model": self.model._name, "id": text}
                raise InvalidDataError(
                    self._("%(field)s: the record has several %(model)s with the external id %(id)s", **names)
                )
            if text is not None:
                seen.add(text)

    def _match(
        self, map_records: list[MapRecord], existing: BaseModel, target: str, options: Mapping[str, Any]
    ) -> None:
        """Set the ``binding`` of each map record to its existing child.

        It is an empty recordset for a new child.
        """
        for map_record in map_records:
            map_record.binding = self.model
        if not existing:
            return
        if self._key_fields or not self.binder_for().is_binding_model():
            self._match_by_values(map_records, existing, target, options)
        else:
            self._match_by_external_id(map_records, existing)

    def _match_by_external_id(self, map_records: list[MapRecord], existing: BaseModel) -> None:
        external_ids = self.binder_for().to_external_many(existing)
        waiting: defaultdict[str | None, list[BaseModel]] = defaultdict(list)
        for record in existing:
            waiting[external_ids.get(record.id)].append(record)
        for map_record in map_records:
            if records := waiting[external_id_text(self.get_external_id(map_record))]:
                map_record.binding = records.pop(0)

    def _match_by_values(
        self, map_records: list[MapRecord], existing: BaseModel, target: str, options: Mapping[str, Any]
    ) -> None:
        waiting = list(existing)
        for map_record in map_records:
            values = self._key_values(
                self.get_item_values(map_record, target, _item_options(options, for_create=False))
            )
            same = next((record for record in waiting if not changed_values(record, values)), None)
            if same is not None:
                map_record.binding = same
                waiting.remove(same)

    def _key_values(self, values: Values) -> Values:
        if not self._key_fields:
            return values
        missing = set(self._key_fields) - values.keys()
        if missing:
            raise MappingError(f"{class_name(type(self))}, _key_fields: {', '.join(sorted(missing))} is not mapped")
        return {name: values[name] for name in self._key_fields}

    def _keep_order(self, records: Sequence[BaseModel], values_list: list[Values]) -> None:
        """Add the sequence to the values, unless the children are in the order of the source.

        :param records: the existing children in that order, as a list; an empty recordset for a new
            one
        """
        name = self._sequence_field
        known = [record for record in records if record]
        if not known or name not in self.model._fields or any(name in values for values in values_list):
            return
        new_ones_are_last = all(records[: len(known)])
        if new_ones_are_last and known == sorted(known, key=lambda record: (record[name], record.id)):
            for values in values_list[len(known) :]:
                values[name] = known[-1][name]
        else:
            for position, values in enumerate(values_list, start=1):
                values[name] = position


def _unsaid(map_record: MapRecord) -> list[str]:
    return cast("ImportMapper", map_record.mapper).unsaid(map_record.source)


def _item_options(options: Mapping[str, Any], for_create: bool) -> dict[str, Any]:
    """Return the options for a child: all its fields are mapped, whatever the parent's changes."""
    return {**options, "fields": None, "for_create": for_create}
