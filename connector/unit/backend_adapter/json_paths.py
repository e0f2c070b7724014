"""Paths into JSON: JMESPath, checked where they are declared."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.functions import Functions

from odoo.addons.jobs_queue.texts import shown

from ...exception import UnreadableAnswer

_compile = cache(jmespath.compile)


def check_path(path: object, name: str) -> None:
    """Check that a declared path is JMESPath.

    :param path: what the author has declared
    :param name: what it is declared as, for the message, such as ``ShopAdapter, records``
    :raise ValueError: it is not; the message names it, and says how paths are written
    """
    if not isinstance(path, str):
        raise ValueError(f"{name} is {shown(path)}: it must be a text, a JMESPath such as 'data.customers'")
    try:
        compiled = _compile(path)
    except JMESPathError as error:
        reason = " ".join(str(error).split("\n")[0].split())
        raise ValueError(
            f"{name} is {path!r}, which is no JMESPath: {reason} "
            "A name with other characters than letters, digits and _ stands in double quotes: '\"order-id\"'."
        ) from None
    for function, arguments in _calls(compiled.parsed):
        _check_call(function, arguments, f"{name} is {path!r}")


def _calls(node: dict[str, Any]) -> Iterator[tuple[str, int]]:
    """Yield the name of each function that a JMESPath calls, and the number of its arguments."""
    if node["type"] == "function_expression":
        yield node["value"], len(node["children"])
    for child in node["children"]:
        if isinstance(child, dict):  # those of a slice are numbers
            yield from _calls(child)


def _check_call(function: str, arguments: int, name: str) -> None:
    known = Functions.FUNCTION_TABLE
    if function not in known:
        raise ValueError(f"{name}: JMESPath has no function {function}(). It has: {', '.join(sorted(known))}.")
    signature = known[function]["signature"]
    is_variadic = bool(signature) and signature[-1].get("variadic", False)
    if arguments < len(signature) if is_variadic else arguments != len(signature):
        least = "at least " if is_variadic else ""
        raise ValueError(f"{name}: {function}() takes {least}{len(signature)} arguments, not {arguments}.")


def value_at(path: str | None, value: Any) -> Any:
    """Return what is at a path of a JSON value.

    :param path: JMESPath; None: the whole value
    :return: None if there is nothing
    :raise UnreadableAnswer: a function or a comparison of the path cannot take what is there
    """
    if path is None:
        return value
    try:
        return _compile(path).search(value)
    except (JMESPathError, ArithmeticError, TypeError, ValueError):  # the message has values of the answer
        raise UnreadableAnswer(
            f"The answer does not fit the JMESPath {path!r}: a function or a comparison cannot take its values. "
            "Numbers may be texts: to_number(pages)"
        ) from None
