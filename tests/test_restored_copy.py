"""A duplicated database does nothing by itself, until somebody says that it is the production database."""

import pytest

from odoo.addons.connector.queue import store

from scripts import databases, servers


@pytest.fixture
def copy(database):
    name = f"{database.name}_copy"
    databases.create(name, database.name)
    yield name
    databases.drop(name)


def test_jobs_of_a_copy_run_only_after_it_was_adopted(database, jobs, delay, copy, wait_until):
    with servers.Process("worker_of_copy", "connector_worker", "--database", copy) as process:
        wait_until(lambda: "it is a copy of another database" in process.log.read_text())
        with databases.cursor(copy) as cr:
            cr.execute("SELECT id FROM queue_worker")
            assert not cr.fetchall()
            store.adopt_database(cr)

        def served():
            with databases.cursor(copy) as cr:
                cr.execute("SELECT id FROM queue_worker")
                return cr.fetchall()

        wait_until(served)
