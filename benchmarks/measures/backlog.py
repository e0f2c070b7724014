"""Measures with very many further jobs in the queue, which must not slow it down."""

from ..measure import Figure, at_least, at_most, measure
from ..processes import megabytes
from .drain import PROCESSES
from .start import first_job

FIGURES = {
    "rate": Figure("jobs/s"),
    "share": Figure("% of the rate without them", at_least(90)),
    "loaded": Figure("s from the registry's load to the first job", at_most(1)),
    "memory": Figure("MB more than without them, all processes (PSS)", at_most(5)),
}


@measure(
    "With {backlog} further jobs that could run, in another channel and later by priority",
    peers=("connector", "oca"),
    **FIGURES,
)
def backlog_runnable(peer, options):
    return _with_backlog(peer, options, "runnable")


@measure("With {backlog} further jobs that are scheduled in the future", peers=("connector", "oca"), **FIGURES)
def backlog_scheduled(peer, options):
    return _with_backlog(peer, options, "scheduled")


def _with_backlog(peer, options, kind):
    peer.clear()
    alone = _drain(peer, options)
    peer.clear()
    peer.backlog(kind, options.backlog)
    among = _drain(peer, options)
    peer.delay("noop", 1)
    return {
        "rate": among["rate"],
        "share": 100 * among["rate"] / alone["rate"],
        "memory": among["memory"] - alone["memory"],
        "loaded": first_job(peer)["loaded"],
    }


def _drain(peer, options):
    with peer.workers(PROCESSES) as process:
        rate = peer.drain_by(process, "noop", options.jobs)["rate"]
        return {"rate": rate, "memory": megabytes(process.pid)}
