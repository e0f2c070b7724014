"""Class ``Backoff``: the pauses of a worker if there are no resources to run a job."""

import time

# First and longest pause, in seconds
_FIRST, _LONGEST = 1, 60


class Backoff:
    """Pauses of a worker: each is twice as long as the one before, until a job could be run."""

    def __init__(self) -> None:
        self._seconds = 0
        self._until: float = 0

    @property
    def is_on(self) -> bool:
        """Whether the worker claims no jobs now."""
        return time.monotonic() < self._until

    def begin(self) -> float:
        """Begin a pause, longer than the last one, unless one is on; return the seconds left."""
        if not self.is_on:
            self._seconds = min(_LONGEST, 2 * self._seconds or _FIRST)
            self._until = time.monotonic() + self._seconds
        return self._until - time.monotonic()

    def end(self) -> None:
        """Forget how long the pauses were: a job could be run."""
        self._seconds = 0
