"""Class ``JobsQueue``: the jobs that a worker has leased and not started, first in, first out."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable

from ..store.claiming import LeasedJob


class JobsQueue:
    """The leased jobs that a worker has not started yet, in the order of the database.

    It is short: a worker holds little more than it can run at once, so no other worker starves.
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
        """Remove and return the next job, or return None."""
        with self._lock:
            return self._jobs.popleft() if self._jobs else None

    def take(self, is_wanted: Callable[[LeasedJob], bool], limit: int) -> list[LeasedJob]:
        """Remove and return the first jobs that a function accepts, at most ``limit`` of them."""
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
        """Remove and return all jobs, if the last of them came at least ``idle_for`` seconds ago.

        If it came later, return none.
        """
        with self._lock:
            if time.monotonic() - self._last_put < idle_for:
                return []
            jobs = list(self._jobs)
            self._jobs.clear()
            return jobs
