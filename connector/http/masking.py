"""What may be kept of a request and its response: texts without secrets, and not too long."""

import json
import re
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

MASK = "***"

#: Characters that are kept of a body.
LONGEST = 100_000
_CUT = "… (%s more characters)"
_BINARY = "(%s bytes)"

# Names of headers, parameters and keys whose values are secrets
_SECRET_NAME = re.compile(r"auth|token|secret|passw|api[-_]?key|cookie|signature|session", re.IGNORECASE)


def masked_headers(headers, secrets):
    """Return headers as text, a line each."""
    lines = []
    for name, value in headers.items():
        text = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
        lines.append(f"{name}: {MASK if _SECRET_NAME.search(name) else without(text, secrets)}")
    return "\n".join(lines)


def masked_url(url, secrets):
    """Return an address, its secret parameters masked."""
    parts = urlsplit(url)
    if not parts.query:
        return without(url, secrets)
    query = [
        (name, MASK if _SECRET_NAME.search(name) else value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
    ]
    return without(urlunsplit(parts._replace(query=urlencode(query, safe="*"))), secrets)


def masked_body(content, secrets):
    """Return a body as text, or how long it is if it is none.

    :param content: bytes, text or None
    """
    if isinstance(content, bytes):
        try:
            content = content.decode()
        except UnicodeDecodeError:
            return _BINARY % len(content)
    if not content:
        return ""
    text = without(_masked_values(content), secrets).replace("\0", "\N{REPLACEMENT CHARACTER}")
    return text if len(text) <= LONGEST else text[:LONGEST] + _CUT % (len(text) - LONGEST)


def is_complete(text):
    """Return whether a masked text is what was sent: nothing is masked, cut or left out."""
    return not text or not (MASK in text or re.search(r"… \(\d+ more characters\)$|^\(\d+ bytes\)$", text))


def without(text, secrets):
    """Return a text in which the secrets are masked."""
    for secret in filter(None, secrets):
        text = text.replace(secret, MASK)
    return text


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
        if any(_SECRET_NAME.search(name) for name, _value in pairs):
            return urlencode([(name, MASK if _SECRET_NAME.search(name) else value) for name, value in pairs], safe="*")
    return text


def _masked_json(value):
    if isinstance(value, dict):
        return {
            key: MASK if _SECRET_NAME.search(key) and isinstance(item, str | int) and item else _masked_json(item)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_masked_json(item) for item in value]
    return value
