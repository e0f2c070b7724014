"""Comparison of this checkout with an earlier commit, to see the cost of a change.

``make bench ARGS="--against COMMIT"`` measures the two by turns.
"""

import math
import statistics

from scripts.progress import Failure

from .measure import MEASURES
from .peers.connector import Connector
from .peers.earlier import EarlierConnector

#: The rows that are compared: name of the measure to the kind of cost, in words, and a function
#: that returns the cost of a run. Less is better.
COSTS = {
    "drain_noop": ("CPU a job", lambda figures: figures["workers"] + figures["postgres"]),
    "drain_write": ("CPU a job", lambda figures: figures["workers"] + figures["postgres"]),
    "drain_grouped": ("CPU a job", lambda figures: figures["workers"] + figures["postgres"]),
    "enqueue": ("time a job", lambda figures: 1 / figures["rate"]),
}
#: Rows whose figures are counted, so they are the same each time.
COUNTED = ("statements_noop", "statements_write")
#: Pairs are added until half the width of the interval is at most HALF_WIDTH percent, or until
#: there are MOST_PAIRS pairs.
HALF_WIDTH, MOST_PAIRS = 3, 100
#: Half the width of a 95 % interval in standard errors, for 20 values and more: Student's t for 19
#: degrees of freedom.
_T = 2.093


def compare(options):
    """Measure both by turns, print by how much the change increases each row's cost; return 0."""
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
        # the two take turns in being first, because the first one changes the server's caches
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
    """Return a ratio as text: the change in percent."""
    return f"{100 * (ratio - 1):+.1f} %"
