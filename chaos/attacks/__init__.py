"""Attacks, one file each."""

from .busy_connections import BusyConnections
from .cut_line import CutLine
from .deploy import Deploy
from .full_disk import FullDisk
from .kill import Kill
from .restart import Restart
from .stop import Freeze, Stop
from .terminate import Terminate
from .timeouts import Timeouts

ATTACKS = (Kill, Terminate, Stop, Freeze, CutLine, Deploy, Restart, BusyConnections, Timeouts, FullDisk)
