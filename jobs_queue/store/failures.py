"""Failed jobs, and their groups: jobs that failed in the same way.

See ``models/queue_job_failure.py``. Jobs are put in groups after they have failed: a failing job
writes nothing that other failing jobs write too.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from odoo.sql_db import BaseCursor

from .sql import BRIEFLY, NOW, AnyCursor


class FailedJob(NamedTuple):
    """A failed job, with the data that say how it failed.

    ``message`` and ``exc_info`` are cut. A ``payload`` that is too long is left out.
    """

    # a row always has these three; only tests leave them out
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


# One transaction at a time puts jobs in groups: two would make two groups of one kind
_LOCK = f"{BRIEFLY} SELECT pg_advisory_xact_lock(hashtext('connector group failures'))"


def has_ungrouped(cr: AnyCursor) -> bool:
    """Tell whether a failed job has no group yet; reads only an index."""
    cr.execute("SELECT EXISTS (SELECT FROM queue_job WHERE state = 'failed' AND failure_id IS NULL)")
    return cr.fetchone()[0]


def lock_ungrouped(cr: BaseCursor, limit: int) -> list[FailedJob]:
    """Lock failed jobs that have no group yet, until the end of the transaction; return them.

    They are ordered like their index: by the group, which they do not have, then by id.

    READ COMMITTED: a transaction that has waited for another one that groups sees what that one has
    left. SKIP LOCKED: a job that somebody is just requeuing is left to the next pass. Somebody who
    wants to requeue a locked job waits, and then takes it out of its group. If this process dies
    before the commit, the jobs still have no group, and the next pass finds them.

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
    """Put locked failed jobs in a group, and add them to its count.

    It is done in one transaction with :func:`lock_ungrouped`, so each failure counts once.
    """
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
