"""Conditions, settings and transactions that the statements of the store share."""

import contextlib
from collections.abc import Iterator
from datetime import datetime
from typing import Protocol, TypeAlias

import psycopg2
from psycopg2.extensions import ISOLATION_LEVEL_READ_COMMITTED

from odoo.api import Environment
from odoo.sql_db import BaseCursor, Cursor

from .connection import LOCK_TIMEOUT

#: A cursor of a worker's raw connection, or one of Odoo's.
AnyCursor: TypeAlias = psycopg2.extensions.cursor | BaseCursor


class Leased(Protocol):
    """A job whose row a statement finds by its lease; without a token it is not found."""

    @property
    def id(self) -> int: ...

    @property
    def lease_token(self) -> int | None: ...


# The time of the database, in UTC as Odoo stores it
NOW = "(clock_timestamp() AT TIME ZONE 'UTC')"

# The time from which a scheduled job is due. A job without an eta has long been due: only an UPDATE
# by hand makes such a job, and nothing else would move it on
DUE_AT = "COALESCE(eta, '1970-01-01'::timestamp)"

RUNNABLE = """
    state = 'pending', ready_seq = nextval('queue_job_ready_seq'), eta = NULL,
    worker_id = NULL, lease_token = NULL, date_started = NULL, date_done = NULL, duration = NULL,
    children_released = NULL, failure_id = NULL, is_parked = NULL
"""


def is_leased(alias: str) -> str:
    """Return the condition that a worker has the lease of a job."""
    return f"{alias}.state IN ('enqueued', 'started')"


def is_parked(alias: str) -> str:
    """Return the condition that a job waits for a key, see ``keys.py``.

    Other jobs in the same state wait for other jobs.
    """
    return f"{alias}.state = 'wait_dependencies' AND {alias}.is_parked"


def is_in_order(alias: str) -> str:
    """Return the condition that a job has a place in the order of a sequential channel.

    Such a job is runnable, failed, or between two tries. Leased jobs are counted separately. IS
    TRUE hides the state from the planner. Otherwise the planner would take the index on this
    condition for the index of runnable jobs.

    An index is defined by this text: Odoo builds the index anew if a single space of it changes.
    """
    return f"""(
    {alias}.state IN ('pending', 'failed') OR {alias}.state = 'scheduled' AND {alias}.date_started IS NOT NULL
) IS TRUE"""


# Claims, marks and heartbeats need not survive a crash of the server: if a claim is lost, its job
# can be claimed again. So their commit does not wait for the disk. The setting belongs to the
# transaction: a setting of the session would reach other clients of a pooler.
UNHURRIED = "unhurried AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))"

# It is put before a statement, in one message with it: for claims, marks and housekeeping. They
# wait briefly for a lock and then raise LockNotAvailable. Somebody may hold a row, a channel or a
# whole table for long, and what is not done now is done the next time. The setting holds only for
# the transaction, like the one above. A worker's connections wait no longer anyway, but behind a
# pooler they would.
BRIEFLY = f"SET LOCAL lock_timeout = {LOCK_TIMEOUT};"

# Like BRIEFLY, for what a job does with its own row before a COMMIT. Nobody else updates that row
# while the job runs. But another cursor of the job may have locked it, and keeps the lock for as
# long as the job waits
PATIENTLY = "SET LOCAL lock_timeout = '10s';"


def now(cr: AnyCursor) -> datetime:
    """Return the time of the database, in UTC."""
    cr.execute(f"SELECT {NOW}")  # pylint: disable=sql-injection; a constant
    return cr.fetchone()[0]


@contextlib.contextmanager
def own_cursor(env: Environment) -> Iterator[BaseCursor]:
    """Open a READ COMMITTED cursor apart from the caller's transaction; commit it at the end."""
    with env.registry.cursor() as cr:
        if isinstance(cr, Cursor):
            cr.connection.set_isolation_level(ISOLATION_LEVEL_READ_COMMITTED)
        yield cr


@contextlib.contextmanager
def transaction(cr: AnyCursor, settings: str = "") -> Iterator[None]:
    """Run several statements of an autocommit connection in one READ COMMITTED transaction.

    An Odoo cursor is in a transaction already.

    :param settings: such as :data:`BRIEFLY`
    """
    if isinstance(cr, BaseCursor):
        yield
        return
    cr.execute("BEGIN ISOLATION LEVEL READ COMMITTED; " + settings)  # pylint: disable=sql-injection; it is a constant of this package
    try:
        yield
    except BaseException:
        with contextlib.suppress(Exception):
            cr.execute("ROLLBACK")
        raise
    cr.execute("COMMIT")


@contextlib.contextmanager
def savepoint(cr: AnyCursor) -> Iterator[None]:
    """Run statements in a savepoint, within a :func:`transaction` that goes on if they fail."""
    if isinstance(cr, BaseCursor):
        with cr.savepoint(flush=False):
            yield
        return
    cr.execute("SAVEPOINT connector")
    try:
        yield
    except BaseException:
        with contextlib.suppress(Exception):
            cr.execute("ROLLBACK TO SAVEPOINT connector")
        raise
    cr.execute("RELEASE SAVEPOINT connector")


def parameter(cr: AnyCursor, key: str) -> str | None:
    """Return the text of a system parameter, or None."""
    cr.execute("SELECT value FROM ir_config_parameter WHERE key = %s", (key,))
    row = cr.fetchone()
    return row and row[0]
