"""Masking and shortening of stored requests and answers: no secrets, limited length.

A value is secret if its name says so, in JSON, XML, XML-RPC, forms, headers, addresses, GraphQL and
what stands as text in any of these; or if it is one of the secrets of an adapter.
"""

import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus, unquote_plus, urlencode, urlsplit, urlunsplit
from xml.sax.saxutils import escape

from odoo.addons.jobs_queue.texts import storable

from .decoding import header_text, shown_text
from .nodes import ATTRIBUTE, CDATA, FORM, LITERAL, STRING, Node, form_tree, json_tree, only_text, xml_tree

MASK = "***"

#: Maximum characters of a body that are stored.
LONGEST = 100_000
_CUT = "… (%s more characters)"
_BINARY = "(%s bytes)"
#: Maximum characters or bytes of a body that is searched for secrets. A longer one is not stored,
#: as secrets might be anywhere in it.
LONGEST_LOOKED_AT = 5_000_000
#: Maximum values of JSON or a form that is searched for secrets: 5 MB of text may become 250 MB of
#: values.
MOST_LOOKED_AT = 200_000
_NOT_LOOKED_AT = "(%s bytes, too long to be looked at for secrets)"

_NO_TEXT = "… (%s bytes are no text: \\xe9 stands for one)"

# Names of headers, parameters and keys whose values are secrets; not "author", "passenger",
# "sort_key" or "next_page_token"
_SECRET_NAME = re.compile(
    r"auth(?!or(?!i[sz]))|(?<!page)(?<!page[-_])token|secret|passw|passphrase|passcode|cookie|signature|session|hmac|credential|[cx]srf"
    r"|(api|app|consumer|access|private|signing|encryption|licen[cs]e|security|master|shared|account)[-_ ]?key"
    r"|(?<![a-z])(pass|pwd|pswd|ws[-_]?key|jwt|bearer|sign|otp|pin|salt|cvv2?|cvc2?)(?![a-z])|^key$"
    r"|(?<![a-z])(cc|card)[-_ ]?(number|num|nr|no|cid|exp|last|enc|ss)|credit[-_ ]?card",
    re.IGNORECASE,
)
# What may hold a secret: only this is looked at once more
_SUSPICIOUS = re.compile(
    r"auth|token|secret|pass|cookie|sign|session|key|pwd|pswd|hmac|credential|srf|jwt|bearer|otp|pin|salt|cv[vc]|cc|card|://|:\\/\\/|%3a%2f"
    r"|\\u00|%[4-7][0-9a-f]",
    re.IGNORECASE,
)
# Keys of which one names a value and another one is the value: {"code": "password", "value": "x"}
_NAMING = re.compile(
    r"(.*[-_.:])?(name|key|code|field|label|id|header|param|parameter|property|attribute|option|variable|setting)",
    re.IGNORECASE,
)
_VALUE = re.compile(r"(.*[-_.:])?(values?|val|content|text|data|string|default)|_|[#$@_](t|text|value)", re.IGNORECASE)
# Keys of an XML element that say how its value is written
_OF_THE_TYPE = re.compile(r"xmlns.*|(.*:)?(type|nil|encoding|lang)", re.IGNORECASE)
#: Characters behind the place where a text is cut that are looked at, for the end of a secret.
_LOOK_AHEAD = 1000
#: Maximum characters of a text that may be a name.
_LONGEST_NAME = 100
#: Maximum characters of a name that are looked at.
_LONGEST_LOOKED_UP = 1000
#: Texts within texts, such as JSON in a parameter of an address in JSON, that are looked into.
_DEEPEST = 5

# The part between the scheme and the host of an address: a user, a password or a token
_USERINFO = re.compile(r"(?:(?<=://)|(?<=:\\/\\/))[^/?#\s\"<>]*(?=@)")
# The start of the next word in a name such as "userPass"
_NEXT_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")
# Secrets in other texts: the parameters of an address; a line of a head; a value of a name; a part
# of a body; a token
_QUERY = re.compile(r"(?<=[?#;])[^\s<>\"'?#]+")
_HEAD = re.compile(r"^([ \t]{0,20}[\w-]{0,50}(?:cookie|authorization)[ \t]{0,3}:)[^\n]+", re.IGNORECASE | re.MULTILINE)
_ASSIGNED = re.compile(
    r"""(?<![\w.$%\[\]-])(?P<name>["']?[\w.%\[\]-]{1,100}["']?)\s{0,3}(?:=>?|:(?!\s{0,3}\$[A-Za-z_]))\s{0,3}"""
    r"""(?P<value>"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)|'[^'\\]*(?:\\.[^'\\]*)*(?:'|\\?\Z)|[^\s&,;<>"'{}()\[\]]+)""",
    re.DOTALL,
)
_PART = re.compile(
    r"""(\bname="?([^"\s;]{1,100})"?[^\n]{0,1000}\n(?:[^\s][^\n]{0,1000}\n){0,5}\r?\n)(.+?)(?=\r?\n--|\Z)""", re.DOTALL
)
_SCHEME = re.compile(r"\b(bearer|basic)(\s{1,3})[\w.~+/=-]{6,}", re.IGNORECASE)
_FORM = re.compile(r"\s*[\w.%+*\[\]-]{1,200}=")


def masked_headers(headers: Mapping[str, Any], secrets: Iterable[str]) -> str:
    """Return headers as text, one on each line, with masked secrets."""
    lines = (f"{name}: {MASK if is_secret(name) else masked_header(value, secrets)}" for name, value in headers.items())
    return storable("\n".join(lines), LONGEST)


def masked_header(value: Any, secrets: Iterable[str]) -> str:
    """Return the value of a header as text, with masked secrets such as those in addresses."""
    text = value.decode(errors="backslashreplace") if isinstance(value, bytes) else header_text(str(value))
    return without(_masked_loose(text, _DEEPEST), secrets)


def masked_url(url: str, secrets: Iterable[str]) -> str:
    """Return an address with masked secret parameters and credentials (``user:password@``)."""
    parts = urlsplit(without_userinfo(url))
    path, fragment = (_masked_loose(part, _DEEPEST) for part in (parts.path, parts.fragment))
    query = parts.query
    if query:
        pairs = parse_qsl(_masked_form(query, _DEEPEST), keep_blank_values=True)
        query = urlencode(pairs, safe="*")
    return without(urlunsplit(parts._replace(path=path, query=query, fragment=fragment)), secrets)


def without_userinfo(text: str) -> str:
    """Return a text with masked credentials in all addresses (``https://user:password@host``)."""
    return _USERINFO.sub(MASK, text)


def masked_body(content: str | bytes | None, secrets: Iterable[str], content_type: str | None = None) -> str:
    """Return a body as text, with masked secrets.

    Of a long one the beginning is kept, and nothing else is masked. A body that is no text, or is
    too long to be decoded, is replaced by its length.

    :param content: bytes, text or None
    :param content_type: value of the header ``Content-Type``, None if there is none
    """
    if content and len(content) > LONGEST_LOOKED_AT:
        return _NOT_LOOKED_AT % len(content)
    note = ""
    if isinstance(content, bytes):
        text, others = shown_text(content, content_type)
        if text is None:
            return _BINARY % len(content)
        note = _NO_TEXT % others if others else ""
    else:
        text = content
    if not text:
        return ""
    if _count_values(text) > MOST_LOOKED_AT:
        return _NOT_LOOKED_AT % len(content)  # type: ignore[arg-type]  # there is a text
    if len(text) > LONGEST:
        note = _CUT % (len(text) - LONGEST) + note
    return masked_start(text, secrets, LONGEST).replace("\0", "\N{REPLACEMENT CHARACTER}") + note


def masked_start(text: str, secrets: Iterable[str], longest: int) -> str:
    """Return the beginning of a text with masked secrets, at most so many characters.

    Of what is cut off only the next characters are looked at: they may tell that a secret ends
    there.
    """
    spellings = _all_spellings(secrets)
    margin = len(spellings[0]) if spellings else 0
    looked_at = longest + margin + _LOOK_AHEAD
    is_cut = len(text) > looked_at
    masked = _without(_masked_values(text[:looked_at], _DEEPEST, is_cut), spellings)
    if is_cut:
        # a secret may begin before the cut
        masked = masked[: max(0, len(masked) - margin)]
    return masked[:longest]


def _count_values(text: str) -> int:
    """Return the number of values in JSON or a form, counted by the separators between them."""
    return sum(map(text.count, ",[{" if text.lstrip()[:1] in ("[", "{") else "&"))


def masked_text(text: str, secrets: Iterable[str]) -> str:
    """Return JSON, XML, a form or any other text with masked secrets and values of secret names."""
    return without(_masked_values(text, _DEEPEST), secrets)


def is_complete(text: str | None) -> bool:
    """Return whether a masked text is the one that was sent: nothing is masked, cut or left out."""
    return not text or not (
        MASK in text
        or re.search(r"… \(\d+ (more characters|bytes are no text[^()]*)\)$|^\(\d+ bytes(, too long [^()]*)?\)$", text)
    )


def without(text: str, secrets: Iterable[str]) -> str:
    """Return a text with masked secrets, also if encoded for an address, JSON, HTML or XML."""
    return _without(text, _all_spellings(secrets))


def _without(text: str, spellings: Iterable[str]) -> str:
    for spelling in spellings:
        text = text.replace(spelling, MASK)
    return text


def _all_spellings(secrets: Iterable[str]) -> list[str]:
    """Return the forms in which secrets may be encoded, longest first: one may contain another."""
    return sorted(
        {spelling for secret in filter(None, secrets) for spelling in _spellings(secret)}, key=len, reverse=True
    )


def _spellings(secret: str) -> set[str]:
    """Return the ways in which a secret may be encoded, as a set."""
    in_json = {json.dumps(secret, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)}
    return {
        secret,
        html.escape(secret),
        escape(secret),
        quote(secret),
        quote(secret, safe=""),
        quote_plus(secret),
        *in_json,
        *(text.replace("/", r"\/") for text in in_json),  # as PHP writes it
    }


@lru_cache(maxsize=4096)
def is_secret(name: str) -> bool:
    """Return whether a header, parameter or key with this name has a secret value."""
    return bool(_SECRET_NAME.search(_NEXT_WORD.sub("_", name[:_LONGEST_LOOKED_UP])))


def _masked_values(text: str, depth: int, is_cut: bool = False) -> str:
    """Return JSON, XML, a form or another text with masked secret values.

    All else stays exactly as it is, with its blanks.

    :param depth: number of texts within texts that are looked into
    :param is_cut: whether more follows, such as the name of a value
    """
    if not is_cut and not _SUSPICIOUS.search(text):
        return text
    if depth <= 0:
        return MASK
    start = text.lstrip("\ufeff \t\r\n")[:1]
    if start in ("{", "["):
        return _masked_tree(text, json_tree(text), depth, is_cut)
    if start == "<":
        return _masked_tree(text, xml_tree(text), depth, is_cut)
    if _FORM.match(text):
        return _masked_form(text, depth, is_cut)
    return _masked_loose(text, depth)


def _masked_form(text: str, depth: int, is_cut: bool = False) -> str:
    """Return a form, or the query of an address, with masked secret values."""
    return _masked_tree(text, form_tree(text, is_cut), depth, is_cut)


def _masked_loose(text: str, depth: int) -> str:
    """Return a text of no known form with masked secret values, such as those in addresses."""
    if not _SUSPICIOUS.search(text):
        return text
    text = _QUERY.sub(lambda found: _masked_form(found[0], depth - 1), without_userinfo(text))
    text = _HEAD.sub(rf"\1 {MASK}", text)
    text = _PART.sub(lambda found: found[1] + (MASK if is_secret(found[2]) else found[3]), text)
    return _SCHEME.sub(rf"\1\2{MASK}", _ASSIGNED.sub(_masked_assignment, text))


def _masked_assignment(found: re.Match[str]) -> str:
    name, value = found["name"].strip("\"'"), found["value"]
    if not is_secret(unquote_plus(name)) or _is_empty(value.strip("\"'")):
        return found[0]
    mark = value[0] if value[0] in "\"'" else ""
    return found[0][: found.start("value") - found.start()] + mark + MASK + (mark if value[1:].endswith(mark) else "")


def _masked_tree(text: str, tree: Node, depth: int, is_cut: bool) -> str:
    """Return a text with masked secret values.

    :param tree: :class:`.nodes.Node` with the values of the text
    :param is_cut: whether more follows, also in the last value
    """
    pieces: list[str] = []
    end = 0
    for node, is_masked in sorted(_leaves(tree), key=lambda leaf: leaf[0].start):
        masked = MASK if is_masked else _masked_inside(node, depth, is_cut and node.end == len(text))
        if masked is not None:
            pieces += text[end : node.start], _written(masked, node.kind)
            end = node.end
    return "".join([*pieces, text[end:]])


def _leaves(tree: Node) -> Iterator[tuple[Node, bool]]:
    """Yield each single value of a tree, and whether it is secret."""
    todo = [(tree, False)]
    while todo:
        node, is_masked = todo.pop()
        if node.items is None:
            yield node, is_masked and not (node.kind == LITERAL and _is_empty(node.text)) and bool(node.text)
            continue
        masked_items = () if is_masked else _masked_items(node)
        todo.extend((item, (is_masked and not _is_type(item)) or item in masked_items) for item in node.items)


def _masked_items(node: Node) -> set[Node]:
    """Return the items of a container that are secret, as a set."""
    named = {item: item.name for item in node.items if item.name is not None}
    values = {item for item in node.items if item not in named or _VALUE.fullmatch(named[item])}
    has_value = not values.isdisjoint(named)
    naming = {item: only_text(item) for item, name in named.items() if _NAMING.fullmatch(name)}
    # in {"key": "color", "value": "red"} the key is a name
    is_naming = {
        item for item, text in naming.items() if text is not None and has_value and named[item].lower() == "key"
    }
    masked = {item for item, name in named.items() if is_secret(name) and item not in is_naming}
    if any(text is not None and _is_secret_name(text) for text in naming.values()):
        masked |= values
        if any(item.kind == ATTRIBUTE for item in naming):  # <param name="password"><string>x</string></param>
            masked.update(item for item in node.items if item not in naming and not _is_type(item))
    elif has_value and not naming and not node.is_closed:
        masked |= values  # their name may have been cut off
    if len(node.items) in (2, 3) and (node.is_list or len({item.name for item in node.items}) == 1):
        name = only_text(node.items[0])
        if name is not None and " " not in name and _is_secret_name(name):
            masked.add(node.items[-1])  # ["password", "x"], ["password", "=", "x"]
    return masked


def _is_secret_name(text: str) -> bool:
    return len(text) <= _LONGEST_NAME and "\n" not in text and is_secret(text.replace(" ", "_"))


def _is_type(node: Node) -> bool:
    return node.kind == ATTRIBUTE and bool(_OF_THE_TYPE.fullmatch(node.name))  # type: ignore[arg-type]  # attributes have names


def _is_empty(text: str) -> bool:
    return text.strip() in ("", "0", "false", "null", "None", "False")


def _masked_inside(node: Node, depth: int, is_cut: bool) -> str | None:
    """Return the text of a value with masked secrets in it, None if there are none."""
    if node.kind == LITERAL or not (is_cut or _SUSPICIOUS.search(node.text)):
        return None
    masked = _masked_values(node.text, depth - 1, is_cut)
    return None if masked == node.text else masked


def _written(text: str, kind: int | None) -> str:
    """Return a text as it is written in JSON, XML or a form."""
    if kind in (STRING, LITERAL):
        return json.dumps(text)
    if kind == FORM:
        return quote_plus(text, safe="*")
    return text if kind == CDATA else escape(text, {'"': "&quot;", "'": "&apos;"} if kind == ATTRIBUTE else {})
