"""Attack: a worker process dies."""

import signal

from ..attack import Attack
from ..signals import send


class Kill(Attack):
    name = "process killed"
    weight = 50

    def hit(self):
        pid = self.run.random_pid()
        return bool(pid) and send(pid, signal.SIGKILL)
