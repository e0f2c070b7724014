"""The arguments of a job as JSON and back.

A closed list of types: ``None bool int float str list tuple dict date datetime Decimal bytes`` and recordsets. JSON knows some of them;
the others are written as an object with the single key ``$<type>``. What is not on the list is refused when the job is delayed, by name.
"""

import base64
import json
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from odoo.models import BaseModel

from ..exception import NotReadableJobError, NotSerializableJobError, UnknownJobError

_PLAIN = (type(None), bool, int, str)
_ALLOWED = "None, bool, int, float, str, list, tuple, dict, date, datetime, Decimal, bytes and records"


def encode_call(args, kwargs):
    """Return the JSON text of a call's arguments.

    :param args: tuple of positional arguments
    :param kwargs: dict of keyword arguments
    :raise NotSerializableJobError: an argument is not of a type that can be stored; the message names it
    """
    return json.dumps(
        {
            "args": [_encode(value, f"argument {number}") for number, value in enumerate(args, 1)],
            "kwargs": {name: _encode(value, f"argument {name!r}") for name, value in kwargs.items()},
        },
        separators=(",", ":"),
    )


def decode_call(text, env):
    """Return ``(args, kwargs)`` of what :func:`encode_call` wrote, recordsets in ``env``.

    :raise NotReadableJobError: the text is not that of a call
    :raise UnknownJobError: a type or a model is unknown here
    """
    call = _load(text)
    try:
        args, kwargs = call["args"], call["kwargs"]
    except (KeyError, TypeError):
        raise NotReadableJobError("The stored arguments are not those of a call") from None
    return tuple(_decode(value, env) for value in args), {name: _decode(value, env) for name, value in kwargs.items()}


def encode(value):
    """Return the JSON text of one value, such as the result of a job.

    :raise NotSerializableJobError: it is not of a type that can be stored
    """
    return json.dumps(_encode(value, "the value"), separators=(",", ":"))


def decode(text, env):
    """Return the value that :func:`encode` wrote, recordsets in ``env``."""
    return _decode(_load(text), env)


def _load(text):
    try:
        return json.loads(text)
    except ValueError as error:
        raise NotReadableJobError(f"The stored arguments are not JSON: {error}") from None


def _encode(value, where):
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is float:
        # JSON has no word for NaN and infinity
        return value if value == value and abs(value) != float("inf") else {"$float": repr(value)}
    if kind is list:
        return [_encode(item, f"{where}, item {number}") for number, item in enumerate(value)]
    if kind is tuple:
        return {"$tuple": [_encode(item, f"{where}, item {number}") for number, item in enumerate(value)]}
    if kind is dict:
        return _encode_dict(value, where)
    # by what they are and not by their type, which is another one where a test has frozen the clock
    if isinstance(value, datetime):
        return {"$datetime": value.isoformat()}
    if isinstance(value, date):
        return {"$date": value.isoformat()}
    if kind is Decimal:
        return {"$decimal": str(value)}
    if kind is bytes:
        return {"$bytes": base64.b64encode(value).decode()}
    if isinstance(value, BaseModel):
        if not all(isinstance(id_, int) for id_ in value._ids):
            raise NotSerializableJobError(
                f"{where} is {value!r}, which is not saved yet: save the record before you delay a job for it"
            )
        return {"$records": [value._name, list(value._ids)]}
    raise NotSerializableJobError(
        f"{where} is of type {kind.__module__}.{kind.__qualname__}, which a job cannot store: pass one of {_ALLOWED}"
    )


def _encode_dict(value, where):
    encoded = {}
    for key, item in value.items():
        if type(key) is not str:
            return {"$dict": [[_encode(k, f"{where}, a key"), _encode(v, f"{where}[{k!r}]")] for k, v in value.items()]}
        encoded[key] = _encode(item, f"{where}[{key!r}]")
    if len(encoded) == 1 and next(iter(encoded)).startswith("$"):
        # a caller's own {"$…": …} must not be taken for one of ours
        return {"$dict": [list(pair) for pair in encoded.items()]}
    return encoded


def _decode(value, env):
    if type(value) is list:
        return [_decode(item, env) for item in value]
    if type(value) is not dict:
        return value
    if len(value) == 1:
        ((tag, content),) = value.items()
        if tag.startswith("$"):
            return _decode_tagged(tag, content, env)
    return {key: _decode(item, env) for key, item in value.items()}


def _decode_tagged(tag, content, env):
    try:
        if tag == "$records":
            name, ids = content
            return env[name].browse(ids)
        if tag == "$dict":
            return {_decode(key, env): _decode(item, env) for key, item in content}
        if tag == "$tuple":
            return tuple(_decode(item, env) for item in content)
        return _SCALARS[tag](content)
    except KeyError as error:
        raise UnknownJobError(
            f"The stored arguments name {error.args[0]!r}, which does not exist here: is an addon missing?"
        ) from None
    except (TypeError, ValueError, InvalidOperation) as error:
        raise NotReadableJobError(f"The stored arguments hold an unreadable {tag[1:]}: {error}") from None


_SCALARS = {
    "$float": float,
    "$datetime": datetime.fromisoformat,
    "$date": date.fromisoformat,
    "$decimal": Decimal,
    "$bytes": base64.b64decode,
}
