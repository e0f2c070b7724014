"""Compilation of a mapper class: its steps in their order, with those of its base classes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from ...exception import MappingError
from ...extension import class_name
from ..types import ExternalRecord, Values
from .checked import Check
from .modifiers import LookUp, nested

_SHAPES = {"direct": ("source", "target"), "children": ("source", "target", "model")}


@dataclass(frozen=True)
class CompiledMapping:
    """The steps of a mapping, by kind; each kind is a tuple of tuples."""

    plain: tuple[tuple[Any, ...], ...] = ()  # (source field, target, *check)
    modified: tuple[tuple[Any, ...], ...] = ()  # (modifier, source field or None, target, *check)
    methods: tuple[tuple[str, bool, frozenset[str]], ...] = ()  # (name, only_create, frozenset of source fields)
    children: tuple[tuple[Any, ...], ...] = ()  # (source field, target, model name)
    written_with: Mapping[str, Sequence[str]] = field(default_factory=dict)  # name of a field to a tuple of names
    required: frozenset[str] = frozenset()  # names of source fields
    optional: frozenset[str] = frozenset()  # names of source fields

    #: function (record) -> values of the plain entries, see :func:`_reader_at_once`
    plain_at_once: Callable[[ExternalRecord], Values | None] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "plain_at_once", _reader_at_once(self.plain))  # it is frozen

    @property
    def look_ups(self) -> list[tuple[LookUp, str]]:
        """The look-ups of modifiers in bindings, as a list of (look_up, target)."""
        return [
            (part.look_up, target)
            for modifier, _source, target, *_check in self.modified
            for part in nested(modifier)
            if getattr(part, "look_up", None)
        ]

    @property
    def source_fields(self) -> frozenset[str]:
        """The source fields that the mapping declares to read, as a frozenset of names."""
        names = [entry[0] for entry in self.plain]
        names += [entry[1] for entry in self.modified if entry[1]]
        names += [source for source, _target, _model_name in self.children]
        return frozenset(names).union(*(fields for _name, _only_create, fields in self.methods))

    def for_fields(self, fields: frozenset[str]) -> CompiledMapping:
        """Return the part of the mapping that depends on source fields, a frozenset of names."""
        return CompiledMapping(
            tuple(entry for entry in self.plain if entry[0] in fields),
            tuple(entry for entry in self.modified if entry[1] is None or entry[1] in fields),
            tuple(entry for entry in self.methods if not entry[2] or entry[2] & fields),
            tuple(entry for entry in self.children if entry[0] in fields),
        )


def compile_mapping(mapper_class: type, check_of: Callable[[str], Check]) -> CompiledMapping:
    """Return the :class:`CompiledMapping` of a mapper class.

    :param check_of: function (target) -> check of its values, see :mod:`.checked`
    :raise MappingError: a declaration does not have the right shape
    """
    direct = _collect_by_target(mapper_class, "direct")
    return CompiledMapping(
        plain=tuple((source, target, *check_of(target)) for source, target in direct if not callable(source)),
        modified=tuple(
            (source, getattr(source, "source", None), target, *check_of(target))
            for source, target in direct
            if callable(source)
        ),
        methods=tuple(_collect_methods(mapper_class)),
        children=tuple(_collect_by_target(mapper_class, "children")),
        written_with=_collect_written_with(mapper_class),
        required=_collect_names(mapper_class, "_required"),
        optional=_collect_names(mapper_class, "_optional"),
    )


def _reader_at_once(plain: tuple[tuple[Any, ...], ...]) -> Callable[[ExternalRecord], Values | None]:
    """Return a function that reads the plain entries of a record, and compares their types at once.

    The function returns None if a field is not in the record, or if the values have to be looked at
    one by one.
    """
    if len(plain) < 2 or not all(right for _source, _target, right, _check in plain):
        return lambda record: None
    sources, targets, rights, _checks = zip(*plain, strict=True)
    read, types = itemgetter(*sources), [str if str in right else next(iter(right)) for right in rights]

    def read_at_once(record: ExternalRecord) -> Values | None:
        try:
            found = read(record)
        except KeyError:
            return None
        # targets and values are of one length; without strict it takes a fifth less
        return dict(zip(targets, found)) if [*map(type, found)] == types else None  # noqa: B905

    return read_at_once


def _collect_by_target(mapper_class: type, attribute: str) -> Iterable[tuple[Any, ...]]:
    """Return the entries of a list attribute of all classes, those of the base classes first.

    If several entries have the same target, the last one counts.
    """
    entries: dict[str, tuple[Any, ...]] = {}
    shape = _SHAPES[attribute]
    for part in reversed(mapper_class.__mro__):
        for entry in vars(part).get(attribute, ()):
            if not isinstance(entry, tuple | list) or len(entry) != len(shape):
                raise MappingError(f"{class_name(part)}, {attribute}: {entry!r} is not ({', '.join(shape)})")
            entries[entry[1]] = tuple(entry)
    return entries.values()


def _collect_methods(mapper_class: type) -> Iterator[tuple[str, bool, frozenset[str]]]:
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
        fields = frozenset[str]().union(*(getattr(definition, "changed_by", ()) for definition in marked))
        yield name, getattr(marked[0], "only_create", False), fields


def _collect_written_with(mapper_class: type) -> dict[str, tuple[str, ...]]:
    """Return ``_written_with`` of all classes as one dict; the names for one field are added up."""
    collected: dict[str, tuple[str, ...]] = {}
    for part in reversed(mapper_class.__mro__):
        for name, others in vars(part).get("_written_with", {}).items():
            if not isinstance(others, tuple | list):
                raise MappingError(f"{class_name(part)}, _written_with: {others!r} is not a tuple of names of fields")
            collected[name] = (*collected.get(name, ()), *others)
    return collected


def _collect_names(mapper_class: type, attribute: str) -> frozenset[str]:
    """Return the names of source fields that an attribute of all classes has."""
    collected: set[str] = set()
    for part in mapper_class.__mro__:
        names = vars(part).get(attribute, ())
        if not isinstance(names, tuple | list) or not all(isinstance(name, str) for name in names):
            raise MappingError(
                f"{class_name(part)}, {attribute}: {names!r} is not a tuple of names of source fields, as in ('sku',)"
            )
        collected.update(names)
    return frozenset(collected)
