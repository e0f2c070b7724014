"""Masking and shortening of stored requests and answers: no secrets, limited length."""

import html
import json
import re
from urllib.parse import parse_qsl, quote, quote_plus, urlencode, urlsplit, urlunsplit
from xml.sax.saxutils import escape

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

# Names of headers, parameters and keys whose values are secrets; not "author", "passenger",
# "sort_key" or "next_page_token"
_SECRET_NAME = re.compile(
    r"auth(?!or(?!i[sz]))|(?<!page)(?<!page[-_])token|secret|passw|passphrase|cookie|signature|session|(api|app|consumer|access|private)[-_]?key"
    r"|(?<![a-z])(pass|pwd|ws[-_]?key)(?![a-z])|^key$",
    re.IGNORECASE,
)
# The part between the scheme and the host of an address: a user, a password or a token
_USERINFO = re.compile(r"(?<=://)[^/?#\s]*(?=@)")
# The start of the next word in a name such as "userPass"
_NEXT_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")


def masked_headers(headers, secrets):
    """Return headers as text, one on each line, with masked secrets."""
    lines = []
    for name, value in headers.items():
        text = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
        lines.append(f"{name}: {MASK if is_secret(name) else without(text, secrets)}")
    return "\n".join(lines)


def masked_url(url, secrets):
    """Return an address with masked secret parameters and credentials (``user:password@``)."""
    url = without_userinfo(url)
    parts = urlsplit(url)
    if not parts.query:
        return without(url, secrets)
    query = [
        (name, MASK if is_secret(name) else value) for name, value in parse_qsl(parts.query, keep_blank_values=True)
    ]
    return without(urlunsplit(parts._replace(query=urlencode(query, safe="*"))), secrets)


def without_userinfo(text):
    """Return a text with masked credentials in all addresses (``https://user:password@host``)."""
    return _USERINFO.sub(MASK, text)


def masked_body(content, secrets):
    """Return a body as text, with masked secrets.

    A body that is not text, or is too long to be searched for secrets, is replaced by its length.

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
    """Return the number of values in JSON or a form, counted by the separators between them."""
    return sum(map(text.count, ",[{" if text.lstrip()[:1] in ("[", "{") else "&"))


def masked_text(text, secrets):
    """Return JSON, a form or any other text with masked secrets and values of secret keys."""
    return without(_masked_values(text), secrets)


def is_complete(text):
    """Return whether a masked text is the one that was sent: nothing is masked, cut or left out."""
    return not text or not (
        MASK in text or re.search(r"… \(\d+ more characters\)$|^\(\d+ bytes(, too long [^()]*)?\)$", text)
    )


def without(text, secrets):
    """Return a text with masked secrets, also if encoded for an address, JSON, HTML or XML."""
    spellings = {spelling for secret in filter(None, secrets) for spelling in _spellings(secret)}
    # the longest first: one may be part of another
    for spelling in sorted(spellings, key=len, reverse=True):
        text = text.replace(spelling, MASK)
    return text


def _spellings(secret):
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


def is_secret(name):
    """Return whether a header, parameter or key with this name has a secret value."""
    return _SECRET_NAME.search(_NEXT_WORD.sub("_", name))


def _masked_values(text):
    """Return JSON or a form with masked secret values, and any other text as it is."""
    try:
        value = json.loads(text)
    except ValueError:
        return _masked_form(text)
    masked = _masked_json(value)
    # a text without secrets stays exactly as it was sent, with its blanks
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
