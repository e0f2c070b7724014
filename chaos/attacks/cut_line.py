"""Attack: the network to PostgreSQL is cut silently."""

from ..attack import LastingAttack
from .stop import SECONDS


class CutLine(LastingAttack):
    name = f"line cut for {SECONDS} s"
    weight = 5
    seconds = SECONDS

    def begin(self):
        self.run.proxy.cut()

    def stop(self):
        self.run.proxy.mend()
