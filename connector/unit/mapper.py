"""Mappers: a record of the external system becomes values for Odoo, and conversely.

What a mapper class says (``direct``, ``children``, the methods marked with ``@mapping``) is compiled once per class and registry;
mapping a record is then a walk through three short lists. Only None is empty: 0, "" and False are values and survive.
"""

from dataclasses import dataclass

from ..connector import ConnectorUnit, external_id_text
from ..exception import MappingError, NoConnectorUnitError
from ..registration import lookups

# What methods and modifiers are marked with


def mapping(method):
    """Mark a method of a mapper as a mapping: it takes the source record and returns a dict of values, or None for none."""
    method.is_mapping = True
    return method


def changed_by(*fields):
    """Say on which source fields a mapping depends: an export of some fields only runs it when one of them is among these.

    A mapping that does not say is always run. When classes override each other's method, the fields of all of them count.
    """
    if len(fields) == 1 and not isinstance(fields[0], str):
        raise TypeError("changed_by takes the names of fields, as in @changed_by('name', 'email')")

    def mark(method):
        method.changed_by = frozenset(fields)
        return method

    return mark


def only_create(method):
    """Run a mapping only when the record is created."""
    method.only_create = True
    return method


# Modifiers: what stands in ``direct`` instead of a field's name. A modifier is a function (mapper, record, target) -> value. Its attribute
# `source` names the field it depends on; a modifier without it counts as depending on everything.


def _modifier(field):
    def mark(function):
        function.source = getattr(field, "source", None) if callable(field) else field
        return function

    return mark


def _read(mapper, record, field, target):
    return field(mapper, record, target) if callable(field) else mapper.read_source(record, field)


def none(field):
    """Modifier: what Odoo keeps as False because it is empty (a text, a date, a relation) becomes None; numbers and booleans stay.

    :param field: name of the source field, or a modifier
    """

    @_modifier(field)
    def modifier(mapper, record, target):
        value = _read(mapper, record, field, target)
        return None if not callable(field) and mapper.is_empty(record, field, value) else value

    return modifier


def convert(field, conv_type):
    """Modifier: convert a value, None excepted, as in ``(convert("price", float), "list_price")``.

    :param field: name of the source field, or a modifier
    :param conv_type: function of one argument; a ValueError, TypeError or ArithmeticError becomes a MappingError
    """

    @_modifier(field)
    def modifier(mapper, record, target):
        value = _read(mapper, record, field, target)
        if value is None:
            return None
        try:
            return conv_type(value)
        except (ValueError, TypeError, ArithmeticError) as error:
            problem = f"{value!r} cannot be converted by {getattr(conv_type, '__name__', conv_type)}: {error}"
            raise mapper.error(target, problem) from error

    return modifier


def m2o_to_external(field, binding=None):
    """Modifier for exports: a many2one becomes the external id of the record it points to, or None when it is empty.

    :param field: name of the many2one, or a modifier that gives a record
    :param binding: name of the binding model, where the many2one points to the record that is bound and not to its binding
    :raise MappingError: that record has no external id
    """

    @_modifier(field)
    def modifier(mapper, record, target):
        related = _read(mapper, record, field, target)
        if not related:
            return None
        external_id = mapper.binder_for(binding or related._name).to_external(related, wrap=bool(binding))
        if external_id is None:
            raise mapper.error(
                target,
                f"{related.display_name} ({related._name}, id {related.id}) is not known to {mapper.environment.backend_name}; "
                "export it first",
            )
        return external_id

    return modifier


def external_to_m2o(field, binding=None):
    """Modifier for imports: an external id becomes the id of the record for a many2one, or None when it is empty.

    :param field: name of the source field, or a modifier that gives an external id
    :param binding: name of the binding model, where the many2one points to the record that is bound and not to its binding
    :raise MappingError: no record here has that external id
    """

    @_modifier(field)
    def modifier(mapper, record, target):
        external_id = _read(mapper, record, field, target)
        if external_id_text(external_id) is None:
            return None
        model_name = binding or mapper.model._fields[target].comodel_name
        related = mapper.binder_for(model_name).to_internal(external_id, unwrap=bool(binding))
        if not related:
            raise mapper.error(
                target,
                f"{model_name} has no record with the external id {external_id!r} of {mapper.environment.backend_name}; import it first",
            )
        return related.id

    return modifier


def follow_m2o_relations(path):
    """Modifier for exports: the value at the end of a path of many2ones, None when one of them is empty.

    :param path: such as ``"product_id.categ_id.name"``
    """
    *relations, last = path.split(".")

    @_modifier(path.partition(".")[0])
    def modifier(mapper, record, target):
        for relation in relations:
            record = record[relation]
            if not record:
                return None
        return record[last]

    return modifier


_SHAPES = {"direct": ("source", "target"), "children": ("source", "target", "model")}


class MapOptions(dict):
    """The options of a mapping as attributes; what was not given is None."""

    def __getattr__(self, name):
        return self.get(name)


class MapRecord:
    """A source record on its way through a mapper.

    :param mapper: :class:`Mapper`
    :param source: record to map: a dict or a recordset of one record
    :param parent: :class:`MapRecord` of which this one is a child
    """

    def __init__(self, mapper, source, parent=None):
        self.mapper = mapper
        self.source = source
        self.parent = parent
        self._forced_values = {}

    def values(self, for_create=None, fields=None, **options):
        """Return the mapped values as a dict.

        :param for_create: whether the values are for a new record; ``@only_create`` mappings are left out otherwise
        :param fields: names of the source fields that matter; None: all
        :param options: whatever the mappings want to know; they find it in ``self.options``
        """
        values = self.mapper.apply(self, MapOptions(options, for_create=for_create, fields=fields))
        values.update(self._forced_values)
        return values

    def update(self, *args, **kwargs):
        """Set values that :meth:`values` adds to what is mapped; arguments as those of ``dict.update``."""
        self._forced_values.update(*args, **kwargs)


@dataclass(frozen=True)
class _CompiledMapping:
    """What a mapper class does, in the order in which it does it."""

    plain: tuple  # (source field, target)
    modified: tuple  # (modifier, source field or None, target)
    methods: tuple  # (name, only_create, frozenset of source fields)
    children: tuple  # (source field, target, model name)

    def for_fields(self, fields):
        """Return the part of the mapping that depends on some source fields."""
        fields = frozenset(fields)
        return _CompiledMapping(
            tuple(entry for entry in self.plain if entry[0] in fields),
            tuple(entry for entry in self.modified if entry[1] is None or entry[1] in fields),
            tuple(entry for entry in self.methods if not entry[2] or entry[2] & fields),
            tuple(entry for entry in self.children if entry[0] in fields),
        )


class Mapper(ConnectorUnit):
    """Turns a source record into values for the other side.

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

    ``direct`` is a list of (source field or modifier, target field), ``children`` of (source field, target field, model). A class adds
    to the ``direct``, ``children`` and mapping methods of its base classes; an entry for the same target takes the place of the bases'.
    """

    direct = []
    children = []
    _map_child_class = None

    def __init__(self, environment):
        super().__init__(environment)
        self.options = MapOptions()
        self._compiled = self._get_compiled()

    @property
    def source_fields(self):
        """The source fields that the mapping says it reads, as a frozenset of names: those an adapter has to read for it.

        They are those of ``direct`` and ``children``, and those in the ``@changed_by`` of the mapping methods.
        """
        compiled = self._compiled
        names = [source for source, _target in compiled.plain]
        names += [source for _modifier, source, _target in compiled.modified if source]
        names += [source for source, _target, _model_name in compiled.children]
        return frozenset(names).union(*(fields for _name, _only_create, fields in compiled.methods))

    def map_record(self, record, parent=None):
        """Return the :class:`MapRecord` of a source record, whose ``values()`` are the mapped values.

        :param record: dict or recordset of one record
        :param parent: :class:`MapRecord` of the record of which this one is a child
        """
        return MapRecord(self, record, parent=parent)

    def finalize(self, map_record, values):
        """Return the values after a last touch; a hook for what depends on several of them.

        :param map_record: :class:`MapRecord`
        :param values: dict of what was mapped
        """
        return values

    def apply(self, map_record, options):
        """Return the values of a :class:`MapRecord` as a dict; called by :meth:`MapRecord.values`."""
        fields = options.get("fields")
        compiled = self._compiled if fields is None else self._compiled.for_fields(fields)
        previous, self.options = self.options, options
        try:
            record = map_record.source
            values = self._map_direct(record, compiled)
            for name, for_create_only, _fields in compiled.methods:
                if for_create_only and not options.for_create:
                    continue
                mapped = getattr(self, name)(record)
                if mapped is None:
                    continue
                try:
                    values.update(mapped)
                except (TypeError, ValueError):
                    problem = f"must return a dict of values or None, not {mapped!r}"
                    raise self.error(f"{name}()", problem) from None
            for source, target, model_name in compiled.children:
                values[target] = self._map_children(map_record, source, target, model_name)
            return self.finalize(map_record, values)
        finally:
            self.options = previous

    def error(self, what, problem):
        """Return a MappingError that names this mapper.

        :param what: target field or method that has the problem
        :param problem: text
        """
        return MappingError(f"{_name(type(self))}, {what}: {problem}")

    def read_source(self, record, field):
        """Return the value of a source field, None when there is none."""
        raise NotImplementedError

    def is_empty(self, record, field, value):
        """Return whether the value of a source field says that there is none."""
        return value is None

    def _map_direct(self, record, compiled):
        raise NotImplementedError

    def _map_children(self, map_record, source, target, model_name):
        items = self.read_source(map_record.source, source)
        if not items:
            items = []
        return self._map_child_unit(model_name).get_items(items, map_record, target, self.options)

    def _map_child_unit(self, model_name):
        try:
            return self.unit_for(self._map_child_class, model_name)
        except NoConnectorUnitError:
            return self._map_child_class(self.environment.for_model(model_name))

    # Compilation

    def _get_compiled(self):
        found = lookups(self.env.registry)
        key = type(self), self.environment.model_name
        try:
            return found[key]
        except KeyError:
            compiled = found[key] = self._compile()
            return compiled

    def _compile(self):
        direct = self._collect_by_target("direct")
        for source, target in direct:
            self._check_direct(source, target)
        return _CompiledMapping(
            plain=tuple((source, target) for source, target in direct if not callable(source)),
            modified=tuple(
                (source, getattr(source, "source", None), target) for source, target in direct if callable(source)
            ),
            methods=tuple(self._collect_methods()),
            children=tuple(self._collect_by_target("children")),
        )

    @classmethod
    def _collect_by_target(cls, attribute):
        """Return the entries of a list attribute of all classes, the bases' first; the last entry for a target counts."""
        entries = {}
        shape = _SHAPES[attribute]
        for klass in reversed(cls.__mro__):
            for entry in vars(klass).get(attribute, ()):
                if not isinstance(entry, tuple | list) or len(entry) != len(shape):
                    raise MappingError(f"{_name(klass)}, {attribute}: {entry!r} is not ({', '.join(shape)})")
                entries[entry[1]] = tuple(entry)
        return entries.values()

    @classmethod
    def _collect_methods(cls):
        """Yield (name, only_create, changed_by) of each mapping method, the bases' first."""
        names = dict.fromkeys(
            name
            for klass in reversed(cls.__mro__)
            for name, value in vars(klass).items()
            if getattr(value, "is_mapping", False)
        )
        for name in names:
            definitions = [vars(klass)[name] for klass in cls.__mro__ if name in vars(klass)]
            marked = [definition for definition in definitions if getattr(definition, "is_mapping", False)]
            fields = frozenset().union(*(getattr(definition, "changed_by", ()) for definition in marked))
            yield name, getattr(marked[0], "only_create", False), fields

    def _check_direct(self, source, target):
        """Refuse an entry of ``direct`` that cannot work."""

    def _check_field(self, what, name, source, way_out):
        """Refuse a field of our model that does not exist, and a relation that is mapped as it is."""
        field = self.model._fields.get(name)
        if field is None:
            raise self.error(what, f"{self.environment.model_name} has no field {name!r}")
        if field.relational and not callable(source):
            raise self.error(
                what, f"{name!r} is a relation, which cannot be mapped as it is: use {way_out} or a @mapping method"
            )


class MapChild(ConnectorUnit):
    """Maps the children of a record, such as the lines of an order, each with the mapper of the children's model."""

    _child_mapper = Mapper

    def get_items(self, items, parent, target, options):
        """Return the children's values, as the other side wants to have them.

        :param items: source records of the children
        :param parent: :class:`MapRecord` of the record they belong to
        :param target: name of the field they go to
        :param options: :class:`MapOptions` of the parent
        """
        mapper = self.unit_for(self._child_mapper)
        mapped = []
        for item in items:
            map_record = mapper.map_record(item, parent=parent)
            if not self.skip_item(map_record):
                mapped.append(self.get_item_values(map_record, target, options))
        return self.format_items(mapped)

    def skip_item(self, map_record):
        """Return whether to leave a child out."""
        return False

    def get_item_values(self, map_record, target, options):
        """Return the values of a child as a dict."""
        return map_record.values(**{**options, "fields": None})

    def format_items(self, items_values):
        """Return what is written to the target field, from the list of the children's values."""
        return items_values


class ImportMapper(Mapper):
    """Maps a record of the external system, a dict, to values for an Odoo record. None becomes False, which is Odoo's word for it."""

    def read_source(self, record, field):
        return record.get(field)

    def _map_direct(self, record, compiled):
        get = record.get
        values = {}
        for source, target in compiled.plain:
            value = get(source)
            values[target] = False if value is None else value
        for modifier, _source, target in compiled.modified:
            value = modifier(self, record, target)
            values[target] = False if value is None else value
        return values

    def _check_direct(self, source, target):
        self._check_field(target, target, source, "external_to_m2o()")


class ExportMapper(Mapper):
    """Maps an Odoo record to a dict for the external system."""

    def read_source(self, record, field):
        return record[field]

    def is_empty(self, record, field, value):
        return not value and record._fields[field].type not in ("boolean", "integer", "float", "monetary")

    def _map_direct(self, record, compiled):
        values = {target: record[source] for source, target in compiled.plain}
        for modifier, _source, target in compiled.modified:
            values[target] = modifier(self, record, target)
        return values

    def _check_direct(self, source, target):
        name = getattr(source, "source", None) if callable(source) else source
        if name is not None:
            self._check_field(target, name, source, "m2o_to_external()")


class ImportMapChild(MapChild):
    """Maps the children of an imported record to commands that create them."""

    _child_mapper = ImportMapper

    def format_items(self, items_values):
        return [(0, 0, values) for values in items_values]


class ExportMapChild(MapChild):
    """Maps the children of an exported record to a list of dicts."""

    _child_mapper = ExportMapper


ImportMapper._map_child_class = ImportMapChild
ExportMapper._map_child_class = ExportMapChild


def _name(mapper_class):
    return f"{mapper_class.__module__}.{mapper_class.__qualname__}"
