"""Turn values into the body and the parameters of a request, before anything is asked.

A value without a form, such as NaN, is refused with its place in the data: ``lines[2].qty``.
"""

import base64
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set, ValuesView
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from odoo.fields import Domain
from odoo.models import BaseModel
from odoo.tools import lazy
from odoo.tools.translate import LazyGettext

from odoo.addons.jobs_queue.texts import shown

from ...exception import InvalidDataError
from .decoding import FORM

_T = TypeVar("_T")

#: Levels of lists and dicts in each other.
_DEEPEST = 100
#: Levels that the place of a value names.
_MOST_PLACES = 20
#: Digits of a whole number: no system reads more.
_MOST_DIGITS = 1000
_TOO_LARGE = 10**_MOST_DIGITS


class _Refused(Exception):
    """A value has no form.

    :param reason: what it lacks, for the person who reads the job
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.places: list[str] = []  # from the value to the whole data


def json_body(value: Any) -> bytes:
    """Return a value as JSON, in bytes.

    ====================================  ==================================================
    date, time                            ISO 8601
    datetime                              ISO 8601 in UTC, ``2026-01-31T08:15:00Z``; without a
                                          time zone it is UTC, as in Odoo
    Decimal                               a number
    bytes                                 base64
    UUID, and texts such as Markup        a text
    tuple and other sequences             a list
    set                                   a list in a fixed order
    ====================================  ==================================================

    :raise InvalidDataError: a value is something else, or a number that is not finite; the message
        names its place
    """
    return json.dumps(_converted(lambda: _value(value, _DEEPEST))).encode()


def pairs_of(values: Any) -> list[tuple[str, Any]]:
    """Return parameters or a form as a list of pairs of texts.

    Values are written as in JSON, texts as they are. A list gives a pair for each item, None gives
    none.

    :param values: dict or list of pairs
    :raise InvalidDataError: as :func:`json_body`
    """
    return _converted(lambda: list(_pairs(values)))


def form_body(values: Any) -> bytes:
    """Return a form in bytes; for the values see :func:`pairs_of`."""
    return urlencode(pairs_of(values)).encode()


def header_value(value: Any) -> Any:
    """Return a header's value for ``requests``; a text that is not Latin-1 is sent as UTF-8."""
    if isinstance(value, str) and not value.isascii():
        return value.encode(errors="backslashreplace")
    return str(value) if isinstance(value, int) else value


def prepared(params: Any, json: Any, data: Any, headers: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the parameters, the body and the headers of a request, as ``requests`` takes them.

    :param params: dict, list of pairs or text of the query string, or None
    :param json: value of the body as JSON, None for none
    :param data: body as bytes, text or something that gives pieces of it, or form as dict or list
        of pairs, or None; if there is a body, ``json`` is left out
    :param headers: dict or None
    :return: dict of options
    :raise InvalidDataError: a value has no form; the message names its place
    """
    headers = {name: header_value(value) for name, value in (headers or {}).items()}
    content_type = None
    if data:
        data, content_type = _body(data)
    elif json is not None:
        data, content_type = json_body(json), "application/json"
    if content_type and not any(name.lower() == "content-type" for name in headers):
        headers["Content-Type"] = content_type
    if params and not isinstance(params, str | bytes):
        params = pairs_of(params)
    return {"params": params, "data": data, "headers": headers}


def _body(data: Any) -> tuple[bytes, str | None]:
    """Return a body as bytes, and its type."""
    if isinstance(data, str):
        return _converted(lambda: _encoded(data)), None
    if isinstance(data, bytes | bytearray | memoryview):
        return bytes(data), None
    if hasattr(data, "read"):
        return _body(data.read())
    if isinstance(data, Mapping | list | tuple):
        return form_body(data), FORM
    # pieces can be read once only, but a request may be sent twice
    return b"".join(piece.encode() if isinstance(piece, str) else piece for piece in data), None


def _converted(convert: Callable[[], _T]) -> _T:
    """Return what a function returns, and refuse a value by its place."""
    try:
        return convert()
    except _Refused as refused:
        place = "".join(reversed(refused.places[-_MOST_PLACES:])).lstrip(".") or "The value"
        raise InvalidDataError(f"{place} {refused}") from None


def _value(value: Any, room: int) -> Any:
    """Return a value of the types of JSON for a value.

    :param room: levels of lists and dicts that may be in it
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, lazy):
        return _value(value._value, room)
    if isinstance(value, BaseModel):  # a sequence and a set of records
        raise _Refused(f"is {shown(value)}: send an id or values of a record")
    if isinstance(value, Mapping):
        return _dict(value, room)
    if isinstance(value, Set):
        return sorted(_list(value, room), key=json.dumps)
    if isinstance(value, Sequence | ValuesView | Domain) and not isinstance(
        value, str | bytes | bytearray | memoryview
    ):
        return _list(value, room)
    if isinstance(value, Decimal):
        return _decimal(value)
    if isinstance(value, int):
        return _whole(value)
    if isinstance(value, float):
        return _finite(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(value).decode()
    return _text(value)


def _dict(values: Mapping[Any, Any], room: int) -> dict[str, Any]:
    if not room:
        raise _Refused("is nested too deep")
    converted: dict[str, Any] = {}
    for key, value in values.items():
        try:
            name = _key(key)
            if name in converted:
                raise _Refused("comes twice, as a text and as a number")
            converted[name] = _value(value, room - 1)
        except _Refused as refused:
            refused.places.append(_place(key))
            raise
    return converted


def _list(values: Iterable[Any], room: int) -> list[Any]:
    if not room:
        raise _Refused("is nested too deep")
    converted: list[Any] = []
    for value in values:
        try:
            converted.append(_value(value, room - 1))
        except _Refused as refused:
            refused.places.append(f"[{len(converted)}]")
            raise
    return converted


def _pairs(values: Any) -> Iterator[tuple[str, Any]]:
    for name, value in values.items() if isinstance(values, Mapping) else values:
        several = isinstance(value, Sequence | Set | ValuesView) and not isinstance(
            value, str | bytes | bytearray | BaseModel
        )
        for number, item in enumerate(value if several else [value]):
            try:
                if item is not None:
                    yield _key(name), _parameter(item)
            except _Refused as refused:
                refused.places.extend([f"[{number}]", _place(name)] if several else [_place(name)])
                raise


def _parameter(value: Any) -> str | bytes:
    if isinstance(value, bytes | bytearray):  # in another encoding than UTF-8
        return bytes(value)
    if isinstance(value, Decimal):
        return format(_decimal(value) and value, "f")
    converted = _value(value, 1)
    if isinstance(converted, list | dict):
        raise _Refused(f"is {shown(value)}: a parameter is a text, a number, a date or a list of these")
    return converted if isinstance(converted, str) else json.dumps(converted)


def _key(key: object) -> str:
    if isinstance(key, str):
        return _encoded_text(key)
    if isinstance(key, int) and not isinstance(key, bool):
        return str(_whole(key))
    raise _Refused(f"is named by {shown(key)}: a name is a text or a whole number")


def _place(key: object) -> str:
    return f".{key}" if isinstance(key, str) and key.isidentifier() else f"[{shown(key)}]"


def _whole(value: int) -> int:
    if abs(value) >= _TOO_LARGE:
        raise _Refused(f"has more than {_MOST_DIGITS} digits")
    return int.__int__(value)


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise _Refused(f"is {float.__float__(value)}: JSON has only finite numbers")
    return float.__float__(value)


def _decimal(value: Decimal) -> int | float:
    if not value.is_finite():
        raise _Refused(f"is {value}: JSON has only finite numbers")
    if value.adjusted() > _MOST_DIGITS:
        raise _Refused(f"has more than {_MOST_DIGITS} digits")
    if value == (whole := value.to_integral_value()) and value.as_tuple().exponent >= 0:  # type: ignore[operator]  # it is finite
        return int(whole)
    if Decimal(repr(number := float(value))) != value:
        raise _Refused(f"is {shown(value)}, which has more digits than a number of JSON keeps: round it, or send str()")
    return number


def _text(value: object) -> str:
    """Return the text of a text, a date or a UUID."""
    if isinstance(value, datetime):  # before date: each datetime is a date, too
        return _utc(value)
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, str | LazyGettext | UUID):
        return _encoded_text(str.__str__(value) if isinstance(value, str) else str(value))
    raise _Refused(f"is {shown(value)}: there is no JSON for the type {type(value).__name__}")


def _utc(value: datetime) -> str:
    try:
        return (value.astimezone(UTC) if value.tzinfo else value).replace(tzinfo=None).isoformat() + "Z"
    except OverflowError:
        raise _Refused(f"is {value}, which is no time in UTC") from None


def _encoded_text(text: str) -> str:
    _encoded(text)
    return text


def _encoded(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise _Refused(f"is {shown(text)}, which has half of a character") from None
