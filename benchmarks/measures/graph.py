"""Measures with jobs that wait for each other."""

from ..measure import Figure, at_most, measure
from .drain import PROCESSES

CHAIN = 100
GROUP = 1000


@measure(
    f"Chain of {CHAIN} no-op jobs, 2 worker processes",
    peers=("connector",),
    seconds=Figure("s from its commit to the start of its last job", at_most(2)),
)
def chain(peer, options):
    peer.clear()
    with peer.workers(PROCESSES) as process:
        committed = peer.ask("delay_chain", CHAIN)
        peer.wait_for_jobs(process, CHAIN)
    return {"seconds": peer.journal.entries()[-1][1] - committed}


@measure(
    f"Delay a group of {GROUP:,} jobs that all wait for another group of {GROUP:,}",
    peers=("connector",),
    seconds=Figure("s, with the commit"),
)
def groups(peer, options):
    peer.clear()
    return {"seconds": peer.ask("delay_groups", GROUP)}
