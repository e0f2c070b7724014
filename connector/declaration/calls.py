"""Calls of remote procedures, declared as values: their arguments, windows of ids, many at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from odoo.addons.jobs_queue.texts import shown

from ..unit.backend_adapter.json_paths import check_path
from .values import Field

# Stands for a value, or with a star for the items of a list
_PLACEHOLDER = re.compile(r"\{(\*?)(\w+)\}")
# What stands for the resource, also within the name of a method
_RESOURCE = "{resource}"
#: Names of the parameters for the first and the last id of a window.
WINDOW = ("from", "to")


@dataclass(frozen=True, init=False)
class Call:
    """A call of a method of the system.

    ``Call("customer.update", "{id}", "{data}")``

    An argument is a value, ``field()``, ``secret()``, a :class:`Window`, or a text in braces that
    stands for what is known at the call: ``{id}``, ``{number}`` (the id as a whole number),
    ``{data}``, ``{params}`` (the filters of a list and its page). Lists and dicts may have them,
    too. With a star, as in ``{*arguments}``, a list is put in item by item. What is not known at
    the call, such as the size of a page without one, is left out of a dict, and null elsewhere.

    :param method: name of the method, which may have ``{resource}`` in it
    :param arguments: arguments by position
    :param named: arguments by name, for JSON-RPC only
    """

    method: str
    arguments: tuple[Any, ...]
    named: Mapping[str, Any]
    #: JMESPath to what is meant in the result; None: the result is meant
    place: str | None

    def __init__(self, method: str, *arguments: Any, **named: Any) -> None:
        if not isinstance(method, str) or not method:
            raise ValueError(f"Call({shown(method)}): the name of a method is expected")
        if arguments and named:
            raise ValueError(f"Call({method!r}): the arguments are given by position or by name, not both")
        for name, value in (("method", method), ("arguments", arguments), ("named", MappingProxyType(named))):
            object.__setattr__(self, name, value)
        object.__setattr__(self, "place", None)

    def at(self, place: str) -> Call:
        """Return a call like this one, of whose result only a part is meant.

        ``Call("customer.create", "{data}").at("customer.id")``

        :param place: JMESPath to that part; a result without it is not readable
        """
        check_path(place, f"Call({self.method!r}).at()")
        call = copy(self)
        object.__setattr__(call, "place", place)
        return call

    def placeholders(self) -> set[str]:
        """Return what stands in braces among the method and its arguments."""
        of_method = {"resource"} if _RESOURCE in self.method else set()
        return of_method | set(_placeholders([self.method, self.arguments, self.named]))

    def spreads(self) -> set[str]:
        """Return what stands in braces with a star."""
        return set(_placeholders([self.method, self.arguments, self.named], stars_only=True))

    def filled(self, values: Mapping[str, Any], value_of: Callable[[Any], Any]) -> tuple[str, Any]:
        """Return the name of the method, and its arguments as a list or a dict.

        :param values: dict, name of a placeholder to its value
        :param value_of: ``function(declared)`` that returns the value of a field
        :raise TypeError: something with a star is no list
        """
        arguments = _filled(self.named or list(self.arguments), values, value_of)
        method = _filled(self.method, values, value_of)
        return method.replace(_RESOURCE, values["resource"]) if _RESOURCE in method else method, arguments


@dataclass(frozen=True)
class Window:
    """An argument that filters a list by a window of ids: ``{"id": {"from": 1, "to": 1000}}``.

    The other filters of the list are in it, too.

    :param field: name of the field of the id
    """

    field: str

    def __post_init__(self) -> None:
        if not isinstance(self.field, str) or not self.field:
            raise ValueError(f"Window({shown(self.field)}): the name of the field of the id is expected")

    def filter(self, params: Mapping[str, Any]) -> dict[str, Any]:
        others = {name: value for name, value in params.items() if name not in WINDOW}
        return {**others, self.field: {name: params[name] for name in WINDOW}}


@dataclass(frozen=True)
class MultiCall:
    """Many calls by one: ``multiCall(session, [[method, arguments], ...])``.

    :param size: maximum number of calls in one
    :param method: name of the method that makes them
    """

    size: int
    method: str = "multiCall"

    def __post_init__(self) -> None:
        if isinstance(self.size, bool) or not isinstance(self.size, int) or self.size < 1:
            raise ValueError(f"MultiCall({shown(self.size)}): it must be a whole number from 1 on")
        if self.method == "system.multicall":
            raise ValueError("MultiCall: system.multicall takes its calls in another form: override read_many()")


def has_window(call: Call) -> bool:
    """Return whether a call has a :class:`Window` among its arguments."""
    return any(isinstance(argument, Window) for argument in (*call.arguments, *call.named.values()))


def _placeholders(value: Any, stars_only: bool = False) -> Iterator[str]:
    if isinstance(value, str):
        if (found := _PLACEHOLDER.fullmatch(value)) and (found[1] or not stars_only):
            yield found[2]
    elif isinstance(value, Window):
        if not stars_only:
            yield "params"
    elif isinstance(value, Mapping | list | tuple):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _placeholders(item, stars_only)


def _filled(value: Any, values: Mapping[str, Any], value_of: Callable[[Any], Any]) -> Any:
    if isinstance(value, str):
        found = _PLACEHOLDER.fullmatch(value)
        return values.get(found[2]) if found else value
    if isinstance(value, Field):
        return value_of(value)
    if isinstance(value, Window):
        return value.filter(values["params"])
    if isinstance(value, Mapping):
        return {name: _filled(item, values, value_of) for name, item in value.items() if not _is_unknown(item, values)}
    if isinstance(value, list | tuple):
        filled: list[Any] = []
        for item in value:
            is_spread = isinstance(item, str) and (found := _PLACEHOLDER.fullmatch(item)) and found[1]
            found_value = _filled(item, values, value_of)
            if is_spread and not isinstance(found_value, list | tuple):
                raise TypeError(f"{item} puts in the items of a list, but it is {shown(found_value)}")
            filled += found_value if is_spread else [found_value]
        return filled
    return value


def _is_unknown(value: Any, values: Mapping[str, Any]) -> bool:
    """Return whether a declared value stands for what is not known at the call."""
    found = _PLACEHOLDER.fullmatch(value) if isinstance(value, str) else None
    return found is not None and values.get(found[2]) is None
