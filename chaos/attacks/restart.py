"""Attack: PostgreSQL crashes and starts again.

It does so when a third of the jobs have ended, and again when two thirds have.
"""

from ..attack import Attack
from .full_disk import FullDisk


class Restart(Attack):
    name = "server restarted"

    def __init__(self, run):
        super().__init__(run)
        self._due = [run.jobs // 3, 2 * run.jobs // 3]

    def is_possible(self):
        """Tell whether a crash is due, and the disk is not full.

        An administrator would first have to see to a full disk.
        """
        return bool(self._due) and self.run.ended >= self._due[0] and not self.run.goes_on(FullDisk)

    def hit(self):
        del self._due[0]
        self.run.cluster.restart("immediate")
