"""Lock a due schedule, so that each tick creates its job once."""

from collections.abc import Iterable
from datetime import datetime

from odoo.sql_db import BaseCursor

from .sql import NOW

# Only constants of this package are formatted into the statements below
# pylint: disable=sql-injection


def lock_due(cr: BaseCursor, passed_over: Iterable[int]) -> tuple[int, datetime] | None:
    """Lock a schedule that is due, until the end of the transaction.

    A tick becomes a job exactly once. On this READ COMMITTED cursor, the lock, the INSERT of the
    job and the move of ``next_run`` to the next tick are one transaction. Another process that
    comes during this transaction skips the row (SKIP LOCKED). One that comes after it, even with a
    statement that began before its commit, checks the row's newest version again. There
    ``next_run`` lies in the future. If the process dies before the commit, there is no job and the
    tick is still due. If it dies after the commit, both are stored.

    :param passed_over: ids of the schedules that this pass has done already
    :return: ``(id, now in UTC)``, or None if each due schedule is locked by others, or none is due
    """
    cr.execute(
        f"""
        SELECT id, {NOW} FROM queue_job_schedule
        WHERE active AND next_run <= {NOW} AND id <> ALL(%s)
        ORDER BY next_run, id
        LIMIT 1
        FOR NO KEY UPDATE SKIP LOCKED
        """,
        (list(passed_over),),
    )
    return cr.fetchone()
