"""Fixtures of the plain tests: databases, this process as an Odoo, commands.

The databases have the addons installed. The commands run in the background.
"""

import importlib
import time

import psycopg2
import pytest

from odoo import SUPERUSER_ID, api
from odoo.modules.module import initialize_sys_path
from odoo.modules.registry import Registry
from odoo.tools import config

from scripts import databases, servers
from scripts.paths import ODOO_CONFIG

# this process becomes an Odoo with the addons of this repository, before they are imported
config.parse_config(["--config", str(ODOO_CONFIG)])
initialize_sys_path()


@pytest.fixture(scope="session")
def installed():
    """Return the name of a database with test_connector installed, to be copied.

    It has no more of Odoo than the addon needs.
    """
    return databases.installed(["test_connector"], databases.template(databases.BASE))


@pytest.fixture(scope="module")
def database(request, installed):
    """Provide a database with test_connector for the tests of one module.

    No cron runs in it unless a test starts a server.
    """
    name = f"connector_{request.module.__name__.rpartition('.')[2]}"
    databases.create_original(name, installed)
    database = Database(name)
    yield database
    database.close()
    Registry.delete(name)
    databases.drop(name)


@pytest.fixture(scope="session")
def copy_database():
    """Return a function that copies a database and declares the copy the original.

    So the jobs of the copy run.
    """
    return lambda source, name: databases.create_original(name, source)


@pytest.fixture(scope="session")
def open_database():
    """Return a function that returns a database as the tests see it, by its name."""
    return Database


class Database:
    """A database as the tests see it: committed rows only.

    Its connection is kept, because tests look again and again until something has come true.
    """

    def __init__(self, name):
        self.name = name
        self._connection = None

    def commit(self, function):
        """Call ``function(env)`` in a new transaction, commit it, and return what it returned."""
        with Registry(self.name).cursor() as cr:
            return function(api.Environment(cr, SUPERUSER_ID, {}))

    def rows(self, query, *values):
        """Return the rows of a query."""
        try:
            return self._rows(query, values)
        except (psycopg2.OperationalError, psycopg2.InterfaceError):
            # the server was restarted, or has ended the connection
            if self._connection is None or not self._connection.closed:
                raise
            return self._rows(query, values)

    def _rows(self, query, values):
        if self._connection is None or self._connection.closed:
            self._connection = psycopg2.connect(dbname=self.name)
            self._connection.autocommit = True
        with self._connection.cursor() as cr:
            cr.execute(query, values)
            return cr.fetchall()

    def close(self):
        if self._connection is not None:
            self._connection.close()

    def value(self, query, *values):
        """Return the first column of the first row of a query, or None."""
        rows = self.rows(query, *values)
        return rows[0][0] if rows else None

    def clear(self):
        """Delete all jobs and their effects.

        If the end of a worker of the test before is in the way, it waits until that is over.
        """
        of_jobs = ("dependency", "attempt", "progress", "cancellation", "trouble")
        tables = ", ".join(["queue_job", *(f"queue_job_{name}" for name in of_jobs), "queue_worker", "test_effect"])
        while True:
            try:
                with databases.cursor(self.name) as cr:
                    cr.execute(f"TRUNCATE {tables}")
                return
            except psycopg2.errors.DeadlockDetected:
                continue


@pytest.fixture
def wait_until():
    """Return a function that waits until a condition holds, and fails after some seconds."""

    def wait(condition, timeout=60):
        deadline = time.monotonic() + timeout
        while True:
            try:
                if result := condition():
                    return result
            except psycopg2.OperationalError:  # the server is being restarted
                pass
            assert time.monotonic() < deadline, f"this did not come true in {timeout} s"
            time.sleep(0.02)

    return wait


@pytest.fixture
def jobs(database):
    """Return the module of test jobs; the database holds no job yet."""
    database.clear()
    return importlib.import_module("odoo.addons.test_connector.jobs")


@pytest.fixture
def delay(database):
    """Return a function that delays a job in a committed transaction and returns its id."""

    def delay(function, *args, **options):
        return database.commit(lambda env: function.delay(connector_session(env), "test.effect", *args, **options).id)

    return delay


@pytest.fixture
def worker(database):
    """Provide a function that starts the command host; what it started is stopped at the end."""
    started = []

    def start(*options):
        process = servers.Process(f"worker_{len(started)}", "jobs_worker", "--database", database.name, *options)
        started.append(process)
        return process

    yield start
    for process in started:
        process.stop()


@pytest.fixture
def own_worker(database, jobs):
    """Provide a worker in this process, whose jobs the test runs itself."""
    workers = importlib.import_module("odoo.addons.jobs_queue.worker")
    worker = workers.Worker(database.name, "command", 1)
    yield worker
    worker.close_thread()
    worker.end()
    jobs.deeds.clear()


@pytest.fixture
def run_here(own_worker, jobs, delay):
    """Return a function that runs jobs one after the other, each with a deed.

    A deed is a function of the job's session. The jobs run by the worker in this process. The
    function returns their ids.
    """

    def run(*deeds, function=None, **options):
        names = [f"deed {number}" for number in range(len(deeds))]
        jobs.deeds.update(zip(names, deeds, strict=True))
        ids = [delay(function or jobs.do, name, **options) for name in names]
        while leased := own_worker.next_job():
            own_worker.run(leased)
        return ids

    return run


@pytest.fixture
def ends(database):
    """Return a function that returns state and number of tries of each of the given jobs."""
    query = "SELECT state, retry FROM queue_job WHERE id = %s"
    return lambda ids: [database.rows(query, id_)[0] for id_ in ids]


@pytest.fixture
def attempts(database):
    """Return a function that returns the outcomes of a job's attempts."""
    query = "SELECT outcome FROM queue_job_attempt WHERE job_id = %s ORDER BY id"
    return lambda job_id: [outcome for (outcome,) in database.rows(query, job_id)]


@pytest.fixture
def effects(database):
    """Return a function that returns the names of the effects that jobs have left."""
    return lambda: [name for (name,) in database.rows("SELECT name FROM test_effect ORDER BY id")]


@pytest.fixture
def leave():
    """Return a deed that creates an effect."""

    def leave(session, name="effect"):
        session.env["test.effect"].create({"job_id": session.job.id, "name": name})
        session.env.flush_all()

    return leave


@pytest.fixture
def state(database):
    return lambda job_id: database.value("SELECT state FROM queue_job WHERE id = %s", job_id)


def connector_session(env):
    """Return the session of an environment; import the addon when Odoo has loaded it."""
    return importlib.import_module("odoo.addons.jobs_queue.session").ConnectorSession.from_env(env)
