"""Comparison of this checkout with an earlier commit, to see the cost of a change.

``make bench ARGS="--against COMMIT"`` measures the two by turns. Where a row has workers, those of
both are started once and stay. The turns are short: so what else slows the machine down, slows both
down.
"""

import contextlib
import math
import statistics

from scripts import databases
from scripts.progress import Failure

from .measure import MEASURES
from .measures.drain import PROCESSES
from .peers.connector import Connector
from .peers.earlier import EarlierConnector, EarlierFramework, short_hash
from .peers.framework import ConnectorFramework

#: The rows of jobs that are run: name of the measure to the method of the jobs, the number of jobs
#: that begin at one time, and how many times as many jobs a turn has, as each costs so much less.
DRAINED = {
    "drain_noop": ("noop", 1, 1),
    "drain_write": ("write_one", 1, 1),
    "drain_grouped": ("noop_together", 100, 15),
}
#: The rows of imports: name of the measure to the kind of the records.
IMPORTED = {"import_partners": "partner", "import_products": "product"}
#: Other rows that are compared: name of the measure to the class of peers, the kind of cost, in
#: words, and a function that returns the cost of a run. Less is better.
COSTS = {
    "enqueue": (Connector, "time a job", lambda figures: 1 / figures["rate"]),
    "start": (Connector, "time from the process's start to the first job", lambda figures: figures["total"]),
    "memory": (Connector, "memory of all processes", lambda figures: figures["all"]),
    "mapper": (ConnectorFramework, "time of values()", lambda figures: figures["duration"]),
}
#: Rows whose figures are counted, so they are the same each time.
COUNTED = ("statements_noop", "statements_write")
#: How often a turn imports unchanged records, as each costs so much less.
UNCHANGED_TIMES = 10
#: Pairs are added until half the width of each interval is at most HALF_WIDTH percent, or until
#: there are MOST_PAIRS pairs.
HALF_WIDTH, MOST_PAIRS = 3, 400
#: Half the width of a 95 % interval in standard errors, for 20 values and more: Student's t for 19
#: degrees of freedom.
_T = 2.093


def compare(options):
    """Measure both by turns, print by how much the change increases each row's cost; return 0."""
    lines = []
    for name in options.only:
        if name in COUNTED:
            lines.append(_counted(name, options))
        elif turns := _turns(name):
            lines.extend(_paired(name, turns, options))
    if not lines:
        raise Failure(
            f"none of {', '.join(options.only)} is compared.",
            f"name some of {', '.join((*DRAINED, *IMPORTED, *COSTS, *COUNTED))}.",
        )
    print(f"\nAgainst {short_hash(options.against)}:", *lines, sep="\n")
    return 0


def _turns(name):
    """Return ``(class of peers, turning)`` of a row, or None for a row that is not compared.

    ``turning(peers, options)`` is a context manager. Its value is a function that measures a peer
    once, and returns a dict: kind of cost, in words, to the cost.
    """
    if name in DRAINED:
        return Connector, _draining(*DRAINED[name])
    if name in IMPORTED:
        return ConnectorFramework, _importing(IMPORTED[name])
    if name in COSTS:
        peer_class, what, cost = COSTS[name]
        return peer_class, _running(MEASURES[name], what, cost)
    return None


def _draining(method, at_once, times):
    @contextlib.contextmanager
    def draining(peers, options):
        with contextlib.ExitStack() as stack:
            processes = {}
            for peer in peers:
                peer.clear()
                processes[peer] = stack.enter_context(peer.workers(PROCESSES))

            def turn(peer):
                peer.journal.clear()  # both write the same one
                figures = peer.drain_by(processes[peer], method, times * options.jobs, at_once)
                return {"CPU a job": figures["workers"] + figures["postgres"]}

            yield turn

    return draining


def _importing(kind):
    @contextlib.contextmanager
    def importing(peers, options):
        with contextlib.ExitStack() as stack:
            processes = {peer: stack.enter_context(peer.importing(kind)) for peer in peers}

            def turn(peer):
                process = processes[peer]
                numbers = peer.new_numbers(kind, options.records)
                new = peer.import_cost(process, kind, *numbers)
                peer.change()
                changed = peer.import_cost(process, kind, *numbers)
                unchanged = sum(peer.import_cost(process, kind, *numbers) for _time in range(UNCHANGED_TIMES))
                return {"CPU, new": new, "CPU, changed": changed, "CPU, unchanged": unchanged}

            yield turn

    return importing


def _running(measure, what, cost):
    @contextlib.contextmanager
    def running(peers, options):
        yield lambda peer: {what: cost(measure.run(peer, options))}

    return running


@contextlib.contextmanager
def _both(peer_class, options):
    """Give the peer of this checkout and that of the earlier commit; end their programs then.

    Their databases are new, so that they have the same size.
    """
    earlier = {Connector: EarlierConnector, ConnectorFramework: EarlierFramework}[peer_class]
    with contextlib.ExitStack() as stack:
        peers = peer_class(), earlier(options.against)
        for peer in peers:
            stack.callback(peer.close)
            databases.drop(peer.database)
            peer.prepare()
        yield peers


def _paired(name, turns, options):
    """Let both take turns, and return a line for each kind of cost."""
    peer_class, turning = turns
    ratios = {}
    with _both(peer_class, options) as (now, before), turning((now, before), options) as turn:
        for number in range(1, max(MOST_PAIRS, options.pairs) + 1):
            # the two take turns in being first, because the first one changes the server's caches
            costs = {peer: turn(peer) for peer in ((before, now) if number % 2 else (now, before))}
            for what, cost in costs[now].items():
                ratios.setdefault(what, []).append(cost / costs[before][what])
            told = "; ".join(f"{what} {percent(values[-1])}" for what, values in ratios.items())
            print(f"  {name} pair {number}: {told}", flush=True)
            if number >= options.pairs and all(half_width(values) <= HALF_WIDTH for values in ratios.values()):
                break
    return [_line(name, what, values) for what, values in ratios.items()]


def _line(name, what, ratios):
    mean, half = math.exp(statistics.fmean(map(math.log, ratios))), half_width(ratios)
    least, greatest = percent(mean * (1 - half / 100)), percent(mean * (1 + half / 100))
    return f"  {name}: {what} {percent(mean)}, 95 % interval {least} to {greatest}, {len(ratios)} pairs"


def _counted(name, options):
    with _both(Connector, options) as peers:
        now, before = (MEASURES[name].run(peer, options) for peer in peers)
    return f"  {name}: {'; '.join(f'{figure} {before[figure]} before, {now[figure]} now' for figure in now)}"


def half_width(ratios):
    """Return half the width of the 95 % interval of the mean of ratios, in percent of it."""
    if len(ratios) < 2:
        return math.inf
    error = statistics.stdev(map(math.log, ratios)) / math.sqrt(len(ratios))
    return 100 * math.expm1(_T * error)


def percent(ratio):
    """Return a ratio as text: the change in percent."""
    return f"{100 * (ratio - 1):+.1f} %"
