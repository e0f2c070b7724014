"""Compare values with a record: which of them would change it.

Values are compared as the field would store them: rounded to its digits, dates given as text or as
dates, images as text or as bytes. Of a relation, archived records count too.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from odoo import Command
from odoo.fields import Field
from odoo.models import BaseModel

from ..types import Values
from .given import is_as_given
from .kept import fields_written, rounded_anew

#: Types of fields that store a value as it is if it equals the one that they have. Those that are
#: left out have more to it: an amount is rounded by a currency that somebody may have changed.
_EXACT = frozenset({"boolean", "char", "date", "datetime", "float", "integer", "selection", "text"})
_PLAIN = re.compile(r"\w[\w .,:;!?()/+-]*")
_COMMANDS_OF_IDS = (Command.UNLINK, Command.LINK, Command.CLEAR, Command.SET)


def changed_values(record: BaseModel, values: Mapping[str, Any]) -> Values:
    """Return those of the values that writing them would change, as a dict.

    A value that Odoo has stored otherwise than it was given is no change if it is given again, and
    nobody has changed what is stored; see :mod:`.given`.

    :param record: recordset of one record
    :param values: dict, as for ``write``
    """
    stored = Stored(record)
    changed = {
        name: value
        for name, value in values.items()
        if stored.differs(name, value) and not is_as_given(record, name, value, stored.value(name))
    }
    if changed and (amounts := rounded_anew(record, fields_written(record, changed), values)):
        changed.update((name, values[name]) for name in amounts)
    return changed


def adds_again(record: BaseModel, name: str, value: Any) -> bool:
    """Return whether a value adds lines that the record has already, as it does at each import.

    Commands that also name or remove lines know of those that are there; so does code that creates
    only what is missing.

    :param record: recordset of one record
    :param name: name of a field
    :param value: as for ``write``
    """
    if record._fields[name].type not in ("one2many", "many2many") or not value:
        return False
    if not all(command[0] == Command.CREATE for command in value):
        return False
    lines = record.env[record._fields[name].comodel_name].browse(Stored(record).value(name))
    return any(not changed_values(line, command[2]) for command in value for line in lines)


class Stored:
    """What a record has stored, also in the records that it inherits, to compare values with it.

    Values are compared in the record to which their field belongs: once the inheriting record has
    an inherited field in its cache, each write to the parent searches for the inheriting records
    whose cache is outdated.

    :param record: recordset of one record
    """

    def __init__(self, record: BaseModel) -> None:
        self._record = record
        self._parents: dict[str, Stored] = {}  # name of the many2one to the parent

    def differs(self, name: str, value: Any) -> bool:
        """Return whether a value differs from what is stored.

        :param name: name of a field
        :param value: as for ``write``
        """
        record, field = self._owner(name)
        if field.type in _EXACT and type(found := record[name]) is type(value) and found == value:
            return False  # without a conversion, which takes ten times as long
        if field.type == "html" and _is_plain(value) and record[name] == _as_html(value):
            return False  # to clean it once more takes a hundred times as long
        if field.type in ("one2many", "many2many"):
            return not is_of_ids(value) or _ids_after(_ids(record, field), value) != _ids(record, field)
        stored = _value(record, field)
        given = field.convert_to_cache(value, record)
        return given != stored and not (field.type == "binary" and _content(given) == _content(stored))

    def value(self, name: str) -> Any:
        """Return what a field has: ids of a relation as a set, else as in the cache."""
        return _value(*self._owner(name))

    def _owner(self, name: str) -> tuple[BaseModel, Field]:
        field = self._record._fields[name]
        if not field.inherited:
            return self._record, field
        parent = link(field)
        if parent not in self._parents:
            self._parents[parent] = Stored(self._record[parent])
        return self._parents[parent]._owner(name)


def stored_by_all(records: BaseModel, values_list: Sequence[Mapping[str, Any]]) -> set[str]:
    """Return the names of the values that all of some records have stored as they were given.

    It takes one look at each field, not one at each value. A name that is left out may still be one
    of those.

    :param records: recordset
    :param values_list: list of dicts as for ``write``, one for each record
    :return: set of names
    """
    return {name for name in set().union(*values_list) if _is_stored_by_all(records, name, values_list)}


def _is_stored_by_all(records: BaseModel, name: str, values_list: Sequence[Mapping[str, Any]]) -> bool:
    field = records._fields[name]
    if field.inherited:
        parents = records[link(field)]
        return len(parents) == len(records) and _is_stored_by_all(parents, name, values_list)
    if field.type not in _EXACT and field.type != "html":
        return False
    given: list[Any] = [values.get(name) for values in values_list]
    if field.type == "html":
        if not all(map(_is_plain, given)):
            return False
        # after a creation it is not in the cache; a read with the user's rules would flush the
        # records, and each would be updated twice
        records.sudo().fetch([name])
        return records.mapped(name) == [_as_html(value) for value in given]
    stored = records.mapped(name)
    return [*map(type, stored)] == [*map(type, given)] and stored == given


def _value(record: BaseModel, field: Field) -> Any:
    if field.type in ("one2many", "many2many"):
        return _ids(record, field)
    if field.type == "binary":  # the content, not its size
        record = record.with_context(bin_size=False, **{f"bin_size_{field.name}": False})
    return field.convert_to_cache(record[field.name], record, validate=False)


def is_of_ids(commands: Iterable[Any] | None) -> bool:
    """Return whether the commands of an x2many field only say which records it has."""
    return all(command[0] in _COMMANDS_OF_IDS for command in commands or ())


def link(field: Field) -> str:
    """Return the name of the many2one to the record from which a field is inherited."""
    return field.related.partition(".")[0]


def _ids(record: BaseModel, field: Field) -> set[int]:
    return set(record.with_context(active_test=False)[field.name].ids)


def _ids_after(ids: Iterable[int], commands: Iterable[Any] | None) -> set[int]:
    """Return the ids of a relation after commands that only say which records it has."""
    ids = set(ids)
    for command in commands or ():
        code, record_id, argument = (*command, 0, ())[:3]  # (5,) is a command as (5, 0, 0) is
        if code == Command.LINK:
            ids.add(record_id)
        elif code == Command.UNLINK:
            ids.discard(record_id)
        else:
            ids = set(argument) if code == Command.SET else set()
    return ids


def _is_plain(value: Any) -> bool:
    """Return whether a value for HTML is a text in which nothing has a meaning of its own."""
    return isinstance(value, str) and _PLAIN.fullmatch(value) is not None


def _as_html(value: str) -> str:
    """Return how Odoo stores a plain text in a field for HTML."""
    return f"<span>{value}</span>"


def _content(value: Any) -> Any:
    """Return the bytes of a binary field's value, however its base64 is broken into lines."""
    try:
        return base64.b64decode(value or b"")
    except (binascii.Error, TypeError, ValueError):
        return value
