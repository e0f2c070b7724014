"""Workers: register, heartbeat, orders, and the end of a worker with the release of its jobs."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import TypeAlias

import psycopg2

from ..texts import REASON, storable
from .sql import BRIEFLY, NOW, RUNNABLE, UNHURRIED, AnyCursor, savepoint, transaction
from .trouble import each, is_left_out, is_refusal

#: A worker is dead if its last heartbeat is older than this many seconds.
HEARTBEAT_TIMEOUT = 15

#: The possible ends of a worker. They decide what becomes of the jobs that it had started. *died*:
#: the job that it ran counts a try, as the fault may be the job's; for several jobs see
#: :func:`_end_lost`. *interrupted*: it lost its connections, for instance to a server that was
#: restarted. The jobs count no try. But a job to which this happens again and again may be what
#: takes the server down, so from the second time in a row on it waits longer and longer. *stopped*:
#: it was told to stop; its jobs are run again at once.
DIED, INTERRUPTED, STOPPED = "died", "interrupted", "stopped"
#: Number of times in a row that a job may be lost with others without counting a try.
LOSSES_WITH_OTHERS = 2

# Lease token to cause, for the jobs that have ended their process. A key may be None, like the
# token of a job that had not started
_Blamed: TypeAlias = Mapping[int, str] | Mapping[int | None, str]

# Only constants of this package are formatted into the statements below
# pylint: disable=sql-injection

# A job that had not started needs no token. A job that has started may have changed its own state
# and token
_LEASE = "id, CASE WHEN state = 'started' OR date_started IS NOT NULL THEN COALESCE(lease_token, -id) END"


def is_alive(alias: str) -> str:
    """Return the condition that a worker is alive.

    Its last heartbeat is recent, and its control connection, if it has one, still belongs to the
    same server process. Another role cannot see when that process started.
    """
    return f"""(
    {alias}.date_heartbeat > {NOW} - make_interval(secs => {HEARTBEAT_TIMEOUT})
    AND ({alias}.backend_pid IS NULL OR EXISTS (
        SELECT FROM pg_stat_activity backend
        WHERE backend.pid = {alias}.backend_pid
          AND COALESCE(extract(epoch FROM backend.backend_start)::float8 = {alias}.backend_start, true)
    ))
)"""


def _is_dead(alias: str) -> str:
    return f"NOT {is_alive(alias)}"


def server_process_of(cr: AnyCursor) -> tuple[int, float]:
    """Return ``(pid, start)`` of the server's process behind a connection.

    The start is in seconds since 1970.
    """
    cr.execute(
        "SELECT pid, extract(epoch FROM backend_start)::float8 FROM pg_stat_activity WHERE pid = pg_backend_pid()"
    )
    return cr.fetchone()


def place_of(cr: AnyCursor) -> str:
    """Return a text that says on which server and in which database the cursor is.

    It contains the server's system identifier, its timeline, and the database's oid. A standby that
    was promoted has another timeline, and a copy of the database another oid. Nothing is known here
    of what has happened to the workers of another place. Every role may call the functions used.
    But a service that is not quite PostgreSQL may refuse them; then the oid has to be enough.
    """
    try:
        cr.execute(
            """
            SELECT concat_ws('/', server.system_identifier, left(pg_walfile_name(pg_current_wal_lsn()), 8), database.oid)
            FROM pg_control_system() server, pg_database database WHERE database.datname = current_database()
            """
        )
    except psycopg2.Error:
        if cr.connection.closed:
            raise
        cr.execute("SELECT oid::text FROM pg_database WHERE datname = current_database()")
    return cr.fetchone()[0]


def register(
    cr: AnyCursor,
    uuid: str,
    host: str,
    pid: int,
    kind: str,
    capacity: int,
    server_process: tuple[int, float] | tuple[None, None],
    process: str | None = None,
) -> int:
    """Insert a worker's row, which exists as long as the worker lives, and return its id.

    :param server_process: the result of :func:`server_process_of` for the worker's control
        connection, or ``(None, None)``
    :param process: uuid of the process in which it lives, for :func:`end_process`
    """
    place = place_of(cr)
    cr.execute(
        f"""
        INSERT INTO queue_worker (
            uuid, host, pid, kind, capacity, backend_pid, backend_start, process, place, state, date_started, date_heartbeat
        )
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, 'running', {NOW}, {NOW})
        RETURNING id
        """,
        (uuid, host, pid, kind, capacity, *server_process, process, place),
    )
    return cr.fetchone()[0]


def note_server_processes(cr: AnyCursor, worker_id: int, pids: list[int]) -> None:
    """Store which of the server's processes work for a worker in its database, with their starts.

    The starts are needed as a pid may be used again later. If the worker dies before this is
    stored, its connections end by themselves once the server notices that nobody reads what it
    sends.
    """
    cr.execute(
        """
        UPDATE queue_worker SET backends = (
            SELECT jsonb_object_agg(pid, extract(epoch FROM backend_start)::float8) FROM pg_stat_activity
            WHERE pid = ANY(%s)
        )
        WHERE id = %s
        """,
        (pids, worker_id),
    )


def send_heartbeat(cr: AnyCursor, worker_id: int, memory: int | None = None) -> bool:
    """Write the heartbeat of a worker; return False if its row is gone: it was declared dead.

    :param memory: MB that its process uses
    :raise LockNotAvailable: somebody has locked the table; other databases of the process must not
        wait for that
    """
    cr.execute(
        f"{BRIEFLY} WITH {UNHURRIED} UPDATE queue_worker SET date_heartbeat = {NOW}, memory = %s FROM unhurried WHERE id = %s",
        (memory, worker_id),
    )
    return cr.rowcount == 1


def order(cr: AnyCursor, ids: Iterable[int], state: str) -> int:
    """Set the state that workers shall take; return how many were not stopping already.

    The order is in the worker's row, beside its leases. No job is touched, and if a worker dies
    before it reads the order, the order is gone with its row.
    """
    cr.execute("UPDATE queue_worker SET state = %s WHERE id = ANY(%s) AND state <> 'stopping'", (state, list(ids)))
    return cr.rowcount


def ordered_state(cr: AnyCursor, worker_id: int) -> str | None:
    """Return the state that a worker shall take, or None if its row is gone.

    The state is ``running``, ``paused``, ``draining`` or ``stopping``.

    :raise LockNotAvailable: see :func:`send_heartbeat`
    """
    cr.execute(f"{BRIEFLY} SELECT state FROM queue_worker WHERE id = %s", (worker_id,))
    row = cr.fetchone()
    return row and row[0]


def alive(cr: AnyCursor) -> set[int]:
    """Return the ids of the workers that are alive."""
    cr.execute(f"SELECT id FROM queue_worker worker WHERE {is_alive('worker')}")
    return {id_ for (id_,) in cr.fetchall()}


def states_of_alive(cr: AnyCursor) -> set[str]:
    """Return the states of the workers that are alive."""
    cr.execute(f"SELECT DISTINCT state FROM queue_worker worker WHERE {is_alive('worker')}")
    return {state for (state,) in cr.fetchall()}


def other_hosts_alive(cr: AnyCursor) -> bool:
    """Tell whether a worker other than Odoo's cron serves the database."""
    cr.execute(f"SELECT EXISTS (SELECT FROM queue_worker worker WHERE kind <> 'cron' AND {is_alive('worker')})")
    return cr.fetchone()[0]


def dead(cr: AnyCursor, elsewhere_than: int | None = None) -> list[tuple[int, str]]:
    """Return ``[(id, name)]`` of the workers that are dead.

    :param elsewhere_than: id of a worker; only workers of another place than its own are returned,
        see :func:`place_of`
    :raise LockNotAvailable: see :func:`send_heartbeat`
    """
    is_meant = (
        "worker.place <> (SELECT me.place FROM queue_worker me WHERE me.id = %(me)s)" if elsewhere_than else "true"
    )
    cr.execute(
        f"""
        {BRIEFLY}
        SELECT id, host || ':' || pid FROM queue_worker worker WHERE {_is_dead("worker")} AND {is_meant} ORDER BY id LIMIT 100
        """,
        {"me": elsewhere_than},
    )
    return cr.fetchall()


def end_process(
    cr: AnyCursor,
    process: str,
    cause: str = "",
    end: str = DIED,
    terminate: bool = False,
    blamed: Mapping[int, str] | None = None,
    several: bool = False,
) -> None:
    """End the workers of a process, as :func:`end_worker` does.

    It is called by the process itself, or by its parent, which knows how the process ended. If
    another worker comes first, that worker has found the process dead, and has done the same
    without knowing the cause.
    """
    cr.execute("SELECT id FROM queue_worker WHERE process = %s ORDER BY id", (process,))
    for (worker_id,) in cr.fetchall():
        end_worker(cr, worker_id, cause, end, terminate, blamed, several)


def end_worker(
    cr: AnyCursor,
    worker_id: int,
    cause: str = "",
    end: str = DIED,
    terminate: bool = False,
    blamed: Mapping[int, str] | None = None,
    several: bool = False,
) -> int | None:
    """Delete a worker's row and free its jobs.

    :param cause: for the message of the jobs that had started
    :param end: :data:`DIED`, :data:`INTERRUPTED` or :data:`STOPPED`
    :param terminate: end the connections of the worker first, as its process has ended: a statement
        that still runs for it holds locks
    :param blamed: lease tokens of the jobs that have ended the process, each with the cause, if it
        is known which jobs these are; empty if they were jobs of another database
    :param several: whether its process ran several jobs, some of them perhaps in other databases
    :return: number of freed jobs, or None if somebody else is doing it
    :raise LockNotAvailable: somebody holds the table, or one of the jobs; nothing has changed, a
        later call can succeed
    """
    if terminate:
        _terminate_server_processes(cr, worker_id)
    return _end_worker(cr, worker_id, cause, end, blamed=blamed, several=several)


def end_dead_worker(cr: AnyCursor, worker_id: int, cause: str) -> int | None:
    """End a worker that :func:`dead` has found, as :func:`end_worker` does.

    A worker that has sent a heartbeat meanwhile is not ended. A worker that was frozen in the
    middle of a claim keeps its own row locked, for as long as its connections are open. The server
    ends these a moment after they are terminated. If that is too late for this housekeeping, the
    next one finds the row free.

    :raise LockNotAvailable: see :func:`end_worker`
    """
    _terminate_server_processes(cr, worker_id, _is_dead("worker"))
    return _end_worker(cr, worker_id, cause, DIED, _is_dead("worker"))


def _terminate_server_processes(cr: AnyCursor, worker_id: int, condition: str = "true") -> None:
    """End the connections of a worker to this database.

    If the worker is alive after all, it begins a new life without them. The database may be a copy,
    with the rows of workers that live in the original. Their connections are not to this database.
    """
    cr.execute(
        f"""
        {BRIEFLY}
        SELECT pg_terminate_backend(activity.pid)
        FROM queue_worker worker, jsonb_each_text(worker.backends) backend, pg_stat_activity activity
        WHERE worker.id = %s AND {condition} AND activity.pid = backend.key::int AND activity.pid <> pg_backend_pid()
          AND activity.datname = current_database()
          AND extract(epoch FROM activity.backend_start)::float8 = backend.value::float8
        """,
        (worker_id,),
    )


def _end_worker(
    cr: AnyCursor,
    worker_id: int,
    cause: str,
    end: str,
    condition: str = "true",
    blamed: _Blamed | None = None,
    several: bool = False,
) -> int | None:
    """Free the jobs of a worker for which the condition holds, and delete its row.

    It is one transaction. The row is locked first, so a claim of that worker comes before or after.
    If before, its leases are freed here. If after, it finds no worker. A worker that was only slow
    finds its leases gone when it wants to commit.
    """
    # outside of the transaction, as an error would end it
    place = place_of(cr) if end == DIED else None
    with transaction(cr, BRIEFLY):
        cr.execute(
            f"""
            SELECT host || ':' || pid, date_heartbeat, place FROM queue_worker worker WHERE id = %s AND {condition}
            FOR UPDATE OF worker SKIP LOCKED
            """,
            (worker_id,),
        )
        row = cr.fetchone()
        if not row:
            return None
        name, last_heartbeat, lived_in = row
        cause = storable(cause, REASON)
        if end == DIED and lived_in not in (None, place):
            end, cause = INTERRUPTED, "another server has taken over the database, or this one is a copy"
        elif end == DIED and last_heartbeat < server_began(cr):
            end, cause = INTERRUPTED, "the database server was restarted"
        cr.execute(
            f"""
            SELECT {_LEASE} FROM queue_job
            WHERE worker_id = %s AND state IN ('enqueued', 'started') ORDER BY id FOR NO KEY UPDATE
            """,
            (worker_id,),
        )
        freed = _free_leases(cr, dict(cr.fetchall()), name, end, cause, blamed, several)
        cr.execute("DELETE FROM queue_worker WHERE id = %s", (worker_id,))
        return freed


def server_began(cr: AnyCursor) -> datetime:
    """Return the time, in UTC, since when the server has been up without a break.

    After a crash of one of its processes, the server closes all connections and begins again with
    empty statistics, but with the same start time.
    """
    cr.execute("SELECT GREATEST(pg_postmaster_start_time(), stats_reset) AT TIME ZONE 'UTC' FROM pg_stat_bgwriter")
    return cr.fetchone()[0]


def end_copied_workers(cr: AnyCursor) -> None:
    """Free all jobs of a database that is a copy, and delete its workers' rows.

    Nothing is known of these workers: they live in the original.
    """
    cause = "it ran in the database of which this one is a copy"
    cr.execute(f"SELECT {_LEASE} FROM queue_job WHERE state IN ('enqueued', 'started') ORDER BY id FOR NO KEY UPDATE")
    _free_leases(cr, dict(cr.fetchall()), "", INTERRUPTED, cause)
    cr.execute("DELETE FROM queue_worker")


def free_orphans(cr: AnyCursor) -> int:
    """Free jobs whose worker has no row; return their number.

    Somebody has deleted the row by hand, or the worker has ended while PostgreSQL refused the jobs'
    rows. It is not known how their runs have ended: they count as interrupted.
    """
    cause = "its worker has ended, or its record was deleted"
    with transaction(cr):
        cr.execute(
            f"""
            SELECT {_LEASE} FROM queue_job job
            WHERE state IN ('enqueued', 'started') AND NOT EXISTS (SELECT FROM queue_worker worker WHERE worker.id = job.worker_id)
              AND NOT {is_left_out("job")}
            ORDER BY id LIMIT 1000 FOR NO KEY UPDATE SKIP LOCKED
            """
        )
        return _free_leases(cr, dict(cr.fetchall()), "", INTERRUPTED, cause)


def leases_of(cr: AnyCursor, worker_id: int) -> set[tuple[int, int | None]]:
    """Return ``{(job id, lease token)}`` of the jobs that are leased to a worker."""
    cr.execute(
        "SELECT id, lease_token FROM queue_job WHERE worker_id = %s AND state IN ('enqueued', 'started')", (worker_id,)
    )
    return set(cr.fetchall())


def free_lost_runs(
    cr: AnyCursor,
    worker_id: int,
    worker_name: str,
    leases: Collection[tuple[int, int | None]],
    unwritten: Mapping[tuple[int, int | None], str],
) -> int:
    """Free leases of a living worker that does not run their jobs; return their number.

    The worker itself has found these leases. The worker, the token and the lock make sure that
    nothing has happened to them meanwhile. If a thread holds such a job after all, it cannot start
    it, or cannot commit anything for it: this is so for any lease that was taken away.

    :param leases: ``(job id, lease token)`` of each; at least one
    :param unwritten: lease to the reason why its worker could not write its end, if that is not the
        job's fault: it was interrupted. The others count a try
    """
    with transaction(cr, BRIEFLY):
        cr.execute(
            f"""
            SELECT {_LEASE} FROM queue_job job, unnest(%s::int[], %s::bigint[]) AS lease (job_id, token)
            WHERE job.id = lease.job_id AND job.lease_token IS NOT DISTINCT FROM lease.token
              AND job.worker_id = %s AND job.state IN ('enqueued', 'started') AND NOT {is_left_out("job")}
            ORDER BY job.id
            FOR NO KEY UPDATE OF job SKIP LOCKED
            """,
            (*map(list, zip(*leases, strict=True)), worker_id),
        )
        tokens: dict[int, int | None] = dict(cr.fetchall())
        reasons = {id_: unwritten[id_, token] for id_, token in tokens.items() if (id_, token) in unwritten}
        freed = 0
        for reason in set(reasons.values()):
            interrupted = {id_: tokens.pop(id_) for id_ in reasons if reasons[id_] == reason}
            cause = f"its end could not be written: {reason}"
            freed += _free_leases(cr, interrupted, worker_name, INTERRUPTED, cause)
        cause = "its run is over, but its end was not written: a job must not change or delete its own row"
        blamed = dict.fromkeys(tokens.values(), cause)
        return freed + _free_leases(cr, tokens, worker_name, DIED, cause, blamed, ends_processes=False)


# The fate of a job whose worker has died: the number of times this happened before (any other
# failed try counts too), and whether the job fails
_DEATH = """
    SELECT retry AS times, max_retries > 0 AND retry + 1 >= max_retries AS fails
"""


def _interruption(alias: str) -> str:
    """Return the query of the fate of a job whose worker was interrupted.

    It counts how many times in a row this happened before, since the last attempt that ended
    otherwise. The tenth time in a row the job fails: it may be what takes the server down.
    """
    return f"""
    SELECT count(*) AS times, count(*) >= 9 AS fails FROM queue_job_attempt attempt
    WHERE attempt.job_id = {alias}.id AND attempt.id > (
        SELECT COALESCE(max(other.id), 0) FROM queue_job_attempt other WHERE other.job_id = {alias}.id AND other.outcome <> 'interrupted'
    )
"""


def _free_leases(
    cr: AnyCursor,
    tokens: Mapping[int, int | None],
    worker_name: str,
    end: str,
    cause: str,
    blamed: _Blamed | None = None,
    several: bool = False,
    ends_processes: bool = True,
) -> int:
    """Free leases of locked rows; return their number.

    Enqueued jobs become runnable. For started jobs it depends on the end of their worker. Jobs
    whose rows are refused stay as they are; once their worker is gone they are orphans.

    :param tokens: ``{id: lease token}`` of the jobs; None for those that had not started
    :param ends_processes: whether a job that is to blame may have ended its process, and runs alone
        the next time
    """
    several = several or len({token for token in tokens.values() if token is not None}) > 1

    def free(tokens: Mapping[int, int | None]) -> int:
        with savepoint(cr):
            return _free(cr, tokens, worker_name, end, cause, blamed, several, ends_processes)

    try:
        return free(tokens) if tokens else 0
    except psycopg2.Error as error:
        if not is_refusal(cr, error):
            raise
        return each(cr, tokens, lambda id_: free({id_: tokens[id_]}))


def _free(
    cr: AnyCursor,
    tokens: Mapping[int, int | None],
    worker_name: str,
    end: str,
    cause: str,
    blamed: _Blamed | None,
    several: bool,
    ends_processes: bool,
) -> int:
    started = {id_: token for id_, token in tokens.items() if token is not None}
    if end == DIED:
        _end_lost(cr, started, worker_name, cause, blamed, several, ends_processes)
    elif end == INTERRUPTED:
        message = f"Interrupted: {cause or 'the worker has lost its connections to the database'}"
        _end_started(cr, list(started), worker_name, _interruption("job"), "interrupted", 0, message)
    cr.execute(
        f"UPDATE queue_job SET {RUNNABLE} WHERE id = ANY(%s) AND state IN ('enqueued', 'started')",
        (list(tokens),),
    )
    return len(tokens)


def _end_lost(
    cr: AnyCursor,
    started: Mapping[int, int],
    worker_name: str,
    cause: str,
    blamed: _Blamed | None,
    several: bool,
    ends_processes: bool,
) -> None:
    """End the started jobs of a worker that has died.

    A job that is to blame counts a try; the others are interrupted. One job that ran by itself is
    to blame; a batch is one job here. Of several jobs nobody knows which one it was. So none counts
    a try, and each runs alone the next time, so that it can be known. They may not have been alone
    after all (see ``worker/exclusive.py``); so the third loss in a row counts.
    """
    if blamed is None and not several and len(set(started.values())) == 1:
        blamed = dict.fromkeys(started.values(), cause)
    if blamed is None:
        lost = dict.fromkeys(_lost_with_others(cr, list(started)), cause)
        message = f"{_WITH_OTHERS}: {cause}"
    else:
        lost = {id_: blamed[token] for id_, token in started.items() if token in blamed}
        message = f"Interrupted by another job: {cause}"
    for reason in set(lost.values()):
        ids = [id_ for id_ in lost if lost[id_] == reason]
        text = f"Worker lost: {reason}" if reason else "Worker lost"
        _end_started(cr, ids, worker_name, _DEATH, "lost", 1, text, runs_alone=ends_processes)
    others = [id_ for id_ in started if id_ not in lost]
    _end_started(cr, others, worker_name, _interruption("job"), "interrupted", 0, message, runs_alone=blamed is None)


# The beginning of the message of an attempt that was lost together with others
_WITH_OTHERS = "Interrupted with others, one of which may have ended the process"


def _lost_with_others(cr: AnyCursor, job_ids: list[int]) -> list[int]:
    """Return the ids of those jobs that were lost with others so often that this time counts a try.

    Only losses in a row count.
    """
    cr.execute(
        f"""
        SELECT job.id FROM queue_job job, LATERAL ({_interruption("job")} AND starts_with(attempt.message, %(with_others)s)) AS history
        WHERE job.id = ANY(%(ids)s) AND history.times >= %(times)s
        """,
        {"ids": job_ids, "with_others": _WITH_OTHERS, "times": LOSSES_WITH_OTHERS},
    )
    return [id_ for (id_,) in cr.fetchall()]


def _end_started(
    cr: AnyCursor,
    job_ids: list[int],
    worker_name: str,
    history: str,
    outcome: str,
    tries: int,
    message: str,
    runs_alone: bool = False,
) -> None:
    """Record the attempts of jobs that were lost, and make the jobs runnable, scheduled or failed.

    The first time a job is run again at once, later after growing delays, if it does not fail. If
    an interruption makes a job fail, its attempt has the outcome *failed*: after a requeue its
    count of interruptions begins again.

    :param runs_alone: whether no other job may run in the same process the next time
    """
    if not job_ids:
        return
    cr.execute(
        f"""
        WITH fate AS (
            SELECT job.id, job.date_started, history.times, history.fails AND %(tries)s = 0 AS gives_up,
                CASE WHEN history.fails THEN 'failed' WHEN history.times = 0 THEN 'pending' ELSE 'scheduled' END AS state
            FROM queue_job job, LATERAL ({history}) AS history
            -- whatever its state says, which the job may have changed by itself
            WHERE job.id = ANY(%(ids)s) AND (job.state = 'started' OR job.date_started IS NOT NULL)
        ),
        ended AS (
            UPDATE queue_job job SET
                state = fate.state,
                ready_seq = CASE fate.state WHEN 'pending' THEN nextval('queue_job_ready_seq') END,
                -- an hour is reached long before the power is too great for a number
                eta = CASE fate.state
                    WHEN 'scheduled' THEN {NOW} + make_interval(secs => least(3600, 10 * power(2, least(fate.times, 9))))
                END,
                date_started = CASE WHEN fate.state <> 'pending' THEN fate.date_started END,
                date_done = CASE fate.state WHEN 'failed' THEN {NOW} END,
                retry = retry + %(tries)s, worker_id = NULL, lease_token = NULL, runs_alone = %(runs_alone)s,
                message = concat(CASE WHEN fate.gives_up THEN fate.times + 1 || ' times in a row: ' END, %(message)s)
            FROM fate WHERE job.id = fate.id
            RETURNING job.id, job.retry, fate.date_started, job.message,
                CASE WHEN fate.gives_up THEN 'failed' ELSE %(outcome)s END AS outcome
        )
        INSERT INTO queue_job_attempt (job_id, number, worker, date_started, date_ended, outcome, message)
        SELECT id, retry + 1 - %(tries)s, %(worker)s, date_started, {NOW}, outcome, message FROM ended
        """,
        {
            "ids": job_ids,
            "worker": worker_name,
            "outcome": outcome,
            "tries": tries,
            "message": message,
            "runs_alone": runs_alone or None,
        },
    )
