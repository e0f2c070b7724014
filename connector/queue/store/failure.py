"""Failed jobs and the groups of those that failed in the same way, see ``queue/model/queue_job_failure.py``.

All of it happens after the jobs have failed: a job that fails writes nothing that other failing jobs write too.
"""

from collections import namedtuple

from ..texts import MESSAGE, TRACEBACK

FailedJob = namedtuple("FailedJob", "id function company_id channel_id date message exc_name exc_info")


def lock_ungrouped(cr, limit):
    """Lock failed jobs that have no group yet, until the end of the transaction; return a list of :class:`FailedJob`.

    READ COMMITTED, with SKIP LOCKED: of two that group at the same time each gets other jobs. Who wants to requeue one of them waits, and
    then takes it out of its group. If this process dies before the commit the jobs have no group yet, and the next pass finds them.
    """
    cr.execute(
        """
        SELECT job.id, job.function, job.company_id, job.channel_id, job.date_done, left(job.message, %s), attempt.exc_name,
            right(attempt.exc_info, %s)
        FROM queue_job job
        LEFT JOIN LATERAL (
            SELECT exc_name, exc_info FROM queue_job_attempt WHERE job_id = job.id ORDER BY id DESC LIMIT 1
        ) AS attempt ON true
        WHERE job.state = 'failed' AND job.failure_id IS NULL
        ORDER BY job.id
        LIMIT %s
        FOR NO KEY UPDATE OF job SKIP LOCKED
        """,
        (MESSAGE, TRACEBACK, limit),
    )
    return [FailedJob._make(row) for row in cr.fetchall()]


def put_in_group(cr, failure_id, jobs):
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
