"""Which jobs may run beside each other in a process: all, but one that was lost together with others."""

import threading
import time

#: Seconds for which a job that is to run alone waits for the others of its process to end; then it runs beside those that still run.
PATIENCE = 30
#: Seconds for which it stays alone; then other jobs begin again, as it may run for hours, and what ends a process does so early as a rule.
ALONE_SECONDS = 120
#: Seconds between two looks whether the process stops: the handler of a signal, which says so, must not take a lock.
_LOOK = 0.2


class Company:
    """The running jobs of a process, in whatever databases.

    When a process dies nobody knows which of its jobs was to blame. So each of them runs alone the next time: no other job is begun while
    it waits for the others to end, and for some time while it runs.

    :param stopping: event that ends all waiting
    """

    def __init__(self, stopping):
        self._stopping = stopping
        self._changed = threading.Condition()
        self._runs = 0
        self._alone = None
        self._alone_until = 0

    @property
    def is_closed(self):
        """Whether another job has to wait now; who looks at it before a claim holds nothing while it waits."""
        return bool(self._alone_until) and time.monotonic() < self._alone_until

    def join(self, leased):
        """Wait until a leased job may run in the calling thread."""
        with self._changed:
            if self.is_closed:
                self._wait_while(lambda: self.is_closed)
            if leased.runs_alone:
                self._alone = leased
                patience_ends = time.monotonic() + PATIENCE
                self._alone_until = patience_ends + ALONE_SECONDS
                self._wait_while(lambda: self._runs and time.monotonic() < patience_ends)
                self._alone_until = time.monotonic() + ALONE_SECONDS
            self._runs += 1

    def _wait_while(self, condition):
        while condition() and not self._stopping.is_set():
            self._changed.wait(_LOOK)

    def leave(self, leased):
        """Say that a job that has joined does not run any more."""
        with self._changed:
            self._runs -= 1
            if self._alone is leased:
                self._alone, self._alone_until = None, 0
            self._changed.notify_all()
