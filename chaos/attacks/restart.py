"""PostgreSQL crashes and starts again: when a third of the jobs have ended, and when two have."""

from ..attack import Attack
from .full_disk import FullDisk


class Restart(Attack):
    name = "server restarted"

    def __init__(self, run):
        super().__init__(run)
        self._due = [run.jobs // 3, 2 * run.jobs // 3]

    def is_possible(self):
        """Not while the disk is full: an administrator would have to see to that first."""
        return bool(self._due) and self.run.ended >= self._due[0] and not self.run.goes_on(FullDisk)

    def hit(self):
        del self._due[0]
        self.run.cluster.restart("immediate")
