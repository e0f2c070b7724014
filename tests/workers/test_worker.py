"""Command host as real processes: what they do with jobs, and what is left when they die."""

import contextlib
import os
import signal
import subprocess
import sys
import time

import pytest

from odoo.addons.jobs_queue import store
from odoo.addons.jobs_queue.session import ConnectorSession
from odoo.addons.jobs_queue.store.connection import connect

from scripts import servers
from scripts.programs import environment


def effects(database):
    return [name for (name,) in database.rows("SELECT name FROM test_effect ORDER BY id")]


def child_of(database):
    """Return the id of the worker process that is registered."""
    return database.value("SELECT pid FROM queue_worker ORDER BY id DESC LIMIT 1")


def test_jobs_delayed_before_and_after_the_start_are_done(database, jobs, delay, worker, state, wait_until):
    before = delay(jobs.leave_effect, "before")
    worker()
    wait_until(lambda: state(before) == "done")
    after = delay(jobs.leave_effect, "after")
    wait_until(lambda: state(after) == "done")
    assert effects(database) == ["before", "after"]


def test_several_processes_share_the_jobs_and_do_each_once(database, jobs, worker, wait_until):
    def delay_many(env):
        session = ConnectorSession.from_env(env)
        for number in range(300):
            jobs.leave_effect.delay(session, "test.effect", str(number))

    database.commit(delay_many)
    process = worker("--processes", "2", "--threads", "2")
    wait_until(lambda: not database.value("SELECT count(*) FROM queue_job WHERE state <> 'done'"))
    assert sorted(effects(database)) == sorted(str(number) for number in range(300))
    assert database.value("SELECT count(DISTINCT worker) FROM queue_job_attempt") == 2
    assert "could not serialize access" not in process.log.read_text()


def test_a_job_may_commit_in_its_midst(database, jobs, delay, worker, state, wait_until, tmp_path):
    gate = tmp_path / "gate"
    job = delay(jobs.commit_when_let_go, "job", str(gate))
    gate.touch()
    worker()
    wait_until(lambda: state(job) == "done")
    assert effects(database) == ["job before", "job after"]
    assert database.rows("SELECT outcome FROM queue_job_attempt") == [("done",)]


def test_the_processes_share_the_addons_that_their_parent_has_loaded(database, delay, jobs, worker, state, wait_until):
    process = worker("--processes", "2")
    wait_until(lambda: database.value("SELECT count(*) FROM queue_worker") == 2)
    os.kill(child_of(database), signal.SIGKILL)
    wait_until(lambda: database.value("SELECT count(*) FROM queue_worker") == 2)
    job = delay(jobs.leave_effect, "after a death")
    wait_until(lambda: state(job) == "done")
    assert process.log.read_text().count("Registry loaded in") == 1


def test_a_stop_lets_the_running_job_finish_and_gives_back_the_others(
    database, jobs, delay, worker, state, wait_until, tmp_path
):
    gate = tmp_path / "gate"

    def delay_others(env):
        session = ConnectorSession.from_env(env)
        # the worker learns that jobs are short, and holds some of the last ones while it waits at
        # the gate
        for number in range(60):
            jobs.leave_effect.delay(session, "test.effect", "short", priority=1 if number < 40 else 20)

    database.commit(delay_others)
    running = delay(jobs.leave_effect_when_let_go, "job", str(gate))
    process = worker()
    wait_until((tmp_path / "gate.reached").exists)
    process.popen.send_signal(signal.SIGTERM)
    wait_until(lambda: "Stopping: running jobs" in process.log.read_text())
    wait_until(lambda: not database.value("SELECT count(*) FROM queue_job WHERE state = 'enqueued'"))
    gate.touch()
    assert process.popen.wait(60) == 0
    assert state(running) == "done"
    assert database.rows("SELECT state, count(*) FROM queue_job GROUP BY 1 ORDER BY 1") == [
        ("done", 41),
        ("pending", 20),
    ]
    assert database.value("SELECT sum(retry) FROM queue_job") == 0
    assert database.rows("SELECT id FROM queue_worker") == []


def test_a_killed_worker_process_is_replaced_and_its_job_runs_again_once(
    database, jobs, delay, worker, state, wait_until, tmp_path
):
    gate = tmp_path / "gate"
    job = delay(jobs.leave_effect_when_let_go, "job", str(gate))
    worker()
    wait_until((tmp_path / "gate.reached").exists)
    os.kill(child_of(database), signal.SIGKILL)
    gate.touch()
    wait_until(lambda: state(job) == "done")
    assert effects(database) == ["job before", "job after"]
    assert database.rows("SELECT outcome FROM queue_job_attempt ORDER BY id") == [("lost",), ("done",)]
    assert database.value("SELECT retry FROM queue_job WHERE id = %s", job) == 1


def test_a_job_that_kills_every_worker_ends_in_failed_with_the_reason(database, jobs, delay, worker, state, wait_until):
    job = delay(jobs.kill_own_worker)
    worker()
    wait_until(lambda: state(job) == "scheduled")
    with connect(database.name).cursor() as cr:
        cr.execute("UPDATE queue_job SET eta = eta - interval '1 hour' WHERE id = %s", [job])
    wait_until(lambda: state(job) == "failed")
    assert "was killed by SIGKILL" in database.value("SELECT message FROM queue_job WHERE id = %s", job)


def test_what_a_killed_worker_was_executing_ends_and_its_job_runs_again_within_seconds(
    database, jobs, delay, worker, state, wait_until, tmp_path
):
    def executing():
        return database.value(
            "SELECT pid FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(1000)' AND datname = %s", database.name
        )

    job = delay(jobs.wait_in_the_database, str(tmp_path / "gate"), max_retries=3)
    worker("--processes", "2")
    abandoned = wait_until(executing)
    killed = database.value(
        "SELECT worker.pid FROM queue_worker worker JOIN queue_job job ON job.worker_id = worker.id"
    )
    began = time.monotonic()
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: executing() not in (None, abandoned), timeout=20)
    took = time.monotonic() - began
    print(f"from kill -9 to the rerun: {took:.2f} s")
    assert not database.value("SELECT count(*) FROM pg_stat_activity WHERE pid = %s", abandoned)
    assert took < 10, f"its job ran again after {took:.1f} s"
    # the message is by the other process, or by the parent, who knows the cause: whoever looks
    # first
    message = database.value("SELECT message FROM queue_job_attempt WHERE job_id = %s", job)
    assert "was killed by SIGKILL" in message or "gave no sign of life" in message
    with connect(database.name).cursor() as cr:
        store.actions.request_cancellation(cr, [job], "a test")
    wait_until(lambda: state(job) == "cancelled")


def order(database, action):
    """Press a button of the registered workers."""
    database.commit(lambda env: getattr(env["queue.worker"].search([]), action)())


def test_a_paused_worker_takes_no_job_until_it_is_resumed(database, jobs, delay, worker, state, wait_until):
    process = worker()
    wait_until(lambda: child_of(database))
    order(database, "action_pause")
    wait_until(lambda: "is paused" in process.log.read_text())
    job = delay(jobs.leave_effect, "job")
    assert state(job) == "pending"
    order(database, "action_resume")
    wait_until(lambda: state(job) == "done")


@pytest.mark.parametrize("action", ["action_drain", "action_stop"])
def test_a_worker_that_is_stopped_from_the_screen_ends_its_job_first(
    action, database, jobs, delay, worker, state, wait_until, tmp_path
):
    gate = tmp_path / "gate"
    running = delay(jobs.leave_effect_when_let_go, "job", str(gate))
    process = worker()
    wait_until((tmp_path / "gate.reached").exists)
    order(database, action)
    wait_until(lambda: "is draining" in process.log.read_text() or "is stopping" in process.log.read_text())
    waiting = delay(jobs.leave_effect, "waiting")
    gate.touch()
    wait_until(lambda: not database.rows("SELECT id FROM queue_worker"))
    assert (state(running), state(waiting)) == ("done", "pending")


def test_the_children_of_a_killed_parent_end_by_themselves(database, jobs, worker, wait_until):
    process = worker()
    child = wait_until(lambda: child_of(database))
    process.kill()
    wait_until(lambda: not os.path.exists(f"/proc/{child}"))
    assert database.rows("SELECT id FROM queue_worker") == []


@pytest.mark.parametrize("function", ["leave_effect_when_let_go", "commit_when_let_go"])
def test_a_worker_that_was_declared_dead_cannot_commit_when_it_wakes_up(
    function, database, jobs, delay, worker, state, wait_until, tmp_path
):
    gate = tmp_path / "gate"
    job = delay(getattr(jobs, function), "job", str(gate))
    # without it, its parent would kill it while it sleeps
    worker("--no-watchdog")
    wait_until((tmp_path / "gate.reached").exists)
    asleep = child_of(database)
    os.kill(asleep, signal.SIGSTOP)
    (worker_id,) = database.rows("SELECT id FROM queue_worker")[0]
    with connect(database.name).cursor() as cr:
        assert store.workers.end_worker(cr, worker_id, "it sleeps") == 1
    (tmp_path / "gate.reached").unlink()
    worker()
    wait_until((tmp_path / "gate.reached").exists)
    os.kill(asleep, signal.SIGCONT)
    gate.touch()
    wait_until(lambda: state(job) == "done")
    wait_until(
        lambda: database.value("SELECT count(*) FROM queue_worker WHERE pid = %s AND id <> %s", asleep, worker_id)
    )
    assert effects(database) == ["job before", "job after"]
    assert database.rows("SELECT outcome FROM queue_job_attempt ORDER BY id") == [("lost",), ("done",)]


def test_a_job_whose_connection_is_terminated_is_tried_again(
    database, jobs, delay, worker, state, wait_until, tmp_path
):
    gate = tmp_path / "gate"
    job = delay(jobs.leave_effect_when_let_go, "job", str(gate))
    worker()
    wait_until((tmp_path / "gate.reached").exists)
    database.rows(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND state = 'idle in transaction'",
        database.name,
    )
    gate.touch()
    wait_until(lambda: state(job) == "done")
    assert effects(database) == ["job before", "job after"]
    assert database.value("SELECT retry FROM queue_job WHERE id = %s", job) == 1


def test_a_worker_that_lost_all_its_connections_begins_a_new_life(database, jobs, delay, worker, state, wait_until):
    worker()
    first = wait_until(lambda: database.value("SELECT uuid FROM queue_worker"))
    database.rows(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() "
        "AND (datname = current_database() OR pid IN (SELECT backend_pid FROM queue_worker))"
    )
    job = delay(jobs.leave_effect, "later")
    wait_until(lambda: state(job) == "done")
    wait_until(lambda: [uuid for (uuid,) in database.rows("SELECT uuid FROM queue_worker") if uuid != first])


def test_a_database_where_the_addon_is_not_installed_is_left_alone(database, worker, wait_until):
    process = servers.Process("worker_elsewhere", "jobs_worker", "--database", "postgres")
    with process:
        wait_until(lambda: "the addon jobs_queue is not installed" in process.log.read_text())
        process.check()


def test_a_worker_process_that_does_not_end_after_a_stop_is_killed(wait_until, tmp_path):
    deaf = f"""
import pathlib, signal, time
from odoo.modules.module import initialize_sys_path
from odoo.tools import config
config.parse_config([])
initialize_sys_path()
from odoo.addons.jobs_queue.hosts import command

def run_process(*_arguments):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    pathlib.Path({str(tmp_path / "deaf")!r}).touch()
    time.sleep(1000)

command.run_process = run_process
command.GRACE_SECONDS = command.PATIENCE = 0.5
command.Supervisor(1, 1, lambda: []).run()
"""
    supervisor = subprocess.Popen([sys.executable, "-c", deaf], env=environment(), start_new_session=True)
    try:
        wait_until((tmp_path / "deaf").exists)
        supervisor.send_signal(signal.SIGTERM)
        assert supervisor.wait(30) == 0
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(supervisor.pid, signal.SIGKILL)


def test_a_job_whose_process_is_killed_after_the_grace_time_of_a_stop_counts_no_try(
    database, jobs, delay, state, wait_until, tmp_path
):
    impatient = f"""
from odoo.modules.module import initialize_sys_path
from odoo.tools import config
config.parse_config([])
initialize_sys_path()
from odoo.addons.jobs_queue.hosts import command

command.GRACE_SECONDS = command.PATIENCE = 0.5
command.Supervisor(1, 1, lambda: [{database.name!r}]).run()
"""
    supervisor = subprocess.Popen([sys.executable, "-c", impatient], env=environment(), start_new_session=True)
    try:
        job = delay(jobs.leave_effect_when_let_go, "job", str(tmp_path / "gate"))
        wait_until((tmp_path / "gate.reached").exists)
        os.kill(child_of(database), signal.SIGSTOP)
        supervisor.send_signal(signal.SIGTERM)
        assert supervisor.wait(30) == 0
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(supervisor.pid, signal.SIGKILL)
    assert (state(job), database.value("SELECT retry FROM queue_job WHERE id = %s", job)) == ("pending", 0)
    assert database.rows("SELECT id FROM queue_worker") == []
    assert effects(database) == []
