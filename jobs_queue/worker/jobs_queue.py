"""JobsQueue: the jobs that a worker has leased and not started, in memory, first in first out."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable

from ..store import LeasedJob


class JobsQueue:
    """The leased jobs that a worker has not started yet, in the order in which the database gave them.

    It is short: a worker holds little more than it can run at once, so that no other worker starves behind it.
    """

    def __init__(self) -> None:
        self._jobs: deque[LeasedJob] = deque()
        self._last_put: float = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._jobs)

    def put(self, jobs: Iterable[LeasedJob]) -> None:
        """Add leased jobs at the end."""
        with self._lock:
            self._jobs.extend(jobs)
            self._last_put = time.monotonic()

    def get(self) -> LeasedJob | None:
        """Return the next job and forget it, or None."""
        with self._lock:
            return self._jobs.popleft() if self._jobs else None

    def take(self, is_wanted: Callable[[LeasedJob], bool], limit: int) -> list[LeasedJob]:
        """Return the first jobs for which a function says yes, at most so many, and forget them."""
        with self._lock:
            taken = [job for job in self._jobs if is_wanted(job)][:limit]
            for job in taken:
                self._jobs.remove(job)
            return taken

    def ids(self) -> list[int]:
        """Return the ids of the jobs."""
        with self._lock:
            return [job.id for job in self._jobs]

    def drain(self, idle_for: float = 0) -> list[LeasedJob]:
        """Return all jobs and forget them, if the last of them came so many seconds ago or earlier; else return none."""
        with self._lock:
            if time.monotonic() - self._last_put < idle_for:
                return []
            jobs = list(self._jobs)
            self._jobs.clear()
            return jobs
