"""Build JSON in which a JMESPath finds a given value."""

import itertools
from contextlib import suppress

import jmespath
from jmespath.visitor import TreeInterpreter

from ...exception import UnreadableAnswer
from ...unit.backend_adapter.json_paths import value_at

#: Values that are tried where an expression has to be true or false.
_CANDIDATES = (True, False, 1, 2, "x", None)


def put(path, body, value):
    """Return JSON with a value at a path.

    :param path: JMESPath; None: the value is all of it
    :param body: JSON into which the value is put, None for nothing
    :raise ValueError: the path cannot be undone, as that of a function that counts
    """
    if path is None:
        return value
    for made in _made(jmespath.compile(path).parsed, body, value):
        if _found(path, made) == value:
            return made
    raise ValueError(
        f"No answer can be made of the JMESPath {path!r}: play the system by a method answer(request, records) of the test"
    )


def put_truth(path, body, truth):
    """Return JSON in which an expression, such as ``page < pages``, is true or false.

    :raise ValueError: it cannot be made so
    """
    places = list(_places(jmespath.compile(path).parsed))
    for values in itertools.product(_CANDIDATES, repeat=len(places)):
        made = body
        for place, value in zip(places, values, strict=True):
            made = _undone(place, made, value)
        if _found(path, made) is truth:
            return made
    raise ValueError(
        f"{path!r} cannot be made {truth}: play the system by a method answer(request, records) of the test"
    )


def _found(path, body):
    """Return what a path finds, None where it cannot take what is there."""
    with suppress(UnreadableAnswer):
        return value_at(path, body)


def _made(node, body, value):
    """Yield candidates: the path undone, then the value or its text at each place of it."""
    with suppress(LookupError):
        yield _undone(node, body, value)
    for place, form in itertools.product(_places(node), (value, str(value))):
        yield _undone(place, body, form)


def _undone(node, body, value):
    """Return JSON in which a node of a path finds a value."""
    kind, children = node["type"], node["children"]
    if kind in ("identity", "current"):
        return value
    if kind == "field":
        return {**(body if isinstance(body, dict) else {}), node["value"]: value}
    if kind in ("subexpression", "pipe", "index_expression"):
        first, *rest = children
        if not rest:
            return _undone(first, body, value)
        inner = TreeInterpreter().visit(first, body)
        return _undone(first, body, _undone({"type": "subexpression", "children": rest}, inner, value))
    if kind == "index" and node["value"] == 0:
        return [value]
    if kind == "projection":
        return _undone(children[0], body, [_undone(children[1], None, item) for item in value])
    if kind in ("flatten", "or_expression"):
        return _undone(children[0], body, value)
    raise LookupError(kind)


def _places(node):
    """Yield the parts of an expression that are names only, such as ``meta.pages``."""
    if node["type"] == "field" or (
        node["type"] == "subexpression" and all(child["type"] == "field" for child in node["children"])
    ):
        yield node
    else:
        for child in node["children"]:
            if isinstance(child, dict):
                yield from _places(child)
