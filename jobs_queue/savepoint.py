"""Callbacks of savepoints: before each one begins, and before it is rolled back.

They are for code that keeps data with a cursor. Odoo's own hooks of a cursor are for the whole
transaction. A savepoint that does not flush (``cr.savepoint(flush=False)``) calls none of them.
"""

from collections.abc import Callable
from itertools import zip_longest
from typing import Any, TypeAlias

from odoo.sql_db import BaseCursor

from .odoo_patches import patch_savepoints

Begin: TypeAlias = Callable[[BaseCursor], object]
Rollback: TypeAlias = Callable[[BaseCursor, Any], object]

_followers: list[tuple[Begin, Rollback]] = []


def follow_savepoints(begin: Begin, rollback: Rollback) -> None:
    """Register two callbacks for the savepoints of every cursor of Odoo.

    :param begin: ``function(cr)``, called before a savepoint begins
    :param rollback: ``function(cr, begun)``, called before it is rolled back. ``begun`` is the
        value that ``begin`` returned for this savepoint, None for a savepoint that is older than
        the registration.
    """
    _followers.append((begin, rollback))


def _begin(cr: BaseCursor) -> list[Any]:
    return [begin(cr) for begin, _rollback in _followers]


def _rollback(cr: BaseCursor, begun: list[Any] | None) -> None:
    for (_begin, rollback), value in zip_longest(_followers, begun or ()):
        rollback(cr, value)


patch_savepoints(_begin, _rollback)
