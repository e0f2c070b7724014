"""Exclusive runs: a job that was lost together with others runs alone in its process."""

import threading
import time

from ..store.claiming import LeasedJob

#: Seconds that an exclusive job waits for the other jobs of its process to end; then it runs beside
#: those that still run.
PATIENCE = 30
#: Seconds for which a process holds such a job meanwhile; then other processes, perhaps idle ones,
#: can claim it.
HELD_SECONDS = 1
#: Seconds for which a process remembers when the patience ends of a job that it has given back: the
#: job comes back within two seconds, or has run elsewhere.
_MEMORY = 10
#: Seconds for which a process begins no job after it has given one back, so that others come first.
_AFTER_YOU = 0.3
#: Seconds for which an exclusive job stays alone. Then other jobs begin again: it may run for
#: hours, and a job that ends its process does so early as a rule.
ALONE_SECONDS = 120
#: Seconds between two checks whether the process stops. A signal handler sets the flag and must not
#: take a lock, so it cannot notify.
_LOOK = 0.2


class ExclusiveRuns:
    """The running jobs of a process, in all databases, and the job that has to run alone.

    When a process dies, nobody knows which of its jobs was the cause. So each of them runs alone
    the next time: no other job begins while it waits for the others to end, and for some time while
    it runs.

    :param stopping: ends all waiting
    """

    def __init__(self, stopping: threading.Event) -> None:
        self._stopping = stopping
        self._changed = threading.Condition()
        self._runs = 0
        self._alone: LeasedJob | None = None
        self._closed_until: float = 0
        # when the patience of each job ends that has waited here in vain
        self._patience_ends: dict[tuple[str, int], float] = {}

    @property
    def is_closed(self) -> bool:
        """Whether no job may begin now.

        A thread that checks this before a claim holds no job while it waits.
        """
        return bool(self._closed_until) and time.monotonic() < self._closed_until

    def join(self, leased: LeasedJob, dbname: str) -> bool:
        """Return whether a leased job may run in the calling thread now.

        If not, it is to be given back, so that it can run elsewhere.
        """
        with self._changed:
            if self.is_closed or (leased.runs_alone and not self._has_come_alone(leased, (dbname, leased.id))):
                return False
            self._runs += 1
            return True

    def _has_come_alone(self, leased: LeasedJob, name: tuple[str, int]) -> bool:
        """Wait a short time for all others to end; return whether the job may begin.

        It may if the others have ended, or if the patience of the job has.
        """
        now = time.monotonic()
        self._patience_ends = {job: ends for job, ends in self._patience_ends.items() if ends > now - _MEMORY}
        patience_ends = self._patience_ends.setdefault(name, now + PATIENCE)
        self._alone, self._closed_until = leased, now + HELD_SECONDS + ALONE_SECONDS
        while self._runs and time.monotonic() < min(patience_ends, now + HELD_SECONDS) and not self._stopping.is_set():
            self._changed.wait(_LOOK)
        if self._runs and time.monotonic() < patience_ends:
            self._alone, self._closed_until = None, time.monotonic() + _AFTER_YOU
            return False
        del self._patience_ends[name]
        self._closed_until = time.monotonic() + ALONE_SECONDS
        return True

    def leave(self, leased: LeasedJob) -> None:
        """Note that a job that has joined does not run any more."""
        with self._changed:
            self._runs -= 1
            if self._alone is leased:
                self._alone, self._closed_until = None, 0
            elif self._alone is not None:
                self._changed.notify_all()
