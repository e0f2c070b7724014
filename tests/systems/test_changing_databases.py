"""Changes of databases and addons while a worker serves them.

Databases are duplicated, dropped and restored. Addons come and go.
"""

import threading
from xmlrpc.client import ServerProxy

import psycopg2
import pytest

from odoo.modules.registry import Registry

from odoo.addons.jobs_queue.session import ConnectorSession
from odoo.addons.jobs_queue.worker import WorkerWatcher

from scripts import databases, servers
from scripts.paths import ODOO_CONFIG


@pytest.fixture
def busy(database, jobs, copy_database):
    """Provide a database with many jobs, for a worker to serve; the value is its name."""

    def delay_many(env):
        for number in range(3000):
            jobs.leave_effect.delay(ConnectorSession.from_env(env), "test.effect", str(number))

    database.commit(delay_many)
    name = f"{database.name}_busy"
    copy_database(database.name, name)
    yield name
    databases.drop(name)


def count(name, query):
    """Return the first column of a query's first row; 0 while the database cannot be reached."""
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


def test_a_served_database_is_duplicated_dropped_and_restored_without_a_restart(
    database, busy, copy_database, wait_until
):
    other = f"{database.name}_other"
    with servers.Process("worker_busy", "jobs_worker", "--database", busy, "--threads", "2") as process:
        wait_until(lambda: done(busy))
        databases.create(other, busy)
        seen = done(busy)
        wait_until(lambda: done(busy) > seen)
        databases.drop(busy)
        databases.drop(other)
        copy_database(database.name, busy)
        wait_until(lambda: done(busy))
        process.check()


def test_the_addon_is_uninstalled_and_installed_without_a_restart(database, busy, wait_until):
    with servers.Process("worker_busy", "jobs_worker", "--database", busy) as process:
        wait_until(lambda: done(busy))
        databases.odoo("module", "uninstall", "--database", busy, "jobs_queue")
        wait_until(lambda: "the addon jobs_queue is not installed" in process.log.read_text())
        databases.install(busy, ["connector"])
        wait_until(lambda: is_served(busy))
        process.check()


@pytest.fixture
def other(busy):
    """Provide the name of a database that a test creates by Odoo."""
    name = f"{busy}_other"
    yield name
    if databases.exists(name):
        databases.mark(name)
        databases.drop(name)


@pytest.mark.parametrize("host", [(), ("--workers", "2")], ids=["threaded", "prefork"])
def test_a_server_duplicates_and_drops_a_database_whose_jobs_it_runs(host, busy, other, wait_until, tmp_path):
    configuration = tmp_path / "odoo.conf"
    configuration.write_text(f"{ODOO_CONFIG.read_text()}\nadmin_passwd = master\n")
    # a server that names one database knows of no other, unless it has a filter
    options = ["--config", configuration, "--max-cron-threads", "1", "--db-filter", f"^{busy}", *host]
    with servers.Server("server_busy", [busy], *options) as server:
        # the service that Odoo's screens for databases call
        service = ServerProxy(f"{server.url}/xmlrpc/2/db")
        wait_until(lambda: done(busy))
        service.duplicate_database("master", busy, other)
        seen = done(busy)
        wait_until(lambda: done(busy) > seen)
        assert done(other) < 3000
        service.drop("master", other)
        service.drop("master", busy)
        assert not databases.exists(other)
        assert not databases.exists(busy)
        server.check()


def test_requests_keep_their_connections_to_a_database_that_the_threads_of_their_server_do_not_serve(
    database, wait_until, caplog
):
    set_state = "UPDATE ir_module_module SET state = %s WHERE name = 'jobs_queue' RETURNING id"
    watcher = WorkerWatcher("server", 1, lambda: [database.name])
    watching = threading.Thread(target=watcher.watch)
    registry = Registry(database.name)
    with registry.cursor() as cr:
        cr.execute("SELECT 1")
        database.rows(set_state, "to install")
        watching.start()
        try:
            wait_until(lambda: "the addon jobs_queue is not installed" in caplog.text)
        finally:
            watcher.stop()
            watching.join()
            database.rows(set_state, "installed")
        cr.execute("SELECT 1")
    assert Registry.registries[database.name] is registry
