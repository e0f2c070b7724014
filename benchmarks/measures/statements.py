"""Measures of the messages and statements that each job sends to PostgreSQL.

They are counted on the line and not timed, so the figures are the same on each machine.
"""

import os
import tempfile

from ..counting import CountingProxy
from ..measure import Figure, measure

_FIGURES = {"messages": Figure("messages a job"), "statements": Figure("statements a job")}


@measure("What a no-op job asks of PostgreSQL", peers=("connector",), **_FIGURES)
def statements_noop(peer, options):
    return _count(peer, "noop", options.jobs)


@measure("What a job asks that writes one field of a record", peers=("connector",), **_FIGURES)
def statements_write(peer, options):
    return _count(peer, "write_one", options.jobs)


def _count(peer, method, jobs):
    peer.clear()
    with tempfile.TemporaryDirectory() as folder:
        proxy = CountingProxy(folder, os.environ["PGHOST"])
        peer.options = ("--db_host", folder)
        try:
            with peer.workers(1) as process:
                proxy.clear()
                peer.drain_by(process, method, jobs)
        finally:
            del peer.options
        messages, statements = proxy.per_job(jobs)
        return {"messages": messages, "statements": statements}
