"""Measure: comparison with a queue of plain functions, without Odoo."""

from ..measure import Figure, measure, times


@measure(
    "Drain {jobs} no-op jobs, one process, one job a transaction",
    peers=("connector", "procrastinate", "pgbench"),
    rate=Figure("jobs/s", times(1.5, "procrastinate")),
    machine=Figure("ms CPU a job, whole machine"),
    workers=Figure("ms CPU a job, workers"),
    postgres=Figure("ms CPU a job, PostgreSQL"),
)
def one_process(peer, options):
    peer.clear()
    return peer.drain("noop", options.jobs, 1)
