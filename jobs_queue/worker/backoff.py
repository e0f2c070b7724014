"""The pause of a worker that, or whose server, lacks the means to run a job."""

import time

# In seconds: at first, and at most
_FIRST, _LONGEST = 1, 60


class Backoff:
    """The waits of a worker: twice as long each time, until a job could be run again."""

    def __init__(self) -> None:
        self._seconds = 0
        self._until: float = 0

    @property
    def is_on(self) -> bool:
        """Whether the worker takes no jobs now."""
        return time.monotonic() < self._until

    def begin(self) -> float:
        """Take no jobs for a time, longer than the one before; return how many seconds there are left of it."""
        if not self.is_on:
            self._seconds = min(_LONGEST, 2 * self._seconds or _FIRST)
            self._until = time.monotonic() + self._seconds
        return self._until - time.monotonic()

    def end(self) -> None:
        """Forget how long the waits were: a job could be run."""
        self._seconds = 0
