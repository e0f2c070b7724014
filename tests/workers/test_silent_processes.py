"""Processes that give no sign of life, or can do nothing any more: their parent ends them.

Only the job that is to blame counts a try.
"""

import contextlib
import os
import signal
import subprocess
import sys

import psutil
import pytest

from scripts import servers
from scripts.programs import environment

pytestmark = pytest.mark.usefixtures("jobs")

HELD = "it ran longer than its time limit of 1 s and held the interpreter: its process was killed"


@pytest.fixture
def supervise(database):
    """Provide a function that starts the command host with a limit for silence.

    It is the number of seconds without a sign of life.
    """
    with contextlib.ExitStack() as stack:

        def supervise(processes, threads, silence_limit):
            script = f"""
from odoo.modules.module import initialize_sys_path
from odoo.tools import config
config.parse_config([])
initialize_sys_path()
from odoo.addons.jobs_queue.hosts import command

command.Supervisor({processes}, {threads}, lambda: [{database.name!r}], {silence_limit}).run()
"""
            supervisor = subprocess.Popen([sys.executable, "-c", script], env=environment(), start_new_session=True)
            stack.callback(stop, supervisor)
            return supervisor

        yield supervise


def stop(supervisor):
    supervisor.terminate()
    try:
        supervisor.wait(30)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(supervisor.pid, signal.SIGKILL)
        supervisor.wait()


def attempts(database, job):
    return database.rows("SELECT outcome, message FROM queue_job_attempt WHERE job_id = %s ORDER BY id", job)


def outcomes(database, job):
    return [outcome for outcome, _message in attempts(database, job)]


def retry(database, job):
    return database.value("SELECT retry FROM queue_job WHERE id = %s", job)


def test_f2_jobs_that_hold_the_interpreter_are_killed_at_their_limit_and_fail_at_their_last_try_while_others_run(
    database, jobs, delay, worker, state, wait_until, tmp_path
):
    gates = [str(tmp_path / name) for name in ("one", "two")]
    held = [delay(jobs.hold_the_interpreter, gate, time_limit=1) for gate in gates]
    worker("--processes", "2")
    wait_until(lambda: all(os.path.exists(f"{gate}.reached") for gate in gates))
    others = [delay(jobs.leave_effect, str(number)) for number in range(20)]
    wait_until(lambda: all(state(job) == "done" for job in others))
    wait_until(lambda: all(state(job) == "failed" for job in held))
    for job in held:
        assert attempts(database, job) == [("lost", f"Worker lost: {HELD}")] * 2
    assert database.value("SELECT message FROM queue_job WHERE id = %s", held[0]) == f"Worker lost: {HELD}"
    assert [retry(database, job) for job in others] == [0] * 20
    assert database.value("SELECT count(*) FROM test_effect") == 20


def test_f2_the_siblings_of_a_job_beyond_its_limit_are_interrupted(
    database, jobs, delay, worker, state, wait_until, tmp_path
):
    gate = tmp_path / "sibling"
    sibling = delay(jobs.leave_effect_when_let_go, "sibling", str(gate))
    worker("--threads", "2")
    wait_until((tmp_path / "sibling.reached").exists)
    held = delay(jobs.hold_the_interpreter, str(tmp_path / "held"), time_limit=1, max_retries=1)
    wait_until(lambda: state(held) == "failed")
    gate.touch()
    wait_until(lambda: state(sibling) == "done")
    assert outcomes(database, held) == ["lost"]
    assert outcomes(database, sibling) == ["interrupted", "done"]
    assert retry(database, sibling) == 0


def test_f2_of_several_jobs_without_a_limit_each_runs_alone_the_next_time_and_only_the_guilty_one_counts_a_try(
    database, jobs, delay, supervise, state, wait_until, tmp_path
):
    gate = tmp_path / "sibling"
    sibling = delay(jobs.leave_effect_when_let_go, "sibling", str(gate))
    supervise(1, 2, silence_limit=3)
    wait_until((tmp_path / "sibling.reached").exists)
    held = delay(jobs.hold_the_interpreter, str(tmp_path / "held"), max_retries=1)
    wait_until(lambda: outcomes(database, held))
    gate.touch()
    wait_until(lambda: state(held) == "failed")
    wait_until(lambda: state(sibling) == "done")
    assert outcomes(database, held) == ["interrupted", "lost"]
    assert "it gave no sign of life for 3 s" in attempts(database, held)[1][1]
    assert outcomes(database, sibling) == ["interrupted", "done"]
    assert retry(database, sibling) == 0


def test_f2_a_stopped_process_is_killed_and_its_job_is_done_once_by_another(
    database, jobs, delay, supervise, state, wait_until, tmp_path
):
    gate = tmp_path / "gate"
    job = delay(jobs.leave_effect_when_let_go, "job", str(gate))
    supervise(1, 1, silence_limit=3)
    wait_until((tmp_path / "gate.reached").exists)
    stopped = psutil.Process(database.value("SELECT pid FROM queue_worker"))
    stopped.suspend()
    gate.touch()
    wait_until(lambda: state(job) == "done")
    assert not stopped.is_running()
    assert outcomes(database, job) == ["lost", "done"]
    assert "it gave no sign of life for 3 s" in attempts(database, job)[0][1]
    assert database.rows("SELECT name FROM test_effect ORDER BY id") == [("job before",), ("job after",)]


def test_f2_a_process_whose_database_does_not_answer_for_long_is_left_alone(
    database, jobs, delay, supervise, state, wait_until, tmp_path
):
    gate = tmp_path / "gate"
    job = delay(jobs.leave_effect_when_let_go, "job", str(gate))
    supervise(1, 1, silence_limit=1)
    wait_until((tmp_path / "gate.reached").exists)
    backends = [
        psutil.Process(pid)
        for (pid,) in database.rows(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    ]
    for backend in backends:
        backend.suspend()
    try:
        # the heartbeat waits for the database now, longer than the parent waits for a beat
        late = "SELECT clock_timestamp() AT TIME ZONE 'UTC' - date_heartbeat > interval '8 seconds' FROM queue_worker"
        wait_until(lambda: database.value(late))
    finally:
        for backend in backends:
            backend.resume()
    gate.touch()
    wait_until(lambda: state(job) == "done")
    assert outcomes(database, job) == ["done"]


def test_f2_a_job_that_closes_all_files_ends_its_process_and_fails_at_its_last_try(
    database, jobs, delay, worker, state, wait_until, tmp_path
):
    closing = delay(jobs.close_all_files, str(tmp_path / "closing"))
    worker()
    wait_until((tmp_path / "closing.reached").exists)
    other = delay(jobs.leave_effect, "other")
    wait_until(lambda: state(closing) == "failed")
    wait_until(lambda: state(other) == "done")
    assert outcomes(database, closing) == ["lost", "lost"]
    assert "has closed its files" in attempts(database, closing)[1][1]
    assert retry(database, other) == 0


def test_f2_a_job_that_kills_its_process_again_and_again_takes_no_try_from_the_one_beside_it(
    database, jobs, delay, worker, state, wait_until, tmp_path
):
    gate = tmp_path / "sibling"
    sibling = delay(jobs.leave_effect_when_let_go, "sibling", str(gate), max_retries=1)
    worker("--threads", "2")
    wait_until((tmp_path / "sibling.reached").exists)
    killer = delay(jobs.kill_own_worker, max_retries=2)
    wait_until(lambda: outcomes(database, killer))
    gate.touch()
    wait_until(lambda: state(sibling) == "done")
    wait_until(lambda: state(killer) == "failed")
    assert outcomes(database, killer) == ["interrupted", "lost", "lost"]
    assert outcomes(database, sibling) == ["interrupted", "done"]


def test_f2_a_process_whose_job_holds_the_interpreter_ends_also_when_its_parent_is_gone(
    database, jobs, delay, supervise, wait_until, tmp_path
):
    supervisor = supervise(1, 1, silence_limit=1)
    delay(jobs.hold_the_interpreter, str(tmp_path / "held"))
    wait_until((tmp_path / "held.reached").exists)
    orphan = database.value("SELECT pid FROM queue_worker")
    supervisor.kill()
    wait_until(lambda: not psutil.pid_exists(orphan))


def test_f2_a_stop_does_not_wait_for_a_job_that_holds_the_interpreter(
    database, jobs, delay, supervise, state, wait_until, tmp_path
):
    supervisor = supervise(1, 1, silence_limit=2)
    held = delay(jobs.hold_the_interpreter, str(tmp_path / "held"))
    wait_until((tmp_path / "held.reached").exists)
    supervisor.terminate()
    assert supervisor.wait(30) == 0
    assert outcomes(database, held) == ["lost"]


def test_f2_the_prefork_server_kills_a_process_whose_job_holds_the_interpreter(
    database, jobs, delay, state, wait_until, tmp_path
):
    with servers.Server("silent_server", [database.name], "--max-cron-threads", "1", "--workers", "1"):
        wait_until(lambda: database.value("SELECT pid FROM queue_worker WHERE kind = 'server'"))
        held = delay(jobs.hold_the_interpreter, str(tmp_path / "held"), time_limit=1, max_retries=1)
        wait_until((tmp_path / "held.reached").exists)
        pid = database.value("SELECT pid FROM queue_worker WHERE kind = 'server'")
        other = delay(jobs.leave_effect, "other")
        wait_until(lambda: state(held) == "failed")
        wait_until(lambda: state(other) == "done")
        assert not psutil.pid_exists(pid)
    # the message is by the next process, which knows the cause, or by the cron: whoever looks first
    message = database.value("SELECT message FROM queue_job WHERE id = %s", held)
    assert message == f"Worker lost: {HELD}" or "gave no sign of life" in message


def test_f2_a_job_that_is_to_run_alone_is_not_held_by_a_busy_process_while_another_one_is_idle(
    database, jobs, delay, supervise, state, wait_until, tmp_path
):
    gate = tmp_path / "gate"
    long = delay(jobs.leave_effect_when_let_go, "long", str(gate))
    supervise(1, 2, silence_limit=10)
    wait_until((tmp_path / "gate.reached").exists)
    busy = database.value("SELECT worker_id FROM queue_job WHERE id = %s", long)

    alone = delay(jobs.leave_effect, "alone", eta=3600)
    database.rows("UPDATE queue_job SET runs_alone = true, eta = date_created WHERE id = %s RETURNING id", alone)
    wait_until(lambda: database.value("SELECT worker_id FROM queue_job WHERE id = %s", alone) == busy)
    supervise(1, 1, silence_limit=10)
    wait_until(lambda: state(alone) == "done", timeout=20)
    assert state(long) == "started"
    gate.touch()
    wait_until(lambda: state(long) == "done")
