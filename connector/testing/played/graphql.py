"""A system with a GraphQL API that answers as a declared adapter says."""

import json
import re

from ...declaration.graphql import _STATUSES
from ...declaration.selection import root_of
from ..server import Answer
from .places import put
from .system import PlayedSystem

_VARIABLE = re.compile(r'"(?:[^"\\]|\\.)*"|\$([A-Za-z_]\w*)')
_TOKEN = re.compile(r"\(|\)|[{}]|\.{3}|[A-Za-z_]\w*")
#: A value as a literal: a text, a list, an object, or what has neither blanks nor brackets.
_LITERAL = r'("(?:[^"\\]|\\.)*"|\[.*?\]|\{.*?\}|[^\s,(){}\[\]]+)'


class PlayedGraphQL(PlayedSystem):
    """A system that knows the list and the record of a ``GraphQLAdapter``, but no mutation.

    Each record has only the fields that are selected.
    """

    def __init__(self, adapter, template):
        super().__init__(adapter, template)
        self._path = f"{self._base}/{adapter.path.lstrip('/')}"
        self._records_path = adapter._records_path if adapter.list else None
        self._calls = {name: _pattern(text) for name in ("list", "one") if (text := getattr(adapter, name))}
        self._one_root = adapter.one and root_of(adapter.one)
        self._selected = _selected(adapter.fields or "")
        self._codes = {status: code for code, status in _STATUSES.items()}

    def refuse(self, status, message, headers=None):
        if status not in self._codes:
            return super().refuse(status, message, headers)
        error = {"message": message, "extensions": {"code": self._codes[status]}}
        return Answer({"errors": [error]}, 200, headers or {})

    def _answer(self, request, records):
        if request.path != self._path:
            return Answer({"message": f"Nothing is at {request.path}"}, 404)
        text = json.loads(request.body)["query"]
        for name, (pattern, variables) in self._calls.items():
            if text.startswith("query") and (found := pattern.search(text)):
                values = dict(zip(variables, map(_value, found.groups()), strict=True))
                data = self._list(values, records) if name == "list" else self._one(values, records)
                return Answer({"data": data})
        return Answer({"errors": [{"message": f"The test does not play this query: {text}"}]})

    def _list(self, values, records):
        page = self._page(values, {id_: _of(record, self._selected) for id_, record in records.items()})
        return page.body(self._records_path)

    def _one(self, values, records):
        record = records.get(str(values.get("id", values.get("number"))))
        return put(self._one_root, None, record and _of(record, self._selected))


def _pattern(text):
    """Return a pattern of a call with its values, and the names of these."""
    pattern, variables, end = "", [], 0
    for found in _VARIABLE.finditer(text):
        if found[1]:
            pattern += re.escape(text[end : found.start()]) + _LITERAL
            variables.append(found[1])
            end = found.end()
    return re.compile(rf"\b{pattern}{re.escape(text[end:])}"), variables


def _value(literal):
    try:
        return json.loads(literal)
    except ValueError:
        return literal  # an object, or a word


def _selected(text):
    """Return what a selection names, as a tree of dicts; None: all, as it has fragments."""
    if "..." in text:
        return None
    tokens = _TOKEN.findall(re.sub(r"\([^()]*\)|@\w+|\w+\s*:", "", text))
    tree, above, last = {}, [], None
    for token in tokens:
        if token == "{":
            above.append(tree)
            tree = tree[last]
        elif token == "}":
            tree = above.pop()
        else:
            tree[token], last = {}, token
    return tree


def _of(value, tree):
    """Return what a selection takes of a value."""
    if not tree:
        return value
    if isinstance(value, list):
        return [_of(item, tree) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: _of(value[name], branch) for name, branch in tree.items() if name in value}
