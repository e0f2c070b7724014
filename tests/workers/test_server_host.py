"""Server host: Odoo's own server runs the jobs itself, threaded or prefork.

Nothing is configured but the database.
"""

import os
import signal
import subprocess
import sys

import psutil
import pytest

from scripts import servers
from scripts.programs import environment

THREADED = ()
PREFORK = ("--workers", "1")


@pytest.fixture(params=[THREADED, PREFORK], ids=["threaded", "prefork"])
def server(request, database):
    with servers.Server("server_host", [database.name], "--max-cron-threads", "1", *request.param) as server:
        yield server


def test_the_server_runs_the_jobs_and_a_stop_lets_the_running_one_finish(
    server, database, jobs, delay, state, wait_until, tmp_path
):
    # before a worker is there, the cron would run the job
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


def test_a_killed_process_of_the_prefork_server_is_replaced_and_the_cause_reported(
    database, jobs, delay, state, wait_until, tmp_path
):
    gate = tmp_path / "gate"
    with servers.Server("server_host", [database.name], "--max-cron-threads", "1", *PREFORK):
        wait_until(lambda: database.value("SELECT pid FROM queue_worker WHERE kind = 'server'"))
        job = delay(jobs.leave_effect_when_let_go, "job", str(gate))
        wait_until((tmp_path / "gate.reached").exists)
        killed = database.value("SELECT pid FROM queue_worker WHERE kind = 'server'")
        os.kill(killed, signal.SIGKILL)
        gate.touch()
        wait_until(lambda: state(job) == "done")
    attempts = database.rows("SELECT outcome, message FROM queue_job_attempt ORDER BY id")
    assert [outcome for outcome, _message in attempts] == ["lost", "done"]
    assert attempts[0][1] == f"Worker lost: the worker process {killed} was killed by SIGKILL"


NAMES_NO_DATABASE = """
from odoo.service import db
# of the databases that the user owns this one alone: others are not the test's
db.list_dbs = lambda force=False: [{name!r}]
from odoo.cli.command import main
main()
"""


@pytest.mark.parametrize("mode", [THREADED, PREFORK], ids=["threaded", "prefork"])
def test_a_server_that_loads_the_addon_for_all_databases_needs_no_database_to_be_named(
    mode, database, jobs, delay, state, wait_until, tmp_path
):
    options = ["--load", "base,web,connector", "--max-cron-threads", "1", "--no-http", *mode]
    script = NAMES_NO_DATABASE.format(name=database.name)
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-c", script, *options], env=environment(), stdout=log, stderr=log, start_new_session=True
        )
    try:
        wait_until(lambda: database.value("SELECT pid FROM queue_worker WHERE kind = 'server'"))
        job = delay(jobs.leave_effect, "done")
        wait_until(lambda: state(job) == "done")
    finally:
        server.terminate()
        server.wait(60)
