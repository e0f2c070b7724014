"""Turn the bytes of other systems into text and JSON, wherever they come from.

JSON and forms are UTF-8, or say otherwise by their first bytes or by the ``charset`` of their head.
There is no other default: read as Latin-1, all bytes are text, and ``Café`` in UTF-8 would become
``CafÃ©`` and be stored. What is none of it has no value, so that nobody takes a wrong text for a
right one. Where a text is only shown, its other bytes are kept as ``\\xe9``.
"""

import codecs
import json
import re
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl, urlencode

import requests

#: Values of JSON that are read by default, about a hundred bytes of memory each.
MOST_VALUES = 2_000_000

FORM = "application/x-www-form-urlencoded"

_CHARSET = re.compile(r""";\s*charset\s*=\s*["']?\s*([\w.:+-]{1,40})""", re.IGNORECASE)
# Python's names of encodings that servers name for all they send, without a look at it. Content
# that can be read as UTF-8 is UTF-8 then; of the others, such as GBK, the head is believed first
_NAMED_BLINDLY = re.compile(r"ascii|cp1252|iso8859-15?|utf-.*")
# What is meant by a name, as browsers know: Windows-1252 has a euro where Latin-1 has a control
# character
_MEANT_BY = {"iso8859-1": ("cp1252",)}
# Encodings of texts that are none of other systems
_NO_CHARSETS = ("idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7")
# Bytes that no text has
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_BEYOND_ASCII = re.compile(rb"[\x80-\xff]")
_BOM = "\ufeff"


class TooManyValues(ValueError):
    """JSON has more values than are read."""


def text_of(content: bytes, content_type: str | None = None) -> str:
    """Return bytes as text, without a byte order mark.

    :param content_type: value of the header ``Content-Type``, which may name an encoding
    :raise UnicodeDecodeError: they are neither UTF nor in that encoding
    """
    utf = json.detect_encoding(content)  # UTF-16 and UTF-32 show themselves, by their first bytes
    for encoding in _in_order(charset(content_type)) if utf == "utf-8" else (utf,):
        with suppress(UnicodeDecodeError):
            return content.decode(encoding).removeprefix(_BOM)
    return content.decode()


def shown_text(content: bytes, content_type: str | None = None) -> tuple[str | None, int]:
    """Return bytes as text to show, and how many of them are no text and stand there as ``\\xe9``.

    :return: ``(text, number of bytes)``; the text is None for what is no text at all, such as a
        picture
    """
    try:
        text = text_of(content, content_type)
    except UnicodeDecodeError:
        if _CONTROL.search(content):
            return None, len(content)
        return content.decode(errors="backslashreplace"), len(content) - len(content.decode(errors="ignore").encode())
    # a few bytes that are no text may look like UTF-16
    return (None, len(content)) if _BOM in text else (text, 0)


def kept_text(content: bytes, content_type: str | None = None) -> str:
    """Return bytes as text that can be stored.

    What is no text in them stands there as ``\\xe9``, in a form as ``%E9``.
    """
    try:
        text = text_of(content, content_type)
    except UnicodeDecodeError:
        if is_form(content_type):  # where that is a byte, in whatever encoding
            content = _BEYOND_ASCII.sub(lambda found: b"%%%02X" % found[0][0], content)
        text = content.decode(errors="backslashreplace")
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")


def bytes_of(text: str, content_type: str | None = None) -> bytes:
    """Return a text as bytes in the encoding of the header ``Content-Type``, or in UTF-8."""
    named = charset(content_type) or "utf-8"
    for encoding in (named, *_MEANT_BY.get(named, ())):
        with suppress(UnicodeEncodeError):
            return text.encode(encoding)
    return text.encode(errors="backslashreplace")


def header_text(value: str) -> str:
    """Return the value of a header as text; Python reads all headers as Latin-1."""
    with suppress(UnicodeError):
        return value.encode("latin-1").decode()
    return value


def charset(content_type: str | None) -> str | None:
    """Return Python's name of the encoding of a header ``Content-Type``, None if it has none."""
    if found := _CHARSET.search(content_type or ""):
        with suppress(LookupError):  # there is no such encoding
            encoding = codecs.lookup(found.group(1))
            if encoding._is_text_encoding and encoding.name not in _NO_CHARSETS:
                return encoding.name
    return None


def _in_order(named: str | None) -> tuple[str, ...]:
    """Return the encodings to try, the most likely one first.

    :param named: Python's name of the one that is named, None if none is
    """
    if named is None or named == "utf-8":
        return ("utf-8",)
    return ("utf-8", *_MEANT_BY.get(named, ()), named) if _NAMED_BLINDLY.fullmatch(named) else (named, "utf-8")


def is_form(content_type: str | None) -> bool:
    """Return whether a header ``Content-Type`` says that the content is a form."""
    return (content_type or "").partition(";")[0].strip().lower() == FORM


def form_in_utf8(text: str, content_type: str | None = None) -> str:
    """Return a form as UTF-8.

    :raise UnicodeDecodeError: it has bytes that are no text in its encoding
    """
    values = _form_values(text, content_type)
    return text if values == parse_qsl(text, keep_blank_values=True) else urlencode(values)


def form_values(text: str, content_type: str | None = None) -> list[tuple[str, str]]:
    """Return the names and values of a form as a list of pairs of texts, to show them.

    Bytes that are no text in the form's encoding are kept as ``\\xe9``.
    """
    with suppress(UnicodeDecodeError):
        return _form_values(text, content_type)
    return parse_qsl(text, keep_blank_values=True, errors="backslashreplace")


def _form_values(text: str, content_type: str | None) -> list[tuple[str, str]]:
    for encoding in _in_order(charset(content_type)):
        with suppress(UnicodeDecodeError):
            return parse_qsl(text, keep_blank_values=True, encoding=encoding, errors="strict")
    return parse_qsl(text, keep_blank_values=True, errors="strict")


def json_value(text: str, most: int = MOST_VALUES) -> Any:
    """Return the value of a JSON text.

    :param most: maximum number of values, where each list and dict is one; a short text may become
        more objects than this process can hold
    :raise TooManyValues: there are more, or texts have that many commas and brackets
    :raise ValueError: it is not JSON, or it is nested too deep to be read
    """
    if sum(map(text.count, ",[{")) > most:
        raise TooManyValues
    try:
        return json.loads(text.removeprefix(_BOM))
    except RecursionError:
        raise ValueError("nested too deep") from None


def json_content(response: requests.Response, most: int = MOST_VALUES) -> Any:
    """Return the value of the JSON of a response, see :func:`json_value`.

    :param response: :class:`requests.Response`
    """
    return json_value(text_of(response.content, response.headers.get("Content-Type")), most)


def json_or_none(response: requests.Response, most: int = MOST_VALUES) -> Any:
    """Return the value of the JSON of a response, None if it is not JSON or has too many values."""
    try:
        return json_content(response, most)
    except ValueError:
        return None
