"""How long a worker takes no jobs since it, or the server, had not what it takes to run one."""

import time

# In seconds: at first, and at most
_FIRST, _LONGEST = 1, 60


class Backoff:
    """The waits of a worker: twice as long each time, until a job could be run again."""

    def __init__(self):
        self._seconds = 0
        self._until = 0

    @property
    def is_on(self):
        """Whether the worker takes no jobs now."""
        return time.monotonic() < self._until

    def begin(self):
        """Take no jobs for a time, longer than the one before; return how many seconds there are left of it."""
        if not self.is_on:
            self._seconds = min(_LONGEST, 2 * self._seconds or _FIRST)
            self._until = time.monotonic() + self._seconds
        return self._until - time.monotonic()

    def end(self):
        """Forget how long the waits were: a job could be run."""
        self._seconds = 0
