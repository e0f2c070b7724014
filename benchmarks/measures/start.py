"""Measure of the start: the time until a new worker runs its first job."""

import time

from ..measure import Figure, at_most, measure


@measure(
    "Start of a worker, with a job waiting",
    peers=("connector", "jobs_queue", "oca"),
    loaded=Figure("s from the registry's load to the first job", at_most(1)),
    total=Figure("s from the process's start to the first job"),
)
def start(peer, options):
    peer.clear()
    peer.delay("noop", 1)
    return first_job(peer)


def first_job(peer, then=lambda process: {}):
    """Start workers and return the seconds to their first job.

    :param then: ``function(process)`` that returns further figures while they run
    """
    peer.journal.clear()
    began = time.time()
    with peer.start(2) as process:
        peer.wait_for_jobs(process, 1)
        ((_number, ran), *_others) = peer.journal.entries()
        return {"loaded": ran - peer.registry_loaded(process), "total": ran - began, **then(process)}
