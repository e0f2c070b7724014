"""Paths of requests: ids are quoted, and what looks unquoted is refused.

An id that stands in a path as it is may ask for another record: ``A#1`` asks for ``A``.
"""

import re
from urllib.parse import quote

from odoo.addons.jobs_queue.texts import shown

from ...exception import InvalidDataError
from ..connector_unit import external_id_text
from ..types import ExternalId

# What no quoted path has, and what it means in an address
_UNQUOTED = (
    ("#", "a #, which ends the address"),
    ("?", "a ?, which begins the parameters: they are given by params="),
    ("\\", "a backslash"),
    ("//", "an empty part between two slashes"),
)
_BLANK = re.compile(r"[\s\x00-\x1f\x7f]")
_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_DOTS = re.compile(r"(?:\.|%2e){1,2}", re.IGNORECASE)


def path_below(path: str, *external_ids: ExternalId) -> str:
    """Return a path with ids below it, each of them quoted.

    :param path: path as text; it is not quoted
    :param external_ids: ids, or other words such as the name of a list of the record
    :raise InvalidDataError: an id is empty, ``.`` or ``..``, or is none
    """
    return "/".join([path.rstrip("/"), *map(quoted, external_ids)])


def quoted(external_id: object) -> str:
    """Return an id as one part of a path: all but letters, digits and ``-._~`` is percent-encoded.

    :raise InvalidDataError: it is empty, ``.`` or ``..``, or is none
    """
    text = external_id_text(external_id)
    if text is None:
        raise InvalidDataError(f"{shown(external_id)} is an empty id: the path would lead to all records")
    if text in (".", ".."):
        raise InvalidDataError(f"The id {text!r} cannot be a part of a path: it would lead to another one")
    return quote(text, safe="")


def what_is_unquoted(path: str) -> str | None:
    """Return what a path has that has to be quoted, as text; None if there is nothing."""
    for part, meaning in _UNQUOTED:
        if part in path.lstrip("/"):
            return meaning
    if _BLANK.search(path):
        return "a blank or a control character"
    if _PERCENT.search(path):
        return "a % that quotes nothing"
    if any(map(_DOTS.fullmatch, path.split("/"))):
        return "a part . or .., which leads to another path"
    return None
