"""Scenarios, one file each."""

from .adopted_copy import AdoptedCopy
from .promoted_standby import PromotedStandby
from .small_pool import SmallPool

SCENARIOS = (SmallPool, AdoptedCopy, PromotedStandby)
