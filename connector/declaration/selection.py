"""Build GraphQL queries: the selection that JMESPaths need, and values as literals."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from odoo.addons.jobs_queue.texts import shown

from ..exception import InvalidDataError
from ..unit.backend_adapter.sending import json_body

# A path that can be selected: names, and lists of them
_SELECTABLE = re.compile(r"[A-Za-z_]\w*(\[\*?\])?(\.[A-Za-z_]\w*(\[\*?\])?)*")
# A text, which stays as it is, or a variable
_VARIABLE = re.compile(r'"(?:[^"\\]|\\.)*"|\$([A-Za-z_]\w*)')
# What may change something, wherever it stands: a text may begin with a comment or a fragment
_CHANGING = re.compile(r"\b(mutation|subscription)\b")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ROOT = re.compile(r"[A-Za-z_]\w*")


def root_of(call: str) -> str | None:
    """Return the field that a text such as ``orders(first: $size)`` asks for, None for none."""
    found = _ROOT.match(call)
    return found[0] if found else None


def variables_of(text: str) -> set[str]:
    """Return the names of the variables in a text, without the ``$``."""
    return {found[1] for found in _VARIABLE.finditer(text) if found[1]}


def is_only_query(text: str) -> bool:
    """Return whether a text asks only, so that it may be sent twice."""
    return not _CHANGING.search(text)


def is_selectable(path: str) -> bool:
    """Return whether a JMESPath consists of names only, so that it says what has to be selected."""
    return bool(_SELECTABLE.fullmatch(path))


def selection(calls: Mapping[str, str], paths: Iterable[str], records: str, fields: str) -> str:
    """Return a selection that brings what stands at paths.

    ``{ orders(first: 50) { nodes { id } pageInfo { endCursor } } }``

    :param calls: dict, name of a field to the text with its arguments
    :param paths: paths of single values, such as ``orders.pageInfo.endCursor``
    :param records: path of the records
    :param fields: selection within a record
    """
    tree: dict[str, Any] = {}
    for path in (records, *paths):
        branch = tree
        for name in path.replace("[*]", "").replace("[]", "").split("."):
            branch = branch.setdefault(name, {})
        if path == records:
            branch[fields] = {}
    return _written(tree, calls)


def _written(tree: Mapping[str, Any], calls: Mapping[str, str]) -> str:
    parts = (f"{calls.get(name, name)} {_written(branch, {})}" if branch else name for name, branch in tree.items())
    return f"{{ {' '.join(parts)} }}"


def with_values(text: str, values: Mapping[str, Any]) -> str:
    """Return a text whose variables are replaced by their values, written as literals.

    So nobody has to declare their types. A variable without a value is ``null``.

    :raise InvalidDataError: a value has no form in JSON, or the name of a value in it is none of
        GraphQL
    """
    return _VARIABLE.sub(lambda found: _literal(values.get(found[1])) if found[1] else found[0], text)


def _literal(value: Any) -> str:
    return _of_json(json.loads(json_body(value)))


def _of_json(value: Any) -> str:
    if isinstance(value, dict):
        for name in value:
            if not _NAME.fullmatch(name):
                raise InvalidDataError(f"{shown(name)} is no name in GraphQL: a name is letters, digits and _")
        return "{" + ", ".join(f"{name}: {_of_json(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_of_json, value)) + "]"
    return json.dumps(value)
