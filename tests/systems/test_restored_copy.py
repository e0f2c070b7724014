"""Duplicated database: it does nothing by itself until it is declared the production one.

A person declares that.
"""

import pytest

from odoo.addons.jobs_queue import store

from scripts import databases, servers
from scripts.cluster import client


@pytest.fixture
def copy(database):
    name = f"{database.name}_copy"
    databases.create(name, database.name)
    yield name
    databases.drop(name)


def test_jobs_of_a_copy_run_only_after_it_was_adopted(database, jobs, delay, copy, wait_until):
    with servers.Process("worker_of_copy", "jobs_worker", "--database", copy) as process:
        wait_until(lambda: "it is a copy of another database" in process.log.read_text())
        with databases.cursor(copy) as cr:
            cr.execute("SELECT id FROM queue_worker")
            assert not cr.fetchall()
            store.database.adopt(cr)

        def served():
            with databases.cursor(copy) as cr:
                cr.execute("SELECT id FROM queue_worker")
                return cr.fetchall()

        wait_until(served)


@pytest.fixture
def dumped(database, open_database, tmp_path):
    """Provide a function that dumps and restores the database while it is used.

    The function returns the copy.
    """
    name = f"{database.name}_dumped"

    def dumped():
        client("pg_dump", "--format=custom", f"--file={tmp_path / 'dump'}", database.name)
        client("createdb", name)
        databases.mark(name)
        client("pg_restore", f"--dbname={name}", "--no-owner", "--no-comments", tmp_path / "dump")
        return open_database(name)

    yield dumped
    databases.drop(name)


def test_f26_the_original_of_a_copy_that_is_adopted_notices_nothing_and_copied_jobs_count_no_try(
    database, jobs, delay, worker, state, dumped, wait_until, tmp_path
):
    def connections():
        return database.rows("SELECT key FROM queue_worker, jsonb_each(backends) ORDER BY key")

    def lives(of):
        return of.rows("SELECT uuid, backend_pid FROM queue_worker")

    gate = tmp_path / "gate"
    job = delay(jobs.leave_effect_when_let_go, "job", str(gate))
    worker()
    wait_until((tmp_path / "gate.reached").exists)
    before = lives(database), connections()
    copy = dumped()
    assert lives(copy) == lives(database)
    (tmp_path / "gate.reached").unlink()
    with databases.cursor(copy.name) as cr:
        store.database.adopt(cr)
    with servers.Process("worker_of_copy", "jobs_worker", "--database", copy.name):
        # now the job in the copy has reached its gate
        wait_until((tmp_path / "gate.reached").exists)
        heartbeat = "SELECT max(date_heartbeat) FROM queue_worker"
        last = database.value(heartbeat)
        wait_until(lambda: database.value(heartbeat) > last)
        assert (lives(database), connections()) == before
        gate.touch()
        attempts = "SELECT outcome FROM queue_job_attempt ORDER BY id"
        wait_until(lambda: state(job) == "done")
        wait_until(lambda: copy.rows(attempts) == [("interrupted",), ("done",)])
    assert database.rows(attempts) == [("done",)]
    assert copy.value("SELECT retry FROM queue_job WHERE id = %s", job) == 0
    for each in (database, copy):
        assert each.rows("SELECT name FROM test_effect ORDER BY id") == [("job before",), ("job after",)]
