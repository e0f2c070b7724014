"""Check of mapped values against the type of the field that they go into.

Odoo makes something of every value: True of the text ``"false"``, 5 of 5.9, a name of a dict. So
``direct`` takes what has one meaning only, and refuses the rest by name. None and False are empty,
as everywhere in Odoo.

A check is compiled for each entry of a mapper: the types that need no look at the value, and a
function (value) -> value that raises a ValueError with what the field takes instead.
"""

import json
import math
import re
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, time
from decimal import Decimal
from numbers import Integral, Real
from typing import Any, Literal, TypeAlias

from odoo.fields import Field
from odoo.models import BaseModel

from odoo.addons.jobs_queue.texts import shown

from ..backend_adapter.masking import MASK, is_secret, masked_text

#: The types of right values, and the function that checks the others.
Check: TypeAlias = tuple[frozenset[type], Callable[[Any], Any] | None]

_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DATETIME = re.compile(_DATE.pattern + r"([ T][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?(Z|[+-][0-9]{2}:?[0-9]{2})?)?")
_SURE_DIGITS = 15  # of a number, which a float keeps


def check_of(field: Field | None) -> Check:
    """Return the check of a field: (types that are right without a look, function); see the module.

    :param field: field of Odoo, None for no check
    """
    return _CHECKS.get(field.type, _NO_CHECK) if field is not None else _NO_CHECK


def shown_safely(target: str, value: object) -> str:
    """Return a refused value for an error: cut, and without secrets.

    :param target: name of the field
    """
    if is_secret(target):
        return MASK
    if isinstance(value, dict | list):
        try:
            return shown(json.loads(masked_text(json.dumps(value), ())))
        except (TypeError, ValueError, RecursionError):
            return f"a {type(value).__name__}"
    return shown(value)


def _boolean(value: Any) -> bool:
    if isinstance(value, Integral) and value in (0, 1):
        return bool(value)
    raise ValueError("true or false is expected: as_boolean() reads 0, 1, yes, no and the like")


def _text(value: Any) -> str | Literal[False]:
    if value is False or isinstance(value, str):
        return value
    if isinstance(value, Integral) and not isinstance(value, bool):
        return str(value)
    raise ValueError("a text is expected: convert() makes one, or use a @mapping method")


def _integer(value: Any) -> int:
    if value is False:
        return value
    number = _exact_number(value)
    if number != int(number):
        raise ValueError("a whole number is expected: convert() rounds it")
    return int(number)


def _float(value: Any) -> float:
    if value is False:
        return value
    number = _exact_number(value)
    try:
        return number if isinstance(number, int) and abs(number) < 2**53 else float(number)
    except OverflowError:
        raise ValueError("the number is too large") from None


def _exact_number(value: Any) -> int | float | Decimal:
    """Return a finite number that a value says in one way only, as int, float or Decimal."""
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        number = Decimal(value)
        as_float = float(number)
        if not math.isfinite(as_float) or (len(value) > _SURE_DIGITS and Decimal(repr(as_float)) != number):
            raise ValueError("the number has more digits than can be kept: convert() rounds it")
        return number
    if isinstance(value, Integral) and not isinstance(value, bool):
        return int(value)
    if isinstance(value, Real | Decimal) and not isinstance(value, bool) and math.isfinite(value):
        return value  # type: ignore[return-value]  # any Real is as good as a float
    raise ValueError(
        "a finite number is expected, or a text such as 19.99: convert() reads others, none_if() leaves out what means none"
    )


def _date(value: Any) -> date | Literal[False]:
    if value is False:
        return value
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    moment = _moment(value)
    if moment.tzinfo is None and moment.time() == time.min:
        return moment.date()
    raise ValueError("a date such as 2026-01-31 is expected: convert() says which day a moment is of")


def _datetime(value: Any) -> datetime | Literal[False]:
    if value is False:
        return value
    moment = _moment(value)
    if moment.tzinfo is not None:
        try:
            moment = moment.astimezone(UTC).replace(tzinfo=None)
        except OverflowError:
            raise ValueError("a time that exists in UTC is expected: none_if() leaves out what means none") from None
    return moment.replace(microsecond=0)


def _moment(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime.combine(value, time.min)
    if isinstance(value, str) and _DATETIME.fullmatch(value):
        with suppress(ValueError):
            return datetime.fromisoformat(value)
    raise ValueError(
        "a date such as 2026-01-31, or one with a time in UTC such as 2026-01-31 08:15:00 or 2026-01-31T08:15:00Z, "
        "is expected: convert() reads others, none_if() leaves out what means none"
    )


def _selection(value: Any) -> str | Literal[False]:
    if value is False or isinstance(value, str):
        return value
    raise ValueError("the key of an option, a text, is expected: convert() makes one")


def _binary(value: Any) -> str | bytes | memoryview | Literal[False]:
    if value is False or isinstance(value, str | bytes | memoryview):
        return value
    raise ValueError("base64 is expected, as text or bytes")


def _json(value: Any) -> Any:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        raise ValueError("what JSON can say is expected: no NaN, no infinite number, no object") from None
    return value


def _many2one(value: Any) -> int | BaseModel:
    if value is False or isinstance(value, BaseModel):
        return value
    if isinstance(value, Integral) and not isinstance(value, bool):
        return int(value)
    raise ValueError("the id of a record here, a whole number, is expected: external_to_m2o() finds it")


def _x2many(value: Any) -> Any:
    if value is False or isinstance(value, list | tuple | BaseModel):
        return value
    raise ValueError("a list of commands is expected")


_NO_CHECK: Check = (frozenset(), None)
_TEXT: Check = (frozenset({str}), _text)
_FLOAT: Check = (frozenset(), _float)
_CHECKS: dict[str, Check] = {
    "boolean": (frozenset({bool}), _boolean),
    "char": _TEXT,
    "text": _TEXT,
    "html": _TEXT,
    "integer": (frozenset({int}), _integer),
    "float": _FLOAT,
    "monetary": _FLOAT,
    "date": (frozenset({date}), _date),
    "datetime": (frozenset(), _datetime),
    "selection": (frozenset({str}), _selection),
    "reference": (frozenset({str}), _selection),
    "binary": (frozenset({str, bytes}), _binary),
    "image": (frozenset({str, bytes}), _binary),
    "json": (frozenset(), _json),
    "many2one": (frozenset({int}), _many2one),
    "many2one_reference": (frozenset({int}), _many2one),
    "one2many": (frozenset({list}), _x2many),
    "many2many": (frozenset({list}), _x2many),
}
