"""What a change costs: this checkout and an earlier commit by turns, ``make bench ARGS="--against COMMIT"``."""

import math
import statistics

from scripts.progress import Failure

from .measure import MEASURES
from .peers.connector import Connector
from .peers.earlier import EarlierConnector

#: The rows that are compared: name of the measure to a function that returns what a run has cost, the less the better.
COSTS = {
    "drain_noop": ("CPU a job", lambda figures: figures["workers"] + figures["postgres"]),
    "drain_write": ("CPU a job", lambda figures: figures["workers"] + figures["postgres"]),
    "drain_grouped": ("CPU a job", lambda figures: figures["workers"] + figures["postgres"]),
    "enqueue": ("time a job", lambda figures: 1 / figures["rate"]),
}
#: Rows whose figures are counted, and so the same each time.
COUNTED = ("statements_noop", "statements_write")
#: Pairs are added until half the width of the interval is at most so many percent, or there are so many pairs.
HALF_WIDTH, MOST_PAIRS = 3, 100
#: A 95 % interval's half-width in standard errors, for 20 values and more: Student's t for 19 degrees of freedom.
_T = 2.093


def compare(options):
    """Measure both by turns, and print by how much the change makes each row dearer; return 0."""
    now, before = peers = Connector(), EarlierConnector(options.against)
    lines = []
    try:
        for peer in peers:
            peer.prepare()
        for name in options.only:
            if name in COUNTED:
                lines.append(_counted(name, now, before, options))
            elif name in COSTS:
                lines.append(_paired(name, now, before, options))
    finally:
        for peer in peers:
            peer.close()
    if not lines:
        raise Failure(
            f"none of {', '.join(options.only)} is compared.", f"name some of {', '.join((*COSTS, *COUNTED))}."
        )
    print(f"\nAgainst {before.title}:", *lines, sep="\n")
    return 0


def _paired(name, now, before, options):
    what, cost = COSTS[name]
    run = MEASURES[name].run
    ratios = []
    while len(ratios) < options.pairs or (half_width(ratios) > HALF_WIDTH and len(ratios) < MOST_PAIRS):
        # which of the two comes first changes, as what the first leaves to the server's caches does
        order = (now, before) if len(ratios) % 2 else (before, now)
        costs = {peer: cost(run(peer, options)) for peer in order}
        ratios.append(costs[now] / costs[before])
        print(f"  {name} pair {len(ratios)}: {percent(ratios[-1])}", flush=True)
    mean, half = math.exp(statistics.fmean(map(math.log, ratios))), half_width(ratios)
    least, greatest = percent(mean * (1 - half / 100)), percent(mean * (1 + half / 100))
    return f"  {name}: {what} {percent(mean)}, 95 % interval {least} to {greatest}, {len(ratios)} pairs"


def _counted(name, now, before, options):
    counts = [MEASURES[name].run(peer, options) for peer in (now, before)]
    words = [f"{figure} {counts[1][figure]} before, {counts[0][figure]} now" for figure in counts[0]]
    return f"  {name}: {'; '.join(words)}"


def half_width(ratios):
    """Return half the width of the 95 % interval of the mean of ratios, in percent of it."""
    if len(ratios) < 2:
        return math.inf
    error = statistics.stdev(map(math.log, ratios)) / math.sqrt(len(ratios))
    return 100 * math.expm1(_T * error)


def percent(ratio):
    """Say a ratio as a change, in percent."""
    return f"{100 * (ratio - 1):+.1f} %"
