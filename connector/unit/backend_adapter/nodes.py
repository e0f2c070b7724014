"""Read JSON, XML and forms as trees of values with their places in the text.

They need neither be complete nor right, as what is logged may be cut: what is not understood is
skipped. Reading takes a time that grows as the text does, however deep the values are nested.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import unquote_plus

STRING, LITERAL, TEXT, CDATA, ATTRIBUTE, FORM = range(6)

_JSON = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)|[{}\[\]:,]|[^\s"{}\[\]:,]+', re.DOTALL)
_XML = re.compile(
    r"""<!--(?P<comment>.*?)(?:-->|\Z)
    |<!\[CDATA\[(?P<cdata>.*?)(?:\]\]>|\Z)
    |<[?!][^>]*(?:>|\Z)
    |</\s*(?P<end>[^\s>/]*)[^>]*(?:>|\Z)
    |<(?P<start>[^\s>/!?="'<]+)(?P<attributes>(?:[^>"']+|"[^"]*(?:"|\Z)|'[^']*(?:'|\Z))*)(?:>|\Z)
    |(?P<text>[^<]+)
    |<""",
    re.DOTALL | re.VERBOSE,
)
_ATTRIBUTE = re.compile(r"""([^\s=/"']+)\s*=\s*(?:"([^"]*)|'([^']*)|([^\s"'>]+))""")
_PAIR = re.compile(r"[^&\n]+")
_PART = re.compile(r"[^\[\].]+")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
# The last backslashes of a text, of which the last one may have lost what it escapes
_CUT_ESCAPE = re.compile(r"(?<!\\)((?:\\\\)*)\\(?:u[0-9A-Fa-f]{0,3})?\Z")


class Node:
    """A value in a text, or several of them.

    :param name: name of the value as text, None if it has none
    :param text: the value as text; None for a container, whose values are its ``items``
    :param start: place of the value in the text, with quotation marks
    :param kind: how it is written, such as :data:`STRING`; None for a container
    """

    __slots__ = ("end", "is_closed", "is_list", "items", "kind", "name", "start", "text")

    name: str | None
    text: str  # None of a container
    items: list[Node]  # None of a single value
    start: int
    end: int
    kind: int | None
    is_list: bool
    is_closed: bool

    def __init__(
        self,
        name: str | None = None,
        text: str | None = None,
        start: int = 0,
        end: int = 0,
        kind: int | None = None,
        is_list: bool = False,
    ) -> None:
        self.name, self.start, self.end, self.kind = name, start, end, kind
        self.text = text  # type: ignore[assignment]  # see above
        self.items = [] if kind is None else None  # type: ignore[assignment]  # see above
        self.is_list = is_list
        self.is_closed = False


def json_tree(text: str) -> Node:
    """Return the values of JSON; several texts after each other are read, too."""
    root = Node(is_list=True)
    root.is_closed = True
    stack, name = [root], None
    for token in _JSON.finditer(text):
        sign = token.group()
        if sign in "{[":
            node = Node(name, is_list=sign == "[")
            stack[-1].items.append(node)
            stack.append(node)
            name = None
        elif sign in "}]":
            if len(stack) > 1:
                stack.pop().is_closed = True
            name = None
        elif sign == ":":
            items = stack[-1].items
            name = items.pop().text if items and items[-1].items is None else None
        elif sign == ",":
            name = None
        else:
            is_string = sign[0] == '"'
            value = _unescaped(sign) if is_string else sign
            kind = STRING if is_string else LITERAL
            stack[-1].items.append(Node(name, value, token.start(), token.end(), kind))
            name = None
    return root


def _unescaped(string: str) -> str:
    try:
        return json.loads(string, strict=False)
    except ValueError:
        # it is cut, maybe within an escape, or has escapes that are none of JSON
        inside = _CUT_ESCAPE.sub(r"\1", string[1:])
    with suppress(ValueError):
        return json.loads(f'"{inside}"', strict=False)
    return _ESCAPE.sub(r"\1", inside.removesuffix('"'))


def xml_tree(text: str) -> Node:
    """Return the values of XML or HTML: of elements, and of attributes as if they were elements."""
    root = Node()
    root.is_closed = True
    stack, members = [root], list[Node]()
    opened: dict[str | None, int] = {}
    for token in _XML.finditer(text):
        kind = token.lastgroup if token.lastgroup != "attributes" else "start"
        if kind == "start":
            name = token["start"]
            node = Node(name)
            node.items.extend(_attributes(token["attributes"], token.start("attributes")))
            stack[-1].items.append(node)
            if token["attributes"].rstrip().endswith("/"):
                node.is_closed = True
            else:
                stack.append(node)
                opened[name] = opened.get(name, 0) + 1
        elif kind == "end" and opened.get(token["end"]):
            node = None
            while node is None or node.name != token["end"]:
                node = stack.pop()
                node.is_closed = True
                opened[node.name] -= 1
                if node.name == "member":
                    members.append(node)
        elif kind in ("text", "cdata", "comment"):
            inside = token[kind]
            if value := inside.strip():
                start = token.start(kind) + inside.index(value)
                is_text = kind == "text"
                stack[-1].items.append(
                    Node(
                        None,
                        html.unescape(value) if is_text else value,
                        start,
                        start + len(value),
                        TEXT if is_text else CDATA,
                    )
                )
    for member in members:
        _name_by_content(member)
    return root


def _name_by_content(member: Node) -> None:
    """Make the member of a struct of XML-RPC a value with the name that it contains."""
    if [item.name for item in member.items] == ["name", "value"] and (name := only_text(member.items[0])):
        member.name, member.items = name, member.items[1].items


def only_text(node: Node) -> str | None:
    """Return the text of a value that may be wrapped, as in ``<value><string>x</string></value>``.

    :return: None for several values
    """
    while node.items is not None:
        if len(node.items) != 1:
            return None
        (node,) = node.items
    return node.text


def _attributes(text: str, offset: int) -> Iterator[Node]:
    for found in _ATTRIBUTE.finditer(text):
        group: Any = found.lastindex  # one of them is there
        start, end = found.start(group) + offset, found.end(group) + offset
        yield Node(found.group(1), html.unescape(found.group(group)), start, end, ATTRIBUTE)


def form_tree(text: str, is_cut: bool = False) -> Node:
    """Return the values of a form or of the query of an address.

    ``user[name]`` and ``user.name`` are the name of a user.

    :param is_cut: whether more values may follow
    """
    root = Node()
    containers = {}
    for found in _PAIR.finditer(text):
        name, is_pair, value = found.group().partition("=")
        if not is_pair:
            continue
        parts = _PART.findall(unquote_plus(name)) or [""]
        node = root
        for depth in range(1, min(len(parts), 20)):
            path = tuple(parts[:depth])
            if path not in containers:
                containers[path] = Node(parts[depth - 1])
                node.items.append(containers[path])
            node = containers[path]
        node.items.append(Node(parts[-1], unquote_plus(value), found.end() - len(value), found.end(), FORM))
    for container in (root, *containers.values()):
        container.is_closed = not is_cut
    return root
