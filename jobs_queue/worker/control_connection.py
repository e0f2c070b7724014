"""Connection that waits for NOTIFY; when it closes, others know that its process has ended."""

import logging
import os
import select
from typing import Any

import psycopg2

from .. import store
from ..store import wakeup
from ..store.connection import connect, is_pooled, notice_lost_peer
from .errors import first_line

_logger = logging.getLogger(__name__)


class ControlConnection:
    """A connection to the database ``postgres`` that listens to NOTIFY.

    Its end tells others at once that this process is gone. It only makes things faster: behind a
    pooler, and if that database cannot be reached, wake-ups and deaths are noticed later.

    :ivar server_process: ``(pid, start)`` of the server's process behind it, or None; see
        :func:`..store.workers.server_process_of`
    """

    def __init__(self) -> None:
        self.server_process: tuple[int, float] | None = None
        # psycopg2's connection, or None; only code that has waited for it reads from it
        self._connection: Any = None
        self._is_pooled = False
        self._is_missed = False
        self._interrupt: int | None
        self._interrupted, self._interrupt = os.pipe()
        self._pipe = _file_of(self._interrupted)

    @property
    def is_lost(self) -> bool:
        """Whether the connection was open and was lost; it stays so until :meth:`open`."""
        return self._connection is not None and bool(self._connection.closed)

    @property
    def is_intact(self) -> bool:
        """Whether its pipe is still its own: a job may have closed all files of the process."""
        return _file_of(self._interrupted) == self._pipe

    def open(self) -> None:
        """Open the connection, if it is not open and if that is possible."""
        if self._is_pooled or (self._connection is not None and not self.is_lost):
            return
        try:
            self._connect()
            self._is_missed = False
        except psycopg2.Error as error:
            self._connection, self.server_process = None, None
            if not self._is_missed:
                _logger.warning(
                    "No control connection to the database postgres (%s): wake-ups and deaths are noticed later",
                    first_line(error),
                )
            self._is_missed = True

    def _connect(self) -> None:
        self._connection = connect("postgres")
        self._is_pooled = is_pooled(self._connection)
        if self._is_pooled:
            _logger.warning("PostgreSQL is behind a pooler: jobs and deaths are noticed by looking for them alone")
            self._connection.close()
            self._connection = None
            return
        notice_lost_peer(self._connection)
        with self._connection.cursor() as cr:
            cr.execute(wakeup.LISTEN)
            self.server_process = store.workers.server_process_of(cr)

    def wait(self, seconds: float) -> set[str]:
        """Wait for NOTIFY, :meth:`interrupt` or the end of the time.

        :return: the names of the databases where there may be jobs
        """
        watched: list[int | psycopg2.extensions.connection] = [self._interrupted]
        if self._connection is not None and not self.is_lost:
            watched.append(self._connection)
        readable, _w, _x = select.select(watched, [], [], max(0.0, seconds))
        if self._interrupted in readable:
            os.read(self._interrupted, 4096)
        return self._notified() if self._connection in readable else set()

    def _notified(self) -> set[str]:
        try:
            self._connection.poll()
        except psycopg2.Error:
            self._connection.close()
            return set()
        dbnames = {notify.payload for notify in self._connection.notifies}
        self._connection.notifies.clear()
        return dbnames

    def interrupt(self) -> None:
        """End the wait; may be called by another thread, or in a signal handler."""
        if self._interrupt is not None:
            os.write(self._interrupt, b"x")

    def close(self) -> None:
        """Close the connection and the pipe; no thread waits any more."""
        if self._connection is not None:
            self._connection.close()
        # the number of a closed file may soon be that of another one: write nothing to it any more
        interrupt, self._interrupt = self._interrupt, None
        os.close(interrupt)  # type: ignore[arg-type]  # nobody closes it twice
        os.close(self._interrupted)


def _file_of(number: int) -> tuple[int, int] | None:
    """Return the device and inode of the file with a number, or None if there is no such file."""
    try:
        status = os.fstat(number)
    except OSError:
        return None
    return status.st_dev, status.st_ino
