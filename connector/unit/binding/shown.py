"""Values of a record as texts for people, to compare what it has before and after an import."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, TypeAlias

from odoo import api, fields
from odoo.fields import Field
from odoo.models import BaseModel
from odoo.tools import float_repr, html2plaintext

from .changes import is_of_ids

#: Characters of a value that are shown.
_LONGEST = 500
#: Records of a relation that are named.
_MOST_NAMES = 20

#: Where a value is: (field,), or (field, id of the line, field of the line).
Place: TypeAlias = tuple[Any, ...]


def shown_values(record: BaseModel, values: Mapping[str, Any]) -> dict[Place, str]:
    """Return what a record has where values are written, as a dict of place to text.

    The lines that are written have a place for each of their fields.

    :param record: recordset of one record, of the binding model or of the model that it binds
    :param values: dict, as for ``write``; a field that the record does not have is left out
    """
    found: dict[Place, str] = {}
    for name, value in values.items():
        field = record._fields.get(name)
        if field is None:
            continue
        if field.type in ("one2many", "many2many") and not is_of_ids(value):
            names = dict.fromkeys(inner for command in value for inner in _written(command))
            for line in record.with_context(active_test=False)[name]:
                found.update(
                    ((name, line.id, inner), _text(line, line._fields[inner]))
                    for inner in names
                    if inner in line._fields
                )
        else:
            found[name,] = _text(record, field)
    return found


def label_of_place(model: BaseModel, place: Place, user_env: api.Environment) -> str:
    """Return the name of a place for the user: ``Order Lines: Quantity``.

    :param model: recordset, to whose model the place belongs
    """
    field = model._fields[place[0]]
    label = str(field._description_string(user_env))
    if len(place) == 1:
        return label
    inner = model.env[field.comodel_name]._fields[place[2]]
    return f"{label}: {inner._description_string(user_env)}"


def may_see(model: BaseModel, place: Place, user_env: api.Environment) -> bool:
    """Return whether the user may see the field at a place."""
    owner, field = user_env[model._name], model._fields[place[0]]
    if not owner._has_field_access(field, "read"):
        return False
    if len(place) == 1:
        return True
    lines = user_env[field.comodel_name]
    return lines._has_field_access(lines._fields[place[2]], "read")


def _written(command: Any) -> Mapping[str, Any]:
    """Return the values that a command of a relation writes on a line."""
    return command[2] if len(command) > 2 and isinstance(command[2], Mapping) else {}


def _text(record: BaseModel, field: Field) -> str:
    if field.type == "binary":
        return _size(record.with_context(bin_size=False, **{f"bin_size_{field.name}": False})[field.name])
    if field.type in ("one2many", "many2many"):
        return _names(record.with_context(active_test=False)[field.name])
    value = record[field.name]
    if field.type == "boolean":
        return record.env._("Yes") if value else record.env._("No")
    if field.type in ("integer", "float", "monetary"):
        digits = getattr(field, "get_digits", lambda _env: None)(record.env)
        return float_repr(value, digits[1]) if digits else str(value)
    if value is False or value is None or value == "":
        return ""
    if isinstance(value, BaseModel):
        return _names(value)
    if field.type == "html":
        return html2plaintext(value)[:_LONGEST]
    if field.type == "selection":
        return str(dict(field._description_selection(record.env)).get(value, value))
    if field.type == "datetime":
        return fields.Datetime.to_string(value)
    return str(value)[:_LONGEST]


def _names(records: BaseModel) -> str:
    names = ", ".join(record.display_name or str(record.id) for record in records[:_MOST_NAMES])
    return f"{names}, …" if len(records) > _MOST_NAMES else names


def _size(content: Any) -> str:
    """Return the size of a file, and what tells it from another one of this size."""
    if not content:
        return ""
    try:
        content = base64.b64decode(content)
    except (binascii.Error, ValueError):
        content = str(content).encode()
    return f"{len(content)} B ({sha256(content).hexdigest()[:6]})"
