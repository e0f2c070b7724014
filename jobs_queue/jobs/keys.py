"""Check keys of jobs, such as identity keys, and shorten long keys as they are stored.

Keys are only compared. An index entry holds 2,700 bytes at most. So a long key is stored as its
beginning and a hash. People know the key by its beginning; the hash is compared.
"""

import hashlib
import re
from typing import Literal, TypeAlias

from ..texts import shown

#: A text that may be missing. None, False (as in an empty field of Odoo) and "" mean that there is
#: none.
OptionalText: TypeAlias = str | Literal[False] | None

#: Keys of at most so many characters are stored as they are.
LONGEST = 250

_BEGINNING = 186
_STORED = re.compile(rf"(?s:.{{{_BEGINNING}}})#[0-9a-f]{{64}}")


def stored_key(key: str) -> str:
    """Return a key as it is stored.

    A long key becomes its beginning, ``#`` and the SHA-256 of the whole key. This never equals a
    short key.
    """
    if len(key) <= LONGEST:
        return key
    # no stored key has a lone surrogate, but somebody may search for one
    digest = hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()
    return f"{key[:_BEGINNING]}#{digest}"


def possible_keys(key: str) -> list[str]:
    """Return the forms in which a searched key may be stored.

    If it has the form of a stored key, it may have been read from a job. Then it is also searched
    for as it is.
    """
    stored = stored_key(key)
    return [stored, key] if stored != key and _STORED.fullmatch(key) else [stored]


def checked_key(name: str, key: object) -> str | None:
    """Return a key as it is stored, None for none.

    :param name: of the key, for the error
    :param key: a text; None, False and "" mean that there is none
    :raise ValueError: it is no text, or a text that cannot be stored
    """
    text = checked_text(name, key)
    return stored_key(text) if text else None


def checked_text(name: str, value: object) -> str | None:
    """Return a text that is a name or a key, None for none.

    A text that cannot be stored is refused: with a replaced character it would name something else.

    :param name: of the value, for the error
    :param value: a text; None, False and "" mean that there is none
    :raise ValueError: it is no text, or a text that cannot be stored
    """
    if value is None or value is False:
        return None
    if not isinstance(value, str):
        raise ValueError(f"{name} is {shown(value)}: it must be text")
    if problem := unstorable(value):
        raise ValueError(f"{name} is {shown(value)}: {problem}")
    return str.__str__(value) or None


def unstorable(text: str) -> str | None:
    """Return the reason why PostgreSQL cannot store a text, None if it can."""
    if "\0" in text:
        return "PostgreSQL cannot store the character NUL"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "PostgreSQL cannot store half of a character"
    return None
