"""Running jobs: limits, cancellation, progress."""

import pytest

from odoo.addons.jobs_queue import store
from odoo.addons.jobs_queue.store.connection import connect


@pytest.fixture
def start(delay, worker, wait_until, tmp_path):
    """Return a function that delays a job with a gate and starts a worker.

    It returns the job's id when the job has reached the gate.
    """

    def start(function, **options):
        job = delay(function, str(tmp_path / "gate"), **options)
        worker()
        wait_until((tmp_path / "gate.reached").exists)
        return job

    return start


@pytest.fixture
def cancel(database):
    def cancel(job):
        with connect(database.name).cursor() as cr:
            assert store.actions.request_cancellation(cr, [job], "Ada") == 1

    return cancel


FUNCTIONS = ("wait_in_the_database", "wait_in_python", "wait_out_of_reach")


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_job_beyond_its_time_limit_is_stopped_wherever_it_waits(function, database, jobs, start, state, wait_until):
    job = start(getattr(jobs, function), time_limit=1)
    wait_until(lambda: state(job) == "failed")
    message = database.value("SELECT message FROM queue_job WHERE id = %s", job)
    assert message == "Gave up after one try: The job was stopped: it ran longer than its time limit of 1 s"
    assert database.rows("SELECT id FROM test_effect") == []


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_running_job_is_cancelled_wherever_it_waits(function, database, jobs, start, state, cancel, wait_until):
    job = start(getattr(jobs, function))
    cancel(job)
    wait_until(lambda: state(job) == "cancelled")
    assert database.value("SELECT message FROM queue_job WHERE id = %s", job) == "Cancelled by Ada while it ran"
    assert database.rows("SELECT id FROM test_effect") == []


def test_a_process_that_lost_a_thread_to_a_job_is_replaced_and_other_jobs_go_on(
    database, jobs, delay, start, state, cancel, wait_until
):
    job = start(jobs.wait_out_of_reach)
    lost = database.value("SELECT pid FROM queue_worker")
    other = delay(jobs.leave_pid)
    cancel(job)
    wait_until(lambda: state(other) == "done")
    assert database.value("SELECT name FROM test_effect") != str(lost)
    assert database.value("SELECT retry FROM queue_job WHERE id = %s", other) == 0


def test_a_job_beyond_its_memory_limit_is_stopped(database, jobs, start, state, wait_until):
    job = start(jobs.take_memory, memory_limit=50)
    wait_until(lambda: state(job) == "failed")
    assert "above the job's limit of 50 MB" in database.value("SELECT message FROM queue_job WHERE id = %s", job)


def test_progress_is_seen_while_the_job_runs_and_its_log_is_kept(database, jobs, start, state, wait_until, tmp_path):
    job = start(jobs.report)
    assert database.rows("SELECT done, total, message FROM queue_job_progress") == [(3, 10, "the third of ten")]
    (tmp_path / "gate").touch()
    wait_until(lambda: state(job) == "done")
    assert database.value("SELECT log FROM queue_job_attempt") == "first line\nsecond line"
