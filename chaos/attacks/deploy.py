"""Attack: a worker is stopped and started again, as by a deployment."""

from ..attack import Attack
from .cut_line import CutLine
from .stop import Freeze, Stop


class Deploy(Attack):
    name = "worker deployed anew"
    weight = 20

    def is_possible(self):
        """Tell whether no process is stopped or cut off; such a process cannot react to a stop."""
        return not any(self.run.goes_on(attack) for attack in (Stop, Freeze, CutLine))

    def hit(self):
        self.run.deploy_one()
