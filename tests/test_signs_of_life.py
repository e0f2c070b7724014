"""A worker stays alive, and runs what it can, while somebody else keeps locked what it would need."""

import threading
from contextlib import contextmanager

import psycopg2
import pytest

from odoo.addons.connector.queue import worker
from odoo.addons.connector.queue.worker import WorkerWatcher


@pytest.fixture
def watcher(database, monkeypatch, wait_until):
    """A worker in this process whose heart beats fast."""
    monkeypatch.setattr(worker, "HEARTBEAT_INTERVAL", 0.2)
    watcher = WorkerWatcher("command", 1, lambda: [database.name])
    job_thread = threading.Thread(target=watcher.work)
    watching = threading.Thread(target=watcher.watch, args=([job_thread],))
    watching.start()
    try:
        wait_until(lambda: database.value("SELECT count(*) FROM queue_worker"))
        yield watcher
    finally:
        watcher.stop()
        watching.join()


@contextmanager
def locked(database, statement, *values):
    """Execute a statement in a transaction that stays open for the time of the block."""
    connection = psycopg2.connect(dbname=database.name)
    try:
        with connection.cursor() as cr:
            cr.execute(statement, values)
            yield
    finally:
        connection.close()


@pytest.fixture
def beats(database, wait_until):
    """A function that waits until the only worker has signed that it is alive, so many times."""

    def beats(times):
        for _number in range(times):
            last = database.value("SELECT date_heartbeat FROM queue_worker")
            wait_until(lambda last=last: database.value("SELECT date_heartbeat FROM queue_worker") != last)

    return beats


@pytest.fixture
def waiting_for_lock(database):
    """A function that tells whether a statement of the worker waits for a lock."""
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
        # the job's own transaction has ended, and the thread waits to write how
        wait_until(
            lambda: database.value(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' "
                "AND query LIKE '%%ended AS%%'"
            )
        )
    wait_until(lambda: state(job) == "failed")
