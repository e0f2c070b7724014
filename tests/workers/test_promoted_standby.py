"""Promotion of a standby after the death of its primary.

What ran is interrupted, whoever is the first to connect to the standby.
"""

import importlib
import os
import shutil
import tempfile
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg2
import pytest

from odoo import sql_db
from odoo.modules.registry import Registry
from odoo.tools import config

from scripts import databases, servers
from scripts.cluster import PACKAGES, USER, Cluster, client, may_enter, owner

NAME = "connector_promoted"


class Server(Cluster):
    """A cluster of the test's own, in a folder of its own."""

    def rows(self, query):
        host = str(self.socket_folder)
        with (
            closing(
                psycopg2.connect(host=host, port=5432, user=USER, dbname=NAME, target_session_attrs="any")
            ) as connection,
            connection.cursor() as cr,
        ):
            cr.execute(query)
            return cr.fetchall()


@contextmanager
def server_of_its_own(name, **settings):
    folder = Path(tempfile.mkdtemp(prefix=name))
    shutil.chown(folder, *owner())
    server = Server(folder, **settings)
    try:
        yield server
    finally:
        server.remove()


@pytest.fixture
def clusters(installed, tmp_path, monkeypatch):
    """Provide a primary with a database, and its standby.

    libpq's environment variables name whichever takes writes.
    """
    if not may_enter():
        pytest.skip(f"the owner of a PostgreSQL server, {owner()[0]}, may not enter {PACKAGES}")
    dump = tmp_path / "dump"
    # dumped from a copy, because whoever copies a template ends the connections of others to it
    databases.create(NAME, installed)
    client("pg_dump", "--format=custom", f"--file={dump}", NAME)
    databases.drop(NAME)
    with server_of_its_own("primary", wal_keep_size="1GB") as primary, server_of_its_own("standby") as standby:
        primary.create()
        primary.start()
        there = ("-h", primary.socket_folder, "-p", "5432", "-U", USER)
        client("createdb", *there, NAME)
        client("pg_restore", *there, "--no-owner", f"--dbname={NAME}", dump)
        standby.copy(primary, "--write-recovery-conf")
        standby.start()
        hosts = f"{primary.socket_folder},{standby.socket_folder}"
        monkeypatch.setenv("PGHOST", hosts)
        # this process has read the variable already
        monkeypatch.setattr(config, "options", {**config.options, "db_host": hosts})
        monkeypatch.setenv("PGPORT", "5432")
        monkeypatch.setenv("PGUSER", USER)
        monkeypatch.setenv("PGTARGETSESSIONATTRS", "read-write")
        yield primary, standby
        Registry.delete(NAME)
        sql_db.close_all()


@pytest.fixture
def database(clusters, open_database):
    database = open_database(NAME)
    connection = psycopg2.connect(dbname=NAME)
    with connection, connection.cursor() as cr:
        importlib.import_module("odoo.addons.jobs_queue.store.database").adopt(cr)
    connection.close()
    return database


def test_f25_the_running_jobs_of_all_workers_are_interrupted_and_done_on_the_promoted_standby(
    clusters, database, jobs, delay, state, wait_until, tmp_path
):
    primary, standby = clusters
    names = [f"job {number}" for number in range(4)]
    gates = [tmp_path / name for name in names]
    running = [
        delay(jobs.leave_effect_when_let_go, name, str(gate), max_retries=1)
        for name, gate in zip(names, gates, strict=True)
    ]
    with servers.Process("promoted", "jobs_worker", "--database", NAME, "--processes", str(len(names))):
        reached = [Path(f"{gate}.reached") for gate in gates]
        wait_until(lambda: all(os.path.exists(path) for path in reached))
        started = "SELECT count(DISTINCT worker_id) FROM queue_job WHERE state = 'started'"
        wait_until(lambda: standby.rows(started) == [(len(names),)])
        primary.stop("immediate")
        standby.promote()
        for gate in gates:
            gate.touch()
        wait_until(lambda: all(state(job) in ("done", "failed") for job in running))
    assert standby.rows("SELECT job_id, outcome FROM queue_job_attempt ORDER BY job_id, id") == [
        (job, outcome) for job in running for outcome in ("interrupted", "done")
    ]
    effects = standby.rows("SELECT name FROM test_effect")
    assert sorted(name for (name,) in effects) == sorted(
        f"{name} {when}" for name in names for when in ("before", "after")
    )
