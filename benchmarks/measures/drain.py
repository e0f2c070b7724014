"""Measures of the rate: two worker processes run jobs that are all there at the beginning.

Each job runs in a transaction of its own, except where jobs run as batches.
"""

from ..measure import Figure, at_most, measure, times

PROCESSES = 2


@measure(
    "Drain {jobs} no-op jobs, 2 worker processes",
    peers=("connector", "oca", "pgbench"),
    rate=Figure("jobs/s", times(10, "oca")),
    machine=Figure("ms CPU a job, whole machine", at_most(1.2)),
    workers=Figure("ms CPU a job, workers"),
    postgres=Figure("ms CPU a job, PostgreSQL"),
    repeated=Figure("times that a job began again"),
)
def drain_noop(peer, options):
    peer.clear()
    return peer.drain("noop", options.jobs, PROCESSES)


@measure(
    "Drain {jobs} jobs that write one field of a record, 2 worker processes",
    peers=("connector", "oca", "pgbench"),
    rate=Figure("jobs/s", times(6, "oca")),
    machine=Figure("ms CPU a job, whole machine"),
    workers=Figure("ms CPU a job, workers"),
    postgres=Figure("ms CPU a job, PostgreSQL"),
    repeated=Figure("times that a job began again"),
)
def drain_write(peer, options):
    peer.clear()
    return peer.drain("write_one", options.jobs, PROCESSES)


@measure(
    "Drain {jobs} no-op jobs, ours of a function that takes up to 100 at once, queue_job's one by one, 2 worker processes",
    peers=("connector", "oca"),
    rate=Figure("jobs/s", times(60, "oca")),
    machine=Figure("ms CPU a job, whole machine"),
    workers=Figure("ms CPU a job, workers"),
    postgres=Figure("ms CPU a job, PostgreSQL"),
    repeated=Figure("times that a job began again"),
)
def drain_grouped(peer, options):
    peer.clear()
    if peer.name == "connector":
        return peer.drain("noop_together", options.jobs, PROCESSES, at_once=100)
    return peer.drain("noop", options.jobs, PROCESSES)
