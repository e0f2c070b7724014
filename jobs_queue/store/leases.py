"""Leases of jobs: start, progress, completion, failure, retry, cancellation, release."""

from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from typing import Any, Protocol

from psycopg2.errors import InvalidTextRepresentation

from odoo.sql_db import BaseCursor

from ..texts import storable
from .channels import give_back_tokens
from .ending import Ending, Holder
from .prepared import Statement, keeps_session
from .sql import BRIEFLY, NOW, PATIENTLY, RUNNABLE, UNHURRIED, AnyCursor, Leased

# Only constants of this package are formatted into the statements below
# pylint: disable=sql-injection


class _Tried(Leased, Protocol):
    """A job whose attempt ends."""

    @property
    def retry(self) -> int: ...


_LAST_ATTEMPT = "SELECT max(id) FROM queue_job_attempt WHERE job_id = %(id)s"

_START = Statement(
    "connector_start",
    {"id": "int", "lease_token": "bigint"},
    f"""
    WITH {UNHURRIED}
    UPDATE queue_job SET state = 'started', date_started = {NOW}, runs_alone = NULL
    FROM unhurried
    WHERE id = %(id)s AND lease_token = %(lease_token)s
    RETURNING payload
    """,
)


def start(cr: AnyCursor, job: Leased) -> str | None:
    """Mark a leased job as started; return its stored arguments, or None if the lease is gone.

    The lease is gone if somebody has cancelled the job, for instance. The mark is committed before
    the job's own transaction begins: an update after the snapshot of that transaction would make
    its completion fail. The token alone says that the lease is there. If the state were in the
    condition too, the planner would walk the index of leased jobs and its dead entries.

    :raise LockNotAvailable: somebody has the row locked
    """
    # each job runs this: where the session keeps its settings, the worker has set once how long it
    # waits
    settings = "" if keeps_session(cr.connection) else BRIEFLY
    _START.execute(cr, {"id": job.id, "lease_token": job.lease_token}, settings)
    row = cr.fetchone()
    return row and row[0]


def lock(cr: BaseCursor, job: Leased, worker_id: int) -> bool:
    """Lock the row of a running job, on the job's own cursor.

    It is called before each commit of the job's cursor. If the lease was taken away after the
    snapshot of the transaction, PostgreSQL raises a serialization failure instead: there is no
    commit in either case. If the lease is ours, nobody can take it before the commit has ended.

    :return: False if the lease is no longer this worker's
    :raise LockNotAvailable: somebody has the row locked
    """
    cr.execute(
        f"{PATIENTLY} SELECT FROM queue_job WHERE id = %s AND worker_id = %s AND lease_token = %s FOR NO KEY UPDATE",
        (job.id, worker_id, job.lease_token),
    )
    return cr.rowcount == 1


# The error that PostgreSQL is made to raise if not all jobs were set to done
_NOT_LEASED = "not all of these jobs are leased to this worker: "


def all_done(jobs: str) -> str:
    """Return the last part of a statement that sets jobs to done: an error if one is not leased.

    The error ends the whole message in which the statement is sent.

    :param jobs: the number of jobs, as SQL
    """
    return f"SELECT CASE count(*) WHEN {jobs} THEN 0 ELSE ('{_NOT_LEASED}' || count(*))::int END FROM done"


def if_leased(execute: Callable[..., object], *args: object) -> bool:
    """Call a function that executes a statement with :func:`all_done`.

    :return: False if not all of its jobs are leased
    """
    try:
        execute(*args)
    except InvalidTextRepresentation as error:
        if _NOT_LEASED not in str(error):
            raise
        return False
    return True


def are_done(cr: AnyCursor, jobs: Collection[Leased]) -> bool:
    """Tell whether all of these jobs are done."""
    cr.execute(
        "SELECT count(*) FROM queue_job WHERE id = ANY(%s) AND (state = 'done') IS TRUE", ([job.id for job in jobs],)
    )
    return cr.fetchone()[0] == len(jobs)


_COMPLETE = Statement(
    "connector_complete",
    {
        "id": "int",
        "worker": "int",
        "lease_token": "bigint",
        "worker_name": "varchar",
        "message": "text",
        "result": "text",
        "log": "text",
        "queries": "int",
        "cpu": "numeric",
        "memory": "numeric",
    },
    f"""
    WITH done AS (
        UPDATE queue_job
        SET state = 'done', date_done = {NOW}, duration = extract(epoch FROM {NOW} - date_started),
            message = %(message)s, result = %(result)s, worker_id = NULL, lease_token = NULL
        WHERE id = %(id)s AND worker_id = %(worker)s AND lease_token = %(lease_token)s
        RETURNING id, retry, date_started, date_done
    ),
    attempt AS (
        INSERT INTO queue_job_attempt (job_id, number, worker, date_started, date_ended, outcome, message, log, queries, cpu, memory)
        SELECT id, retry + 1, %(worker_name)s, date_started, date_done, 'done', %(message)s, %(log)s, %(queries)s, %(cpu)s, %(memory)s
        FROM done
    )
    {all_done("1")}
    """,
)


def complete(
    cr: BaseCursor, job: Leased, worker: Holder, ending: Ending, result: str | None = None, then: str = ""
) -> bool:
    """Set a job to done and record the attempt, on the job's own cursor.

    It is the last statement of the job's transaction, so that the job's effects and its done state
    are committed together or not at all. The state is not in the condition: the token implies it,
    and the planner would prefer an index on the state to the primary key.

    :param result: as JSON
    :param then: further statements in the same message, with the COMMIT; they are not executed if
        the lease is gone
    :return: False if the lease is no longer this worker's
    :raise LockNotAvailable: somebody has the row locked
    :raise InvalidSqlStatementName: see :class:`~.prepared.Statement`
    """
    values = {**_lease(job, worker), **ending.columns(), "result": result}
    return if_leased(_COMPLETE.execute, cr, values, PATIENTLY, then)


# The functions below run on the raw connection, for which others wait. They wait briefly for a
# lock, and raise LockNotAvailable if the row is locked


def fail(cr: AnyCursor, job: _Tried, worker: Holder, ending: Ending) -> bool:
    """Set a job to failed and record the attempt.

    :return: False if the lease is no longer this worker's
    """
    assignments = (
        f"state = 'failed', date_done = {NOW}, duration = extract(epoch FROM {NOW} - date_started), retry = retry + 1"
    )
    return _end_attempt(cr, job, worker, ending, "failed", assignments)


def end_cancelled(cr: AnyCursor, job: _Tried, worker: Holder, ending: Ending) -> bool:
    """Set a running job to cancelled and record the attempt.

    :return: False if the lease is no longer this worker's
    """
    assignments = f"state = 'cancelled', date_done = {NOW}, duration = extract(epoch FROM {NOW} - date_started)"
    return _end_attempt(cr, job, worker, ending, "cancelled", assignments)


def retry(
    cr: AnyCursor,
    job: _Tried,
    worker: Holder,
    ending: Ending,
    seconds: float,
    count: bool = True,
    outcome: str = "retry",
) -> bool:
    """Schedule another try of a job and record the attempt.

    ``date_started`` is kept: in a sequential channel the job keeps its place.

    :param seconds: until the next try
    :param count: whether this try counts
    :param outcome: that of the attempt
    :return: False if the lease is no longer this worker's
    """
    assignments = f"""
        state = 'scheduled', eta = {NOW} + make_interval(secs => %(seconds)s), ready_seq = NULL, retry = retry + %(tries)s,
        waits_for = NULL
    """
    return _end_attempt(cr, job, worker, ending, outcome, assignments, seconds=seconds, tries=int(count))


def give_back(cr: AnyCursor, job: _Tried, worker: Holder, ending: Ending, seconds: float, outcome: str) -> bool:
    """Schedule another try of a job that could not run for a reason that is not its fault.

    If the ending has no name of an exception, the job's code was not called, see
    :func:`count_in_a_row`.

    :param seconds: until the next try
    :param outcome: that of the attempt: ``no_resources``, the worker or the server had no means to
        run it
    :return: False if the lease is no longer this worker's
    """
    return retry(cr, job, worker, ending, seconds, False, outcome)


# Seconds until a job looks again for what it waits for: as long as it has waited, within these
_SOONEST, _LATEST = 600, 6 * 3600


def wait(
    cr: AnyCursor, job: _Tried, worker: Holder, ending: Ending, seconds: float | None, since: datetime | None = None
) -> bool:
    """Let a job wait for something outside, see ``NotYet``, and record the attempt; no try counts.

    It is not between two tries: ``date_started`` is emptied, so that in a sequential channel the
    jobs behind it go on, for it may wait for days. ``waits_since`` stays until the job is made
    runnable by a person: a try that ends otherwise does not begin the time anew.

    :param seconds: until the next look; None: by how long it has waited
    :param since: when another job began to wait for the same
    :return: False if the lease is no longer this worker's
    """
    began = f"LEAST(waits_since, %(since)s, {NOW})"
    waited = f"extract(epoch FROM {NOW} - {began})"
    assignments = f"""
        state = 'scheduled', ready_seq = NULL, date_started = NULL, waits_since = {began},
        waits_for = left(split_part(%(message)s, E'\n', 1), 200),
        eta = {NOW} + make_interval(secs => COALESCE(%(seconds)s, LEAST(GREATEST({waited}, {_SOONEST}), {_LATEST})))
    """
    return _end_attempt(cr, job, worker, ending, "waits", assignments, seconds=seconds, since=since)


def note_waits(cr: AnyCursor, reasons: dict[int, str]) -> None:
    """Note for what jobs wait that the same transaction has inserted, with an eta.

    Nobody else sees these rows yet.

    :param reasons: id to the reason
    """
    cr.execute(
        f"""
        UPDATE queue_job SET message = note.reason, waits_for = left(split_part(note.reason, E'\\n', 1), 200), waits_since = {NOW}
        FROM unnest(%s::int[], %s::text[]) AS note (id, reason)
        WHERE queue_job.id = ANY(%s) AND queue_job.id = note.id AND state = 'scheduled'
        """,
        (list(reasons), list(reasons.values()), list(reasons)),
    )


def seconds_waited(cr: AnyCursor, job_id: int) -> float:
    """Return for how many seconds a job has waited for something outside; 0 if it has not."""
    cr.execute(f"SELECT extract(epoch FROM {NOW} - waits_since)::float8 FROM queue_job WHERE id = %s", (job_id,))
    row = cr.fetchone()
    return (row and row[0]) or 0


def count_in_a_row(cr: AnyCursor, job_id: int, outcome: str) -> int:
    """Return how many of a job's last attempts ended with an outcome, one after the other.

    Attempts without an exception are not counted, and do not end the series: the job's code was not
    called.
    """
    cr.execute(
        f"""
        {BRIEFLY}
        SELECT count(*) FROM queue_job_attempt attempt
        WHERE job_id = %(job)s AND exc_name IS NOT NULL AND id > (
            SELECT COALESCE(max(id), 0) FROM queue_job_attempt WHERE job_id = %(job)s AND outcome <> %(outcome)s
        )
        """,
        {"job": job_id, "outcome": outcome},
    )
    return cr.fetchone()[0]


def give_back_unknown(cr: AnyCursor, job: Leased, worker: Holder, seconds: float, message: str) -> bool:
    """Leave a job to workers whose code knows it: schedule it without counting the try.

    There may be thousands of such jobs, each tried every few seconds. So tries in a row are one
    attempt. It says when the first try began and how many tries there were. ``date_started`` is
    kept, so the job keeps its place in a sequential channel.

    :return: False if the lease is no longer this worker's
    """
    cr.execute(
        f"""
        {BRIEFLY}
        WITH given AS (
            UPDATE queue_job SET state = 'scheduled', eta = {NOW} + make_interval(secs => %(seconds)s), ready_seq = NULL,
                message = %(message)s, worker_id = NULL, lease_token = NULL
            WHERE id = %(id)s AND worker_id = %(worker)s AND lease_token = %(lease_token)s
            RETURNING id, retry, date_started
        ),
        again AS (
            UPDATE queue_job_attempt attempt
            SET times = times + 1, date_ended = {NOW}, message = %(message)s, worker = %(worker_name)s
            FROM given
            WHERE attempt.id = ({_LAST_ATTEMPT}) AND attempt.outcome = 'unknown'
            RETURNING attempt.id
        ),
        first AS (
            INSERT INTO queue_job_attempt (job_id, number, worker, date_started, date_ended, outcome, times, message)
            SELECT id, retry + 1, %(worker_name)s, date_started, {NOW}, 'unknown', 1, %(message)s
            FROM given WHERE NOT EXISTS (SELECT FROM again)
        )
        SELECT FROM given
        """,
        {**_lease(job, worker), "seconds": seconds, "message": storable(message)},
    )
    return cr.rowcount == 1


def seconds_unknown(cr: AnyCursor, job_id: int) -> float:
    """Return for how many seconds no worker's code has known a job; 0 if there was no such try.

    The time begins with the first such try after an attempt that ended otherwise.
    """
    cr.execute(
        f"""
        SELECT extract(epoch FROM {NOW} - date_started)::float8 FROM queue_job_attempt
        WHERE id = ({_LAST_ATTEMPT}) AND outcome = 'unknown'
        """,
        {"id": job_id},
    )
    row = cr.fetchone()
    return row[0] if row else 0


def _lease(job: Leased, worker: Holder) -> dict[str, Any]:
    return {"id": job.id, "lease_token": job.lease_token, "worker": worker.id, "worker_name": worker.name}


def _end_attempt(
    cr: AnyCursor, job: _Tried, worker: Holder, ending: Ending, outcome: str, assignments: str, **values: Any
) -> bool:
    cr.execute(
        f"""
        {BRIEFLY}
        WITH ended AS (
            UPDATE queue_job SET {assignments}, message = %(message)s, worker_id = NULL, lease_token = NULL
            WHERE id = %(id)s AND worker_id = %(worker)s AND lease_token = %(lease_token)s
            RETURNING id, date_started
        )
        INSERT INTO queue_job_attempt (job_id, number, worker, date_started, date_ended, outcome, message, exc_name, exc_info, log,
                                       queries, cpu, memory)
        SELECT id, %(number)s, %(worker_name)s, date_started, {NOW}, %(outcome)s, %(message)s, %(exc_name)s, %(exc_info)s, %(log)s,
               %(queries)s, %(cpu)s, %(memory)s
        FROM ended
        """,
        {
            **values,
            **_lease(job, worker),
            **ending.columns(),
            "outcome": outcome,
            "number": job.retry + 1,
        },
    )
    return cr.rowcount == 1


def end_locker(cr: AnyCursor, job: Leased, pids: Iterable[int]) -> None:
    """End the connection that keeps the row of a job locked, if it is one of the given ones.

    The row contains the transaction that has locked it last. If several transactions have locked
    it, none is ended.

    :param pids: of the server's processes behind the connections that the job itself has opened
    """
    cr.execute(
        """
        SELECT pg_terminate_backend(holder.pid) FROM queue_job job, pg_locks holder
        WHERE job.id = %s AND holder.locktype = 'transactionid' AND holder.granted AND holder.transactionid = job.xmax
          AND holder.pid = ANY(%s)
        """,
        (job.id, list(pids)),
    )


def release_unstarted(cr: AnyCursor, jobs: Collection[Leased]) -> set[int]:
    """Make leased jobs that have not started runnable again, in their old places.

    A claim leaves ``ready_seq`` as it is; only a twin that was leased in place of another job may
    have none. Other changes made meanwhile correct themselves. A job with a key competes for it
    again, and the housekeeping releases the jobs that were parked for that key
    (:func:`.keys.release_forgotten`). In a sequential channel the job is the oldest again. A batch
    has no lease of its own before its start.

    The same statement gives back the tokens that the jobs took of the rates of channels. So both
    are done or neither, also if the worker dies. The statement waits for a claim that spends tokens
    of the same channels, as briefly as for any lock. If that is too short, the jobs are given back
    later.

    A row that somebody keeps locked, for instance to cancel it, is skipped: the thread that watches
    over running jobs cannot wait for it.

    :return: the ids of the jobs that are runnable again
    """
    cr.execute(
        f"""
        {BRIEFLY}
        WITH {UNHURRIED},
        mine AS (
            SELECT id FROM unhurried, queue_job
            WHERE id = ANY(%s) AND lease_token = ANY(%s) AND (state = 'enqueued') IS TRUE
            ORDER BY id
            FOR NO KEY UPDATE OF queue_job SKIP LOCKED
        ),
        given AS (
            UPDATE queue_job job SET state = 'pending', ready_seq = COALESCE(ready_seq, nextval('queue_job_ready_seq')),
                worker_id = NULL, lease_token = NULL, is_parked = NULL
            FROM mine WHERE job.id = mine.id
            RETURNING job.id, job.channel_id
        ),
        tokens AS ({give_back_tokens("given")})
        SELECT id FROM given
        """,
        ([job.id for job in jobs], [job.lease_token for job in jobs]),
    )
    return {id_ for (id_,) in cr.fetchall()}


def release(cr: AnyCursor, jobs: Collection[Leased]) -> None:
    """Make started jobs runnable again without recording an end; no try is counted."""
    cr.execute(
        f"{BRIEFLY} UPDATE queue_job SET {RUNNABLE} WHERE lease_token = ANY(%s) AND id = ANY(%s) AND state = 'started'",
        ([job.lease_token for job in jobs], [job.id for job in jobs]),
    )


# While a job runs, nobody else updates its row: that would make its completion fail. What is
# written about the job meanwhile is stored in rows beside it.


def write_progress(cr: AnyCursor, job_id: int, done: float, total: float | None, message: str | None) -> None:
    """Store the progress of a running job; committed at once, on the worker's raw connection.

    :raise LockNotAvailable: somebody has the row of the progress locked, perhaps the job itself
    """
    cr.execute(
        f"""
        {BRIEFLY}
        WITH {UNHURRIED}
        INSERT INTO queue_job_progress (job_id, done, total, message, date)
        SELECT %s, %s, %s, %s, {NOW} FROM unhurried
        ON CONFLICT (job_id) DO UPDATE SET done = excluded.done, total = excluded.total, message = excluded.message, date = excluded.date
        """,
        (job_id, done, total, message),
    )


def cancel_requests(cr: AnyCursor, job_ids: Iterable[int], settings: str = "") -> dict[int, str]:
    """Return ``{job id: who asked}`` of those given jobs that somebody wants to stop.

    :param settings: statements before it, such as :data:`BRIEFLY`
    """
    cr.execute(
        f"{settings} SELECT job_id, who FROM queue_job_cancellation WHERE job_id = ANY(%s)",
        (list(job_ids),),
    )
    return dict(cr.fetchall())
