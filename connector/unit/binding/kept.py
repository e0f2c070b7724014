"""Unchanged values that an update writes too, so that Odoo does not recompute them.

Who changes the quantity of an order line has its price computed anew, also if the price was given
before. Odoo does not compute what is written together with the quantity. So an update writes what
has changed, and with it each mapped field that Odoo may write and computes from that: then it ends
where a write of all values would end. A mapped field of which the external record says nothing is
written as it is stored: a record with only what has changed leaves the others as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Set
from typing import Any

from odoo import Command
from odoo.fields import Field
from odoo.models import BaseModel

from odoo.addons.jobs_queue.registration import lookups

from ..types import Values


class Together(dict[str, Any]):
    """Values to write on a record: those that change it, and those that are kept by being written.

    :param kept: names of the latter
    :param watched: names of the values that Odoo's code may replace while it writes the others
    """

    def __init__(
        self,
        values: Mapping[str, Any] | Iterable[tuple[str, Any]] = (),
        kept: Iterable[str] = (),
        watched: Iterable[str] = (),
    ) -> None:
        super().__init__(values)
        self.kept = frozenset(kept)
        self.watched = frozenset(watched) & self.keys()

    @property
    def changed(self) -> Set[str]:
        """The names of the values that change the record."""
        return self.keys() - self.kept


class LineCommands(list[Any]):
    """The commands for the lines of a record, and what was mapped for those that exist.

    A line without a command may need one when it is known which fields of the record are written.

    :param commands: list of commands
    :param given: dict, existing line to all its mapped values, and the names of the fields that
        were not mapped as its external record says nothing of them
    :param written_with: see :func:`written_together`
    """

    def __init__(
        self,
        commands: Iterable[Any],
        given: Mapping[BaseModel, tuple[Values, Collection[str]]],
        written_with: Mapping[str, Sequence[str]],
    ) -> None:
        super().__init__(commands)
        self._given = given
        self._written_with = written_with

    def reached_from(self, written: frozenset[Field]) -> list[Any]:
        """Return the commands when some fields of the record are written, too.

        :param written: frozenset of fields
        """
        updates = {command[1]: command[2] for command in self if command[0] == Command.UPDATE}
        others = [command for command in self if command[0] != Command.UPDATE or command[1] not in self._ids]
        found = []
        for line, (values, unsaid) in self._given.items():
            changed = updates.get(line.id, {})
            names = getattr(changed, "changed", changed.keys())
            changed = {name: changed[name] for name in names}
            changed |= {name: values[name] for name in rounded_anew(line, written, values)}
            if together := written_together(line, changed, values, self._written_with, written, unsaid):
                found.append(Command.update(line.id, together))
        return [*others, *found]

    @property
    def _ids(self) -> set[int]:
        return {line.id for line in self._given}


class UntoldLines(LineCommands):
    """No commands, for the lines of an external record that says nothing about them.

    :param model: their model, as an empty recordset
    :param find: function that returns them; it is called only if something of them has to be kept
    :param unsaid: names of their mapped fields
    :param written_with: see :func:`written_together`
    """

    def __init__(
        self,
        model: BaseModel,
        find: Callable[[], BaseModel],
        unsaid: Collection[str],
        written_with: Mapping[str, Sequence[str]],
    ) -> None:
        super().__init__((), {}, written_with)
        self._model = model
        self._find = find
        self._unsaid = unsaid

    def reached_from(self, written: frozenset[Field]) -> list[Any]:
        if computed_from(self._model, written, self._unsaid):
            self._given = {line: ({}, self._unsaid) for line in self._find()}
        return super().reached_from(written)


def written_together(
    record: BaseModel,
    changed: Mapping[str, Any],
    values: Mapping[str, Any],
    written_with: Mapping[str, Sequence[str]],
    above: frozenset[Field] = frozenset(),
    unsaid: Collection[str] = (),
) -> Together:
    """Return what to write on a record so that what is equal stays so, as :class:`Together`.

    :param record: recordset of one record
    :param changed: dict of the values that change it
    :param values: dict of all mapped values
    :param written_with: dict, name of a field to the names of those that are always written with
        it: as they are stored, if they are not mapped
    :param above: fields that are written on the record to which this line belongs, a frozenset
    :param unsaid: names of mapped fields of which the external record says nothing: what is stored
        in them is kept
    """
    own = above | _bases(record, changed)
    if not own:
        return Together()
    mapped = values.keys() | unsaid
    names = set(computed_from(record, own | fields_written(record, changed), mapped))
    for name in changed:
        names.update(written_with.get(name, ()))
    values = {**{name: _as_stored(record, name) for name in names - values.keys()}, **values}
    kept = {
        name: values[name]
        for name in values
        if name in names and name not in changed and not isinstance(values[name], LineCommands)
    }
    together = Together({**changed, **kept}, kept, names)
    for name, value in values.items():
        if isinstance(value, LineCommands) and (commands := value.reached_from(own)):
            together[name] = commands
    return together


def rounded_anew(record: BaseModel, written: frozenset[Field], names: Iterable[str]) -> frozenset[str]:
    """Return those of some fields whose amounts are rounded by a currency that is about to change.

    They cannot be compared with what is stored: 19.99 euros are no 20 yen. They are cached as those
    of :func:`computed_from`.

    :param record: recordset
    :param written: frozenset of fields that are written
    :param names: names of fields of the record, those of inherited records among them
    :return: frozenset of names
    """
    found = lookups(record.env.registry)
    key = rounded_anew, record._name, written, frozenset(names)
    if key not in found:
        reached = written.union(*(record.pool.get_dependent_fields(one) for one in written))
        amounts = {name: record._fields[name].base_field for name in names}
        found[key] = frozenset(
            name
            for name, field in amounts.items()
            if field.type == "monetary"
            and record.pool[field.model_name]._fields[field.get_currency_field(record.env[field.model_name])].base_field
            in reached
        )
    return found[key]


def computed_from(record: BaseModel, written: frozenset[Field], names: Iterable[str]) -> frozenset[str]:
    """Return those of some fields that Odoo would compute anew, although they may be given.

    They are those that depend on what is written. The inverse of a written field is code, which may
    ask for any of them to be computed: so with it they are all that may be given. They are cached
    for each model and combination of fields.

    :param record: recordset
    :param written: frozenset of fields that are written
    :param names: names of fields of the record, those of inherited records among them
    :return: frozenset of names
    """
    found = lookups(record.env.registry)
    key = computed_from, record._name, written, frozenset(names)
    if key not in found:
        dependents = {field for one in written for field in record.pool.get_dependent_fields(one)}
        is_with_code = any(one.inverse and not one.related for one in written)
        bases = {name: record._fields[name].base_field for name in names}
        found[key] = frozenset(
            name for name, field in bases.items() if _is_protected(field) and (is_with_code or field in dependents)
        )
    return found[key]


def fields_written(record: BaseModel, values: Mapping[str, Any]) -> frozenset[Field]:
    """Return the fields that writing some values writes, those of lines among them, as a frozenset.

    :param record: recordset
    :param values: dict, as for ``write``
    """
    written = set(_bases(record, values))
    for name, value in values.items():
        field = record._fields[name]
        if field.type in ("one2many", "many2many"):
            lines = record.env[field.comodel_name]
            for command in value or ():
                if command[0] in (Command.CREATE, Command.UPDATE):
                    written |= fields_written(lines, command[2])
    return frozenset(written)


def _as_stored(record: BaseModel, name: str) -> Any:
    """Return the value of a field as ``write`` takes it."""
    record = record.with_context(active_test=False, bin_size=False)
    return record._fields[name].convert_to_write(record[name], record)


def _bases(record: BaseModel, names: Iterable[str]) -> frozenset[Field]:
    return frozenset(record._fields[name].base_field for name in names)


def _is_protected(field: Field) -> bool:
    """Return whether Odoo does not compute a given field, by the rule of ``BaseModel.write``."""
    may_be_given = field.inverse or (field.compute and not field.readonly)
    return bool(may_be_given and (field.store or field.type not in ("one2many", "many2many")))
