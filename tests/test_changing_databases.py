"""Databases that are duplicated, dropped, restored, and addons that come and go, while a worker serves them."""

import psycopg2
import pytest

from odoo.addons.connector.queue import store
from odoo.addons.connector.session import ConnectorSession

from scripts import databases, servers


@pytest.fixture
def busy(database, jobs):
    """The name of a database with many jobs that a worker serves."""

    def delay_many(env):
        for number in range(3000):
            jobs.leave_effect.delay(ConnectorSession.from_env(env), "test.effect", str(number))

    database.commit(delay_many)
    name = f"{database.name}_busy"
    restore(database.name, name)
    yield name
    databases.drop(name)


def restore(source, name):
    databases.create(name, source)
    with databases.cursor(name) as cr:
        store.adopt_database(cr)


def count(name, query):
    """The first column of a query's first row; 0 while the database cannot be reached."""
    try:
        with databases.cursor(name) as cr:
            cr.execute(query)
            return cr.fetchone()[0]
    except psycopg2.Error:
        return 0


def is_served(name):
    return count(name, "SELECT count(*) FROM queue_worker")


def done(name):
    return count(name, "SELECT count(*) FROM queue_job WHERE state = 'done'")


def test_a_served_database_is_duplicated_dropped_and_restored_without_a_restart(database, busy, wait_until):
    other = f"{database.name}_other"
    with servers.Process("worker_busy", "connector_worker", "--database", busy, "--threads", "2") as process:
        wait_until(lambda: done(busy))
        databases.create(other, busy)
        seen = done(busy)
        wait_until(lambda: done(busy) > seen)
        databases.drop(busy)
        databases.drop(other)
        restore(database.name, busy)
        wait_until(lambda: done(busy))
        process.check()


def test_the_addon_is_uninstalled_and_installed_without_a_restart(database, busy, wait_until):
    with servers.Process("worker_busy", "connector_worker", "--database", busy) as process:
        wait_until(lambda: done(busy))
        databases.odoo("module", "uninstall", "--database", busy, "connector")
        wait_until(lambda: "the addon connector is not installed" in process.log.read_text())
        databases.install(busy, ["connector"])
        wait_until(lambda: is_served(busy))
        process.check()
