"""Batches, the jobs that run as one call: start, join, lock and complete their leases.

Each statement does for all members what its counterpart in ``leases.py`` does for one job. It is
safe for the same reasons. Each member is found by id, worker and lease token.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

import psycopg2

from odoo.sql_db import BaseCursor

from ..texts import LOG, storable
from . import keys
from .channels import is_open
from .claiming import LeasedJob, leased_columns
from .ending import Holder
from .leases import all_done, if_leased
from .sql import BRIEFLY, NOW, PATIENTLY, UNHURRIED, AnyCursor, Leased, transaction
from .trouble import PASSING, is_left_out, is_refusal

_logger = logging.getLogger(__name__)

# Only constants of this package are formatted into the statements below
# pylint: disable=sql-injection

#: The columns that must be equal in jobs that run together.
COMMON = ("function", "group_key", "channel_id", "model_name", "user_id", "su", "company_id", "context")

_MEMBERS = "unnest(%(ids)s::int[], %(tokens)s::bigint[]) AS member (id, lease_token)"


def _is_member(alias: str) -> str:
    """Return the condition that a row is that of a ``member``, see :data:`_MEMBERS`.

    If the planner sees an array, it knows its length, and then prefers to read the whole of a small
    table. From a subselect it expects ten rows, and finds each by the primary key. IS TRUE beside
    this condition keeps the planner away from the index on the worker, which contains dead entries.
    """
    return f"""(
    {alias}.id = ANY(ARRAY(SELECT unnest(%(ids)s::int[]))) AND {alias}.id = member.id AND {alias}.lease_token = member.lease_token
)"""


def _members(jobs: Iterable[Leased]) -> dict[str, list[int | None]]:
    # sorted by id: the rows are locked in this order
    jobs = sorted(jobs, key=lambda job: job.id)
    return {"ids": [job.id for job in jobs], "tokens": [job.lease_token for job in jobs]}


def _is_like_leader(alias: str) -> str:
    """Return the condition that a job may run together with the leader."""
    # an index serves "=" only; the first three columns always have a value
    return " AND ".join(
        f"{alias}.{column} {'=' if column in COMMON[:3] else 'IS NOT DISTINCT FROM'} %({column})s" for column in COMMON
    )


class _Candidate(NamedTuple):
    id: int
    identity_key: str | None
    concurrency_key: str | None


class _DoneJob(Leased, Protocol):
    """A job of a batch, with what is stored of it when it is done; the result is JSON."""

    @property
    def message(self) -> str | None: ...

    @property
    def result(self) -> str | None: ...

    @property
    def log_text(self) -> str | None: ...


def start(cr: AnyCursor, jobs: Iterable[LeasedJob]) -> dict[int, str]:
    """Mark leased jobs as started; return ``{id: stored arguments}``.

    Jobs whose lease is gone are left out: they were cancelled meanwhile. The rows are locked in the
    order of their ids. Buttons use the same order, so neither waits for the other.

    :raise LockNotAvailable: somebody has one of the rows locked; no job is started
    """
    cr.execute(
        f"""
        {BRIEFLY}
        WITH {UNHURRIED},
        mine AS (
            SELECT job.id FROM unhurried, queue_job job, {_MEMBERS}
            WHERE {_is_member("job")} AND (job.state = 'enqueued') IS TRUE
            ORDER BY job.id
            FOR NO KEY UPDATE OF job
        )
        UPDATE queue_job job SET state = 'started', date_started = {NOW}, runs_alone = NULL
        WHERE job.id = ANY(ARRAY(SELECT id FROM mine))
        RETURNING job.id, job.payload
        """,
        _members(jobs),
    )
    return dict(cr.fetchall())


def join(cr: AnyCursor, worker_id: int, leader: LeasedJob, limit: int) -> list[tuple[LeasedJob, str]]:
    """Lease and start more runnable jobs that may run together with a started job.

    They get the lease token of the leader: a batch is one lease. So a batch needs only the leader's
    place in a channel, and leases are counted by their tokens. As in a claim, nothing is leased to
    a worker without a row, two workers never get the same job, and the keys of jobs are locked
    after the jobs.

    No job joins if somebody keeps a key locked. No job joins in a sequential channel: another job
    may be the next in order. No job joins if no job may start, for instance because the channel was
    paused or held since the leader's claim.

    :return: ``[(LeasedJob, stored arguments)]``
    """
    try:
        with transaction(cr, BRIEFLY):
            return _join(cr, {**leader._asdict(), "worker": worker_id, "limit": limit})
    except PASSING:
        return []
    except psycopg2.Error as error:
        if not is_refusal(cr, error):
            raise
        # a claim finds out which row was refused
        _logger.warning("No job joins job %s: %s", leader.id, error)
        return []


def _join(cr: AnyCursor, values: Mapping[str, object]) -> list[tuple[LeasedJob, str]]:
    cr.execute(
        f"""
        WITH {UNHURRIED},
        me AS (SELECT id FROM queue_worker WHERE id = %(worker)s FOR KEY SHARE)
        SELECT job.id, job.identity_key, job.concurrency_key FROM unhurried, me, queue_job job
        WHERE job.state = 'pending' AND {_is_like_leader("job")} AND NOT {is_left_out("job")}
          AND EXISTS (SELECT FROM queue_job_channel channel WHERE channel.id = %(channel_id)s AND {is_open("channel")})
          AND job.runs_alone IS NOT TRUE
          AND NOT EXISTS (
                SELECT FROM queue_job_channel channel, queue_job_channel above
                WHERE channel.id = %(channel_id)s AND above.is_sequential AND starts_with(channel.parent_path, above.parent_path)
          )
        ORDER BY job.priority, job.ready_seq
        LIMIT %(limit)s
        FOR NO KEY UPDATE OF job SKIP LOCKED
        """,
        values,
    )
    candidates = [_Candidate._make(row) for row in cr.fetchall()]
    keyed = [job for job in candidates if job.identity_key or job.concurrency_key]
    ids = [job.id for job in candidates if job not in keyed]
    if keyed:
        ids += keys.admit(cr, keyed, park=True)
    # a twin that runs in place of another job may have another user or group key; it is left to a
    # claim
    cr.execute(
        f"""
        UPDATE queue_job job SET state = 'started', date_started = {NOW}, worker_id = %(worker)s, lease_token = %(lease_token)s
        WHERE job.id = ANY(%(ids)s) AND ({_is_like_leader("job")}) IS TRUE
        RETURNING {leased_columns("job")}, job.payload
        """,
        {**values, "ids": ids},
    )
    joined = [(LeasedJob._make(row), payload) for *row, payload in cr.fetchall()]
    return sorted(joined, key=lambda pair: (pair[0].priority, pair[0].ready_seq or 0))


def lock(cr: BaseCursor, jobs: Sequence[Leased], worker_id: int) -> bool:
    """Lock the rows of running jobs, on the jobs' own cursor.

    :return: False if one of the leases is no longer this worker's
    """
    cr.execute(
        f"""
        {PATIENTLY}
        SELECT FROM queue_job job, {_MEMBERS}
        WHERE {_is_member("job")} AND (job.worker_id = %(worker)s) IS TRUE
        ORDER BY job.id
        FOR NO KEY UPDATE OF job
        """,
        {**_members(jobs), "worker": worker_id},
    )
    return cr.rowcount == len(jobs)


def complete(cr: BaseCursor, jobs: Sequence[_DoneJob], worker: Holder, then: str = "") -> bool:
    """Set jobs to done, each with its message, result and log, and record the attempts.

    :param then: see :func:`~.leases.complete`
    :return: False if one of the leases is no longer this worker's; the caller then rolls back all
        of it
    """
    jobs = sorted(jobs, key=lambda job: job.id)
    return if_leased(
        cr.execute,
        f"""
        {PATIENTLY}
        WITH done AS (
            UPDATE queue_job job
            SET state = 'done', date_done = {NOW}, duration = extract(epoch FROM {NOW} - date_started),
                message = member.message, result = member.result, worker_id = NULL, lease_token = NULL
            FROM unnest(%(ids)s::int[], %(tokens)s::bigint[], %(messages)s::text[], %(results)s::text[], %(logs)s::text[])
                AS member (id, lease_token, message, result, log)
            WHERE {_is_member("job")} AND (job.worker_id = %(worker)s) IS TRUE
            RETURNING job.id, job.retry, job.date_started, job.date_done, job.message, member.log
        ),
        attempt AS (
            INSERT INTO queue_job_attempt (job_id, number, worker, date_started, date_ended, outcome, message, log)
            SELECT id, retry + 1, %(worker_name)s, date_started, date_done, 'done', message, log FROM done
        )
        {all_done("%(jobs)s")}"""
        # nothing comes after it: by the end of a message its cursor knows that it has the COMMIT
        + then,
        {
            **_members(jobs),
            "messages": [storable(job.message) for job in jobs],
            "results": [job.result for job in jobs],
            "logs": [storable(job.log_text, LOG) for job in jobs],
            "worker": worker.id,
            "worker_name": worker.name,
            "jobs": len(jobs),
        },
    )


def still_leased(cr: AnyCursor, jobs: Iterable[Leased], worker_id: int) -> set[int]:
    """Return the ids of the given jobs whose leases are still this worker's."""
    cr.execute(
        f"""
        SELECT job.id FROM queue_job job, {_MEMBERS}
        WHERE {_is_member("job")} AND (job.worker_id = %(worker)s) IS TRUE
        """,
        {**_members(jobs), "worker": worker_id},
    )
    return {id_ for (id_,) in cr.fetchall()}
