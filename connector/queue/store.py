"""Every SQL statement that changes the state of a job or a worker.

Each function takes a cursor. Those that a worker calls run on its raw connection, in autocommit and READ COMMITTED: each statement sees
what was committed before it began, and a row that another transaction has just changed is looked at again instead of raising a
serialization failure. Only :func:`insert`, :func:`lock_lease` and :func:`complete` run on a business cursor, which is REPEATABLE READ.

A *lease* is the pair (worker_id, lease_token) on a job's row. The token comes from a sequence, is new with each claim and is cleared when
the lease ends; whoever writes for a job names it. A writer whose lease was taken away finds no row.
"""

import contextlib
import json
from collections import namedtuple

from psycopg2.extensions import ISOLATION_LEVEL_READ_COMMITTED

from odoo.sql_db import BaseCursor, Cursor

#: A worker whose last heartbeat is older than this many seconds is dead.
HEARTBEAT_TIMEOUT = 15

LeasedJob = namedtuple(
    "LeasedJob",
    "id lease_token function model_name payload context user_id su company_id retry max_retries identity_key channel_id priority "
    "ready_seq date_created",
)
_LEASED_COLUMNS = ", ".join(f"job.{column}" for column in LeasedJob._fields)

# What is formatted into the statements below are constants of this file and, in insert(), names of columns
# pylint: disable=sql-injection

# The clock of the database, as Odoo stores times
_NOW = "(clock_timestamp() AT TIME ZONE 'UTC')"

# Alive: seen lately, and its control connection, where there is one, is still that of the same backend. Another role cannot see its start
_ALIVE = f"""(
    worker.date_heartbeat > {_NOW} - make_interval(secs => {HEARTBEAT_TIMEOUT})
    AND (worker.backend_pid IS NULL OR EXISTS (
        SELECT FROM pg_stat_activity backend
        WHERE backend.pid = worker.backend_pid
          AND COALESCE(extract(epoch FROM backend.backend_start)::float8 = worker.backend_start, true)
    ))
)"""

_RUNNABLE = """
    state = 'pending', ready_seq = nextval('queue_job_ready_seq'), eta = NULL,
    worker_id = NULL, lease_token = NULL, date_started = NULL, date_done = NULL, duration = NULL
"""


def create_sequences(cr):
    """Create the sequences of the queue; each number is used once in the life of the database."""
    cr.execute("CREATE SEQUENCE IF NOT EXISTS queue_job_ready_seq")
    cr.execute("CREATE SEQUENCE IF NOT EXISTS queue_job_lease_token_seq")


@contextlib.contextmanager
def own_cursor(env):
    """Give a READ COMMITTED cursor apart from the caller's transaction; what is done with it is committed at the end."""
    with env.registry.cursor() as cr:
        if isinstance(cr, Cursor):
            cr.connection.set_isolation_level(ISOLATION_LEVEL_READ_COMMITTED)
        yield cr


# Delaying


def insert(cr, rows, extra_columns=()):
    """Insert jobs, runnable at once or from their eta on, in the caller's transaction; return their ids in order.

    A plain INSERT of new rows without foreign keys: it waits for no other transaction and conflicts with none.

    :param rows: list of dicts with the columns below; ``eta`` is an absolute time, ``eta_seconds`` one relative to now
    :param extra_columns: list of (name, SQL type) of further columns
    """
    extra_names = "".join(f", {name}" for name, _type in extra_columns)
    extra_types = "".join(f", {name} {sql_type}" for name, sql_type in extra_columns)
    cr.execute(
        f"""
        INSERT INTO queue_job (function, model_name, payload, context, description, channel_id, priority, max_retries, retry,
                               identity_key, user_id, company_id, su, date_created, eta, state, ready_seq{extra_names})
        SELECT function, model_name, payload, context, description, channel_id, priority, max_retries, 0,
               identity_key, user_id, company_id, su, {_NOW}, due.eta,
               CASE WHEN due.later THEN 'scheduled' ELSE 'pending' END,
               CASE WHEN due.later THEN NULL ELSE nextval('queue_job_ready_seq') END{extra_names}
        FROM json_to_recordset(%(rows)s) AS job(
                function varchar, model_name varchar, payload text, context varchar, description varchar, channel_id int,
                priority int, max_retries int, identity_key varchar, user_id int, company_id int, su boolean,
                eta timestamp, eta_seconds float8{extra_types}),
             LATERAL (SELECT COALESCE(job.eta, {_NOW} + make_interval(secs => job.eta_seconds)) AS eta) AS asked,
             LATERAL (SELECT asked.eta > {_NOW} IS TRUE AS later, CASE WHEN asked.eta > {_NOW} THEN asked.eta END AS eta) AS due
        RETURNING id
        """,
        {"rows": json.dumps(rows)},
    )
    return [id_ for (id_,) in cr.fetchall()]


# Claims, marks and signs of life need not survive a crash of the server: a claim that is lost leaves a job that can be claimed. So their
# commit does not wait for the disk. The setting is the transaction's own: one of the session would reach other clients of a pooler.
_UNHURRIED = "unhurried AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))"


# Workers


def backend_of(cr):
    """Return ``(pid, start)`` of the server's process behind a connection; the start in seconds since 1970."""
    cr.execute(
        "SELECT pid, extract(epoch FROM backend_start)::float8 FROM pg_stat_activity WHERE pid = pg_backend_pid()"
    )
    return cr.fetchone()


def register_worker(cr, uuid, host, pid, kind, capacity, backend):
    """Insert the row that stands for a worker's life and return its id.

    :param backend: what :func:`backend_of` says of the worker's control connection, or ``(None, None)``
    """
    cr.execute(
        f"""
        INSERT INTO queue_worker (uuid, host, pid, kind, capacity, backend_pid, backend_start, date_started, date_heartbeat)
        VALUES (%s, %s, %s, %s, %s, %s, %s, {_NOW}, {_NOW})
        RETURNING id
        """,
        (uuid, host, pid, kind, capacity, *backend),
    )
    return cr.fetchone()[0]


def heartbeat(cr, worker_id):
    """Sign that the worker is alive; return False if its row is gone, which means that it was declared dead."""
    cr.execute(
        f"WITH {_UNHURRIED} UPDATE queue_worker SET date_heartbeat = {_NOW} FROM unhurried WHERE id = %s", (worker_id,)
    )
    return cr.rowcount == 1


def alive_workers(cr):
    """Return the set of ids of the workers that are alive."""
    cr.execute(f"SELECT id FROM queue_worker worker WHERE {_ALIVE}")
    return {id_ for (id_,) in cr.fetchall()}


def other_hosts_alive(cr):
    """Tell whether a worker other than Odoo's cron serves the database."""
    cr.execute(f"SELECT EXISTS (SELECT FROM queue_worker worker WHERE kind <> 'cron' AND {_ALIVE})")
    return cr.fetchone()[0]


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
        WITH {_UNHURRIED},
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
            RETURNING {_LEASED_COLUMNS}
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
    with _transaction(cr):
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
                RETURNING {_LEASED_COLUMNS}
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
    with _transaction(cr):
        return _lease_keyed(cr, worker_id, job_id, identity_key)


def _lease_keyed(cr, worker_id, job_id, identity_key):
    """Lease a job that has an identity key, unless a job with that key is leased; return a list of one job or none.

    Runs inside a transaction. All that depends on a key is serialised by its advisory lock, taken before the statement that looks, so
    that the statement sees what the former holder has committed. While a twin is leased, the job waits outside the ready index; the end
    of the twin releases it (:func:`release_key`). Otherwise the other runnable jobs with the key end as cancelled: they were committed
    before this statement, so what they were delayed for is visible to the one that runs now.
    """
    _lock_key(cr, identity_key)
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
            UPDATE queue_job twin SET state = 'cancelled', date_done = {_NOW}, message = 'The same as job ' || %(job)s
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
        RETURNING {_LEASED_COLUMNS}
        """,
        {"worker": worker_id, "job": job_id, "key": identity_key},
    )
    return [LeasedJob._make(row) for row in cr.fetchall()]


def _lock_key(cr, identity_key):
    cr.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"queue_job.identity_key:{identity_key}",))


@contextlib.contextmanager
def _transaction(cr):
    """Run several statements of an autocommit connection in one READ COMMITTED transaction; an Odoo cursor is in one already."""
    if isinstance(cr, BaseCursor):
        yield
        return
    cr.execute("BEGIN ISOLATION LEVEL READ COMMITTED")
    try:
        yield
    except BaseException:
        with contextlib.suppress(Exception):
            cr.execute("ROLLBACK")
        raise
    cr.execute("COMMIT")


# A lease's life


def start(cr, job):
    """Mark a leased job as started; return False if the lease is gone, for instance because somebody cancelled the job.

    It is committed before the job's own transaction begins: an update after that one's snapshot would make its completion fail.
    """
    cr.execute(
        f"""
        WITH {_UNHURRIED}
        UPDATE queue_job SET state = 'started', date_started = {_NOW}
        FROM unhurried
        WHERE id = %(id)s AND worker_id IS NOT NULL AND lease_token = %(lease_token)s AND state = 'enqueued'
        """,
        {"id": job.id, "lease_token": job.lease_token},
    )
    return cr.rowcount == 1


def lock_lease(cr, job, worker_id):
    """Lock the row of a running job on the job's own cursor; return False if the lease is not this worker's any more.

    Called before each commit of the job's cursor. If the lease was taken away after the transaction's snapshot, PostgreSQL raises a
    serialization failure instead: the commit does not happen either way. If it is ours, nobody can take it before the commit has ended.
    """
    cr.execute(
        "SELECT FROM queue_job WHERE id = %s AND worker_id = %s AND lease_token = %s FOR NO KEY UPDATE",
        (job.id, worker_id, job.lease_token),
    )
    return cr.rowcount == 1


def complete(cr, job, worker_id, worker_name, message, result):
    """Set a job to done and record the attempt on the job's own cursor; return False if the lease is not this worker's any more.

    It is the last statement of the job's transaction, so that the job's effects and its done are committed together or not at all. The
    state is not named: the token implies it, and the planner would prefer an index on the state to the primary key.
    """
    cr.execute(
        f"""
        WITH done AS (
            UPDATE queue_job
            SET state = 'done', date_done = {_NOW}, duration = extract(epoch FROM {_NOW} - date_started),
                message = %(message)s, result = %(result)s, worker_id = NULL, lease_token = NULL
            WHERE id = %(id)s AND worker_id = %(worker)s AND lease_token = %(lease_token)s
            RETURNING id, retry, date_started, date_done
        )
        INSERT INTO queue_job_attempt (job_id, number, worker, date_started, date_ended, outcome, message)
        SELECT id, retry + 1, %(worker_name)s, date_started, date_done, 'done', %(message)s FROM done
        """,
        {
            "id": job.id,
            "worker": worker_id,
            "lease_token": job.lease_token,
            "worker_name": worker_name,
            "message": message,
            "result": result,
        },
    )
    return cr.rowcount == 1


def fail(cr, job, worker_id, worker_name, message, exc_name, exc_info):
    """Set a job to failed and record the attempt; return False if the lease is not this worker's any more."""
    return _end_attempt(
        cr,
        job,
        worker_id,
        worker_name,
        f"state = 'failed', date_done = {_NOW}, duration = extract(epoch FROM {_NOW} - date_started), retry = retry + 1",
        {"outcome": "failed", "message": message, "exc_name": exc_name, "exc_info": exc_info},
    )


def retry(cr, job, worker_id, worker_name, seconds, count, message, exc_name, exc_info):
    """Schedule another try of a job and record the attempt; return False if the lease is not this worker's any more.

    :param seconds: until the next try
    :param count: whether this try counts
    """
    return _end_attempt(
        cr,
        job,
        worker_id,
        worker_name,
        f"state = 'scheduled', eta = {_NOW} + make_interval(secs => %(seconds)s), ready_seq = NULL, retry = retry + %(tries)s",
        {
            "outcome": "retry",
            "message": message,
            "exc_name": exc_name,
            "exc_info": exc_info,
            "seconds": seconds,
            "tries": int(count),
        },
    )


def _end_attempt(cr, job, worker_id, worker_name, assignments, values):
    cr.execute(
        f"""
        WITH ended AS (
            UPDATE queue_job SET {assignments}, message = %(message)s, worker_id = NULL, lease_token = NULL
            WHERE id = %(id)s AND worker_id = %(worker)s AND lease_token = %(lease_token)s
            RETURNING id, date_started
        )
        INSERT INTO queue_job_attempt (job_id, number, worker, date_started, date_ended, outcome, message, exc_name, exc_info)
        SELECT id, %(number)s, %(worker_name)s, date_started, {_NOW}, %(outcome)s, %(message)s, %(exc_name)s, %(exc_info)s FROM ended
        """,
        {
            **values,
            "id": job.id,
            "worker": worker_id,
            "lease_token": job.lease_token,
            "number": job.retry + 1,
            "worker_name": worker_name,
        },
    )
    return cr.rowcount == 1


def release(cr, jobs):
    """Give leased jobs back without having ended them, such as those that a stopping worker has not started; no try is counted."""
    cr.execute(
        f"UPDATE queue_job SET {_RUNNABLE} WHERE lease_token = ANY(%s) AND id = ANY(%s) AND state IN ('enqueued', 'started')",
        ([job.lease_token for job in jobs], [job.id for job in jobs]),
    )


def release_key(cr, identity_key):
    """Make the jobs runnable that wait for the end of a job with the same key; called after that end was committed.

    The lock makes it wait for a claim that is just now parking such a job. If the worker dies before it comes here,
    :func:`release_forgotten_keys` does it.
    """
    with _transaction(cr):
        _lock_key(cr, identity_key)
        cr.execute(
            f"UPDATE queue_job SET {_RUNNABLE} WHERE identity_key = %s AND state = 'wait_dependencies'",
            (identity_key,),
        )


def release_forgotten_keys(cr):
    """Make the jobs runnable whose key nobody holds any more."""
    cr.execute(
        """
        SELECT DISTINCT identity_key FROM queue_job job
        WHERE state = 'wait_dependencies' AND identity_key IS NOT NULL
          AND NOT EXISTS (
                SELECT FROM queue_job twin WHERE twin.identity_key = job.identity_key AND twin.state IN ('enqueued', 'started')
          )
        LIMIT 100
        """
    )
    for (identity_key,) in cr.fetchall():
        release_key(cr, identity_key)


# What any worker does for all


def schedule_due(cr):
    """Make jobs runnable whose time has come, a page at a time; return how many.

    SKIP LOCKED: workers that do this at the same time share the work instead of waiting.
    """
    cr.execute(
        f"""
        UPDATE queue_job job SET {_RUNNABLE}
        FROM (
            SELECT id FROM queue_job WHERE state = 'scheduled' AND eta <= {_NOW}
            ORDER BY eta LIMIT 1000 FOR NO KEY UPDATE SKIP LOCKED
        ) AS due
        WHERE job.id = due.id
        """
    )
    return cr.rowcount


def seconds_to_next_eta(cr):
    """Return how many seconds there are until the next scheduled job, or None if there is none."""
    cr.execute(f"SELECT extract(epoch FROM min(eta) - {_NOW})::float8 FROM queue_job WHERE state = 'scheduled'")
    return cr.fetchone()[0]


def count_runnable(cr):
    """Return how many jobs could run now, counted to a thousand."""
    cr.execute("SELECT count(*) FROM (SELECT FROM queue_job WHERE state = 'pending' LIMIT 1000) AS runnable")
    return cr.fetchone()[0]


def dead_workers(cr):
    """Return ``[(id, name)]`` of the workers that are dead."""
    cr.execute(f"SELECT id, host || ':' || pid FROM queue_worker worker WHERE NOT {_ALIVE} ORDER BY id LIMIT 100")
    return cr.fetchall()


def end_worker(cr, worker_id, cause="", count=True):
    """Delete a worker's row and free its jobs; return how many were freed, or None if somebody else is doing it.

    One transaction: the row is locked first, so that a claim of that worker comes before (its leases are freed here) or after (it finds
    no worker). Jobs that had started count a try unless ``count`` is False; the first death runs the job again at once, later ones after
    growing delays, and a job without tries left fails. A worker that was only slow finds its leases gone when it wants to commit.

    :param cause: for the message of the jobs that had started
    """
    with _transaction(cr):
        cr.execute("SELECT host || ':' || pid FROM queue_worker WHERE id = %s FOR UPDATE SKIP LOCKED", (worker_id,))
        row = cr.fetchone()
        if not row:
            return None
        cr.execute(
            "SELECT id FROM queue_job WHERE worker_id = %s AND state IN ('enqueued', 'started') ORDER BY id FOR NO KEY UPDATE",
            (worker_id,),
        )
        freed = _free_leases(cr, [id_ for (id_,) in cr.fetchall()], row[0], cause, count)
        cr.execute("DELETE FROM queue_worker WHERE id = %s", (worker_id,))
        return freed


def free_orphans(cr):
    """Free jobs whose worker has no row: somebody has deleted it by hand. Return how many."""
    with _transaction(cr):
        cr.execute(
            """
            SELECT id FROM queue_job job
            WHERE state IN ('enqueued', 'started') AND NOT EXISTS (SELECT FROM queue_worker worker WHERE worker.id = job.worker_id)
            ORDER BY id LIMIT 1000 FOR NO KEY UPDATE SKIP LOCKED
            """
        )
        return _free_leases(cr, [id_ for (id_,) in cr.fetchall()], "", "its worker's record was deleted", True)


def _free_leases(cr, job_ids, worker_name, cause, count):
    """Free leases of locked rows: enqueued jobs become runnable, started ones are tried again or fail."""
    if not job_ids:
        return 0
    values = {"ids": job_ids, "worker": worker_name, "message": f"Worker lost: {cause}" if cause else "Worker lost"}
    if count:
        cr.execute(
            f"""
            WITH lost AS (
                UPDATE queue_job SET
                    state = CASE WHEN retry + 1 >= max_retries AND max_retries > 0 THEN 'failed'
                                 WHEN retry = 0 THEN 'pending'
                                 ELSE 'scheduled' END,
                    ready_seq = CASE WHEN retry = 0 THEN nextval('queue_job_ready_seq') END,
                    eta = CASE WHEN retry > 0 THEN {_NOW} + make_interval(secs => least(3600, 10 * power(2, retry))) END,
                    date_done = CASE WHEN retry + 1 >= max_retries AND max_retries > 0 THEN {_NOW} END,
                    retry = retry + 1, message = %(message)s, worker_id = NULL, lease_token = NULL
                WHERE id = ANY(%(ids)s) AND state = 'started'
                RETURNING id, retry, date_started
            )
            INSERT INTO queue_job_attempt (job_id, number, worker, date_started, date_ended, outcome, message)
            SELECT id, retry, %(worker)s, date_started, {_NOW}, 'lost', %(message)s FROM lost
            """,
            values,
        )
    cr.execute(f"UPDATE queue_job SET {_RUNNABLE} WHERE id = ANY(%(ids)s) AND state IN ('enqueued', 'started')", values)
    return len(job_ids)


# Buttons: on a cursor of their own, guarded by the states from which the change is possible; they return how many jobs changed. A job that
# is leased is not touched, except that one that has not started may be cancelled: its worker then finds the lease gone.


def requeue(cr, ids):
    """Make ended, scheduled and waiting jobs runnable now, with all their tries."""
    return _change(
        cr, ids, ("failed", "cancelled", "done", "scheduled"), f"{_RUNNABLE}, retry = 0, message = NULL, result = NULL"
    )


def set_done(cr, ids, message):
    """Set jobs to done without running them."""
    states = ("failed", "cancelled", "pending", "scheduled", "wait_dependencies")
    return _change(
        cr, ids, states, f"state = 'done', date_done = {_NOW}, ready_seq = NULL, message = %(message)s", message=message
    )


def cancel(cr, ids, message):
    """Cancel jobs that have not started."""
    states = ("failed", "pending", "enqueued", "scheduled", "wait_dependencies")
    assignments = f"state = 'cancelled', date_done = {_NOW}, worker_id = NULL, lease_token = NULL, ready_seq = NULL, message = %(message)s"
    return _change(cr, ids, states, assignments, message=message)


def _change(cr, ids, states, assignments, **values):
    # locked in the order of their ids, so that two such calls cannot wait for each other
    cr.execute(
        f"""
        UPDATE queue_job job SET {assignments}
        FROM (SELECT id FROM queue_job WHERE id = ANY(%(ids)s) AND state = ANY(%(states)s) ORDER BY id FOR NO KEY UPDATE) AS chosen
        WHERE job.id = chosen.id
        """,
        {**values, "ids": list(ids), "states": list(states)},
    )
    return cr.rowcount


def delete_ended(cr, days, limit=10000):
    """Delete done and cancelled jobs that ended more than so many days ago, with their attempts.

    :return: ``(number of deleted jobs, whether there may be more)``
    """
    cr.execute(
        f"""
        WITH old AS (
            SELECT id FROM queue_job
            WHERE state IN ('done', 'cancelled') AND date_done < {_NOW} - make_interval(days => %(days)s)
            ORDER BY id LIMIT %(limit)s
            FOR UPDATE SKIP LOCKED
        ),
        attempts AS (DELETE FROM queue_job_attempt USING old WHERE job_id = old.id)
        DELETE FROM queue_job USING old WHERE queue_job.id = old.id
        """,
        {"days": days, "limit": limit},
    )
    return cr.rowcount, cr.rowcount == limit
