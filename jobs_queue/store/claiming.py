"""Claims: lease runnable jobs to a worker."""

import logging
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple, TypeAlias

import psycopg2

from . import keys, trouble
from .channels import NEXT_IN_ORDER, ROOM, Share, lock_limits, next_in_order, shares, spend_tokens
from .sql import BRIEFLY, UNHURRIED, AnyCursor, transaction

_logger = logging.getLogger(__name__)

# Only constants of this package are formatted into the statements below
# pylint: disable=sql-injection


class LeasedJob(NamedTuple):
    """A job as it was leased.

    The arguments are not included, as they may be large. They come with the start of the job. So a
    worker's memory holds only the arguments of running jobs.
    """

    id: int
    lease_token: int
    function: str
    model_name: str | None
    context: str | None
    user_id: int
    su: bool
    company_id: int
    retry: int
    max_retries: int
    identity_key: str | None
    concurrency_key: str | None
    channel_id: int
    priority: int
    ready_seq: int | None
    date_created: datetime
    time_limit: int | None
    memory_limit: int | None
    graph_uuid: str | None
    group_key: str | None
    runs_alone: bool | None


def leased_columns(alias: str) -> str:
    """Return the columns of a :class:`LeasedJob`, in its order."""
    return ", ".join(f"{alias}.{column}" for column in LeasedJob._fields)


# Claiming
#
# A claim locks the row of its own worker, so that nothing can be leased to a worker that was
# declared dead: in one transaction, end_worker() locks that row FOR UPDATE, deletes it and frees
# its leases. If the claim comes first, its leases are freed too. If it comes second, it waits,
# finds no worker and claims nothing.
#
# Jobs are locked with SKIP LOCKED: two claims never wait for each other's jobs and never get the
# same job. The lock is NO KEY UPDATE, because the changed columns are no key. All waiting is in one
# order, so that no two claims wait for each other: first the rows of limited channels by id, then
# the keys by number (keys.py). All waiting is short: what somebody else keeps locked is left for
# the next claim.

_ME = "me AS (SELECT id FROM queue_worker WHERE id = %(worker)s FOR KEY SHARE)"

_SET_LEASE = "state = 'enqueued', worker_id = %(worker)s, lease_token = nextval('queue_job_lease_token_seq')"

# The statements repeat the number of jobs in a plain LIMIT. If the planner cannot see the number,
# it expects a tenth of all jobs, and reads the whole table to update them.

# The end of a claim's statement. A job without a key is leased at once. For a job with a key, only
# the id and the keys are returned
_LEASE_READY = f"""
    leased AS (
        UPDATE queue_job job SET {_SET_LEASE}
        FROM ready
        WHERE job.id = ready.id AND ready.identity_key IS NULL AND ready.concurrency_key IS NULL
        RETURNING {leased_columns("job")}
    )
    SELECT * FROM leased
    UNION ALL
    SELECT id, {", ".join(name if name in ("identity_key", "concurrency_key") else "NULL" for name in LeasedJob._fields[1:])}
    FROM ready WHERE identity_key IS NOT NULL OR concurrency_key IS NOT NULL
"""


class _Choice(NamedTuple):
    """The runnable jobs of a channel that a claim may take.

    These are all of them, those that are not left out, or a single one.
    """

    condition: str = "true"
    ids: list[int] | int | None = None


_ClaimShares: TypeAlias = Callable[[AnyCursor, int, Sequence[Share], int, _Choice], list[LeasedJob]]


# Number of rows of a channel that a claim tries one by one without success; then it tries another
# channel
_REFUSALS = 10
# Seconds for which a claim goes on with other rows after all were refused; nobody else can use the
# worker's connection meanwhile
SECONDS = 0.3


def claim(cr: AnyCursor, worker_id: int, limit: int, free: int) -> list[LeasedJob]:
    """Lease up to ``limit`` runnable jobs to a worker; return them in the order of their runs.

    Jobs of limited channels come first, as each holds a place that others wait for. The others
    follow by priority.

    :param limit: number of jobs that the worker wants at most
    :param free: number of jobs that it can start at once: no more are taken from limited channels
    :raise psycopg2.Error: no job could be leased, and as far as one can see the reason is not a
        single row: the worker waits. If there was no time to try all rows, nothing is raised: the
        next claim goes on
    """
    limited: list[LeasedJob] = []
    unlimited: list[LeasedJob] = []
    refused: psycopg2.Error | None = None
    ends = time.monotonic() + SECONDS
    try:
        while True:
            left_out, is_refused = _claim_round(cr, worker_id, limit, free, limited, unlimited)
            refused = is_refused or refused
            # the next round leaves out the refused rows, and looks behind them and into other
            # channels
            if limited or unlimited or not is_refused:
                break
            if time.monotonic() > ends:
                refused = None
                break
        if left_out or is_refused:
            trouble.fail_troubled(cr, others_changed=bool(limited or unlimited))
    except trouble.PASSING as error:
        # somebody edits a channel and takes long, or changes a table: the jobs leased so far are
        # run, the rest waits
        _logger.info("Some jobs cannot be claimed now: %s %s", error.diag.message_primary, error.diag.context or "")
    except psycopg2.Error as error:
        if not trouble.is_refusal(cr, error):
            raise
        refused = error
    if refused and not (limited or unlimited):
        raise refused
    return limited + sorted(unlimited, key=lambda job: (job.priority, job.ready_seq or 0))


def _claim_round(
    cr: AnyCursor, worker_id: int, limit: int, free: int, limited: list[LeasedJob], unlimited: list[LeasedJob]
) -> tuple[list[int], psycopg2.Error | None]:
    """Lease as many of the wanted jobs as are not refused, and add them to the two lists.

    :return: ``(ids that are left out, the error that was raised or None)``
    """
    refused = None
    chosen, left_out = shares(cr, limit)
    choice = _Choice("job.id <> ALL(%(only)s)", left_out) if left_out else _Choice()
    if others := [share for share in chosen if not share.is_limited]:
        refused = _lease(cr, worker_id, unlimited, _claim_unlimited, others, limit, choice)
    for share in chosen:
        if share.is_limited and len(limited) < free:
            most = min(share.jobs, free - len(limited))
            refused = _lease(cr, worker_id, limited, _claim_limited, [share], most, choice) or refused
    return left_out, refused


def _lease(
    cr: AnyCursor,
    worker_id: int,
    jobs: list[LeasedJob],
    claim_shares: _ClaimShares,
    channel_shares: Sequence[Share],
    limit: int,
    choice: _Choice,
) -> psycopg2.Error | None:
    """Lease jobs of some channels and add them to a list; if the claim is refused, row by row.

    :return: the error that was raised, or None
    """
    try:
        jobs += claim_shares(cr, worker_id, channel_shares, limit, choice)
    except psycopg2.Error as error:
        if not trouble.is_refusal(cr, error):
            raise
        _lease_each(cr, worker_id, jobs, claim_shares, channel_shares, limit, choice)
        return error
    return None


def _lease_each(
    cr: AnyCursor,
    worker_id: int,
    jobs: list[LeasedJob],
    claim_shares: _ClaimShares,
    channel_shares: Sequence[Share],
    limit: int,
    choice: _Choice,
) -> None:
    """Lease jobs one by one and add them to a list; note the trouble of the refused rows.

    Each job is claimed as usual, with all limits and keys. The reason of a refusal may be a twin of
    the job, and not the job's own row. The job is noted all the same; the twin comes next.

    :raise psycopg2.Error: the note cannot be written either
    """
    most = len(jobs) + limit
    for share in channel_shares:
        refusals = 0
        most_of_share = min(most, len(jobs) + share.jobs)
        one = [share._replace(jobs=1)]
        for id_ in _heads(cr, share, choice):
            if len(jobs) == most_of_share or (refusals == _REFUSALS and not jobs):
                break
            try:
                jobs += claim_shares(cr, worker_id, one, 1, _Choice("job.id = %(only)s", id_))
            except psycopg2.Error as error:
                if not trouble.is_refusal(cr, error):
                    raise
                trouble.note(cr, id_, error)
                refusals += 1


def _heads(cr: AnyCursor, share: Share, choice: _Choice) -> list[int]:
    """Return the ids of a channel's first runnable jobs.

    These are the jobs of its share, and as many more as may be refused.
    """
    if share.is_sequential:
        # None if another worker has just taken it
        return list(filter(None, [next_in_order(cr, share.channel_id)]))
    cr.execute(
        f"""
        SELECT id FROM queue_job job WHERE state = 'pending' AND channel_id = %(channel)s AND {choice.condition}
        ORDER BY priority, ready_seq LIMIT %(limit)s
        """,
        {"channel": share.channel_id, "only": choice.ids, "limit": share.jobs + _REFUSALS},
    )
    return [id_ for (id_,) in cr.fetchall()]


def _claim_unlimited(
    cr: AnyCursor, worker_id: int, channel_shares: Sequence[Share], limit: int, choice: _Choice
) -> list[LeasedJob]:
    """Lease jobs of channels without a limit; return the jobs.

    It is one statement. No limit has to be counted, so nothing but the jobs has to be locked. The
    transaction around it keeps the jobs that have a key away from other claims, until it is clear
    whether they may run.
    """
    with transaction(cr, BRIEFLY):
        cr.execute(
            f"""
            WITH {UNHURRIED}, {_ME},
            share AS (SELECT * FROM unnest(%(channels)s::int[], %(jobs)s::bigint[]) AS share (channel_id, jobs)),
            ready AS (
                SELECT candidate.id, candidate.identity_key, candidate.concurrency_key
                FROM unhurried, me, share, LATERAL (
                    SELECT id, identity_key, concurrency_key FROM queue_job job
                    WHERE state = 'pending' AND channel_id = share.channel_id AND {choice.condition}
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
                "limit": min(limit, sum(share.jobs for share in channel_shares)),
                "only": choice.ids,
            },
        )
        return _leased(cr, worker_id)


def _claim_limited(
    cr: AnyCursor, worker_id: int, channel_shares: Sequence[Share], limit: int, choice: _Choice
) -> list[LeasedJob]:
    """Lease jobs of a channel that has a limit at or above it; return the jobs.

    These are two statements in one transaction. The first locks the limits in a fixed order, so
    claims below the same limit run one after the other. The snapshot of the second is younger than
    these locks: it counts every lease that an earlier claim has committed. In one statement the
    count would be older than the lock, and two claims would admit a job to the same place.
    """
    (share,) = channel_shares
    with transaction(cr, BRIEFLY):
        lock_limits(cr, share.channel_id)
        # IS TRUE leaves the planner only the primary key
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
                    WHERE {runnable} AND job.channel_id = %(channel)s AND {choice.condition}
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
            {"worker": worker_id, "channel": share.channel_id, "limit": limit, "only": choice.ids},
        )
        # A job that waits for its key leaves the ready index, except in a sequential channel: there
        # no job may overtake it
        jobs = _leased(cr, worker_id, park=not share.is_sequential)
        if jobs:
            spend_tokens(cr, share.channel_id, len(jobs))
        return jobs


def _leased(cr: AnyCursor, worker_id: int, park: bool = True) -> list[LeasedJob]:
    """Return what the last statement leased, and lease its jobs with a key that may run."""
    rows = [LeasedJob._make(row) for row in cr.fetchall()]
    jobs = [row for row in rows if row.lease_token]
    if keyed := [row for row in rows if not row.lease_token]:
        # the locks on the limits keep the places that were counted for these jobs
        cr.execute(
            f"WITH {_ME} UPDATE queue_job job SET {_SET_LEASE} FROM me WHERE job.id = ANY(%(ids)s) RETURNING {leased_columns('job')}",
            {"worker": worker_id, "ids": keys.admit(cr, keyed, park)},
        )
        jobs += map(LeasedJob._make, cr.fetchall())
    return jobs
