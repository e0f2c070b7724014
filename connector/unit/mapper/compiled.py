"""Compilation of a mapper class: its steps in their order, with those of its base classes."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ...exception import MappingError
from ...extension import class_name
from .modifiers import nested

_SHAPES = {"direct": ("source", "target"), "children": ("source", "target", "model")}


@dataclass(frozen=True)
class CompiledMapping:
    """The steps of a mapping, by kind; each kind is a tuple of tuples."""

    plain: tuple = ()  # (source field, target)
    modified: tuple = ()  # (modifier, source field or None, target)
    methods: tuple = ()  # (name, only_create, frozenset of source fields)
    children: tuple = ()  # (source field, target, model name)
    written_with: Mapping = field(default_factory=dict)  # name of a field to a tuple of names

    @property
    def look_ups(self):
        """The look-ups of modifiers in bindings, as a list of (look_up, target)."""
        return [
            (part.look_up, target)
            for modifier, _source, target in self.modified
            for part in nested(modifier)
            if getattr(part, "look_up", None)
        ]

    @property
    def source_fields(self):
        """The source fields that the mapping declares to read, as a frozenset of names."""
        names = [source for source, _target in self.plain]
        names += [source for _modifier, source, _target in self.modified if source]
        names += [source for source, _target, _model_name in self.children]
        return frozenset(names).union(*(fields for _name, _only_create, fields in self.methods))

    def for_fields(self, fields):
        """Return the part of the mapping that depends on source fields, a frozenset of names."""
        return CompiledMapping(
            tuple(entry for entry in self.plain if entry[0] in fields),
            tuple(entry for entry in self.modified if entry[1] is None or entry[1] in fields),
            tuple(entry for entry in self.methods if not entry[2] or entry[2] & fields),
            tuple(entry for entry in self.children if entry[0] in fields),
        )


def compile_mapping(mapper_class):
    """Return the :class:`CompiledMapping` of a mapper class.

    :raise MappingError: an entry of ``direct`` or ``children`` does not have the right shape
    """
    direct = _collect_by_target(mapper_class, "direct")
    return CompiledMapping(
        plain=tuple((source, target) for source, target in direct if not callable(source)),
        modified=tuple(
            (source, getattr(source, "source", None), target) for source, target in direct if callable(source)
        ),
        methods=tuple(_collect_methods(mapper_class)),
        children=tuple(_collect_by_target(mapper_class, "children")),
        written_with=_collect_written_with(mapper_class),
    )


def _collect_by_target(mapper_class, attribute):
    """Return the entries of a list attribute of all classes, those of the base classes first.

    If several entries have the same target, the last one counts.
    """
    entries = {}
    shape = _SHAPES[attribute]
    for part in reversed(mapper_class.__mro__):
        for entry in vars(part).get(attribute, ()):
            if not isinstance(entry, tuple | list) or len(entry) != len(shape):
                raise MappingError(f"{class_name(part)}, {attribute}: {entry!r} is not ({', '.join(shape)})")
            entries[entry[1]] = tuple(entry)
    return entries.values()


def _collect_methods(mapper_class):
    """Yield (name, only_create, changed_by) of each mapping method, those of base classes first."""
    names = dict.fromkeys(
        name
        for part in reversed(mapper_class.__mro__)
        for name, value in vars(part).items()
        if getattr(value, "is_mapping", False)
    )
    for part in mapper_class.__mro__:
        for name, value in vars(part).items():
            if getattr(value, "only_create", False) and name not in names:
                raise MappingError(f"{class_name(part)}, {name}(): is marked with @only_create, but not with @mapping")
    for name in names:
        definitions = [vars(part)[name] for part in mapper_class.__mro__ if name in vars(part)]
        marked = [definition for definition in definitions if getattr(definition, "is_mapping", False)]
        fields = frozenset().union(*(getattr(definition, "changed_by", ()) for definition in marked))
        yield name, getattr(marked[0], "only_create", False), fields


def _collect_written_with(mapper_class):
    """Return ``_written_with`` of all classes as one dict; the names for one field are added up."""
    collected = {}
    for part in reversed(mapper_class.__mro__):
        for name, others in vars(part).get("_written_with", {}).items():
            if not isinstance(others, tuple | list):
                raise MappingError(f"{class_name(part)}, _written_with: {others!r} is not a tuple of names of fields")
            collected[name] = (*collected.get(name, ()), *others)
    return collected
