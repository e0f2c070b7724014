"""Leasing runnable jobs to a worker."""

from collections import namedtuple

from .sql import NOW, UNHURRIED, lock_key, transaction

# What is formatted into the statements below are constants of this package
# pylint: disable=sql-injection

LeasedJob = namedtuple(
    "LeasedJob",
    "id lease_token function model_name payload context user_id su company_id retry max_retries identity_key channel_id priority "
    "ready_seq date_created time_limit memory_limit graph_uuid",
)
LEASED_COLUMNS = ", ".join(f"job.{column}" for column in LeasedJob._fields)

# Claiming
#
# The claim locks the row of its own worker, so that nothing can be leased to a worker that was declared dead: end_worker() locks that row
# FOR UPDATE, deletes it, and frees what it leased, in one transaction. Either the claim comes first and its leases are freed with it, or
# it waits, finds no worker and claims nothing.
#
# Rows are locked with SKIP LOCKED: two claims never wait for each other and never get the same row. NO KEY UPDATE, because the columns
# that change are no key.

_ME = "SELECT id FROM queue_worker WHERE id = %(worker)s FOR KEY SHARE"

# While addons are installed, updated or removed, the code in memory is not that of the database
_MODULES_SETTLED = "NOT EXISTS (SELECT FROM ir_module_module WHERE state IN ('to install', 'to upgrade', 'to remove'))"

_SET_LEASE = "state = 'enqueued', worker_id = %(worker)s, lease_token = nextval('queue_job_lease_token_seq')"


def claim(cr, worker_id, limit, free):
    """Lease up to ``limit`` runnable jobs to a worker; return a list of :class:`LeasedJob` in the order in which to run them.

    :param limit: how many jobs the worker wants at most
    :param free: how many it can start at once: no more are taken from channels with a limit
    """
    jobs, keyed = _claim_unlimited(cr, worker_id, limit)
    for job_id, identity_key in keyed:
        jobs += _claim_keyed(cr, worker_id, job_id, identity_key)
    for channel_id in _limited_channels_with_jobs(cr):
        if len(jobs) >= free:
            break
        jobs += _claim_limited(cr, worker_id, channel_id, free - len(jobs))
    return sorted(jobs, key=lambda job: (job.priority, job.ready_seq))


def _claim_unlimited(cr, worker_id, limit):
    """Lease jobs of channels without limit; return the jobs, and ``[(id, identity_key)]`` of candidates that have a key.

    One statement: no limit has to be counted, so nothing has to be locked but the jobs themselves.
    """
    cr.execute(
        f"""
        WITH {UNHURRIED},
        me AS ({_ME}),
        channel AS (
            SELECT id FROM queue_job_channel channel
            WHERE NOT EXISTS (
                SELECT FROM queue_job_channel above
                WHERE (above.capacity > 0 OR above.is_paused) AND starts_with(channel.parent_path, above.parent_path)
            )
        ),
        ready AS (
            SELECT candidate.id, candidate.identity_key
            FROM unhurried, me, channel, LATERAL (
                SELECT id, identity_key, priority, ready_seq FROM queue_job
                WHERE state = 'pending' AND channel_id = channel.id
                ORDER BY priority, ready_seq
                LIMIT %(limit)s
                FOR NO KEY UPDATE SKIP LOCKED
            ) AS candidate
            WHERE {_MODULES_SETTLED}
            ORDER BY candidate.priority, candidate.ready_seq
            LIMIT %(limit)s
        ),
        leased AS (
            UPDATE queue_job job SET {_SET_LEASE}
            FROM ready
            WHERE job.id = ready.id AND ready.identity_key IS NULL
            RETURNING {LEASED_COLUMNS}
        )
        SELECT * FROM leased
        UNION ALL
        SELECT id, {_nulls_but("identity_key")} FROM ready WHERE identity_key IS NOT NULL
        """,
        {"worker": worker_id, "limit": limit},
    )
    rows = [LeasedJob._make(row) for row in cr.fetchall()]
    return [row for row in rows if row.lease_token], [(row.id, row.identity_key) for row in rows if not row.lease_token]


def _nulls_but(kept):
    return ", ".join(column if column == kept else "NULL" for column in LeasedJob._fields[1:])


def _limited_channels_with_jobs(cr):
    """Return the ids of the channels below a limit, not paused, that have runnable jobs; nothing is locked."""
    cr.execute(
        """
        SELECT channel.id FROM queue_job_channel channel
        WHERE EXISTS (SELECT FROM queue_job job WHERE job.state = 'pending' AND job.channel_id = channel.id)
          AND EXISTS (
                SELECT FROM queue_job_channel above
                WHERE above.capacity > 0 AND starts_with(channel.parent_path, above.parent_path)
          )
          AND NOT EXISTS (
                SELECT FROM queue_job_channel above
                WHERE above.is_paused AND starts_with(channel.parent_path, above.parent_path)
          )
        ORDER BY random()
        """
    )
    return [id_ for (id_,) in cr.fetchall()]


def _claim_limited(cr, worker_id, channel_id, limit):
    """Lease jobs of a channel that has a limit, or is below one; return the jobs.

    Two statements in one transaction. The first locks the limits in a fixed order, so that claims below the same limit follow one
    another. The snapshot of the second is younger than these locks: it counts every lease that an earlier claim has committed. In one
    statement the count would be older than the lock, and two claims would admit the same place twice.
    """
    with transaction(cr):
        cr.execute(
            """
            SELECT above.id FROM queue_job_channel channel, queue_job_channel above
            WHERE channel.id = %s AND above.capacity > 0 AND starts_with(channel.parent_path, above.parent_path)
            ORDER BY above.id
            FOR NO KEY UPDATE OF above
            """,
            (channel_id,),
        )
        cr.execute(
            f"""
            WITH me AS ({_ME}),
            room AS (
                SELECT min(above.capacity - (
                    SELECT count(*) FROM queue_job job JOIN queue_job_channel below ON below.id = job.channel_id
                    WHERE job.state IN ('enqueued', 'started') AND starts_with(below.parent_path, above.parent_path)
                )) AS jobs
                FROM queue_job_channel channel, queue_job_channel above
                WHERE channel.id = %(channel)s AND above.capacity > 0 AND starts_with(channel.parent_path, above.parent_path)
            ),
            ready AS (
                SELECT job.id, job.identity_key FROM me, queue_job job
                WHERE job.state = 'pending' AND job.channel_id = %(channel)s AND {_MODULES_SETTLED}
                ORDER BY job.priority, job.ready_seq
                LIMIT GREATEST(0, LEAST(%(limit)s, (SELECT jobs FROM room)))
                FOR NO KEY UPDATE OF job SKIP LOCKED
            ),
            leased AS (
                UPDATE queue_job job SET {_SET_LEASE}
                FROM ready
                WHERE job.id = ready.id AND ready.identity_key IS NULL
                RETURNING {LEASED_COLUMNS}
            )
            SELECT * FROM leased
            UNION ALL
            SELECT id, {_nulls_but("identity_key")} FROM ready WHERE identity_key IS NOT NULL
            """,
            {"worker": worker_id, "channel": channel_id, "limit": limit},
        )
        jobs = []
        for row in [LeasedJob._make(row) for row in cr.fetchall()]:
            if row.lease_token:
                jobs.append(row)
            else:
                # the place that was counted for this job is kept by the locks on the limits
                jobs += _lease_keyed(cr, worker_id, row.id, row.identity_key)
        return jobs


def _claim_keyed(cr, worker_id, job_id, identity_key):
    with transaction(cr):
        return _lease_keyed(cr, worker_id, job_id, identity_key)


def _lease_keyed(cr, worker_id, job_id, identity_key):
    """Lease a job that has an identity key, unless a job with that key is leased; return a list of one job or none.

    Runs inside a transaction. All that depends on a key is serialised by its advisory lock, taken before the statement that looks, so
    that the statement sees what the former holder has committed. While a twin is leased, the job waits outside the ready index; the end
    of the twin releases it (:func:`release_key`). Otherwise the other runnable jobs with the key end as cancelled: they were committed
    before this statement, so what they were delayed for is visible to the one that runs now.
    """
    lock_key(cr, identity_key)
    cr.execute(
        f"""
        WITH me AS ({_ME}),
        job AS (
            SELECT job.id, EXISTS (
                SELECT FROM queue_job twin WHERE twin.identity_key = %(key)s AND twin.state IN ('enqueued', 'started')
            ) AS is_busy
            FROM me, queue_job job
            WHERE job.id = %(job)s AND job.state = 'pending'
            FOR NO KEY UPDATE OF job
        ),
        parked AS (
            UPDATE queue_job SET state = 'wait_dependencies', ready_seq = NULL
            FROM job WHERE job.is_busy AND queue_job.id = job.id
        ),
        collapsed AS (
            UPDATE queue_job twin SET state = 'cancelled', date_done = {NOW}, message = 'The same as job ' || %(job)s
            FROM (
                SELECT twin.id FROM queue_job twin, job
                WHERE NOT job.is_busy AND twin.identity_key = %(key)s AND twin.id <> %(job)s
                  AND twin.state IN ('pending', 'wait_dependencies')
                ORDER BY twin.id
                FOR NO KEY UPDATE OF twin
            ) AS other
            WHERE twin.id = other.id
        )
        UPDATE queue_job job SET {_SET_LEASE}
        FROM job AS free
        WHERE NOT free.is_busy AND job.id = free.id
        RETURNING {LEASED_COLUMNS}
        """,
        {"worker": worker_id, "job": job_id, "key": identity_key},
    )
    return [LeasedJob._make(row) for row in cr.fetchall()]
