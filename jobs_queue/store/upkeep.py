"""Housekeeping: make due jobs runnable, and move jobs of deleted channels to the root."""

import psycopg2

from .sql import BRIEFLY, DUE_AT, NOW, RUNNABLE, AnyCursor
from .trouble import each, is_left_out, is_refusal

# Only constants of this package are formatted into the statements below
# pylint: disable=sql-injection


_IS_DUE = f"state = 'scheduled' AND {DUE_AT} <= {NOW}"


def schedule_due(cr: AnyCursor) -> int:
    """Make jobs runnable whose time has come, a page at a time; return their number.

    SKIP LOCKED: workers that do this at the same time share the work and do not wait.

    :raise LockNotAvailable: somebody has locked the whole table
    """
    try:
        return _schedule(cr, 1000)
    except psycopg2.Error as error:
        if not is_refusal(cr, error):
            raise
        cr.execute(
            f"SELECT id FROM queue_job job WHERE {_IS_DUE} AND NOT {is_left_out('job')} ORDER BY {DUE_AT} LIMIT 100"
        )
        return each(cr, [id_ for (id_,) in cr.fetchall()], lambda id_: _schedule(cr, 1, f"id = {id_:d} AND"))


def _schedule(cr: AnyCursor, limit: int, condition: str = "") -> int:
    cr.execute(
        f"""
        {BRIEFLY}
        UPDATE queue_job job SET {RUNNABLE}
        FROM (
            SELECT id FROM queue_job job WHERE {condition} {_IS_DUE} AND NOT {is_left_out("job")}
            ORDER BY {DUE_AT} LIMIT {limit:d} FOR NO KEY UPDATE SKIP LOCKED
        ) AS due
        WHERE job.id = due.id
        """
    )
    return cr.rowcount


def adopt_strays(cr: AnyCursor) -> int:
    """Move runnable jobs whose channel was deleted to the root channel; return their number.

    A channel with jobs that have not ended cannot be deleted. But a cancelled job may be requeued
    later. A process that has not heard of the deletion may also still delay jobs into the channel.
    The channels of the runnable jobs are found by jumps through the ready index, so a million jobs
    in one channel cost one step.
    """
    cr.execute(
        """
        WITH RECURSIVE used AS (
            (SELECT channel_id FROM queue_job WHERE state = 'pending' ORDER BY channel_id LIMIT 1)
            UNION ALL
            SELECT (
                SELECT job.channel_id FROM queue_job job
                WHERE job.state = 'pending' AND job.channel_id > used.channel_id
                ORDER BY job.channel_id LIMIT 1
            ) FROM used WHERE used.channel_id IS NOT NULL
        ),
        gone AS (
            SELECT channel_id FROM used
            WHERE channel_id IS NOT NULL AND NOT EXISTS (SELECT FROM queue_job_channel channel WHERE channel.id = channel_id)
        )
        UPDATE queue_job job SET channel_id = (SELECT id FROM queue_job_channel WHERE parent_id IS NULL)
        FROM gone WHERE job.channel_id = gone.channel_id AND job.state = 'pending'
        """
    )
    return cr.rowcount


def seconds_to_next_eta(cr: AnyCursor) -> float | None:
    """Return the seconds until the next scheduled job is due, or None.

    None: there is no scheduled job, or the next one has an infinite date.
    """
    cr.execute(
        f"""
        SELECT extract(epoch FROM due - {NOW})::float8
        FROM (SELECT min({DUE_AT}) AS due FROM queue_job WHERE state = 'scheduled') AS next
        WHERE isfinite(due)
        """
    )
    row = cr.fetchone()
    return row and row[0]


def count_runnable(cr: AnyCursor) -> int:
    """Return how many jobs could run now, counted to a thousand."""
    cr.execute("SELECT count(*) FROM (SELECT FROM queue_job WHERE state = 'pending' LIMIT 1000) AS runnable")
    return cr.fetchone()[0]
