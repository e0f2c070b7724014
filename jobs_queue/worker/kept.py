"""Cursors that a thread keeps from job to job: to open one costs more than a small job."""

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
    """The cursors of the calling thread, one for each worker for which it runs jobs.

    A worker has one database, so this is one cursor a database. The cursor that was used last is
    the last. A thread runs one job at a time, so all others of its cursors are idle. All threads of
    a process together keep no more of them than half of the places in Odoo's pool (``db_maxconn``),
    but each may have one.
    """

    def __init__(self) -> None:
        self._cursors: dict[JobTransactions, tuple[JobCursor, float]] = {}

    def take(self, owner: JobTransactions) -> JobCursor | None:
        """Remove and return the cursor for a worker, or return None."""
        return self._cursors.pop(owner, (None, 0))[0]

    def keep(self, owner: JobTransactions, cr: JobCursor) -> None:
        """Keep a cursor for a worker."""
        self._cursors[owner] = (cr, time.monotonic())

    def make_room(self, threads: int) -> None:
        """Close as many cursors as needed so that one more is within the limit.

        :param threads: how many threads of this process keep cursors
        """
        limit = max(1, config["db_maxconn"] // 2 // threads)
        while len(self._cursors) >= limit:
            self._close(next(iter(self._cursors)))

    def close_idle(self, seconds: float = IDLE_SECONDS) -> bool:
        """Close the cursors that were not used for some seconds; return whether there were any."""
        closed = False
        while self._cursors:
            owner, (_cr, used) = next(iter(self._cursors.items()))
            if time.monotonic() - used < seconds:
                break
            self._close(owner)
            closed = True
        return closed

    def _close(self, owner: JobTransactions) -> None:
        owner.forget_server_process()
        close(self.take(owner))


def close(cr: JobCursor | None) -> None:
    """Close a cursor and its connection, in whatever state it was left."""
    if cr is not None:
        with contextlib.suppress(*CONNECTION_LOST):
            # first the connection: then nothing has to be rolled back
            cr.own_connection.close()
            cr.close()


kept = KeptCursors()
