"""Class ``SignsOfLife``: shared memory in which a process shows its parent that it is alive.

It shows that the process can run Python code, and which jobs it runs, until when. The parent maps
the page before the fork. A write costs a job only a microsecond. The page can be read even when the
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

from ..jobs import JobBatch, RunningJob
from ..store.claiming import LeasedJob

_BEATS = struct.Struct("qq")
_RUN = struct.Struct("qqdd")
_NOTHING = (0, 0, 0.0, 0.0)


class RunSign(NamedTuple):
    """A run of a job, or of a batch.

    It has the token of the lease, the database (see :func:`_number_of`), the beginning, and the
    time by which it has to end. Both times are of the monotonic clock, as all processes of a
    machine share it. The deadline is 0 if the job has no time limit.
    """

    lease_token: int
    database: int
    began: float
    deadline: float


class SignsOfLife:
    """The page of one process.

    :param threads: how many threads run jobs
    :param silence_limit: seconds after which the parent kills a process that does not beat; 0 for
        never
    """

    def __init__(self, threads: int, silence_limit: int = 0) -> None:
        self._longest_silence = 2 * silence_limit * (os.cpu_count() or 1)
        self._page = mmap.mmap(-1, _BEATS.size + threads * _RUN.size)
        self._threads = threads
        self._slots: dict[int, int] = {}
        self._free = itertools.count()
        self._beats = self._turns = 0

    # Called in the process itself

    def beat(self) -> None:
        """Show that this process runs Python code."""
        self._beats += 1
        self._show()

    def put_off_end(self) -> None:
        """Set the kernel's timer that kills this process; each call puts the end off.

        The kernel does it in place of the parent, which may be gone. It kills the process when this
        has used more processor time since the last call than all processors could give it in twice
        the limit. A process that is stopped uses none, and neither does one on a suspended machine.
        """
        if self._longest_silence:
            signal.setitimer(signal.ITIMER_PROF, self._longest_silence)

    def turn(self) -> None:
        """Show that this process checks the limits of its jobs."""
        self._turns += 1
        self._show()

    def _show(self) -> None:
        _BEATS.pack_into(self._page, 0, self._beats, self._turns)

    def begin(self, dbname: str, leased: LeasedJob | RunningJob | JobBatch) -> None:
        """Show that the calling thread runs a job, or a batch of jobs."""
        began = time.monotonic()
        deadline = began + leased.time_limit if leased.time_limit else 0.0
        self._write(threading.get_ident(), leased.lease_token, _number_of(dbname), began, deadline)  # type: ignore[arg-type]  # leased

    def end(self, thread_id: int | None = None) -> None:
        """Show that a thread, by default the calling one, runs no job any more."""
        self._write(thread_id or threading.get_ident(), *_NOTHING)

    def _write(self, thread_id: int, *values: float) -> None:
        # Between two jobs there is nothing here. A reader that comes in the middle of this sees no
        # job, or a job without some of its values
        slot = self._slots.get(thread_id)
        if slot is None:
            # each thread asks only for its own slot
            slot = self._slots[thread_id] = next(self._free)
        _RUN.pack_into(self._page, _BEATS.size + slot * _RUN.size, *values)

    # Called in its parent

    @property
    def beats(self) -> int:
        """How often the process has shown that it runs Python code."""
        return _BEATS.unpack_from(self._page)[0]

    @property
    def turns(self) -> int:
        """How often the process has checked the limits of its jobs."""
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
