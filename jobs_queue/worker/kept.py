"""The cursors that a thread keeps from job to job: opening one costs more than a small job."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING

from odoo.tools import config

from .cursor import JobCursor
from .errors import CONNECTION_LOST

if TYPE_CHECKING:
    from .transaction import JobTransactions

#: Seconds after which a thread closes a cursor on which it has run no job.
IDLE_SECONDS = 5


class KeptCursors(threading.local):
    """The cursors of the calling thread, one for each worker (that is, database) for which it runs jobs; the one used last is the last.

    A thread runs one job at a time, so all others of its cursors are idle. All threads of a process keep no more of them than half of what
    Odoo's pool has places for (``db_maxconn``), but each may have one.
    """

    def __init__(self) -> None:
        self._cursors: dict[JobTransactions, tuple[JobCursor, float]] = {}

    def take(self, owner: JobTransactions) -> JobCursor | None:
        """Return the cursor for a worker, or None, and forget it."""
        return self._cursors.pop(owner, (None, 0))[0]

    def keep(self, owner: JobTransactions, cr: JobCursor) -> None:
        """Keep a cursor for a worker."""
        self._cursors[owner] = (cr, time.monotonic())

    def make_room(self, threads: int) -> None:
        """Close as many cursors as one more would be too many.

        :param threads: how many there are in this process that keep cursors
        """
        limit = max(1, config["db_maxconn"] // 2 // threads)
        while len(self._cursors) >= limit:
            self._close(next(iter(self._cursors)))

    def close_idle(self, seconds: float = IDLE_SECONDS) -> bool:
        """Close the cursors that were not used for so many seconds; return whether there was any."""
        closed = False
        while self._cursors:
            owner, (_cr, used) = next(iter(self._cursors.items()))
            if time.monotonic() - used < seconds:
                break
            self._close(owner)
            closed = True
        return closed

    def _close(self, owner: JobTransactions) -> None:
        owner.forget_backend()
        close(self.take(owner))


def close(cr: JobCursor | None) -> None:
    """Close a cursor and its connection, in whatever state it was left."""
    if cr is not None:
        with contextlib.suppress(*CONNECTION_LOST):
            # first: there is nothing to be rolled back then
            cr.own_connection.close()
            cr.close()


kept = KeptCursors()
