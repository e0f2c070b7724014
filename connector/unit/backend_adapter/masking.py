"""Mask and cut what is kept of a request and its answer: no secrets, and not too long."""

import html
import json
import re
from urllib.parse import parse_qsl, quote, quote_plus, urlencode, urlsplit, urlunsplit
from xml.sax.saxutils import escape

MASK = "***"

#: Characters that are kept of a body.
LONGEST = 100_000
_CUT = "… (%s more characters)"
_BINARY = "(%s bytes)"
#: Characters or bytes of a body that is looked at for secrets; what is longer is not kept, as they might stand anywhere in it.
LONGEST_LOOKED_AT = 5_000_000
#: Values of JSON or a form that are looked at: 5 MB may become 250 MB of them.
MOST_LOOKED_AT = 200_000
_NOT_LOOKED_AT = "(%s bytes, too long to be looked at for secrets)"

# Names of headers, parameters and keys whose values are secrets, and not "author", "passenger", "sort_key" or "next_page_token"
_SECRET_NAME = re.compile(
    r"auth(?!or(?!i[sz]))|(?<!page)(?<!page[-_])token|secret|passw|passphrase|cookie|signature|session|(api|app|consumer|access|private)[-_]?key"
    r"|(?<![a-z])(pass|pwd|ws[-_]?key)(?![a-z])|^key$",
    re.IGNORECASE,
)
# What stands between the scheme and the host of an address: a user, a password or a token
_USERINFO = re.compile(r"(?<=://)[^/?#\s]*(?=@)")
# Where the next word of a name such as "userPass" begins
_NEXT_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")


def masked_headers(headers, secrets):
    """Return headers as text, a line each."""
    lines = []
    for name, value in headers.items():
        text = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
        lines.append(f"{name}: {MASK if is_secret(name) else without(text, secrets)}")
    return "\n".join(lines)


def masked_url(url, secrets):
    """Return an address, its secret parameters masked, and who asks, where it names them (``user:password@``)."""
    url = without_userinfo(url)
    parts = urlsplit(url)
    if not parts.query:
        return without(url, secrets)
    query = [
        (name, MASK if is_secret(name) else value) for name, value in parse_qsl(parts.query, keep_blank_values=True)
    ]
    return without(urlunsplit(parts._replace(query=urlencode(query, safe="*"))), secrets)


def without_userinfo(text):
    """Return a text in which no address shows a user or password (``https://user:password@host``)."""
    return _USERINFO.sub(MASK, text)


def masked_body(content, secrets):
    """Return a body as text, or how long it is if it is none, or too long to be looked at for secrets.

    :param content: bytes, text or None
    """
    if content and len(content) > LONGEST_LOOKED_AT:
        return _NOT_LOOKED_AT % len(content)
    if isinstance(content, bytes):
        try:
            content = content.decode()
        except UnicodeDecodeError:
            return _BINARY % len(content)
    if not content:
        return ""
    if _count_values(content) > MOST_LOOKED_AT:
        return _NOT_LOOKED_AT % len(content)
    try:
        text = masked_text(content, secrets).replace("\0", "\N{REPLACEMENT CHARACTER}")
    except RecursionError:
        return _BINARY % len(content)  # nested too deep to be looked at for secrets
    return text if len(text) <= LONGEST else text[:LONGEST] + _CUT % (len(text) - LONGEST)


def _count_values(text):
    """Return as how many values JSON or a form is read, by the signs between them."""
    return sum(map(text.count, ",[{" if text.lstrip()[:1] in ("[", "{") else "&"))


def masked_text(text, secrets):
    """Return JSON, a form or any other text without the secrets, and without the values of keys whose names sound like one."""
    return without(_masked_values(text), secrets)


def is_complete(text):
    """Return whether a masked text is what was sent: nothing is masked, cut or left out."""
    return not text or not (
        MASK in text or re.search(r"… \(\d+ more characters\)$|^\(\d+ bytes(, too long [^()]*)?\)$", text)
    )


def without(text, secrets):
    """Return a text in which the secrets are masked, also where they are written as in an address, in JSON, HTML or XML."""
    spellings = {spelling for secret in filter(None, secrets) for spelling in _spellings(secret)}
    # the longest first: one may be a part of another
    for spelling in sorted(spellings, key=len, reverse=True):
        text = text.replace(spelling, MASK)
    return text


def _spellings(secret):
    """Return how a secret may be written, as a set."""
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


def is_secret(name):
    """Return whether a header, parameter or key of that name has a secret value."""
    return _SECRET_NAME.search(_NEXT_WORD.sub("_", name))


def _masked_values(text):
    """Return JSON or a form with its secret values masked, and any other text as it is."""
    try:
        value = json.loads(text)
    except ValueError:
        return _masked_form(text)
    masked = _masked_json(value)
    # what holds no secret stays as it was sent, to the blank
    return text if masked == value else json.dumps(masked, ensure_ascii=False)


def _masked_form(text):
    if re.fullmatch(r"[\w.%+*\[\]-]+=[^\s&]*(&[\w.%+*\[\]-]+=[^\s&]*)*", text):
        pairs = parse_qsl(text, keep_blank_values=True)
        if any(is_secret(name) for name, _value in pairs):
            return urlencode([(name, MASK if is_secret(name) else value) for name, value in pairs], safe="*")
    return text


def _masked_json(value):
    if isinstance(value, dict):
        is_pair = "value" in value  # {"key": "color", "value": "red"}: the key is a name
        secret_keys = {key for key in value if is_secret(key) and not (is_pair and key == "key")}
        return {
            key: MASK if key in secret_keys and isinstance(item, str | int) and item else _masked_json(item)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_masked_json(item) for item in value]
    return value
