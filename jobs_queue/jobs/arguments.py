"""Encode the arguments and results of jobs as JSON, and decode them.

The list of types is closed:
``None bool int float str Markup list tuple dict date datetime Decimal bytes`` and recordsets. JSON
knows some of them. The others are written as an object with the single key ``$<type>``. A value of
a subclass or of a similar type is stored as the type on the list: a frozendict as a dict, a member
of an IntEnum as an int, a namedtuple as a tuple, a lazy text as text in the language of the caller.

An addon adds its own types with :func:`register_type`. Values of all other types are refused when
the job is delayed; the error names them.
"""

import base64
import json
from collections.abc import Callable, Iterable, Mapping, MutableSequence, Sequence
from datetime import date, datetime
from decimal import Decimal
from types import UnionType
from typing import Any, NamedTuple, NoReturn, TypeAlias, TypeVar

from markupsafe import Markup

from odoo.api import Environment
from odoo.fields import Domain
from odoo.models import BaseModel
from odoo.tools import lazy
from odoo.tools.translate import LazyGettext

from ..exception import FailedJobError, NotReadableJobError, NotSerializableJobError, UnknownJobError
from ..registration import is_installed, registering_addon
from . import environment

_PLAIN = frozenset((type(None), bool, str))
_ALLOWED = (
    "None, bool, int, float, str, Markup, list, tuple, dict, date, datetime, Decimal, bytes and records, "
    "or register a type of your own with register_type"
)

# How deep lists, dicts and the like may be nested. What can be written within this limit can be
# read by any worker
_DEEPEST = 100
# Python refuses to write the digits of longer numbers
_LONGEST = 10**600
# Bytes. PostgreSQL reads no statement above 1 GB, and a text may become four times as long in a
# statement
_LARGEST = 200_000_000

_T = TypeVar("_T")

#: Returns the environment of records that were in another environment than their job, from the
#: result of :func:`~.environment.difference`.
EnvOf: TypeAlias = Callable[[dict[str, Any]], Environment]


class Stored(NamedTuple):
    """A value that is already encoded, as :func:`load` returns it."""

    content: Any


class _Type(NamedTuple):
    kind: type
    addon: str | None
    tag: str
    encode: Callable[[Any], Any]
    decode: Callable[[Any], Any]


_types: dict[type, _Type] = {}
_tags: dict[str, _Type] = {}


def register_type(kind: type[_T], name: str, encode: Callable[[_T], Any], decode: Callable[[Any], _T]) -> None:
    """Register a class of an addon, so that jobs can take and return its values.

    Call it at the top level of a module of that addon.

    ::

        register_type(
            Money,
            "money",
            lambda money: (money.amount, money.currency),
            lambda stored: Money(*stored),
        )

    Values of subclasses are stored in the same way, and come back as the result of ``decode``. The
    registration holds in databases where the addon is installed.

    :param name: name under which the values are stored. It belongs to the addon, and must not
        change while jobs wait.
    :param encode: ``function(value)`` that returns a value of types that jobs can store
    :param decode: ``function(stored)`` that returns the value
    :raise ValueError: the addon has registered another class under that name
    """
    addon = registering_addon()
    tag = f"${addon or ''}.{name}"
    if tag in _tags and _tags[tag].kind is not kind:
        raise ValueError(f"{addon} has registered {_tags[tag].kind!r} as {name!r} before: give {kind!r} another name")
    _types[kind] = _tags[tag] = _Type(kind, addon, tag, encode, decode)


def encode_call(args: Sequence[Any], kwargs: Mapping[str, Any], env: Environment | None = None) -> str:
    """Return the JSON text of a call's arguments.

    :param env: environment of the job. If a record among the arguments has another environment, the
        difference is stored with it.
    :raise NotSerializableJobError: an argument is of a type that cannot be stored, or the arguments
        are too large; the message names the argument
    """
    call = {
        "args": [_encode_named(value, "argument %r", number, env) for number, value in enumerate(args, 1)],
        "kwargs": {name: _encode_named(value, "argument %r", name, env) for name, value in kwargs.items()},
    }
    return _dump(call, "the arguments")


def decode_call(text: str, env: Environment, env_of: EnvOf | None = None) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return ``(args, kwargs)`` from the text of :func:`encode_call`, with recordsets in ``env``.

    :param env_of: ``function(difference)`` that returns the environment of records that were in
        another environment than their job. Without it they are in ``env`` too, for example for
        people who look at a job.
    :raise NotReadableJobError: the text is not that of a call
    :raise UnknownJobError: a type or a model is unknown here
    """
    call = load(text)
    try:
        args, kwargs = call["args"], call["kwargs"]
    except (KeyError, TypeError):
        raise NotReadableJobError("The stored arguments are not those of a call") from None
    return (
        tuple(decode_stored(value, env, env_of) for value in args),
        {name: decode_stored(value, env, env_of) for name, value in kwargs.items()},
    )


def encode(value: Any, env: Environment | None = None) -> str:
    """Return the JSON text of one value, such as the result of a job.

    :param env: as for :func:`encode_call`
    :raise NotSerializableJobError: it is of a type that cannot be stored, or too large
    """
    return _dump(_encode_named(value, "the %s", "value", env), "the value")


def decode(text: str, env: Environment, env_of: EnvOf | None = None) -> Any:
    """Return the value from the text of :func:`encode`; for recordsets see :func:`decode_call`."""
    return decode_stored(load(text), env, env_of)


def not_stored(reason: str | None) -> str:
    """Return the JSON text that stands for a value that could not be stored.

    Decoding it raises a :class:`FailedJobError` with the reason.
    """
    return json.dumps({"$not_stored": reason})


def _dump(content: Any, what: str) -> str:
    text = json.dumps(content, separators=(",", ":"))
    if len(text) > _LARGEST:
        raise NotSerializableJobError(
            f"{what}: {len(text) // 10**6} MB are more than a job can store, {_LARGEST // 10**6} MB: "
            "store them in an attachment, and pass that"
        )
    return text


def load(text: str) -> Any:
    """Return the encoded value from the text of :func:`encode`.

    :raise NotReadableJobError: it is not JSON
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise NotReadableJobError(f"The stored arguments are not JSON: {error}") from None


class _NotStorable(Exception):
    """A value that cannot be stored.

    It is raised at the value, and each container around the value adds the place at which it holds
    it.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.places: list[str] = []

    def told(self, where: str) -> str:
        return f"{where}{''.join(reversed(self.places))} {self.args[0]}"


class _TooDeep(Exception):
    """Containers are nested deeper than can be stored."""


def _encode_named(value: Any, where: str, name: object, env: Environment | None) -> Any:
    try:
        return _encode(value, env, _DEEPEST)
    except _NotStorable as refused:
        raise NotSerializableJobError(refused.told(where % name)) from None
    except (_TooDeep, RecursionError):
        raise NotSerializableJobError(
            f"{where % name} holds itself, or lists and dicts that lie in each other more than {_DEEPEST} deep"
        ) from None


def _encode(value: Any, env: Environment | None, room: int) -> Any:
    """Return a value as JSON: first by its exact type, which is fast, then by ``isinstance``.

    :param room: how many levels of containers may still be nested in this value
    """
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is int:
        return value if -_LONGEST < value < _LONGEST else {"$int": hex(value)}
    if kind is float:
        # JSON has no NaN and no infinity
        return value if value == value and abs(value) != float("inf") else {"$float": repr(value)}
    if kind is list:
        return _encode_items(value, env, room)
    if kind is tuple:
        return {"$tuple": _encode_items(value, env, room)}
    if kind is dict:
        return _encode_dict(value, env, room)
    if isinstance(value, BaseModel):
        return _encode_records(value, env)
    if kind is Stored:
        return value.content
    if registered := _registered_type(kind, env):
        return {registered.tag: _encode(registered.encode(value), env, _less(room))}
    return _encode_kind(value, env, room)


def _encode_kind(value: Any, env: Environment | None, room: int) -> Any:
    """Return a value as JSON, by the first type in ``_KINDS`` of which it is an instance."""
    for kind, encode_as in _KINDS:
        if isinstance(value, kind):
            return encode_as(value, env, room)
    kind = type(value)
    raise _NotStorable(
        f"is of type {kind.__module__}.{kind.__qualname__}, which a job cannot store: pass one of {_ALLOWED}"
    )


def as_text(value: Any, env: Environment | None = None) -> str | None:
    """Return a text as ``str``, or None for a value that is no text.

    A lazy text is translated into the language of ``env``.
    """
    if isinstance(value, LazyGettext):
        return str(value) if env is None else value._translate(env.context.get("lang") or "en_US")
    return str.__str__(value) if isinstance(value, str) else None


def _registered_type(kind: type, env: Environment | None) -> _Type | None:
    """Return the registered type of a class or of its nearest base; None if there is none."""
    if not _types:
        return None
    found = (_types[base] for base in kind.__mro__ if base in _types)
    return next((type_ for type_ in found if env is None or is_installed(env.registry, type_.addon)), None)


def _less(room: int) -> int:
    if not room:
        raise _TooDeep
    return room - 1


def _encode_items(values: Iterable[Any], env: Environment | None, room: int) -> list[Any]:
    room = _less(room)
    encoded = []
    try:
        for value in values:
            encoded.append(_encode(value, env, room))
    except _NotStorable as refused:
        refused.places.append(f", item {len(encoded)}")
        raise
    return encoded


def _encode_dict(values: Mapping[Any, Any], env: Environment | None, room: int) -> dict[str, Any]:
    room = _less(room)
    key: object = None
    encoded: dict[str, Any] = {}
    try:
        for key, value in values.items():
            if type(key) is not str:
                return {"$dict": _encode_pairs(values, env, room)}
            encoded[key] = _encode(value, env, room)
    except _NotStorable as refused:
        if type(key) is str:
            refused.places.append(f"[{key!r}]")
        raise
    if len(encoded) == 1 and next(iter(encoded)).startswith("$"):
        # a caller's own {"$…": …} must not be taken for a tag of ours
        return {"$dict": [list(pair) for pair in encoded.items()]}
    return encoded


def _encode_pairs(values: Mapping[Any, Any], env: Environment | None, room: int) -> list[list[Any]]:
    pairs = []
    for key, value in values.items():
        place = ", a key"
        try:
            stored_key, place = _encode_key(key, env, room), f"[{key!r}]"
            pairs.append([stored_key, _encode(value, env, room)])
        except _NotStorable as refused:
            refused.places.append(place)
            raise
    return pairs


def _encode_key(key: Any, env: Environment | None, room: int) -> Any:
    """Return the key of a dict as JSON; it must be hashable again when it is decoded."""
    encoded = _encode(key, env, room)
    if not _is_hashable(encoded):
        raise _NotStorable(f"is {key!r}, which would come back as a list or a dict: neither can be a key")
    return encoded


def _is_hashable(encoded: Any) -> bool:
    if type(encoded) is not dict:
        return type(encoded) is not list
    if len(encoded) != 1:
        return False
    ((tag, content),) = encoded.items()
    if tag == "$tuple":
        return all(map(_is_hashable, content))
    return tag.startswith("$") and tag != "$dict"


def _encode_records(records: BaseModel, env: Environment | None) -> dict[str, list[Any]]:
    if not all(isinstance(id_, int) for id_ in records._ids):
        raise _NotStorable(f"is {records!r}, which is not saved yet: save the record before you delay a job for it")
    stored = [records._name, list(records._ids)]
    if env is not None and records.env is not env and (difference := environment.difference(records.env, env)):
        stored.append(difference)
    return {"$records": stored}


def _encode_datetime(value: datetime, _env: Environment | None, _room: int) -> dict[str, str]:
    # Python reads back an offset below a second as UTC
    if value.utcoffset() and value.utcoffset().microseconds:  # type: ignore[union-attr]  # both are the same
        raise _NotStorable(f"is {value}, whose time zone differs from UTC by a part of a second: give it in UTC")
    return {"$datetime": value.isoformat()}


# Types of which a value may be an instance. The value's own ``__str__`` and the like are not
# called, as they may return something else.
_KINDS: tuple[tuple[type | UnionType, Callable[[Any, Environment | None, int], Any]], ...] = (
    (lazy, lambda value, env, room: _encode(value._value, env, _less(room))),
    (Markup, lambda value, _env, _room: {"$markup": str.__str__(value)}),
    (str | LazyGettext, lambda value, env, _room: as_text(value, env)),
    # before date: each datetime is a date, too
    (datetime, _encode_datetime),
    (date, lambda value, _env, _room: {"$date": value.isoformat()}),
    (Decimal, lambda value, _env, _room: {"$decimal": Decimal.__str__(value)}),
    (int, lambda value, env, room: _encode(int.__int__(value), env, room)),
    (float, lambda value, env, room: _encode(float.__float__(value), env, room)),
    # before the sequences: bytearray is one of them
    (bytes | bytearray | memoryview, lambda value, _env, _room: {"$bytes": base64.b64encode(bytes(value)).decode()}),
    (tuple, lambda value, env, room: {"$tuple": _encode_items(value, env, room)}),
    (MutableSequence | Domain, _encode_items),
    (Mapping, _encode_dict),
)


def decode_stored(value: Any, env: Environment, env_of: EnvOf | None = None) -> Any:
    """Return the value of an encoded value, as :func:`load` returns it."""
    if type(value) is list:
        return [decode_stored(item, env, env_of) for item in value]
    if type(value) is not dict:
        return value
    if len(value) == 1:
        ((tag, content),) = value.items()
        if tag.startswith("$"):
            return _decode_tagged(tag, content, env, env_of)
    return {key: decode_stored(item, env, env_of) for key, item in value.items()}


_Decode: TypeAlias = Callable[[Any, Environment, EnvOf | None], Any]


def _decode_tagged(tag: str, content: Any, env: Environment, env_of: EnvOf | None) -> Any:
    """Return the value that stands under a tag.

    An unknown name and an unreadable value raise different errors: another worker may know the
    name.
    """
    decode = _decoder(tag, env)
    if decode is None:
        raise _unknown(tag)
    try:
        return decode(content, env, env_of)
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise NotReadableJobError(f"The stored arguments hold an unreadable {tag[1:]}: {error}") from error


def _decoder(tag: str, env: Environment) -> _Decode | None:
    if "." not in tag:
        return _DECODERS.get(tag)
    type_ = _tags.get(tag)
    if type_ is None or not is_installed(env.registry, type_.addon):
        return None
    return lambda content, env, env_of: type_.decode(decode_stored(content, env, env_of))


def _unknown(name: str) -> UnknownJobError:
    return UnknownJobError(f"The stored arguments name {name!r}, which does not exist here: is an addon missing?")


def _decode_records(content: Any, env: Environment, env_of: EnvOf | None) -> BaseModel:
    name, ids, *difference = content
    if name not in env.registry:
        raise _unknown(name)
    if difference and env_of:
        env = env_of(*difference)
    return env[name].browse(ids)


def _decode_dict(pairs: Any, env: Environment, env_of: EnvOf | None) -> dict[Any, Any]:
    return {decode_stored(key, env, env_of): decode_stored(item, env, env_of) for key, item in pairs}


def _decode_tuple(items: Any, env: Environment, env_of: EnvOf | None) -> tuple[Any, ...]:
    return tuple(decode_stored(item, env, env_of) for item in items)


def _scalar(decode: Callable[[Any], Any]) -> _Decode:
    return lambda content, _env, _env_of: decode(content)


def _raise_not_stored(reason: object) -> NoReturn:
    raise FailedJobError(reason)


_DECODERS: dict[str, _Decode] = {
    "$records": _decode_records,
    "$dict": _decode_dict,
    "$tuple": _decode_tuple,
    "$not_stored": _scalar(_raise_not_stored),
    "$int": _scalar(lambda digits: int(digits, 16)),
    "$float": _scalar(float),
    "$markup": _scalar(Markup),
    "$datetime": _scalar(datetime.fromisoformat),
    "$date": _scalar(date.fromisoformat),
    "$decimal": _scalar(Decimal),
    "$bytes": _scalar(base64.b64decode),
}
