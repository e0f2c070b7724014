"""Mapper classes of imports and exports, and the decorators of their methods (``@mapping``).

The declarations of a mapper class (``direct``, ``children``, methods with ``@mapping``) are
compiled once per class and registry. After that, mapping a record only walks through a few short
lists. Only None is empty: 0, "" and False are values and are kept.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar, overload

from psycopg2 import DataError, IntegrityError

from odoo.exceptions import UserError
from odoo.models import BaseModel

from odoo.addons.jobs_queue.registration import lookups

from ...exception import MappingError, NoConnectorUnitError
from ...extension import class_name
from ..binding.changes import adds_again
from ..connector_unit import ConnectorUnit, Environment, external_id_text
from ..types import ExternalRecord, Links, Source, Values
from .checked import Check, check_of, shown_safely
from .children import ExportMapChild, ImportMapChild, MapChild
from .compiled import CompiledMapping, compile_mapping
from .explanation import Explanation, explain
from .modifiers import (
    Modifier,
    as_boolean,
    convert,
    external_to_m2o,
    follow_m2o_relations,
    m2o_to_external,
    none,
    none_if,
)
from .record import MapOptions, MapRecord, MapRecords

__all__ = [
    "Explanation",
    "ExportMapChild",
    "ExportMapper",
    "ImportMapChild",
    "ImportMapper",
    "MapChild",
    "MapOptions",
    "MapRecord",
    "MapRecords",
    "Mapper",
    "as_boolean",
    "changed_by",
    "convert",
    "external_to_m2o",
    "follow_m2o_relations",
    "m2o_to_external",
    "mapping",
    "none",
    "none_if",
    "only_create",
]

_Method = TypeVar("_Method", bound=Callable[..., Any])

# Decorators of mapping methods


@overload
def mapping(method: _Method) -> _Method: ...


@overload
def mapping(method: None = None) -> Callable[[_Method], _Method]: ...


def mapping(method: Any = None) -> Any:
    """Mark a method of a mapper as a mapping, with or without parentheses.

    The method takes the source record and returns a dict of values, or None for no values.
    """
    if method is None:
        return mapping
    method.is_mapping = True
    return method


def changed_by(*fields: str) -> Callable[[_Method], _Method]:
    """Declare the source fields on which a mapping depends.

    An export of some fields runs the mapping only if one of its fields is among them. A mapping
    without this declaration is always run. If classes override each other's method, the fields of
    all of them count.
    """
    if len(fields) == 1 and not isinstance(fields[0], str):
        raise TypeError("changed_by takes the names of fields, as in @changed_by('name', 'email')")

    def mark(method: Any) -> Any:
        method.changed_by = frozenset(fields)
        return method

    return mark


def only_create(method: _Method) -> _Method:
    """Run a mapping only when the record is created."""
    method.only_create = True  # type: ignore[attr-defined]  # an attribute of ours
    return method


class Mapper(ConnectorUnit):
    """Base class of mappers from a source record to values for the other side.

    ::

        @shop
        class PartnerMapper(ImportMapper):
            _model_name = "shop.res.partner"
            direct = [("mail", "email"), (external_to_m2o("country"), "country_id")]
            children = [("addresses", "child_ids", "shop.address")]

            @mapping
            @only_create
            def name(self, record):
                return {"name": f"{record['first']} {record['last']}"}

    ``direct`` is a list of (source field or modifier, target field), ``children`` of (source field,
    target field, model). A class adds to the ``direct``, ``children`` and mapping methods of its
    base classes. An entry for the same target replaces the one of a base class.
    """

    direct: list[tuple[str | Modifier, str]] = []
    children: list[tuple[str, str, str]] = []
    #: field to the fields that an import writes with it, as Odoo's code changes them when it is
    #: written: ``{"vat": ("country_id",)}``. Those that Odoo *computes* need not be named
    _written_with: dict[str, Sequence[str]] = {}
    #: Source fields that a record of each listed page must have, or the page fails: ``("sku",)``.
    #: A class adds to those of its base classes
    _required: Sequence[str] = ()
    #: Source fields that may vanish without anybody being told; a class adds to them as well
    _optional: Sequence[str] = ()
    _map_child_class: type[MapChild] = MapChild
    _child_mapper_class: type[Mapper] = None  # type: ignore[assignment]  # set below

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.options = MapOptions()
        self._compiled = self._get_compiled()
        self._parts: dict[frozenset[str], CompiledMapping] = {}  # of the mapping, by the source fields that matter
        self._binders: dict[str, Links] | None = None  # those of the page that is being mapped, by the model's name

    @property
    def source_fields(self) -> frozenset[str]:
        """The source fields that an adapter has to read for the mapping, as a frozenset of names.

        They are those of ``direct`` and ``children``, and those in ``@changed_by`` of the mapping
        methods.
        """
        return self._compiled.source_fields

    @property
    def expected_fields(self) -> frozenset[str]:
        """The source fields whose absence somebody has to know of, as a frozenset of names."""
        return self.source_fields - self._compiled.optional | self.required_fields

    @property
    def required_fields(self) -> frozenset[str]:
        """The ``_required`` of the class and its base classes, as a frozenset of names."""
        return self._compiled.required

    @property
    def written_with(self) -> Mapping[str, Sequence[str]]:
        """The ``_written_with`` of the class and its base classes, as one dict."""
        return self._compiled.written_with

    def changed_by_fields(self) -> frozenset[str] | None:
        """Return the source fields whose changes matter to an export of the record.

        :return: frozenset of names; None if a modifier or a mapping method does not declare its
            fields: then any change may matter
        """
        always = self._compiled.for_fields(frozenset())
        depends_on_all = always.modified or any(
            not for_create_only for _name, for_create_only, _fields in always.methods
        )
        return None if depends_on_all else self.source_fields

    def map_record(
        self, record: Source, parent: MapRecord | None = None, binding: BaseModel | None = None
    ) -> MapRecord:
        """Return the :class:`MapRecord` of a source record; its ``values()`` are the mapped values.

        :param record: dict or recordset of one record
        :param parent: :class:`MapRecord` of the parent, if this one is a child
        :param binding: for imports, the Odoo record to update, an empty recordset for a new one.
            Without it, children can be mapped only for a new record
        """
        return MapRecord(self, record, parent, binding)

    def map_records(
        self,
        records: Sequence[ExternalRecord] | BaseModel,
        parent: MapRecord | None = None,
        bindings: Iterable[BaseModel | None] | None = None,
    ) -> MapRecords:
        """Return the :class:`MapRecords` of source records; its ``values()`` is a list.

        :param records: list of dicts, or recordset
        :param parent: :class:`MapRecord` of the parent, if these are children
        :param bindings: the ``binding`` of :meth:`map_record` for each record
        """
        if bindings is None:
            bindings = [None] * len(records)
        map_records = [
            self.map_record(record, parent, binding) for record, binding in zip(records, bindings, strict=True)
        ]
        return MapRecords(self, map_records)

    def finalize(self, map_record: MapRecord, values: Values) -> Values:
        """Return the final values; a hook for changes that depend on several of them.

        :param map_record: :class:`MapRecord`
        :param values: dict of the mapped values
        """
        return values

    @contextmanager
    def page(self, records: Iterable[Source], fields: Iterable[str] | None = None) -> Iterator[None]:
        """Look up bindings only once for a page of records, within the ``with`` block.

        The look-ups of ``direct``, of the records and of their children, are done at its beginning,
        by one query for each binding model. The look-ups of methods by :meth:`binder_for` are
        cached.

        :param records: source records that are mapped in the block
        :param fields: names of the source fields that matter; None: all
        """
        outer, self._binders = self._binders, {}
        try:
            wanted: defaultdict[tuple[str, bool], set[Any]] = defaultdict(set)
            self._collect_look_ups(records, fields, wanted)
            for (model_name, of_records), values in wanted.items():
                if of_records:
                    self.binder_for(model_name).to_external_many(values, wrap=True)
                else:
                    self.binder_for(model_name).to_internal_many(values)
            yield
        finally:
            self._binders = outer

    def binder_for(self, model: str | None = None) -> Links:
        """Return the binder of a model, by default of this unit's model.

        In a :meth:`page`, the binders cache their look-ups.
        """
        if self._binders is None:
            return super().binder_for(model)
        model_name = model or self.environment.model_name
        if model_name not in self._binders:
            self._binders[model_name] = super().binder_for(model_name)
            self._binders[model_name].remember()
        return self._binders[model_name]

    def mapper_of_children(self, model_name: str) -> Mapper:
        """Return the mapper of the children of a model, for the same :meth:`page`."""
        mapper = self.unit_for(self._child_mapper_class, model_name)
        mapper._binders = self._binders
        return mapper

    def apply(self, map_record: MapRecord, options: MapOptions) -> Values:
        """Return the values of a :class:`MapRecord` as a dict; called by :meth:`MapRecord.values`.

        :param options: :class:`MapOptions`
        """
        previous, self.options = self.options, options
        fields = options["fields"]
        compiled = self._compiled if fields is None else self._compiled_for(fields)
        try:
            return self.finalize(map_record, self._map(map_record, compiled))
        finally:
            self.options = previous

    def explain(
        self,
        record: Source,
        parent: MapRecord | None = None,
        binding: BaseModel | None = None,
        for_create: bool | None = None,
        fields: Iterable[str] | None = None,
        **options: Any,
    ) -> list[Explanation]:
        """Return the explanation of each mapped value of a source record.

        They are a list of :class:`Explanation` in the order of the mapping.

        An error of one value does not hide the others. A later value for the same target replaces
        an earlier one. The arguments are those of :meth:`map_record` and of its ``values()``.
        """
        map_record = self.map_record(record, parent, binding)
        previous, self.options = self.options, map_record.options(for_create, fields, options)
        try:
            return explain(self, map_record, self._compiled_for(self.options.fields))
        finally:
            self.options = previous

    @contextmanager
    def explaining(self, map_record: MapRecord) -> Iterator[None]:
        """Add an explanation of the values to an error by which Odoo refuses them in the block.

        :param map_record: :class:`MapRecord`
        """
        try:
            yield
        except (UserError, IntegrityError, DataError, ValueError, TypeError) as error:
            rows = self.explain(map_record.source, map_record.parent, map_record.binding)
            error.add_note("\n".join([f"The values of {class_name(type(self))}:", *(f"- {row}" for row in rows)]))
            raise

    def error(self, what: str, problem: str) -> MappingError:
        """Return a MappingError that names this mapper.

        :param what: target field or method with the problem
        :param problem: text
        """
        return MappingError(f"{class_name(type(self))}, {what}: {problem}")

    def read_source(self, record: Source, field: str) -> Any:
        """Return the value of a source field, None if there is none."""
        raise NotImplementedError

    def is_empty(self, record: Source, field: str, value: Any) -> bool:
        """Return whether the value of a source field means that it is empty."""
        return value is None

    # Mapping

    def _map(self, map_record: MapRecord, compiled: CompiledMapping) -> Values:
        """Return the values of a mapping, or of a part of it, for a record."""
        record = map_record.source
        values = self._map_direct(record, compiled)
        for name, for_create_only, _fields in compiled.methods:
            if for_create_only and not self.options.for_create:
                continue
            try:
                mapped = getattr(self, name)(record)
            except KeyError as error:
                raise self._key_error(name, record, error) from error
            if isinstance(mapped, dict):
                values |= mapped
            elif mapped is not None:
                raise self.error(f"{name}()", f"must return a dict of values or None, not {mapped!r}")
        for source, target, model_name in compiled.children:
            values[target] = self._map_children(map_record, source, target, model_name)
        return values

    def _map_direct(self, record: Any, compiled: CompiledMapping) -> Values:
        raise NotImplementedError

    def _key_error(self, name: str, record: Source, error: KeyError) -> MappingError:
        """Return the error of a mapping method that reads a key which the record does not have."""
        there = f"; the record has {', '.join(map(str, record))}" if isinstance(record, dict) else ""
        return self.error(f"{name}()", f"looks for {error}, which is not there{there}")

    def _map_children(self, map_record: MapRecord, source: str, target: str, model_name: str) -> Any:
        items = self._read_children(map_record.source, source)
        return self._map_child_unit(model_name).get_items(items, map_record, target, self.options)

    def _read_children(self, record: Source, source: str) -> Any:
        return self.read_source(record, source) or []

    def _map_child_unit(self, model_name: str) -> MapChild:
        try:
            return self.unit_for(self._map_child_class, model_name)
        except NoConnectorUnitError:
            return self._map_child_class(self.environment.for_model(model_name))

    def _collect_look_ups(
        self, records: Iterable[Source], fields: Iterable[str] | None, wanted: defaultdict[tuple[str, bool], set[Any]]
    ) -> None:
        """Add the look-ups in bindings of some records and their children.

        :param wanted: dict of sets: (binding model, whether records are looked up) to external ids
            or ids of records
        """
        compiled = self._compiled_for(fields)
        for look_up, target in compiled.look_ups:
            for record in records:
                if found := look_up(self, record, target):
                    model_name, of_records, what = found
                    wanted[model_name, of_records].add(what if of_records else external_id_text(what))
        for source, _target, model_name in compiled.children:
            items = [item for record in records for item in self._read_children(record, source)]
            if items:
                self.mapper_of_children(model_name)._collect_look_ups(items, None, wanted)

    # Compilation

    def _get_compiled(self) -> CompiledMapping:
        found = lookups(self.env.registry)
        key = type(self), self.environment.model_name
        try:
            return found[key]
        except KeyError:
            compiled = found[key] = self._compile()
            return compiled

    def _compile(self) -> CompiledMapping:
        compiled = compile_mapping(type(self), self._check_of)
        for source, target, *_check in compiled.plain:
            self._check_direct(source, target)
        for modifier, _source, target, *_check in compiled.modified:
            self._check_direct(modifier, target)
        for source, target, _model_name in compiled.children:
            self._check_children(source, target)
        self._check_written_with(compiled.written_with)
        return compiled

    def _compiled_for(self, fields: Iterable[str] | None) -> CompiledMapping:
        if fields is None:
            return self._compiled
        fields = frozenset(fields)
        if fields not in self._parts:
            self._parts[fields] = self._compiled.for_fields(fields)
        return self._parts[fields]

    def _check_of(self, target: str) -> Check:
        """Return the check of the values for a target, see :mod:`.checked`."""
        return check_of(None)

    def _check_direct(self, source: str | Modifier, target: str) -> None:
        """Refuse an entry of ``direct`` that cannot work."""

    def _check_children(self, source: str, target: str) -> None:
        """Refuse an entry of ``children`` that cannot work."""

    def _check_written_with(self, written_with: Mapping[str, Sequence[str]]) -> None:
        """Refuse a ``_written_with`` that names no fields."""

    def _check_field(self, what: str, name: str, source: str | Modifier, way_out: str) -> None:
        """Refuse a field that our model does not have, and a relation without a modifier."""
        field = self.model._fields.get(name)
        if field is None:
            raise self.error(what, f"{self.environment.model_name} has no field {name!r}")
        if field.relational and not callable(source):
            raise self.error(
                what, f"{name!r} is a relation, which cannot be mapped as it is: use {way_out} or a @mapping method"
            )


class ImportMapper(Mapper):
    """Mapper of an external record, a dict, to values for an Odoo record.

    None becomes False, as Odoo expects. What ``direct`` writes has to fit the type of the field,
    see :mod:`.checked`; what mapping methods return is not looked at. A field that is not in the
    record gets no value by ``direct``: a record with only some fields leaves the others as they
    are, unless the system leaves out what is empty.
    """

    _map_child_class = ImportMapChild

    #: True for a system that sends whole records and leaves out what is empty: then those of
    #: :attr:`source_fields` that are not in the record of an update are None. A new record keeps
    #: Odoo's defaults
    _leaves_out_empty: bool = False

    if TYPE_CHECKING:  # it is of the class above

        def _map_child_unit(self, model_name: str) -> ImportMapChild: ...

    def map_record(
        self, record: Source, parent: MapRecord | None = None, binding: BaseModel | None = None
    ) -> MapRecord:
        if self._leaves_out_empty and (binding is None or binding):
            record = {**dict.fromkeys(self.source_fields), **record}
        return MapRecord(self, record, parent, binding)

    def read_source(self, record: ExternalRecord, field: str) -> Any:
        return record.get(field)

    def _map_direct(self, record: ExternalRecord, compiled: CompiledMapping) -> Values:
        values = compiled.plain_at_once(record)
        if values is None:
            values = {
                target: value if type(value := record[source]) in right else self._checked(target, value, check)
                for source, target, right, check in compiled.plain
                if source in record
            }
        for modifier, source, target, right, check in compiled.modified:
            if source is None or source in record:
                value = modifier(self, record, target)
                # what an author's function calls empty is left to Odoo
                is_right = type(value) in right or (value is not None and not value)
                values[target] = value if is_right else self._checked(target, value, check)
        return values

    def _checked(self, target: str, value: Any, check: Callable[[Any], Any] | None) -> Any:
        """Return a value as its field takes it.

        :raise MappingError: it has a type that the field cannot have
        """
        if value is None:
            return False
        if check is None:
            return value
        try:
            return check(value)
        except ValueError as error:
            raise self.error(
                target,
                self._(
                    "%(value)s is not written into a field of the type %(type)s; %(expected)s",
                    value=shown_safely(target, value),
                    type=self.model._fields[target].type,
                    expected=error,
                ),
            ) from None

    def _check_of(self, target: str) -> Check:
        return check_of(self.model._fields.get(target))

    def unsaid(self, record: Source) -> list[str]:
        """Return the names of fields that ``direct`` maps, and of which a record says nothing."""
        compiled = self._compiled
        names = [target for source, target, *_check in compiled.plain if source not in record]
        return names + [
            target
            for _modifier, source, target, *_check in compiled.modified
            if source is not None and source not in record
        ]

    def check_adds_once(self, record: BaseModel, changed: Values) -> None:
        """Refuse an update that would add the same lines at each import.

        A :class:`~.children.MapChild` finds the lines again, a mapping method does not.

        :param record: recordset of one record
        :param changed: dict of the values to write on it
        :raise MappingError: it would
        """
        of_children = {target for _source, target, _model_name in self._compiled.children}
        for name, value in changed.items():
            if name not in of_children and adds_again(record, name, value):
                raise self.error(
                    name,
                    "Command.create adds these lines again at each import: map them by children, only at the creation "
                    "of the record by @only_create, or replace all lines by a Command.clear() before it",
                )

    def _map_children(self, map_record: MapRecord, source: str, target: str, model_name: str) -> Any:
        if source not in map_record.source:  # it says nothing about them
            return self._map_child_unit(model_name).get_untold(map_record, target) if map_record.binding else []
        if map_record.binding is None and not self.options.for_create:
            raise self.error(
                target,
                "the children of a new record are created, those of a known one updated: say which it is, "
                "by map_record(record, binding=...) or values(for_create=True)",
            )
        return super()._map_children(map_record, source, target, model_name)

    def _read_children(self, record: Source, source: str) -> Any:
        items = self.read_source(record, source)
        if items is None:
            return []
        if not isinstance(items, list | tuple) or not all(isinstance(item, dict) for item in items):
            raise self.error(source, f"a list of dicts is expected, not {str(items)[:200]}")
        return items

    def _check_direct(self, source: str | Modifier, target: str) -> None:
        self._check_field(target, target, source, "external_to_m2o()")

    def _check_children(self, source: str, target: str) -> None:
        field = self.model._fields.get(target)
        if field is None or field.type not in ("one2many", "many2many"):
            raise self.error(target, f"{self.environment.model_name} has no one2many or many2many called {target!r}")

    def _check_written_with(self, written_with: Mapping[str, Sequence[str]]) -> None:
        for name, others in written_with.items():
            for other in (name, *others):
                if other not in self.model._fields:
                    raise self.error("_written_with", f"{self.environment.model_name} has no field {other!r}")


class ExportMapper(Mapper):
    """Mapper of an Odoo record to a dict for the external system."""

    _map_child_class = ExportMapChild

    def read_source(self, record: BaseModel, field: str) -> Any:
        return record[field]

    def is_empty(self, record: BaseModel, field: str, value: Any) -> bool:
        return not value and record._fields[field].type not in ("boolean", "integer", "float", "monetary")

    def _map_direct(self, record: BaseModel, compiled: CompiledMapping) -> Values:
        values = {target: record[source] for source, target, *_check in compiled.plain}
        for modifier, _source, target, *_check in compiled.modified:
            values[target] = modifier(self, record, target)
        return values

    def _check_direct(self, source: str | Modifier, target: str) -> None:
        name = getattr(source, "source", None) if callable(source) else source
        if name is not None:
            self._check_field(target, name, source, "m2o_to_external()")

    def _check_children(self, source: str, target: str) -> None:
        if source not in self.model._fields:
            raise self.error(target, f"{self.environment.model_name} has no field {source!r}")


ImportMapper._child_mapper_class = ImportMapper
ExportMapper._child_mapper_class = ExportMapper
