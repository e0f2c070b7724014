"""Comparison of this checkout with an earlier commit, to see the cost of a change.

``make bench ARGS="--against COMMIT"`` measures the two by turns. Workers of both are started once
and stay. The turns are short: so what else slows the machine down, slows both down.
"""

import contextlib
import math
import statistics

from scripts.progress import Failure

from .measure import MEASURES
from .measures.drain import PROCESSES
from .peers.connector import Connector
from .peers.earlier import EarlierConnector

#: The rows of jobs that are run: name of the measure to the method of the jobs, the number of jobs
#: that begin at one time, and how many times as many jobs a turn has, as each costs so much less.
DRAINED = {
    "drain_noop": ("noop", 1, 1),
    "drain_write": ("write_one", 1, 1),
    "drain_grouped": ("noop_together", 100, 15),
}
#: Other rows that are compared: name of the measure to the kind of cost, in words, and a function
#: that returns the cost of a run. Less is better.
COSTS = {"enqueue": ("time a job", lambda figures: 1 / figures["rate"])}
#: Rows whose figures are counted, so they are the same each time.
COUNTED = ("statements_noop", "statements_write")
#: Pairs are added until half the width of the interval is at most HALF_WIDTH percent, or until
#: there are MOST_PAIRS pairs.
HALF_WIDTH, MOST_PAIRS = 3, 400
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
            elif name in DRAINED:
                lines.append(_drained(name, now, before, options))
            elif name in COSTS:
                lines.append(_run(name, now, before, options))
    finally:
        for peer in peers:
            peer.close()
    if not lines:
        raise Failure(
            f"none of {', '.join(options.only)} is compared.",
            f"name some of {', '.join((*DRAINED, *COSTS, *COUNTED))}.",
        )
    print(f"\nAgainst {before.title}:", *lines, sep="\n")
    return 0


def _drained(name, now, before, options):
    method, at_once, times = DRAINED[name]
    with contextlib.ExitStack() as stack:
        processes = {}
        for peer in (now, before):
            peer.clear()
            processes[peer] = stack.enter_context(peer.workers(PROCESSES))

        def cost(peer):
            peer.journal.clear()  # both write the same one
            figures = peer.drain_by(processes[peer], method, times * options.jobs, at_once)
            return figures["workers"] + figures["postgres"]

        return _paired(name, "CPU a job", now, before, options, cost)


def _run(name, now, before, options):
    what, cost = COSTS[name]
    return _paired(name, what, now, before, options, lambda peer: cost(MEASURES[name].run(peer, options)))


def _paired(name, what, now, before, options, cost):
    ratios = []
    while len(ratios) < options.pairs or (half_width(ratios) > HALF_WIDTH and len(ratios) < MOST_PAIRS):
        # the two take turns in being first, because the first one changes the server's caches
        order = (now, before) if len(ratios) % 2 else (before, now)
        costs = {peer: cost(peer) for peer in order}
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
