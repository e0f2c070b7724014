"""Leasing runnable jobs to a worker."""

import logging
from collections import namedtuple

from psycopg2.errors import LockNotAvailable

from . import keys
from .channels import NEXT_IN_ORDER, ROOM, lock_limits, shares, spend_tokens
from .sql import BRIEFLY, UNHURRIED, transaction

_logger = logging.getLogger(__name__)

# What is formatted into the statements below are constants of this package
# pylint: disable=sql-injection

LeasedJob = namedtuple(
    "LeasedJob",
    "id lease_token function model_name payload context user_id su company_id retry max_retries identity_key concurrency_key channel_id "
    "priority ready_seq date_created time_limit memory_limit graph_uuid group_key",
)
LEASED_COLUMNS = ", ".join(f"job.{column}" for column in LeasedJob._fields)

# Claiming
#
# The claim locks the row of its own worker, so that nothing can be leased to a worker that was declared dead: end_worker() locks that row
# FOR UPDATE, deletes it, and frees what it leased, in one transaction. Either the claim comes first and its leases are freed with it, or
# it waits, finds no worker and claims nothing.
#
# Jobs are locked with SKIP LOCKED: two claims never wait for each other's jobs and never get the same one. NO KEY UPDATE, because the
# columns that change are no key. All waiting is in one order, so that no two claims wait for each other: first the rows of limited
# channels by id, then the keys by number (keys.py). And all waiting is short: what somebody else keeps locked is left for the next claim.

_ME = "me AS (SELECT id FROM queue_worker WHERE id = %(worker)s FOR KEY SHARE)"

_SET_LEASE = "state = 'enqueued', worker_id = %(worker)s, lease_token = nextval('queue_job_lease_token_seq')"

# The statements repeat the number of jobs in a plain LIMIT: where the planner cannot see it, it expects a tenth of all jobs, and reads
# the whole table to update them.

# The end of a claim's statement: what has no key is leased at once, what has one comes back with its keys and nothing else
_LEASE_READY = f"""
    leased AS (
        UPDATE queue_job job SET {_SET_LEASE}
        FROM ready
        WHERE job.id = ready.id AND ready.identity_key IS NULL AND ready.concurrency_key IS NULL
        RETURNING {LEASED_COLUMNS}
    )
    SELECT * FROM leased
    UNION ALL
    SELECT id, {", ".join(name if name in ("identity_key", "concurrency_key") else "NULL" for name in LeasedJob._fields[1:])}
    FROM ready WHERE identity_key IS NOT NULL OR concurrency_key IS NOT NULL
"""


def claim(cr, worker_id, limit, free):
    """Lease up to ``limit`` runnable jobs to a worker; return a list of :class:`LeasedJob` in the order in which to run them.

    Jobs of limited channels come first, as each holds a place that others wait for, then the others by priority.

    :param limit: how many jobs the worker wants at most
    :param free: how many it can start at once: no more are taken from limited channels
    """
    limited, unlimited = [], []
    try:
        chosen = shares(cr, limit)
        if others := [share for share in chosen if not share.is_limited]:
            unlimited = sorted(
                _claim_unlimited(cr, worker_id, others), key=lambda job: (job.priority, job.ready_seq or 0)
            )
        for share in chosen:
            if share.is_limited and len(limited) < free:
                limited += _claim_limited(cr, worker_id, share, min(share.jobs, free - len(limited)))
    except LockNotAvailable as error:
        # somebody edits a channel and takes his time, or changes a table: what is leased so far is run, the rest waits
        _logger.info("Some jobs cannot be claimed now: %s %s", error.diag.message_primary, error.diag.context or "")
    return limited + unlimited


def _claim_unlimited(cr, worker_id, channel_shares):
    """Lease jobs of channels without limit; return the jobs.

    One statement: no limit has to be counted, so nothing has to be locked but the jobs themselves. The transaction around it keeps the
    jobs that have a key away from other claims until it is clear whether they may run.
    """
    with transaction(cr, BRIEFLY):
        cr.execute(
            f"""
            WITH {UNHURRIED}, {_ME},
            share AS (SELECT * FROM unnest(%(channels)s::int[], %(jobs)s::bigint[]) AS share (channel_id, jobs)),
            ready AS (
                SELECT candidate.id, candidate.identity_key, candidate.concurrency_key
                FROM unhurried, me, share, LATERAL (
                    SELECT id, identity_key, concurrency_key FROM queue_job
                    WHERE state = 'pending' AND channel_id = share.channel_id
                    ORDER BY priority, ready_seq
                    LIMIT share.jobs
                    FOR NO KEY UPDATE SKIP LOCKED
                ) AS candidate
                LIMIT %(limit)s
            ),
            {_LEASE_READY}
            """,
            {
                "worker": worker_id,
                "channels": [share.channel_id for share in channel_shares],
                "jobs": [share.jobs for share in channel_shares],
                "limit": sum(share.jobs for share in channel_shares),
            },
        )
        return _leased(cr, worker_id)


def _claim_limited(cr, worker_id, share, limit):
    """Lease jobs of a channel that has a limit, or is below one; return the jobs.

    Two statements in one transaction. The first locks the limits in a fixed order, so that claims below the same limit follow one
    another. The snapshot of the second is younger than these locks: it counts every lease that an earlier claim has committed. In one
    statement the count would be older than the lock, and two claims would admit the same place twice.
    """
    with transaction(cr, BRIEFLY):
        lock_limits(cr, share.channel_id)
        # IS TRUE leaves the planner the primary key alone
        runnable = (
            f"job.id = {NEXT_IN_ORDER} AND (job.state = 'pending') IS TRUE"
            if share.is_sequential
            else "job.state = 'pending'"
        )
        cr.execute(
            f"""
            WITH {_ME},
            room AS ({ROOM}),
            ready AS (
                SELECT * FROM (
                    SELECT job.id, job.identity_key, job.concurrency_key FROM me, queue_job job
                    WHERE {runnable} AND job.channel_id = %(channel)s
                    ORDER BY job.priority, job.ready_seq
                    LIMIT (
                        SELECT GREATEST(0, min(room.jobs)) FROM room, queue_job_channel channel
                        WHERE channel.id = %(channel)s AND starts_with(channel.parent_path, room.parent_path)
                    )
                    FOR NO KEY UPDATE OF job SKIP LOCKED
                ) AS candidate
                LIMIT %(limit)s
            ),
            {_LEASE_READY}
            """,
            {"worker": worker_id, "channel": share.channel_id, "limit": limit},
        )
        # A job that waits for its key leaves the ready index, but in a sequential channel nothing may overtake it
        jobs = _leased(cr, worker_id, park=not share.is_sequential)
        if jobs:
            spend_tokens(cr, share.channel_id, len(jobs))
        return jobs


def _leased(cr, worker_id, park=True):
    """Return what the last statement has leased, and lease those of its jobs with a key that may run."""
    rows = [LeasedJob._make(row) for row in cr.fetchall()]
    jobs = [row for row in rows if row.lease_token]
    if keyed := [row for row in rows if not row.lease_token]:
        # the places that were counted for these jobs are kept by the locks on the limits
        cr.execute(
            f"WITH {_ME} UPDATE queue_job job SET {_SET_LEASE} FROM me WHERE job.id = ANY(%(ids)s) RETURNING {LEASED_COLUMNS}",
            {"worker": worker_id, "ids": keys.admit(cr, keyed, park)},
        )
        jobs += map(LeasedJob._make, cr.fetchall())
    return jobs
