"""Command line of the benchmarks: ``make bench``, with options in ``ARGS``.

For example: ``make bench ARGS="--only enqueue drain_noop --runs 1 --jobs 500"``.
"""

import argparse
import contextlib
import fcntl
import time

from scripts import postgres
from scripts.progress import Failure, command

from . import measures, pairs  # noqa: F401  the measures register themselves
from .measure import MEASURES
from .peers.connector import Connector, ConnectorServer, JobsQueue
from .peers.framework import ConnectorFramework, OcaFramework, OdooCreate
from .peers.oca import MODES, Oca
from .peers.pgbench import Pgbench
from .peers.procrastinate import Procrastinate
from .processes import FOLDER
from .report import Report, shown, surroundings

QUEUES = (Connector, ConnectorServer, JobsQueue, Oca, Procrastinate, Pgbench)
FRAMEWORKS = (ConnectorFramework, OdooCreate, OcaFramework)
PEERS = {peer.name: peer for peer in QUEUES + FRAMEWORKS}


def main():
    """Run the chosen measures; return 0 if each bar holds, else 1."""
    options = parse()
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "lock").open("w") as lock, postgres.running(), contextlib.ExitStack() as stack:
        # a second command waits: it would take the processors and databases of the first one
        fcntl.flock(lock, fcntl.LOCK_EX)
        if options.against:
            return pairs.compare(options)
        peers = modes_of_oca() if options.modes else [PEERS[name]() for name in needed(options)]
        for peer in peers:
            stack.callback(peer.close)
            peer.prepare()
        around = surroundings(peers)
        check_durability(around["PostgreSQL"])
        print(f"Busy before: {around['busy before']}", flush=True)
        report = Report(FOLDER / ("modes" if options.modes else "result"), peers, options, around)
        for name in options.only:
            measure = MEASURES[name]
            measured = [peer for peer in peers if type(peer).name in measure.peers]
            report.add(measure, alternate(measure, measured, options))
    held, judged = report.bars_held()
    print(
        f"\n{report.markdown()}\n{held} of {judged} bars hold. The table, and each run: {report.path}.md, {report.path}.json"
    )
    return 0 if held == judged else 1


def parse():
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Measure the suite and other job queues side by side."
    )
    parser.add_argument(
        "--only", nargs="+", metavar="ROW", choices=MEASURES, default=list(MEASURES), help=f"of {', '.join(MEASURES)}"
    )
    parser.add_argument(
        "--peers", nargs="+", metavar="PEER", choices=PEERS, default=list(PEERS), help=f"of {', '.join(PEERS)}"
    )
    parser.add_argument(
        "--against", metavar="COMMIT", help="compare this checkout with an earlier commit, by turns, and nothing else"
    )
    parser.add_argument("--pairs", type=int, default=20, help="how often the two are measured at least (default 20)")
    parser.add_argument("--runs", type=int, default=5, help="how often each peer is measured (default 5)")
    parser.add_argument("--jobs", type=int, help="how many jobs a run has (default 10000; with --against 600)")
    parser.add_argument(
        "--records", type=int, help="how many records a run imports (default 10000; with --against 2000)"
    )
    parser.add_argument(
        "--backlog", type=int, default=1_000_000, help="how many further jobs there are in some rows (default 1000000)"
    )
    parser.add_argument(
        "--modes", action="store_true", help="measure the modes of queue_job only, to see which is the fastest"
    )
    options = parser.parse_args()
    options.jobs = options.jobs or (600 if options.against else 10_000)
    options.records = options.records or (2_000 if options.against else 10_000)
    if options.modes:
        options.only = ["drain_noop"]
    return options


def needed(options):
    """Return the names of the chosen peers that the chosen rows need."""
    return [name for name in options.peers if any(name in MEASURES[row].peers for row in options.only)]


def modes_of_oca():
    """Return a peer for each mode of queue_job."""
    peers = [Oca(workers, capacity) for workers, capacity in MODES]
    for peer in peers:
        peer.name = peer.title
    return peers


def check_durability(settings):
    """Refuse a server that may lose committed data."""
    if settings["fsync"] != "on" or settings["synchronous_commit"] != "on":
        raise Failure("this PostgreSQL does not keep what it commits.", "set fsync and synchronous_commit to on.")


def alternate(measure, peers, options):
    """Run a measure on each peer in turn, as often as the options say; return the results.

    The peers take turns: A B A B. The results are a dict: the name of each peer to the list of what
    its runs gave.
    """
    runs = {peer.name: [] for peer in peers}
    print(f"\n{measure.name}: {measure.titled(options)}", flush=True)
    for number in range(1, options.runs + 1):
        for peer in peers:
            began = time.monotonic()
            print(f"  run {number}/{options.runs}  {peer.title:<32}", end=" ", flush=True)
            figures = measure.run(peer, options)
            runs[peer.name].append(figures)
            values = [
                f"{shown(figures[name])} {figure.unit}" for name, figure in measure.figures.items() if name in figures
            ]
            print(f"{'; '.join(values)}   [{time.monotonic() - began:.0f} s]", flush=True)
    return runs


if __name__ == "__main__":
    command(main)
