"""Signs of life that a process gives its parent: that it can run Python code, and which jobs it runs, until when.

It is a page of memory that both share, mapped by the parent before the fork. So it costs a job a microsecond, and it can be read when the
process itself can do nothing any more, as one of its jobs holds Python's interpreter.
"""

import functools
import itertools
import mmap
import os
import signal
import struct
import threading
import time
import zlib
from typing import NamedTuple

from ..jobs import JobGroup, RunningJob
from ..store import LeasedJob

_BEATS = struct.Struct("qq")
_RUN = struct.Struct("qqdd")
_NOTHING = (0, 0, 0.0, 0.0)


class RunSign(NamedTuple):
    """A run of a job, or of a group: the token of its lease, its database (see :func:`_number_of`), and when it began and has to end at the
    latest, on the monotonic clock, which all processes of a machine share; it ends at 0 where it has no time limit."""

    lease_token: int
    database: int
    began: float
    deadline: float


class SignsOfLife:
    """The page of one process.

    :param threads: how many run jobs
    :param silence_limit: seconds after which the parent kills a process that does not beat; 0 for never
    """

    def __init__(self, threads: int, silence_limit: int = 0) -> None:
        self._longest_silence = 2 * silence_limit * (os.cpu_count() or 1)
        self._page = mmap.mmap(-1, _BEATS.size + threads * _RUN.size)
        self._threads = threads
        self._slots: dict[int, int] = {}
        self._free = itertools.count()
        self._beats = self._turns = 0

    # Called in the process

    def beat(self) -> None:
        """Show that this process runs Python code."""
        self._beats += 1
        self._show()

    def put_off_end(self) -> None:
        """Have the kernel kill this process where the parent would, should that be gone: as long as this is called it does not.

        It does when the process has used more processor time since the last call than all processors could give it in twice the limit.
        While it is stopped, or the machine suspended, it uses none.
        """
        if self._longest_silence:
            signal.setitimer(signal.ITIMER_PROF, self._longest_silence)

    def turn(self) -> None:
        """Show that this process looks at the limits of its jobs."""
        self._turns += 1
        self._show()

    def _show(self) -> None:
        _BEATS.pack_into(self._page, 0, self._beats, self._turns)

    def begin(self, dbname: str, leased: LeasedJob | RunningJob | JobGroup) -> None:
        """Show that the calling thread runs a job, or a group of jobs."""
        began = time.monotonic()
        deadline = began + leased.time_limit if leased.time_limit else 0.0
        self._write(threading.get_ident(), leased.lease_token, _number_of(dbname), began, deadline)  # type: ignore[arg-type]  # leased

    def end(self, thread_id: int | None = None) -> None:
        """Show that a thread, by default the calling one, runs no job any more."""
        self._write(thread_id or threading.get_ident(), *_NOTHING)

    def _write(self, thread_id: int, *values: float) -> None:
        # Between two jobs there is nothing: whoever reads in the midst of this sees no job, or one without some of its values
        slot = self._slots.get(thread_id)
        if slot is None:
            # of all threads each asks for its own only
            slot = self._slots[thread_id] = next(self._free)
        _RUN.pack_into(self._page, _BEATS.size + slot * _RUN.size, *values)

    # Called in its parent

    @property
    def beats(self) -> int:
        """How often it has shown that it runs Python code."""
        return _BEATS.unpack_from(self._page)[0]

    @property
    def turns(self) -> int:
        """How often it has looked at the limits of its jobs."""
        return _BEATS.unpack_from(self._page)[1]

    def runs(self, dbname: str | None = None) -> list[RunSign]:
        """Return the runs.

        :param dbname: only those of this database
        """
        runs = [RunSign(*_RUN.unpack_from(self._page, _BEATS.size + slot * _RUN.size)) for slot in range(self._threads)]
        return [run for run in runs if run.lease_token and (dbname is None or run.database == _number_of(dbname))]


@functools.cache
def _number_of(dbname: str) -> int:
    return zlib.crc32(dbname.encode())
