"""Attacks: a worker process is stopped (SIGSTOP), for some seconds or for good.

Only this process stands still: its parent, or other processes of the same worker, go on.
"""

import signal
import time

import psutil

from ..attack import Attack, LastingAttack
from ..signals import send

SECONDS = 17  # longer than a worker may go without a sign of life


class Stop(LastingAttack):
    """Stop of a process, which wakes up again if nobody has killed it."""

    name = f"process stopped for {SECONDS} s"
    weight = 5
    seconds = SECONDS

    def begin(self):
        self._pid = self.run.random_pid()
        return bool(self._pid) and send(self._pid, signal.SIGSTOP)

    def stop(self):
        send(self._pid, signal.SIGCONT)


class Freeze(Attack):
    """Stop of a process that never wakes up: somebody has to end it."""

    name = "process stopped for good"
    weight = 3

    def __init__(self, run):
        super().__init__(run)
        self._frozen = []

    def hit(self):
        pid = self.run.random_pid()
        if not pid or not send(pid, signal.SIGSTOP):
            return False
        self._frozen.append(psutil.Process(pid))
        return True

    def goes_on(self):
        return bool(self._left())

    def end(self):
        deadline = time.monotonic() + 2 * SECONDS
        while self._left() and time.monotonic() < deadline:
            time.sleep(0.2)

    def findings(self):
        left = self._left()
        for process in left:
            process.kill()
        return {"processes that stand still": [process.pid for process in left]}

    def _left(self):
        return [one for one in self._frozen if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
