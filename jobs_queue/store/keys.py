"""Keys of jobs: identity keys run equal jobs once, concurrency keys limit parallel jobs.

An identity key makes one job of several twins. A concurrency key has a limited number of places for
running jobs.

Everything that depends on a key is serialised by the advisory lock of the key. The lock is taken
before the statement that reads, so that this statement sees what the former holder of the lock has
committed. A claim locks all its keys at once and in one order.

A job whose key is taken is *parked*: it waits outside the ready index, so that claims do not meet
it again and again. When the job that holds the key ends, the parked job is released
(:func:`release`). If the worker dies before that, the housekeeping releases it
(:func:`release_forgotten`).
"""

import contextlib
import logging
from collections.abc import Iterator, Sequence
from typing import Protocol

import psycopg2

from .sql import NOW, RUNNABLE, AnyCursor, is_leased, is_parked, transaction
from .trouble import is_refusal

_logger = logging.getLogger(__name__)

# Each state is compared by itself. For a list of states, PostgreSQL before version 17 may read all
# jobs of a key, and thousands of them are done
_WAITING_STATES = "(VALUES ('pending'), ('scheduled'), ('wait_dependencies')) AS waiting (state)"

# Only constants of this package are formatted into the statements below
# pylint: disable=sql-injection


def _failed_for_good(alias: str) -> str:
    """Return the condition that a job has failed, and no later job with its key was done.

    It counts for as many days as ended jobs are kept, so that the later job would still be there.
    """
    return f"""
    {alias}.state = 'failed' AND {alias}.date_done > {NOW} - %(days)s * interval '1 day'
    AND NOT EXISTS (
        SELECT FROM queue_job later
        WHERE later.identity_key = {alias}.identity_key AND later.state = 'done' AND later.date_done > {alias}.date_done
    )
"""


class Keyed(Protocol):
    """A job that may have keys."""

    @property
    def id(self) -> int: ...

    @property
    def identity_key(self) -> str | None: ...

    @property
    def concurrency_key(self) -> str | None: ...


def admit(cr: AnyCursor, candidates: Sequence[Keyed], park: bool) -> list[int]:
    """Return the ids of the jobs that may be leased now in place of these candidates.

    It runs inside the transaction of their claim.

    :param candidates: runnable jobs with a key, locked
    :param park: whether to park those whose key is taken; False: they stay where they are
    """
    _lock(cr, candidates)
    ids = [job.id for job in candidates]
    busy: list[int] = []
    if any(job.identity_key for job in candidates):
        busy = _whose_twin_is_leased(cr, ids)
        ids = _collapse(cr, [id_ for id_ in ids if id_ not in busy])
    if any(job.concurrency_key for job in candidates):
        beyond = _beyond_limit(cr, ids)
        ids = [id_ for id_ in ids if id_ not in beyond]
        busy += beyond
    if busy and park:
        cr.execute(
            "UPDATE queue_job SET state = 'wait_dependencies', is_parked = true, ready_seq = NULL WHERE id = ANY(%s)",
            (busy,),
        )
    return ids


def release(cr: AnyCursor, *jobs: Keyed) -> None:
    """Make the jobs runnable that wait for the end of these jobs, with the same key.

    It is called after that end was committed. The locks make it wait for a claim that is just
    parking such a job.
    """
    with transaction(cr):
        _lock(cr, jobs)
        _release_twins(cr, [job.identity_key for job in jobs])
        for concurrency_key in {job.concurrency_key for job in jobs}:
            _release_concurrent(cr, concurrency_key)


def release_forgotten(cr: AnyCursor) -> None:
    """Make parked jobs runnable if their key, or a place of it, has become free."""
    cr.execute(
        f"""
        SELECT DISTINCT identity_key FROM queue_job job
        WHERE {is_parked("job")} AND identity_key IS NOT NULL
          AND NOT EXISTS (SELECT FROM queue_job twin WHERE twin.identity_key = job.identity_key AND {is_leased("twin")})
        LIMIT 100
        """
    )
    for (identity_key,) in cr.fetchall():
        with _for_itself(cr, identity_key), transaction(cr):
            _lock_names(cr, [_identity(identity_key)])
            _release_twins(cr, [identity_key])
    cr.execute(
        f"""
        SELECT concurrency_key
        FROM (
            SELECT concurrency_key, max(concurrency_limit) AS places FROM queue_job job
            WHERE {is_parked("job")} AND concurrency_key IS NOT NULL GROUP BY concurrency_key
        ) AS waiting
        WHERE places > (SELECT count(*) FROM queue_job job WHERE job.concurrency_key = waiting.concurrency_key AND {is_leased("job")})
        LIMIT 100
        """
    )
    for (concurrency_key,) in cr.fetchall():
        with _for_itself(cr, concurrency_key), transaction(cr):
            _lock_names(cr, [_concurrency(concurrency_key)])
            _release_concurrent(cr, concurrency_key)


@contextlib.contextmanager
def _for_itself(cr: AnyCursor, key: str) -> Iterator[None]:
    """Let the jobs of other keys go on if the jobs of one key cannot be changed."""
    try:
        yield
    except psycopg2.Error as error:
        if not is_refusal(cr, error):
            raise
        _logger.warning("The jobs that wait for the key %s cannot be released: %s", key, error)


def seconds_waiting(cr: AnyCursor, identity_keys: list[str], days: float) -> dict[str, float]:
    """Return for how many seconds the oldest unfinished job of each identity key has waited.

    Keys without such a job are left out. A failed job is unfinished until a later job with its key
    was done, or until ``days`` days have passed.

    It locks nothing. It runs in the caller's transaction and sees what that transaction sees: a job
    that was delayed since is not included. So a caller that acts on the answer must write the
    record that the job is about. Then PostgreSQL refuses this write (REPEATABLE READ) if the
    delaying transaction wrote the record too. Each part of the query has a partial index.

    :param days: for how many days jobs that were done are kept
    """
    cr.execute(
        f"""
        SELECT identity_key, EXTRACT(epoch FROM {NOW} - min(date_created))::float8
        FROM (
            SELECT identity_key, date_created FROM {_WAITING_STATES}, queue_job job
            WHERE identity_key = ANY(%(keys)s) AND job.state = waiting.state
            UNION ALL
            SELECT identity_key, date_created FROM queue_job job WHERE identity_key = ANY(%(keys)s) AND {is_leased("job")}
            UNION ALL
            SELECT identity_key, date_created FROM queue_job job WHERE identity_key = ANY(%(keys)s) AND {_failed_for_good("job")}
        ) AS waiting
        GROUP BY identity_key
        """,
        {"keys": identity_keys, "days": days},
    )
    return dict(cr.fetchall())


def of_failed(cr: AnyCursor, identity_keys: list[str], days: float) -> set[str]:
    """Return the identity keys that have a failed job, as :func:`seconds_waiting` counts it."""
    cr.execute(
        f"SELECT identity_key FROM queue_job job WHERE identity_key = ANY(%(keys)s) AND {_failed_for_good('job')}",
        {"keys": identity_keys, "days": days},
    )
    return {key for (key,) in cr.fetchall()}


def _identity(key: str) -> str:
    return f"queue_job.identity_key:{key}"


def _concurrency(key: str) -> str:
    return f"queue_job.concurrency_key:{key}"


def _lock(cr: AnyCursor, jobs: Sequence[Keyed]) -> None:
    names = [_identity(job.identity_key) for job in jobs if job.identity_key]
    names += [_concurrency(job.concurrency_key) for job in jobs if job.concurrency_key]
    _lock_names(cr, names)


def _lock_names(cr: AnyCursor, names: list[str]) -> None:
    # sorted by number, so that two transactions cannot wait for each other
    cr.execute(
        """
        SELECT pg_advisory_xact_lock(number)
        FROM (SELECT DISTINCT hashtextextended(name, 0) AS number FROM unnest(%s::text[]) AS name ORDER BY number) AS key
        """,
        (names,),
    )


def _whose_twin_is_leased(cr: AnyCursor, ids: list[int]) -> list[int]:
    cr.execute(
        f"""
        SELECT twin.id FROM queue_job twin
        WHERE twin.id = ANY(%s) AND EXISTS (SELECT FROM queue_job job WHERE job.identity_key = twin.identity_key AND {is_leased("job")})
        """,
        (ids,),
    )
    return [id_ for (id_,) in cr.fetchall()]


def _collapse(cr: AnyCursor, ids: list[int]) -> list[int]:
    """Choose one of the twins of each of these jobs and cancel the others.

    The policy of the candidate decides. *skip* keeps the candidate. *replace* takes the newest
    runnable twin. *debounce* takes the twin with the latest eta, and may have to wait for that eta.
    The cancelled twins were committed before this statement, so the job that runs sees the changes
    for which they were delayed. A twin that is committed later is not seen here, and runs
    afterwards.

    The chosen job runs as it was delayed, by its own user and in its own channel. If it has another
    channel or another concurrency key than the candidate, it is left to a claim of its own. A twin
    that somebody has locked, for instance to cancel it, is left alone: waiting for it could last
    for ever. So is one that waits for something outside, as its next look may be hours away.

    :return: the ids of the jobs that may run in place of the given jobs
    """
    cr.execute(
        f"""
        WITH candidate AS (
            SELECT DISTINCT ON (identity_key, CASE WHEN identity_key IS NULL THEN id END)
                id, identity_key, identity_policy, channel_id, concurrency_key
            FROM queue_job WHERE id = ANY(%s)
            ORDER BY identity_key, CASE WHEN identity_key IS NULL THEN id END, priority, ready_seq
        ),
        twin AS MATERIALIZED (
            SELECT job.id, job.identity_key, job.state, job.eta, job.date_started, job.channel_id, job.concurrency_key
            FROM candidate, {_WAITING_STATES}, queue_job job
            WHERE job.identity_key = candidate.identity_key AND job.state = waiting.state
                AND (job.state <> 'wait_dependencies' OR {is_parked("job")})
                AND (job.state <> 'scheduled' OR job.waits_for IS NULL)
            FOR NO KEY UPDATE OF job SKIP LOCKED
        ),
        chosen AS (
            SELECT DISTINCT ON (twin.identity_key) twin.id, twin.identity_key, candidate.identity_policy,
                twin.state <> 'scheduled' AND twin.channel_id = candidate.channel_id
                    AND twin.concurrency_key IS NOT DISTINCT FROM candidate.concurrency_key AS may_run
            FROM candidate JOIN twin ON twin.identity_key = candidate.identity_key
            WHERE CASE candidate.identity_policy
                WHEN 'replace' THEN twin.state <> 'scheduled'
                WHEN 'debounce' THEN twin.state <> 'scheduled' OR twin.date_started IS NULL
                ELSE twin.id = candidate.id
            END
            ORDER BY twin.identity_key, CASE WHEN candidate.identity_policy = 'debounce' THEN twin.eta END DESC NULLS LAST, twin.id DESC
        ),
        collapsed AS (
            UPDATE queue_job job
            SET state = 'cancelled', date_done = {NOW}, ready_seq = NULL, message = 'The same as job ' || chosen.id
            FROM chosen JOIN twin ON twin.identity_key = chosen.identity_key AND twin.id <> chosen.id
            WHERE job.id = twin.id AND CASE chosen.identity_policy
                WHEN 'replace' THEN twin.id < chosen.id
                WHEN 'debounce' THEN true
                ELSE twin.state <> 'scheduled'
            END
        )
        SELECT id FROM chosen WHERE may_run
        UNION ALL
        SELECT id FROM candidate WHERE identity_key IS NULL
        """,
        (ids,),
    )
    return [id_ for (id_,) in cr.fetchall()]


def _beyond_limit(cr: AnyCursor, ids: list[int]) -> list[int]:
    """Return the ids of those jobs that have to wait for a place of their concurrency key.

    The places are taken by leased jobs and by the jobs before them.
    """
    cr.execute(
        f"""
        SELECT id
        FROM (
            SELECT waiting.id, waiting.concurrency_limit,
                row_number() OVER (PARTITION BY waiting.concurrency_key ORDER BY waiting.priority, waiting.ready_seq)
                    + (
                        SELECT count(*) FROM queue_job job
                        WHERE job.concurrency_key = waiting.concurrency_key AND {is_leased("job")}
                    ) AS place
            FROM queue_job waiting WHERE waiting.id = ANY(%s) AND waiting.concurrency_key IS NOT NULL
        ) AS waiting
        WHERE place > concurrency_limit
        """,
        (ids,),
    )
    return [id_ for (id_,) in cr.fetchall()]


# Only jobs that nobody has locked are released. Somebody who has locked one, for instance to cancel
# it, may wait for a job of a claim that waits for the key. A job that is skipped for this reason is
# left to the housekeeping.


def _release_twins(cr: AnyCursor, identity_keys: list[str | None]) -> None:
    cr.execute(
        f"""
        UPDATE queue_job SET {RUNNABLE}
        WHERE id IN (SELECT id FROM queue_job job WHERE identity_key = ANY(%s) AND {is_parked("job")} FOR NO KEY UPDATE SKIP LOCKED)
        """,
        (identity_keys,),
    )


def _release_concurrent(cr: AnyCursor, concurrency_key: str | None) -> None:
    # Only the oldest jobs are released, as many as there are places: the others would be parked
    # again. It is a CTE, as a join may run a subquery, and so its LIMIT, more than once
    cr.execute(
        f"""
        WITH waiting AS MATERIALIZED (
            SELECT id FROM queue_job job
            WHERE concurrency_key = %(key)s AND {is_parked("job")}
            ORDER BY id
            LIMIT GREATEST(
                0,
                (SELECT max(concurrency_limit) FROM queue_job job WHERE concurrency_key = %(key)s AND {is_parked("job")})
                - (SELECT count(*) FROM queue_job job WHERE concurrency_key = %(key)s AND {is_leased("job")})
            )
            FOR NO KEY UPDATE SKIP LOCKED
        )
        UPDATE queue_job SET {RUNNABLE} FROM waiting WHERE queue_job.id = waiting.id
        """,
        {"key": concurrency_key},
    )
