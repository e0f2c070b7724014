"""Checksums of values that Odoo stores otherwise than given: the same again is no change.

Comparing what is given with what is stored would find a change at each import. So the binding has a
checksum of both, in ``given_checksum``: a JSON object, name of the field to checksum. The same
given again is no change as long as the same is stored, that is until somebody changes it in Odoo.

It is only of the fields where a comparison after the write still finds a difference. No list of
types would be right: what an addon's ``create`` or ``write`` does to a value counts as well. Most
bindings have none.
"""

import json
from collections.abc import Mapping

from odoo.models import BaseModel

from .sent import checksum
from .state import recall, remember

_FIELD = "given_checksum"


def is_as_given(record: BaseModel, name: str, value: object, stored: object) -> bool:
    """Return whether a value is the one that was given last, and the same is stored since.

    :param record: recordset of one record
    :param stored: what the record has stored in the field
    """
    known = _known(record)
    return name in known and known[name] == _checksum(value, stored)


def note_given(record: BaseModel, given: Mapping[str, tuple[object, object] | None]) -> None:
    """Remember written values that are stored otherwise; forget those that are stored as given.

    :param record: record of a binding model; other records remember nothing
    :param given: dict, name of each written field to (value, what is stored) if that differs, else
        None
    """
    if _FIELD not in record._fields or not (any(given.values()) or record[_FIELD]):
        return
    known = _known(record)
    noted = {name: checksum_ for name, checksum_ in known.items() if name not in given}
    noted |= {name: _checksum(*values) for name, values in given.items() if values}
    if noted != known:
        remember(record, {_FIELD: json.dumps(noted, sort_keys=True) if noted else False})


def _known(record: BaseModel) -> dict[str, str]:
    return json.loads(recall(record, _FIELD) or "{}")


def _checksum(value: object, stored: object) -> str:
    return checksum([value, sorted(stored) if isinstance(stored, set) else stored])
