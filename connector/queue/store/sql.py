"""What the statements of the store share."""

import contextlib

from psycopg2.extensions import ISOLATION_LEVEL_READ_COMMITTED

from odoo.sql_db import BaseCursor, Cursor

# The clock of the database, as Odoo stores times
NOW = "(clock_timestamp() AT TIME ZONE 'UTC')"

RUNNABLE = """
    state = 'pending', ready_seq = nextval('queue_job_ready_seq'), eta = NULL,
    worker_id = NULL, lease_token = NULL, date_started = NULL, date_done = NULL, duration = NULL,
    children_released = NULL, failure_id = NULL
"""

# Claims, marks and signs of life need not survive a crash of the server: a claim that is lost leaves a job that can be claimed. So their
# commit does not wait for the disk. The setting is the transaction's own: one of the session would reach other clients of a pooler.
UNHURRIED = "unhurried AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))"


@contextlib.contextmanager
def own_cursor(env):
    """Give a READ COMMITTED cursor apart from the caller's transaction; what is done with it is committed at the end."""
    with env.registry.cursor() as cr:
        if isinstance(cr, Cursor):
            cr.connection.set_isolation_level(ISOLATION_LEVEL_READ_COMMITTED)
        yield cr


@contextlib.contextmanager
def transaction(cr):
    """Run several statements of an autocommit connection in one READ COMMITTED transaction; an Odoo cursor is in one already."""
    if isinstance(cr, BaseCursor):
        yield
        return
    cr.execute("BEGIN ISOLATION LEVEL READ COMMITTED")
    try:
        yield
    except BaseException:
        with contextlib.suppress(Exception):
            cr.execute("ROLLBACK")
        raise
    cr.execute("COMMIT")


def lock_key(cr, identity_key):
    cr.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"queue_job.identity_key:{identity_key}",))
