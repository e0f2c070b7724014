"""Class ``Run``: one attempt of a job in a thread, and the steps to stop it.

A job is stopped in steps. Each step follows if the one before has not helped for :data:`PATIENCE`
seconds:

1. The statement that the job's cursor executes is cancelled.
2. An exception is raised in the job's thread. It arrives when Python code runs again.
3. The job's lease is ended in the database, so nothing that the job still does can be committed.
   The thread is lost, and the process has to be replaced. Where nobody can do that (Odoo's cron, a
   threaded server), the thread goes on in vain until its code returns.
"""

import contextlib
import ctypes
import resource
import threading
import time
from collections.abc import Callable

import psutil
import psycopg2

from odoo.tools.translate import LazyTranslate

from ..exception import JobCancelled, JobStopped, LimitReached
from ..jobs import JobBatch, RunningJob
from .cursor import JobCursor

_lt = LazyTranslate(__name__, default_lang="en_US")

#: Seconds that each step has to stop a job.
PATIENCE = 2
#: Seconds between two updates of a job's progress.
PROGRESS_INTERVAL = 0.5


class Run:
    """One attempt of a job, in one thread.

    :param write_progress: stores ``(done, total, message)``
    """

    def __init__(
        self, job: RunningJob | JobBatch, write_progress: Callable[[float, float | None, str | None], None]
    ) -> None:
        self.job = job
        self.began = time.monotonic()
        self.stopped: JobStopped | None = None  # the exception with which it ends, once it was told to
        self.abandoned = False
        self._write_progress = write_progress
        self._last_progress: float = 0
        self.thread_id = threading.get_ident()
        self._cr: JobCursor | None = None
        self._before: tuple[int, float, float] | None = None
        self._ended = False
        self._raised = False
        self._steps = 0
        self._next_step: float = 0
        self._lock = threading.Lock()

    def executes_on(self, cr: JobCursor) -> None:
        """Set the cursor on which the job runs, and start to measure the job's usage.

        It is called by the thread that runs the job.
        """
        self._cr = cr
        self._before = _usage(cr)

    def usage(self) -> tuple[float | None, ...]:
        """Return ``(queries, CPU seconds, MB)`` that the attempt has used up to now.

        The values are None before the attempt began, and for other threads. The MB say by how much
        the peak of the process's memory has grown. They are 0 for a job that stays below what a job
        before it has used.
        """
        if self._before is None or threading.get_ident() != self.thread_id:
            return None, None, None
        return tuple(now - before for now, before in zip(_usage(self._cr), self._before, strict=True))  # type: ignore[arg-type]  # both set

    def report_progress(self, done: float, total: float | None, message: str | None) -> None:
        """Store the progress of the job, unless that was just done."""
        now = time.monotonic()
        if now - self._last_progress >= PROGRESS_INTERVAL or done == total:
            self._last_progress = now
            self._write_progress(done, total, message)

    # Called by the thread that watches the jobs

    def check_limits(self) -> None:
        """Tell the job to stop if it has reached its time limit or its memory limit."""
        job, seconds = self.job, time.monotonic() - self.began
        if job.time_limit and seconds > job.time_limit:
            self.stop(
                LimitReached(_lt("The job was stopped: it ran longer than its time limit of %s s", job.time_limit))
            )
        elif job.memory_limit and (used := used_memory() or 0) > job.memory_limit:
            self.stop(
                LimitReached(
                    _lt(
                        "The job was stopped: its process uses %(used)d MB of memory, above the job's limit of %(limit)s MB",
                        used=used,
                        limit=job.memory_limit,
                    )
                )
            )

    def cancel(self, who: str) -> None:
        """Tell the job to stop because a person has cancelled it."""
        self.stop(JobCancelled(_lt("Cancelled by %s while it ran", who)))

    def stop(self, error: JobStopped) -> None:
        """Tell the job to stop; the first reason that is given counts."""
        self.stopped = self.stopped or error

    def escalate(self) -> bool:
        """Take the next step to end a job that was told to stop; return True if no step is left."""
        if self.stopped is None or self.abandoned or time.monotonic() < self._next_step:
            return False
        with self._lock:
            if self._ended:
                return False
            self._steps += 1
            self._next_step = time.monotonic() + PATIENCE
            if self._steps == 1:
                if self._cr is not None:
                    # a cancellation needs a connection of its own; without one, the next step does
                    # it
                    with contextlib.suppress(psycopg2.Error):
                        self._cr.cancel()
            elif self._steps == 2:
                self._raised = True
                _raise_in_thread(self.thread_id, type(self.stopped))
            else:
                self.abandoned = True
            return self.abandoned

    # Called by the thread that runs the job

    def end(self) -> None:
        """Note that the job's code has returned: from now on nothing is raised in its thread."""
        with self._lock:
            self._ended = True
            if self._raised:
                _raise_in_thread(self.thread_id, None)

    def begin_again(self) -> None:
        """Note that the job's code is called again, in a new transaction."""
        with self._lock:
            self._ended = self._raised = False


def used_memory() -> int | None:
    """Return how many MB of memory the process uses, or None if the system does not say.

    It does not say if no more files can be opened, for instance.
    """
    try:
        return psutil.Process().memory_info().rss // 1_000_000
    except (OSError, MemoryError, psutil.Error):
        return None


def _usage(cr: JobCursor) -> tuple[int, float, float]:
    return cr.sql_log_count, time.thread_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _raise_in_thread(thread_id: int, exception: type[BaseException] | None) -> None:
    """Raise an exception class in a thread; None takes back one that has not arrived yet."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread_id), ctypes.py_object(exception) if exception else None
    )
