"""The server host: Odoo's own server runs the jobs itself, threaded or prefork, with nothing configured but the database."""

import os
import signal

import psutil
import pytest

from scripts import servers

THREADED = ()
PREFORK = ("--workers", "1")


@pytest.fixture(params=[THREADED, PREFORK], ids=["threaded", "prefork"])
def server(request, database):
    with servers.Server("server_host", [database.name], "--max-cron-threads", "1", *request.param) as server:
        yield server


def test_the_server_runs_the_jobs_and_a_stop_lets_the_running_one_finish(
    server, database, jobs, delay, state, wait_until, tmp_path
):
    # before that, the cron would run the job
    pid = wait_until(lambda: database.value("SELECT pid FROM queue_worker WHERE kind = 'server'"))
    done = delay(jobs.leave_effect, "done")
    wait_until(lambda: state(done) == "done")
    assert pid == server.pid or psutil.Process(pid).ppid() == server.pid

    gate = tmp_path / "gate"
    running = delay(jobs.leave_effect_when_let_go, "job", str(gate))
    wait_until((tmp_path / "gate.reached").exists)
    waiting = delay(jobs.leave_effect, "waiting")
    server.popen.send_signal(signal.SIGTERM)
    wait_until(lambda: "Stopping: running jobs may go on" in server.log.read_text())
    gate.touch()
    server.popen.wait(60)
    assert (state(running), state(waiting)) == ("done", "pending")
    assert database.rows("SELECT id FROM queue_worker") == []
    assert database.rows("SELECT DISTINCT outcome FROM queue_job_attempt") == [("done",)]


def test_a_killed_process_of_the_prefork_server_is_replaced(database, jobs, delay, state, wait_until, tmp_path):
    gate = tmp_path / "gate"
    with servers.Server("server_host", [database.name], "--max-cron-threads", "1", *PREFORK):
        wait_until(lambda: database.value("SELECT pid FROM queue_worker WHERE kind = 'server'"))
        job = delay(jobs.leave_effect_when_let_go, "job", str(gate))
        wait_until((tmp_path / "gate.reached").exists)
        os.kill(database.value("SELECT pid FROM queue_worker WHERE kind = 'server'"), signal.SIGKILL)
        gate.touch()
        wait_until(lambda: state(job) == "done")
    assert database.rows("SELECT outcome FROM queue_job_attempt ORDER BY id") == [("lost",), ("done",)]
