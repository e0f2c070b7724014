"""Declared values: fields of the backend, headers, and verbs of HTTP.

They are immutable and hold no record: an adapter asks its backend for what they name.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from types import MappingProxyType
from typing import Any

from odoo.addons.jobs_queue.texts import shown

from ..exception import InvalidDataError
from ..unit.backend_adapter.paths import what_is_unquoted
from ..unit.backend_adapter.places import whole_number
from ..unit.types import ExternalId

ID = "{id}"
#: Names that stand for the id of a record: as a text or as it is, and as a whole number.
ID_NAMES = ("id", "number")
#: Names that stand for the ids of several records, likewise.
IDS_NAMES = ("ids", "numbers")
#: Stands for what somebody has typed, in the declaration of how a record is found by its number.
NUMBER = "{number}"
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True)
class Field:
    """The value of a field of the backend; :func:`field` and :func:`secret` make it."""

    name: str
    is_secret: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise ValueError(f"{self}: the name of a field of the backend is expected")

    def __str__(self) -> str:
        return f"{'secret' if self.is_secret else 'field'}({self.name!r})"


def field(name: str) -> Any:
    """Declare the value of a field of the backend, whatever the user may read.

    ``base = field("location")``

    :param name: name of the field. If its model does not have it, the first use of the adapter
        says so
    """
    return Field(name)


def secret(name: str) -> Any:
    """Declare the value of a field of the backend that no message, log or stored exchange may show.

    ``headers = {"X-Api-Key": secret("token")}``

    :param name: name of the field. While it is empty, nothing is sent: the credentials are refused
    """
    return Field(name, is_secret=True)


@dataclass(frozen=True)
class Header:
    """A header of HTTP: of an answer, where something is found, or of a request.

    ``CursorPages(next=Header("X-Next"), parameter=Header("X-Cursor"))``

    :param name: name of the header
    """

    name: str

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip():
            raise ValueError(f"Header({self.name!r}): the name of a header is expected")

    def __str__(self) -> str:
        return f"header {self.name}"


@dataclass(frozen=True)
class Verb:
    """The method of HTTP for one method of an adapter, and the path if it has one of its own.

    ``verbs = {"delete": Verb("POST", "/customers/{id}/archive")}``

    :param method: GET, POST, PUT, PATCH or DELETE
    :param path: path below the base address, with ``{id}`` for the id of the record; by default the
        path of the list, or of one record
    """

    method: str
    path: str | None = None

    def __post_init__(self) -> None:
        if self.method not in _METHODS:
            raise ValueError(f"Verb({self.method!r}): the method must be one of {', '.join(_METHODS)}")


def check_path_template(path: object, name: str, has_id: bool) -> None:
    """Check a declared path below the base address.

    :param name: what it is declared as, for the message
    :param has_id: whether it leads to one record
    :raise ValueError: it does not do what it is declared for; the message says how
    """
    example = f"/customers/{ID}" if has_id else "/customers"
    if not isinstance(path, str) or not path:
        raise ValueError(f"{name} is {shown(path)}: it must be a path below the base address, such as {example!r}")
    if has_id and ID not in path:
        raise ValueError(f"{name} is {path!r}, which leads to no record: write {ID} where the id is, as in {example!r}")
    rest = path.replace(ID, "") if has_id else path
    if "{" in rest or "}" in rest:
        only = f"only {ID}" if has_id else "nothing"
        raise ValueError(f"{name} is {path!r}: {only} is replaced in it. It must be such as {example!r}")
    if "://" in path:
        raise ValueError(f"{name} is {path!r}, a whole address: the part before the path belongs into base")
    if unquoted := what_is_unquoted(path.replace(ID, "id")):
        raise ValueError(f"{name} is {path!r}, which has {unquoted}")


def id_values(external_id: ExternalId, wanted: Collection[str]) -> dict[str, ExternalId]:
    """Return the values of :data:`ID_NAMES` that are wanted.

    :raise InvalidDataError: a number is wanted, and the id is none
    """
    if "number" not in wanted:
        return {"id": external_id}
    return {"id": external_id, "number": _number_of(external_id)}


def ids_values(external_ids: Sequence[ExternalId], wanted: Collection[str]) -> dict[str, Sequence[ExternalId]]:
    """Return the values of :data:`IDS_NAMES` that are wanted.

    :raise InvalidDataError: numbers are wanted, and an id is none
    """
    if "numbers" not in wanted:
        return {"ids": external_ids}
    return {"ids": external_ids, "numbers": list(map(_number_of, external_ids))}


def _number_of(external_id: ExternalId) -> int:
    if (number := whole_number(external_id)) is None:
        raise InvalidDataError(f"The id {shown(external_id)} is no whole number, as this system needs it")
    return number


def frozen(value: Any) -> Any:
    """Return a declared value whose dicts and lists, at any depth, cannot be changed."""
    if isinstance(value, Mapping):
        return MappingProxyType({name: frozen(item) for name, item in value.items()})
    return tuple(map(frozen, value)) if isinstance(value, list | tuple) else value


def fields_in(value: Any) -> Iterator[Field]:
    """Yield each :class:`Field` in a declared value."""
    if isinstance(value, Field):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from fields_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from fields_in(item)
    elif is_dataclass(value) and not isinstance(value, type):
        for part in fields(value):
            yield from fields_in(getattr(value, part.name))
