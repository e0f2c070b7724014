"""Write what has changed on a record, on the records that it inherits from, and on its lines."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from typing import Any

from odoo import Command
from odoo.fields import Field
from odoo.models import BaseModel

from ...event.unchanged import with_unchanged
from .changes import Stored, changed_values, is_of_ids, link, stored_by_all
from .given import note_given
from .kept import Together, computed_from, fields_written


def write_together(
    record: BaseModel, together: Together, state: Mapping[str, Any] | Iterable[tuple[str, Any]] = ()
) -> None:
    """Write values on a record by one call for each record that it inherits from.

    The record itself would write the inherited values one by one, with a call for each field; so
    would its lines, if these inherit, too. What is written later may have Odoo compute anew what
    was written before: that is then written again. So is what the code of a ``write`` has replaced,
    as that of a transfer replaces its places when the operation type is written.

    :param record: recordset of one record
    :param together: :class:`~.kept.Together`
    :param state: further values, of the record itself: dict
    """
    lines: list[tuple[BaseModel, Any]] = []
    steps = list(_steps(record, {**together, **dict(state)}, together.kept, lines))
    for step in steps:
        step.write()
    for line, values in lines:
        write_together(line, values if isinstance(values, Together) else Together(values))
    later = frozenset().union(*(fields_written(line, values) for line, values in lines))
    for step in reversed(steps):
        step.write_again(later)
        later |= fields_written(step.record, step.values)
    watched = {name: together[name] for name in together.watched if _is_comparable(record, name, together[name])}
    if lost := changed_values(record, watched):
        for step in _steps(record, lost, lost.keys(), []):
            step.write()
    note_stored(record, together)


def note_stored(record: BaseModel, values: Mapping[str, Any]) -> None:
    """Remember which of the values that were written a record has stored otherwise.

    :param record: recordset of one record, of a binding model or not
    :param values: dict of the values; a :class:`~.kept.Together` without those that are kept
    """
    names = values.changed if isinstance(values, Together) else values.keys()
    stored = Stored(record)
    given: dict[str, tuple[Any, Any] | None] = {}
    for name in names:
        is_otherwise = _is_comparable(record, name, values[name]) and stored.differs(name, values[name])
        given[name] = (values[name], stored.value(name)) if is_otherwise else None
    note_given(record, given)


def note_all_stored(records: BaseModel, values_list: Sequence[Mapping[str, Any]]) -> None:
    """Do what :func:`note_stored` does, for new records.

    :param records: recordset
    :param values_list: list of dicts of the values that each was created with
    """
    as_given = stored_by_all(records, values_list)
    for record, values in zip(records, values_list, strict=True):
        note_stored(record, {name: value for name, value in values.items() if name not in as_given})


def _is_comparable(record: BaseModel, name: str, value: Any) -> bool:
    """Return whether a value can be compared after it was written; the content of lines cannot."""
    return record._fields[name].type not in ("one2many", "many2many") or is_of_ids(value)


class _Step:
    """One call of ``write``.

    :param record: recordset of one record
    :param values: dict of values, of its own fields only
    :param kept: names of those that are equal already
    """

    def __init__(self, record: BaseModel, values: Mapping[str, Any], kept: Set[str]) -> None:
        self.record = record
        self.values = values
        self._kept = kept & values.keys()

    def write(self) -> None:
        with_unchanged(self.record, self._unchanged()).write(self.values)

    def write_again(self, later: frozenset[Field]) -> None:
        """Write those values again that Odoo computes anew because of what was written later."""
        if names := later and computed_from(self.record, later, self.values):
            again = {name: self.values[name] for name in names}
            _Step(self.record, again, names).write()

    def _unchanged(self) -> Iterator[tuple[str, int, str]]:
        """Yield (model, id, field) of each value that is equal already, also those of lines."""
        yield from ((self.record._name, self.record.id, name) for name in self._kept)
        for name, value in self.values.items():
            field = self.record._fields[name]
            if field.type == "one2many":
                for command in value or ():
                    if command[0] == Command.UPDATE and isinstance(command[2], Together):
                        yield from ((field.comodel_name, command[1], kept) for kept in command[2].kept)


def _steps(
    record: BaseModel, values: Mapping[str, Any], kept: Set[str], lines: list[tuple[BaseModel, Any]]
) -> Iterator[_Step]:
    """Yield a :class:`_Step` for each call of ``write``: inherited records first, relations last.

    :param lines: list, to which (line, values) of each line is added that has to be written by
        itself
    """
    own: dict[str, Any] = {}
    inherited: defaultdict[str, dict[str, Any]] = defaultdict(dict)
    for name, value in values.items():
        field = record._fields[name]
        if field.inherited:
            inherited[link(field)][name] = value
        elif field.type == "one2many" and record.env[field.comodel_name]._inherits:
            if others := _without_updates(record.env[field.comodel_name], value, lines):
                own[name] = others
        else:
            own[name] = value
    for parent, its_values in inherited.items():
        yield from _steps(record[parent], its_values, kept, lines)
    for name in [name for name in own if _has_archived(record, name)]:
        yield _Step(record.with_context(active_test=False), {name: own.pop(name)}, kept)
    relations = {name: value for name, value in own.items() if record._fields[name].type in ("one2many", "many2many")}
    plain = {name: value for name, value in own.items() if name not in relations}
    if plain and _reaches(record, plain, relations):
        yield _Step(record, plain, kept)
        yield _Step(record, relations, kept)
    elif own:
        yield _Step(record, own, kept)


def _has_archived(record: BaseModel, name: str) -> bool:
    """Return whether a many2many has archived records, which a write may take out of it."""
    if record._fields[name].type != "many2many":
        return False
    return record.with_context(active_test=False)[name] != record.with_context(active_test=True)[name]


def _without_updates(
    comodel: BaseModel, commands: Iterable[Any] | None, lines: list[tuple[BaseModel, Any]]
) -> list[Any]:
    """Return commands without the updates; those are added to the lines written by themselves."""
    others = []
    for command in commands or ():
        if command[0] == Command.UPDATE:
            lines.append((comodel.browse(command[1]), command[2]))
        else:
            others.append(command)
    return others


def _reaches(record: BaseModel, plain: Mapping[str, Any], relations: Mapping[str, Any]) -> bool:
    """Return whether Odoo computes values of lines anew because of values of the record."""
    written = fields_written(record, plain)
    for name, commands in relations.items():
        comodel = record.env[record._fields[name].comodel_name]
        given = {
            given
            for command in commands or ()
            if command[0] in (Command.CREATE, Command.UPDATE)
            for given in command[2]
        }
        if given and computed_from(comodel, written, given):
            return True
    return False
