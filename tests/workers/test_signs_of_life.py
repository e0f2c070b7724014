"""Worker that stays alive, and runs what it can, while somebody locks what it needs."""

import contextlib
import itertools
import logging
import threading
from types import SimpleNamespace

import psycopg2
import pytest
from psycopg2.errors import DeadlockDetected, LockNotAvailable, SerializationFailure

from odoo.modules.registry import Registry

from odoo.addons.jobs_queue import store, worker
from odoo.addons.jobs_queue.session import ConnectorSession
from odoo.addons.jobs_queue.store.connection import connect
from odoo.addons.jobs_queue.worker import WorkerWatcher, outcome

from scripts import databases


@pytest.fixture
def serve(monkeypatch, wait_until):
    """Return a function that serves databases by workers in this process.

    The interval of their heartbeats is short.
    """
    monkeypatch.setattr(worker.watcher, "HEARTBEAT_INTERVAL", 0.2)

    @contextlib.contextmanager
    def serve(*served):
        watcher = WorkerWatcher("command", 1, lambda: [database.name for database in served])
        job_thread = threading.Thread(target=watcher.work)
        watching = threading.Thread(target=watcher.watch, args=([job_thread],))
        watching.start()
        try:
            for database in served:
                wait_until(lambda database=database: database.value("SELECT count(*) FROM queue_worker"))
            yield watcher
        finally:
            watcher.stop()
            watching.join()

    return serve


@pytest.fixture
def watcher(database, serve):
    """Provide a worker in this process; the value is its watcher."""
    with serve(database) as watcher:
        yield watcher


@pytest.fixture
def other(database, copy_database):
    """Provide a second database."""
    name = f"{database.name}_other"
    copy_database(database.name, name)
    yield type(database)(name)
    Registry.delete(name)
    databases.drop(name)


@contextlib.contextmanager
def locked(database, statement, *values):
    """Execute a statement in a transaction that stays open during the block."""
    connection = psycopg2.connect(dbname=database.name)
    try:
        with connection.cursor() as cr:
            cr.execute(statement, values)
            yield
    finally:
        connection.close()


@pytest.fixture
def beats(database, wait_until):
    """Return a function that waits until the only worker of a database has sent some heartbeats."""

    def beats(times, database=database):
        for _number in range(times):
            last = database.value("SELECT date_heartbeat FROM queue_worker")
            wait_until(lambda last=last: database.value("SELECT date_heartbeat FROM queue_worker") != last)

    return beats


@pytest.fixture
def waiting_for_lock(database):
    """Return a function that tells whether a statement of the worker waits for a lock."""
    return lambda: database.value(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )


def test_the_locked_row_of_a_limited_channel_holds_up_its_jobs_alone(
    database, jobs, delay, watcher, state, beats, wait_until, waiting_for_lock
):
    channel = database.commit(
        lambda env: (
            env["queue.job.channel"]._ensure("root.test.locked").write({"capacity": 1})
            and env["queue.job.channel"]._id_of("root.test.locked")
        )
    )
    with locked(database, "SELECT FROM queue_job_channel WHERE id = %s FOR UPDATE", channel):
        held_up = delay(jobs.leave_effect, "held up", channel="root.test.locked")
        wait_until(waiting_for_lock)
        others = [delay(jobs.leave_effect, str(number)) for number in range(5)]
        wait_until(lambda: all(state(job) == "done" for job in others))
        beats(3)
        assert state(held_up) == "pending"
    wait_until(lambda: state(held_up) == "done")


def test_a_worker_gives_signs_of_life_while_the_table_of_jobs_is_locked(
    database, jobs, delay, watcher, state, beats, wait_until, waiting_for_lock, tmp_path
):
    uuid = database.value("SELECT uuid FROM queue_worker")
    job = delay(jobs.leave_effect_when_let_go, "job", str(tmp_path / "gate"))
    wait_until((tmp_path / "gate.reached").exists)
    with locked(database, "LOCK TABLE queue_job"):
        (tmp_path / "gate").touch()
        wait_until(waiting_for_lock)
        beats(3)
    wait_until(lambda: state(job) == "done")
    assert database.rows("SELECT uuid FROM queue_worker") == [(uuid,)]
    assert database.rows("SELECT outcome FROM queue_job_attempt") == [("done",)]


def test_a_job_is_stopped_at_its_time_limit_while_the_worker_waits_for_a_lock(
    database, jobs, delay, watcher, state, wait_until, waiting_for_lock, tmp_path
):
    job = delay(jobs.wait_in_python, str(tmp_path / "gate"), time_limit=1)
    wait_until((tmp_path / "gate.reached").exists)
    with locked(database, "LOCK TABLE queue_job IN SHARE MODE"):
        wait_until(waiting_for_lock)
        # the job's own transaction has ended; now the thread waits to write the end of the job
        wait_until(
            lambda: database.value(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' "
                "AND query LIKE '%%ended AS%%'"
            )
        )
    wait_until(lambda: state(job) == "failed")


def lives(*of):
    return [database.rows("SELECT uuid FROM queue_worker") for database in of]


def test_a_process_gives_signs_of_life_in_a_database_while_the_workers_of_another_one_are_locked(
    database, jobs, other, serve, beats
):
    with serve(database, other):
        before = lives(database, other)
        for held, free in itertools.permutations((database, other)):
            with locked(held, "LOCK TABLE queue_worker"):
                beats(3, free)
            beats(1, held)
        assert lives(database, other) == before


def test_a_worker_lives_on_when_another_transaction_was_in_the_way_of_its_care_for_all(
    database, jobs, watcher, beats, wait_until, monkeypatch
):
    before = lives(database)
    calls = []

    def meet_another_transaction(_cr):
        calls.append(1)
        raise DeadlockDetected

    monkeypatch.setattr(store.keys, "release_forgotten", meet_another_transaction)
    wait_until(lambda: len(calls) > 1)
    beats(1)
    assert lives(database) == before


def test_a_worker_lives_on_when_another_transaction_was_in_the_way_of_those_that_wait_for_its_job(
    database, jobs, delay, watcher, state, wait_until, monkeypatch
):
    before = lives(database)

    def meet_another_transaction(_cr, *_jobs):
        raise DeadlockDetected

    monkeypatch.setattr(store.keys, "release", meet_another_transaction)
    keyed = [delay(jobs.leave_effect, str(number), concurrency_key="key") for number in range(3)]
    wait_until(lambda: all(state(job) == "done" for job in keyed))
    assert lives(database) == before


def test_a_job_that_is_committed_is_not_run_again_for_what_goes_wrong_afterwards(
    database, jobs, delay, watcher, state, wait_until, monkeypatch, caplog
):
    caplog.set_level(logging.INFO, logger=worker.__name__)

    def meet_another_transaction(_registry):
        raise SerializationFailure

    monkeypatch.setattr(Registry, "signal_changes", meet_another_transaction)
    job = delay(jobs.leave_effect, "job")
    after = delay(jobs.leave_effect, "after")
    wait_until(lambda: (state(job), state(after)) == ("done", "done"))
    wait_until(lambda: caplog.text.count("is done, but not all that follows its commit") == 2)
    assert "again at once" not in caplog.text


def test_the_loss_of_the_control_connection_is_an_interruption(
    database, jobs, delay, watcher, state, wait_until, tmp_path
):
    job = delay(jobs.leave_effect_when_let_go, "job", str(tmp_path / "gate"))
    wait_until((tmp_path / "gate.reached").exists)
    before = lives(database)
    database.rows("SELECT pg_terminate_backend(backend_pid) FROM queue_worker")
    wait_until(lambda: lives(database) not in (before, [[]]))
    (tmp_path / "gate").touch()
    wait_until(lambda: state(job) == "done")
    assert database.rows("SELECT outcome FROM queue_job_attempt ORDER BY id") == [("interrupted",), ("done",)]


def test_f25_a_worker_that_has_just_lost_its_connections_declares_nobody_dead(
    database, jobs, watcher, wait_until, monkeypatch
):
    monkeypatch.setattr(store.workers, "HEARTBEAT_TIMEOUT", 5)
    looks = []
    dead_workers = store.workers.dead
    monkeypatch.setattr(store.workers, "dead", lambda *arguments: looks.append(1) or dead_workers(*arguments))
    ((before,),) = database.rows("SELECT uuid FROM queue_worker")
    with contextlib.closing(connect(database.name)) as connection, connection.cursor() as cr:
        other = store.workers.register(cr, "other", "host", 1, "command", 1, store.workers.server_process_of(cr))
        database.rows("SELECT pg_terminate_backend(backend_pid) FROM queue_worker WHERE uuid = %s", before)
        wait_until(lambda: not database.value("SELECT count(*) FROM queue_worker WHERE uuid = %s", before))
    # now the other worker has lost its connection, too: perhaps it connects again
    looks.clear()
    wait_until(lambda: len(looks) > 1)
    assert database.value("SELECT id FROM queue_worker WHERE uuid = 'other'") == other
    wait_until(lambda: not database.value("SELECT id FROM queue_worker WHERE uuid = 'other'"))


def test_a_worker_is_looked_after_again_after_an_error_that_nobody_expected(
    database, jobs, delay, watcher, state, wait_until, monkeypatch
):
    calls = []

    def raise_once():
        calls.append(1)
        if len(calls) == 1:
            raise ZeroDivisionError

    monkeypatch.setattr(watcher, "_discover", raise_once)
    wait_until(lambda: len(calls) > 1)
    job = delay(jobs.leave_effect, "job")
    wait_until(lambda: state(job) == "done")


def test_f2_a_process_signs_that_it_lives_while_the_end_of_a_job_that_does_not_stop_cannot_be_written(
    database, jobs, delay, watcher, state, beats, wait_until, monkeypatch
):
    """Heartbeats of a process while the end of a job cannot be written, for any reason.

    Such a reason is another database that is being loaded.
    """
    writing, may_write, may_return = threading.Event(), threading.Event(), threading.Event()
    end = outcome.end

    def wait_and_end(*arguments):
        writing.set()
        may_write.wait(60)
        return end(*arguments)

    monkeypatch.setattr(outcome, "end", wait_and_end)
    before = lives(database)
    jobs.deeds["wait"] = lambda session: may_return.wait(60)
    job = delay(jobs.do, "wait", time_limit=1, max_retries=1)
    wait_until(writing.is_set)
    beats(5)
    assert lives(database) == before
    assert state(job) == "started"
    may_write.set()
    wait_until(lambda: state(job) == "failed")
    assert "longer than its time limit" in database.value("SELECT message FROM queue_job WHERE id = %s", job)
    may_return.set()


# Locks for which the bookkeeping of a job waits


def claim_all(worker):
    """Make a worker hold all runnable jobs in its memory."""
    with worker.raw_cursor() as cr:
        worker.queue.put(store.claiming.claim(cr, worker.id, 9, 9))


def test_f8_a_worker_does_not_wait_for_the_rows_of_jobs_that_somebody_keeps_locked(
    database, jobs, delay, own_worker, state, wait_until
):
    ids = [delay(jobs.leave_effect, str(number)) for number in range(3)]
    claim_all(own_worker)
    with locked(database, "UPDATE queue_job SET priority = priority WHERE id = ANY(%s)", ids[:2]):
        own_worker.run(own_worker.next_job())
        assert [state(id_) for id_ in ids] == ["enqueued", "enqueued", "pending"]
        own_worker.run(own_worker.next_job())
        assert state(ids[2]) == "done"
        assert own_worker.next_job() is None
    wait_until(lambda: own_worker.do_housekeeping() or [state(id_) for id_ in ids] == ["pending", "pending", "done"])
    own_worker.run(own_worker.next_job())
    assert [state(id_) for id_ in ids] == ["done", "pending", "done"]
    assert database.value("SELECT count(*) FROM queue_job_attempt WHERE outcome <> 'done'") == 0


def test_f8_a_batch_is_given_back_while_somebody_keeps_one_of_its_jobs_locked(database, jobs, delay, own_worker, state):
    jobs.deeds["nothing"] = lambda session: None
    ids = [delay(jobs.do_together, "nothing") for _number in range(3)]
    claim_all(own_worker)
    with locked(database, "SELECT FROM queue_job WHERE id = %s FOR UPDATE", ids[1]):
        own_worker.run(own_worker.next_job())
        assert [state(id_) for id_ in ids] == ["pending", "enqueued", "pending"]
        own_worker.run(own_worker.next_job())
    assert [state(id_) for id_ in ids] == ["done", "enqueued", "done"]


def test_f8_the_jobs_of_another_database_run_while_the_table_of_jobs_is_locked_for_a_start(
    database, jobs, other, delay, serve, wait_until
):
    with serve(database, other) as watcher:
        worker = watcher.workers[database.name]
        with worker.raw_cursor() as cr:
            delay(jobs.leave_effect, "held up")
            held = store.claiming.claim(cr, worker.id, 9, 9)
            with locked(database, "LOCK TABLE queue_job"):
                worker.queue.put(held)
                worker._lock.release()
                try:
                    elsewhere = other.commit(
                        lambda env: jobs.leave_effect.delay(ConnectorSession.from_env(env), "test.effect", "free").id
                    )
                    done = "SELECT state = 'done' FROM queue_job WHERE id = %s"
                    wait_until(lambda: other.value(done, elsewhere))
                finally:
                    worker._lock.acquire()
        wait_until(lambda: database.value("SELECT state = 'done' FROM queue_job"))


def test_f8_a_job_that_keeps_the_note_of_its_progress_locked_does_not_wait_for_itself(run_here, ends, own_worker):
    def deed(session):
        session.cr.execute(
            "INSERT INTO queue_job_progress (job_id, done, date) VALUES (%s, 1, now())", [session.job.id]
        )
        session.job.progress(10, 10)

    assert ends(run_here(deed)) == [("done", 0)]


MARKS = {
    "start": lambda cr, job: store.leases.start(cr, job),
    "start of a group": lambda cr, job: store.batches.start(cr, [job]),
    "unknown": lambda cr, job: store.leases.give_back_unknown(
        cr, job, SimpleNamespace(id=1, name="worker"), 10, "unknown"
    ),
    "release": lambda cr, job: store.leases.release(cr, [job]),
    "release of what has not started": lambda cr, job: store.leases.release_unstarted(cr, [job]),
    "progress": lambda cr, job: store.leases.write_progress(cr, job.id, 1, 2, None),
}


@pytest.mark.parametrize("mark", MARKS)
def test_f8_no_mark_waits_for_a_locked_table_where_a_pooler_forgets_settings(database, jobs, delay, own_worker, mark):
    delay(jobs.do_nothing)
    job = own_worker.next_job()
    with (
        contextlib.closing(connect(database.name)) as connection,
        connection.cursor() as cr,
        locked(database, "LOCK TABLE queue_job, queue_job_progress"),
        pytest.raises(LockNotAvailable),
    ):
        MARKS[mark](cr, job)


def test_f8_the_connections_of_a_worker_wait_briefly_for_locks(own_worker):
    for cursor in (own_worker.raw_cursor, own_worker.sign_cursor):
        with cursor() as cr:
            cr.execute("SHOW lock_timeout")
            assert cr.fetchone() == ("300ms",)
