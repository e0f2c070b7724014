"""Time-outs that an administrator has set for sessions, and connections that the server closes."""

import math
import time

import pytest

from odoo.addons.jobs_queue.store.connection import connect

from scripts import databases

FOREIGN = {
    "statement_timeout": "'1s'",
    "lock_timeout": "'1s'",
    "idle_session_timeout": "'1s'",
    "idle_in_transaction_session_timeout": "'1s'",
    "transaction_timeout": "'1s'",
    "default_transaction_read_only": "on",
    "default_transaction_isolation": "'serializable'",
}


@pytest.fixture
def set_for_all(database):
    """Provide a function that sets a parameter for all new sessions of the database."""

    def set_(name, value):
        with databases.cursor() as cr:
            cr.execute(f"ALTER DATABASE {database.name} SET {name} = {value}")

    yield set_
    with databases.cursor() as cr:
        cr.execute(f"ALTER DATABASE {database.name} RESET ALL")


def test_f5_nothing_that_an_administrator_has_set_for_sessions_holds_for_the_connections_of_a_worker(
    database, set_for_all
):
    for name, value in FOREIGN.items():
        set_for_all(name, value)
    connection = connect(database.name)
    with connection.cursor() as cr:
        cr.execute("SELECT name, setting FROM pg_settings WHERE name = ANY(%s)", [list(FOREIGN)])
        assert dict(cr.fetchall()) == {
            **{name: "0" for name in FOREIGN if name.endswith("timeout")},
            "default_transaction_read_only": "off",
            "default_transaction_isolation": "read committed",
        }
    connection.close()


@pytest.mark.parametrize("name", FOREIGN)
def test_f5_jobs_are_done_whatever_an_administrator_has_set(
    name, database, jobs, delay, set_for_all, request, leave, ends, effects
):
    set_for_all(name, FOREIGN[name])
    run_here = request.getfixturevalue("run_here")
    assert ends(run_here(leave, leave)) == [("done", 0)] * 2
    assert effects() == ["effect"] * 2


def test_f5_a_job_that_is_idle_before_its_first_statement_is_not_closed(set_for_all, request, leave, ends, effects):
    set_for_all("idle_session_timeout", "'300ms'")
    run_here = request.getfixturevalue("run_here")

    def compute(session):
        time.sleep(1)
        leave(session)

    assert ends(run_here(leave, compute, leave)) == [("done", 0)] * 3
    assert effects() == ["effect"] * 3


def terminate(database, pids):
    assert database.rows("SELECT pg_terminate_backend(pid, 10000) FROM unnest(%s) AS pid", pids)


def test_f5_a_connection_that_was_closed_between_two_jobs_is_replaced_in_silence(
    database, run_here, leave, ends, attempts, own_worker, monkeypatch
):
    run_here(leave)
    terminate(database, own_worker.transactions.server_pids)
    # no statement of the worker's own comes before those of the job
    monkeypatch.setattr(own_worker.transactions, "_registry_fresh_until", math.inf)
    monkeypatch.setattr(own_worker.transactions, "expect_changes", lambda: None)
    (job,) = run_here(leave)
    assert ends([job]) == [("done", 0)]
    assert attempts(job) == ["done"]


def sleep_in_a_transaction(leave):
    def deed(session):
        leave(session, "lost")
        time.sleep(1)

    return deed


def sleep_and_go_on(leave):
    def deed(session):
        leave(session, "lost")
        time.sleep(1)
        leave(session, "lost, too")

    return deed


def sleep_and_hide_it(leave):
    def deed(session):
        leave(session, "lost")
        time.sleep(1)
        try:
            leave(session, "lost, too")
        except Exception as error:
            raise ValueError("what nobody expects") from error

    return deed


@pytest.mark.parametrize("deed", [sleep_in_a_transaction, sleep_and_go_on, sleep_and_hide_it])
@pytest.mark.parametrize("name", ["idle_in_transaction_session_timeout", "transaction_timeout"])
def test_f5_a_connection_that_the_server_closes_for_a_jobs_own_sake_costs_that_job_a_try_and_no_life(
    name, deed, set_for_all, request, leave, ends, attempts, effects, own_worker
):
    set_for_all(name, "'300ms'")
    run_here = request.getfixturevalue("run_here")
    job, other = run_here(deed(leave), leave)
    assert ends([job, other]) == [("scheduled", 1), ("done", 0)]
    assert attempts(job) == ["retry"]
    assert effects() == ["effect"]
    assert not own_worker.ended


def test_f5_a_job_that_does_other_things_before_its_first_statement_is_not_idle_in_a_transaction(
    set_for_all, request, leave, ends, effects
):
    def deed(session):
        time.sleep(1)
        leave(session)

    set_for_all("idle_in_transaction_session_timeout", "'300ms'")
    run_here = request.getfixturevalue("run_here")
    # both are claimed together: the transaction of the second one is ours to begin, not psycopg2's
    request.getfixturevalue("own_worker").runner.job_seconds = 0.001
    assert ends(run_here(lambda session: None, deed)) == [("done", 0)] * 2
    assert effects() == ["effect"]


def test_f5_a_worker_whose_idle_connections_would_be_closed_lives_on_and_its_long_job_is_done(
    database, jobs, delay, worker, state, wait_until, tmp_path
):
    with databases.cursor() as cr:
        cr.execute("ALTER ROLE CURRENT_USER SET idle_session_timeout = '1s'")
    try:
        worker()
        first = wait_until(lambda: database.value("SELECT uuid FROM queue_worker"))
        job = delay(jobs.leave_effect_when_let_go, "job", str(tmp_path / "gate"))
        wait_until((tmp_path / "gate.reached").exists)
        began = time.monotonic()
        wait_until(lambda: time.monotonic() > began + 5)
        (tmp_path / "gate").touch()
        wait_until(lambda: state(job) == "done")
    finally:
        with databases.cursor() as cr:
            cr.execute("ALTER ROLE CURRENT_USER RESET idle_session_timeout")
    assert database.rows("SELECT uuid FROM queue_worker") == [(first,)]
    assert database.rows("SELECT outcome FROM queue_job_attempt") == [("done",)]
