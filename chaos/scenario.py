"""Base class of the scenarios, and functions that they share.

A scenario has workers, databases and servers of its own, to which one thing happens.
"""

import os
import time
from contextlib import closing, contextmanager

import psycopg2

from scripts.progress import step

from . import verdict

PATIENCE = 120  # seconds until all jobs of a scenario have ended


class Scenario:
    """A scenario: one thing that happens to workers, databases and servers.

    :param cluster: the :class:`~scripts.cluster.Cluster` that runs
    :param template: name of the template database
    :param folder: path of an empty folder
    """

    name = ""

    def __init__(self, cluster, template, folder):
        self.cluster = cluster
        self.template = template
        self.folder = folder
        self.log = folder / "lines"

    def run(self):
        """Run the scenario; return ``{what must not be: list of the cases found}``."""
        with step(self.name):
            return {f"{self.name}: {what}": rows for what, rows in self._run().items()}

    def _run(self):
        raise NotImplementedError


def rows(dbname, query):
    """Return the rows of a query in a database."""
    with closing(psycopg2.connect(dbname=dbname)) as connection, connection.cursor() as cr:
        cr.execute(query)
        return cr.fetchall()


def wait_for(condition, timeout=PATIENCE):
    """Wait until a condition holds; return whether it did in time."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        try:
            if condition():
                return True
        except psycopg2.OperationalError:  # the server has gone
            pass
        time.sleep(0.05)
    return False


def wait_for_all(*dbnames):
    """Wait until no job of some databases waits or runs any more."""
    left = "SELECT FROM queue_job WHERE state NOT IN ('done', 'cancelled', 'failed') LIMIT 1"
    wait_for(lambda: not any(rows(dbname, left) for dbname in dbnames))


def not_done(dbname):
    """Return the jobs that are not done, with their messages."""
    return rows(dbname, "SELECT id, state, left(message, 80) FROM queue_job WHERE state <> 'done'")


def wrong_effects(dbname):
    """Return the findings about effects, and about jobs that were done twice."""
    return {
        name: rows(dbname, query)
        for name, query in verdict.FINDINGS.items()
        if "effect" in name or name == "jobs done twice"
    }


@contextmanager
def environment_variables(variables):
    """Set environment variables for the time of the block."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
