"""Keys of jobs, which are only compared: one rule for how they are checked, stored and looked up.

An index holds 2,700 bytes at most. So a long key is stored as its beginning, by which people know it, and a hash, by which it is compared.
"""

import hashlib
import re
from typing import Literal, TypeAlias

from ..texts import shown

#: A text that may be missing, as an empty field of Odoo is: None, False and "" mean that there is none.
OptionalText: TypeAlias = str | Literal[False] | None

#: Characters up to which a key is stored as it is.
LONGEST = 250

_BEGINNING = 186
_STORED = re.compile(rf"(?s:.{{{_BEGINNING}}})#[0-9a-f]{{64}}")


def stored_key(key: str) -> str:
    """Return a key as it is stored: a long one as its beginning, ``#`` and the SHA-256 of all of it, which never equals a short one."""
    if len(key) <= LONGEST:
        return key
    # a half of a character is in no stored key, but may be asked for
    digest = hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()
    return f"{key[:_BEGINNING]}#{digest}"


def possible_keys(key: str) -> list[str]:
    """Return as what a key may be stored that somebody looks for: also as it is, if it was read from a job."""
    stored = stored_key(key)
    return [stored, key] if stored != key and _STORED.fullmatch(key) else [stored]


def checked_key(name: str, key: object) -> str | None:
    """Return a key as it is stored, None for none.

    :param name: of the key, for the error
    :param key: text; None, False and "" mean that there is none
    :raise ValueError: it is no text, or one that cannot be stored
    """
    text = checked_text(name, key)
    return stored_key(text) if text else None


def checked_text(name: str, value: object) -> str | None:
    """Return a text that names something, None for none: one in which a character was replaced would name something else.

    :param name: of what is given, for the error
    :param value: text; None, False and "" mean that there is none
    :raise ValueError: it is no text, or one that cannot be stored
    """
    if value is None or value is False:
        return None
    if not isinstance(value, str):
        raise ValueError(f"{name} is {shown(value)}: it must be text")
    if problem := unstorable(value):
        raise ValueError(f"{name} is {shown(value)}: {problem}")
    return str.__str__(value) or None


def unstorable(text: str) -> str | None:
    """Return why PostgreSQL cannot store a text, None if it can."""
    if "\0" in text:
        return "PostgreSQL cannot store the character NUL"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "PostgreSQL cannot store half of a character"
    return None
