"""Leases that no thread of their living worker holds or runs.

Other leases are held, but the threads do not come to them.
"""

import errno
import threading
from types import SimpleNamespace

import psutil
import pytest

from odoo.addons.jobs_queue import store
from odoo.addons.jobs_queue.session import ConnectorSession
from odoo.addons.jobs_queue.worker import Worker, WorkerWatcher
from odoo.addons.jobs_queue.worker.attempt import Run
from odoo.addons.jobs_queue.worker.backoff import Backoff
from odoo.addons.jobs_queue.worker.kept import kept
from odoo.addons.jobs_queue.worker.runner import JobRunner

from scripts import databases


@pytest.fixture
def watcher(database, jobs, wait_until):
    """Provide the watcher of a worker with two threads in this process."""
    watcher = WorkerWatcher("command", 2, lambda: [database.name])
    threads = [threading.Thread(target=watcher.work) for _number in range(2)]
    watching = threading.Thread(target=watcher.watch, args=(threads,))
    watching.start()
    wait_until(lambda: watcher.workers)
    yield watcher
    watcher.stop()
    watching.join()


CHANGES = {
    "frees its lease": "UPDATE queue_job SET worker_id = NULL, lease_token = NULL WHERE id = %s",
    "has no worker": "UPDATE queue_job SET worker_id = NULL WHERE id = %s",
    "has another token": "UPDATE queue_job SET lease_token = nextval('queue_job_lease_token_seq') WHERE id = %s",
    "has no token": "UPDATE queue_job SET lease_token = NULL WHERE id = %s",
    "is enqueued": "UPDATE queue_job SET state = 'enqueued', lease_token = 0 WHERE id = %s",
    "is deleted": "DELETE FROM queue_job WHERE id = %s",
}


@pytest.mark.parametrize("apart", [False, True], ids=["in the job's transaction", "apart from it"])
@pytest.mark.parametrize("change", CHANGES)
def test_f8_a_job_that_changes_its_own_row_comes_to_an_end(
    database, jobs, delay, watcher, state, wait_until, change, apart
):
    (life,) = database.rows("SELECT uuid FROM queue_worker")
    job = delay(jobs.change_own_row, CHANGES[change], apart)

    def has_ended():
        # the second try need not be waited for
        database.rows(
            "UPDATE queue_job SET eta = NULL, state = 'pending', ready_seq = 1 WHERE state = 'scheduled' RETURNING id"
        )
        return state(job) in ("failed", None)

    wait_until(has_ended)
    assert database.value("SELECT count(*) FROM queue_job WHERE state IN ('enqueued', 'started')") == 0
    assert state(job) == (None if change == "is deleted" and apart else "failed")
    assert database.rows("SELECT name FROM test_effect") == []
    other = delay(jobs.leave_effect, "other")
    wait_until(lambda: state(other) == "done")
    assert database.rows("SELECT uuid FROM queue_worker") == [life]


def test_f8_an_end_that_was_not_written_counts_a_try_and_says_so(
    database, jobs, delay, watcher, state, wait_until, monkeypatch, tmp_path
):
    """Last safety net: an unexpected exception leaves everything else as it is.

    These are the thread, the life of the worker, and the jobs of other threads.
    """
    (life,) = database.rows("SELECT uuid FROM queue_worker")
    beside = delay(jobs.leave_effect_when_let_go, "beside", str(tmp_path / "gate"))
    wait_until((tmp_path / "gate.reached").exists)
    run_started = JobRunner._run_started

    def raise_once(runner, job):
        monkeypatch.setattr(JobRunner, "_run_started", run_started)
        raise ZeroDivisionError("nobody has thought of this")

    monkeypatch.setattr(JobRunner, "_run_started", raise_once)
    job = delay(jobs.leave_effect, "job")
    wait_until(lambda: state(job) == "done")
    assert state(beside) == "started"
    (tmp_path / "gate").touch()
    wait_until(lambda: state(beside) == "done")
    assert database.rows("SELECT uuid FROM queue_worker") == [life]
    assert database.rows("SELECT outcome, number FROM queue_job_attempt WHERE job_id = %s ORDER BY id", job) == [
        ("lost", 1),
        ("done", 2),
    ]
    message = database.value("SELECT message FROM queue_job_attempt WHERE job_id = %s ORDER BY id", job)
    assert "its run is over, but its end was not written" in message
    assert database.value("SELECT retry FROM queue_job WHERE id = %s", beside) == 0


def test_f8_what_a_worker_holds_or_runs_is_not_taken_for_lost(
    database, jobs, delay, watcher, state, wait_until, tmp_path, caplog
):
    waiting = [delay(jobs.wait_until_let_go, str(tmp_path / "gate")) for _number in range(4)]
    wait_until(lambda: database.value("SELECT count(*) FROM queue_job WHERE state = 'started'") == 2)
    worker = watcher.workers[database.name]
    looks = []
    look = worker._free_lost_runs
    worker._free_lost_runs = lambda cr: looks.append(look(cr))
    wait_until(lambda: len(looks) > 6)
    (tmp_path / "gate").touch()
    wait_until(lambda: {state(job) for job in waiting} == {"done"})
    assert database.rows("SELECT DISTINCT outcome FROM queue_job_attempt") == [("done",)]


def test_f22_jobs_behind_a_long_one_are_run_by_another_process(
    database, jobs, delay, worker, state, wait_until, tmp_path
):
    gate = str(tmp_path / "gate")

    def delay_many(env):
        session = ConnectorSession.from_env(env)
        for _number in range(1200):
            jobs.do_nothing.delay(session, "test.effect")
        long = jobs.leave_effect_when_let_go.delay(session, "test.effect", "long", gate)
        for _number in range(900):
            jobs.do_nothing.delay(session, "test.effect")
        return long.id

    long = database.commit(delay_many)
    worker("--processes", "2")
    wait_until((tmp_path / "gate.reached").exists)
    wait_until(lambda: database.value("SELECT count(*) FROM queue_job WHERE state = 'done'") == 2100)
    assert state(long) == "started"
    (tmp_path / "gate").touch()
    wait_until(lambda: state(long) == "done")
    assert database.value("SELECT count(*) FROM queue_job_attempt WHERE outcome <> 'done'") == 0


def test_f22_a_job_that_is_given_back_runs_before_those_that_were_delayed_after_it(
    database, jobs, delay, watcher, state, wait_until, tmp_path
):
    """Release of held jobs to their old places, also by a worker that is paused."""
    worker = watcher.workers[database.name]
    worker.runner.job_seconds = 0.001
    delay(jobs.wait_until_let_go, str(tmp_path / "gate"))
    delay(jobs.leave_effect_when_let_go, "second", str(tmp_path / "gate"))
    wait_until((tmp_path / "gate.reached").exists)
    behind = [delay(jobs.leave_effect, str(number)) for number in range(3)]
    before = database.rows("SELECT id, ready_seq FROM queue_job WHERE id = ANY(%s) ORDER BY id", behind)
    with worker.raw_cursor() as cr:
        worker.queue.put(store.claiming.claim(cr, worker.id, 9, 9))
    assert len(worker.queue) == 3
    wait_until(lambda: {state(job) for job in behind} == {"pending"})
    assert len(worker.queue) == 0
    assert database.rows("SELECT id, ready_seq FROM queue_job WHERE id = ANY(%s) ORDER BY id", behind) == before
    (tmp_path / "gate").touch()
    wait_until(lambda: {state(job) for job in behind} == {"done"})


# Unexpected exceptions in a thread that runs jobs


@pytest.fixture
def one_thread(database, jobs):
    """Provide the watcher of a worker in this process; the test's own thread runs the jobs."""
    watcher = WorkerWatcher("command", 1, lambda: [database.name])
    watcher.workers[database.name] = Worker(database.name, "command", 1)
    yield watcher
    for worker in watcher.workers.values():
        worker.close_thread()
        worker.end()


def raise_once(monkeypatch, owner, name, before=lambda: None):
    """Make a method raise an unexpected exception, the first time."""
    method = getattr(owner, name)

    def raises(*args, **kwargs):
        monkeypatch.setattr(owner, name, method)
        before()
        raise ZeroDivisionError("nobody has thought of this")

    monkeypatch.setattr(owner, name, raises)


def test_f8_a_thread_goes_on_when_the_life_of_its_worker_is_over_in_the_midst_of_an_error(
    database, jobs, delay, one_thread, monkeypatch
):
    ids = [delay(jobs.leave_effect, str(number)) for number in range(2)]
    worker = one_thread.workers[database.name]
    with worker.raw_cursor() as cr:
        worker.queue.put(store.claiming.claim(cr, worker.id, 9, 9))
    assert worker.queue.ids() == ids

    def end_the_life():
        worker.ended = True

    raise_once(monkeypatch, Worker, "run", end_the_life)
    turns = []
    one_thread.work(go_on=lambda ran: turns.append(ran) or len(turns) < 2)
    assert turns == [True, True] or turns == [True, False]
    assert worker.ended


@pytest.mark.parametrize("owner, name", [(kept, "close_idle"), (Worker, "next_job"), (Worker, "take_no_jobs")])
def test_f8_a_thread_goes_on_after_what_nobody_has_thought_of(
    database, jobs, delay, one_thread, state, monkeypatch, owner, name
):
    job = delay(jobs.leave_effect, "job")
    if name == "take_no_jobs":
        raise_once(monkeypatch, Worker, "next_job")
    raise_once(monkeypatch, owner, name)
    worker = one_thread.workers[database.name]

    def go_on(_ran):
        worker.backoff = Backoff()
        return state(job) != "done"

    one_thread.work(go_on=go_on)
    assert state(job) == "done"


# Unexpected exceptions in the threads that watch


@pytest.fixture
def refuse_in(database):
    """Provide a function that makes PostgreSQL refuse each INSERT or UPDATE of a table.

    This ends with the test.
    """
    tables = []

    def refuse(table, sqlstate):
        tables.append(table)
        with databases.cursor(database.name) as cr:
            cr.execute(f"""
                CREATE OR REPLACE FUNCTION refuse_all() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN RAISE EXCEPTION 'nobody has thought of this' USING ERRCODE = '{sqlstate}'; END $$;
                CREATE TRIGGER refuse_all BEFORE INSERT OR UPDATE ON {table} EXECUTE FUNCTION refuse_all();
            """)

    def allow():
        while tables:
            with databases.cursor(database.name) as cr:
                cr.execute(f"DROP TRIGGER refuse_all ON {tables.pop()}")

    refuse.allow = allow
    yield refuse
    allow()


@pytest.mark.parametrize("sqlstate", ["53100", "57014", "55P03", "40P01", "XX000"])
def test_f2_a_heartbeat_that_is_refused_ends_no_life(own_worker, refuse_in, sqlstate):
    refuse_in("queue_worker", sqlstate)
    assert not own_worker.send_heartbeat()
    assert not own_worker.ended
    refuse_in.allow()
    assert own_worker.send_heartbeat()


@pytest.mark.parametrize("sqlstate", ["53100", "57014", "55P03", "XX000"])
def test_f2_jobs_reach_their_limits_where_nobody_can_be_asked_who_is_cancelled(own_worker, monkeypatch, sqlstate):
    def refuse(cr, *_others):
        cr.execute(f"DO $$ BEGIN RAISE EXCEPTION 'nobody has thought of this' USING ERRCODE = '{sqlstate}'; END $$")

    monkeypatch.setattr(store.leases, "cancel_requests", refuse)
    own_worker.runner.runs[1] = run = Run(SimpleNamespace(time_limit=1, memory_limit=0), None)
    run.began -= 2
    assert own_worker.runner.watch() == set()
    assert run.stopped
    assert not own_worker.ended


@pytest.mark.parametrize("error", [OSError(errno.EMFILE, "Too many open files"), psutil.AccessDenied(), MemoryError()])
def test_f2_a_limit_of_memory_that_cannot_be_looked_at_ends_no_life(own_worker, monkeypatch, error):
    def refuse(*_pid):
        raise error

    monkeypatch.setattr(psutil, "Process", refuse)
    run = Run(SimpleNamespace(time_limit=0, memory_limit=1), None)
    run.check_limits()
    assert run.stopped is None
    assert own_worker.send_heartbeat()


def test_f2_what_nobody_has_thought_of_ends_no_life_and_keeps_nobody_from_being_watched(one_thread, database):
    worker = one_thread.workers[database.name]
    another = one_thread.workers["another"] = SimpleNamespace(ended=False, name="another", dbname="another", end=None)

    def method(worker):
        if worker is not another:
            raise ZeroDivisionError("nobody has thought of this")
        return True

    assert one_thread._for_each_life(method) == [False, True]
    assert one_thread._each_worker(method) == [True]
    del one_thread.workers["another"]
    assert one_thread.workers == {database.name: worker}
    assert not worker.ended
