"""Measure of the memory that worker processes need on a machine."""

from ..measure import Figure, at_most, measure
from ..processes import megabytes
from .drain import PROCESSES


@measure(
    "Memory after {jobs} jobs, PSS",
    peers=("connector", "jobs_queue", "oca"),
    above=Figure("MB a worker process, above an idle Odoo", at_most(30)),
    all=Figure("MB, all processes of the queue with 2 workers"),
    idle=Figure("MB, an idle Odoo with this database"),
)
def memory(peer, options):
    """Measure the memory of an idle Odoo, then of workers that have run jobs.

    The idle Odoo has loaded the same registry. ``above`` is (all processes - idle) / workers.
    """
    peer.clear()
    with peer.idle() as process:
        peer.wait(process, lambda: peer.registry_loaded(process))
        idle = megabytes(process.pid)
    with peer.workers(PROCESSES) as process:
        peer.drain_by(process, "noop", options.jobs)
        all = megabytes(process.pid)
    return {"above": (all - idle) / PROCESSES, "all": all, "idle": idle}
