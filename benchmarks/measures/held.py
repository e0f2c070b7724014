"""Measures with a transaction that is open elsewhere for the whole run.

A long report or a backup has such a transaction. Rows that died since its beginning cannot be
vacuumed.
"""

import contextlib

import psycopg2
from psycopg2.extensions import ISOLATION_LEVEL_REPEATABLE_READ

from ..measure import Figure, at_least, measure
from .drain import PROCESSES


@measure(
    "Drain {jobs} no-op jobs while a transaction is open elsewhere",
    peers=("connector", "oca"),
    rate=Figure("jobs/s"),
    share=Figure("% of the rate without it", at_least(75)),
)
def held(peer, options):
    return _with_and_without(peer, options)


@measure(
    "The same on a channel with a limit (4)",
    peers=("connector",),
    rate=Figure("jobs/s"),
    share=Figure("% of the rate without the transaction"),
)
def held_limited(peer, options):
    return _with_and_without(peer, options, capacity=4)


def _with_and_without(peer, options, capacity=None):
    rates = []
    for elsewhere in (contextlib.nullcontext(), _open_transaction(peer.database)):
        peer.clear()
        if capacity:
            peer.limit(capacity)
        with elsewhere:
            rates.append(peer.drain("noop", options.jobs, PROCESSES)["rate"])
    without, among = rates
    return {"rate": among, "share": 100 * among / without}


@contextlib.contextmanager
def _open_transaction(database):
    with contextlib.closing(psycopg2.connect(dbname=database)) as connection:
        connection.set_isolation_level(ISOLATION_LEVEL_REPEATABLE_READ)
        connection.cursor().execute("SELECT pg_current_xact_id()")  # with a number of its own and a snapshot
        yield
