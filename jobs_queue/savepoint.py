"""Callbacks of savepoints: before each one begins, and before it is rolled back.

They are for code that keeps data with a cursor. Odoo's own hooks of a cursor are for the whole
transaction. A savepoint that does not flush (``cr.savepoint(flush=False)``) calls none of them.
"""

import functools
from collections.abc import Callable
from itertools import zip_longest
from typing import Any, TypeAlias

from odoo.sql_db import BaseCursor, Savepoint

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


def _teach() -> None:
    init, rollback = Savepoint.__init__, Savepoint.rollback

    @functools.wraps(init)
    def tell_and_init(self: Savepoint, cr: BaseCursor) -> None:
        # TestCursor makes savepoints on a cursor of psycopg2 too, and no data is kept with that one
        self._begun = [follower(cr) for follower, _rollback in _followers] if isinstance(cr, BaseCursor) else ()
        init(self, cr)

    @functools.wraps(rollback)
    def tell_and_rollback(self: Savepoint) -> None:
        if isinstance(self._cr, BaseCursor):
            for (_begin, follower), begun in zip_longest(_followers, self._begun):
                follower(self._cr, begun)
        rollback(self)

    Savepoint._begun = ()
    Savepoint.__init__, Savepoint.rollback = tell_and_init, tell_and_rollback


_teach()
