"""A worker is stopped as a deploy does, and started again."""

from ..attack import Attack
from .cut_line import CutLine
from .stop import Freeze, Stop


class Deploy(Attack):
    name = "worker deployed anew"
    weight = 20

    def is_possible(self):
        """Not while a process cannot hear it."""
        return not any(self.run.goes_on(attack) for attack in (Stop, Freeze, CutLine))

    def hit(self):
        self.run.deploy_one()
