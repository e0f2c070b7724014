"""Failed jobs and the groups of those that failed in the same way, see ``models/queue_job_failure.py``.

All of it happens after the jobs have failed: a job that fails writes nothing that other failing jobs write too.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from odoo.sql_db import BaseCursor

from .sql import BRIEFLY, NOW, AnyCursor


class FailedJob(NamedTuple):
    """A failed job, with what tells how it failed.

    ``message``, ``payload`` and ``exc_info`` are cut; a payload that is longer than they are looked at is left out.
    """

    # a row has these three always, only tests leave them out
    id: int = None  # type: ignore[assignment]
    function: str = None  # type: ignore[assignment]
    model_name: str | None = None
    company_id: int | None = None
    channel_id: int | None = None
    date: datetime = None  # type: ignore[assignment]
    message: str | None = None
    payload: str | None = None
    exc_name: str | None = None
    exc_info: str | None = None


# One at a time groups: two would make two groups of one kind
_LOCK = f"{BRIEFLY} SELECT pg_advisory_xact_lock(hashtext('connector group failures'))"


def has_ungrouped(cr: AnyCursor) -> bool:
    """Tell whether a failed job has no group yet: a look into an index."""
    cr.execute("SELECT EXISTS (SELECT FROM queue_job WHERE state = 'failed' AND failure_id IS NULL)")
    return cr.fetchone()[0]


def lock_ungrouped(cr: BaseCursor, limit: int) -> list[FailedJob]:
    """Lock failed jobs that have no group yet, until the end of the transaction, and return them.

    They are ordered as their index is: by the group that they have not, then by their ids.

    READ COMMITTED: who has waited for another one that groups sees what that one has left. SKIP LOCKED: a job that somebody requeues just
    now is left to the next pass. Who wants to requeue one of them waits, and then takes it out of its group. If this process dies before
    the commit the jobs have no group yet, and the next pass finds them.

    :raise LockNotAvailable: somebody else has been grouping for long
    """
    cr.execute(_LOCK)
    cr.execute(
        f"""
        SELECT job.id, job.function, job.model_name, job.company_id, job.channel_id, COALESCE(job.date_done, {NOW}),
               left(job.message, 10000), CASE WHEN octet_length(job.payload) <= 10000 THEN job.payload END, attempt.exc_name,
               left(attempt.exc_info, 100000)
        FROM queue_job job
        LEFT JOIN LATERAL (
            SELECT exc_name, exc_info FROM queue_job_attempt WHERE job_id = job.id ORDER BY id DESC LIMIT 1
        ) AS attempt ON true
        WHERE job.state = 'failed' AND job.failure_id IS NULL
        ORDER BY job.failure_id, job.id
        LIMIT %s
        FOR NO KEY UPDATE OF job SKIP LOCKED
        """,
        (limit,),
    )
    return [FailedJob._make(row) for row in cr.fetchall()]


def put_in_group(cr: BaseCursor, failure_id: int, jobs: Sequence[FailedJob]) -> None:
    """Put locked failed jobs in a group, and count them there, in one transaction with :func:`lock_ungrouped`: each failure counts once."""
    cr.execute("UPDATE queue_job SET failure_id = %s WHERE id = ANY(%s)", (failure_id, [job.id for job in jobs]))
    cr.execute(
        """
        UPDATE queue_job_failure SET
            count = count + %(count)s, untold_count = untold_count + %(count)s, job_id = %(job)s,
            date_first = LEAST(date_first, %(first)s), date_last = GREATEST(date_last, %(last)s)
        WHERE id = %(id)s
        """,
        {
            "id": failure_id,
            "count": len(jobs),
            "job": jobs[-1].id,
            "first": min(job.date for job in jobs),
            "last": max(job.date for job in jobs),
        },
    )
