"""Measure: many jobs that are delayed at once."""

from ..measure import Figure, at_most, measure, times


@measure(
    "Enqueue {jobs} method jobs in one transaction",
    peers=("connector", "oca", "procrastinate", "pgbench"),
    rate=Figure("jobs/s", times(25, "oca")),
    queries=Figure("queries a job", at_most(0.01)),
)
def enqueue(peer, options):
    """Measure from the first call to the end of the commit, while no worker runs.

    The jobs of Procrastinate are delayed by its batch call.
    """
    peer.clear()
    peer.delay("noop", 1)  # what is done once in the life of a process
    peer.clear()
    took = peer.delay("noop", options.jobs)
    figures = {"rate": options.jobs / took["seconds"]}
    if "queries" in took:
        figures["queries"] = took["queries"] / options.jobs
    return figures
