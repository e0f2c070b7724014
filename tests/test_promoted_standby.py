"""A standby takes over from a primary that has died: what ran is interrupted, whoever is the first to connect to it."""

import importlib
import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path

import psycopg2
import pytest

from odoo import sql_db
from odoo.modules.registry import Registry
from odoo.tools import config

from scripts import postgres, servers

pytestmark = pytest.mark.full

NAME = "connector_promoted"


class Cluster:
    """A cluster of its own, reached by a socket in a folder of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.data = folder / "data"

    def start(self):
        options = f"-h '' -k '{self.folder}' -c wal_keep_size=1GB"
        postgres.as_owner("pg_ctl", "start", "--wait", "-D", self.data, "-o", options, "-l", self.folder / "log")

    def stop(self, mode):
        postgres.as_owner("pg_ctl", "stop", "--wait", f"--mode={mode}", "-D", self.data)

    def promote(self):
        postgres.as_owner("pg_ctl", "promote", "--wait", "-D", self.data)

    def rows(self, query, dbname=NAME):
        connection = psycopg2.connect(
            host=str(self.folder), port=5432, user="postgres", dbname=dbname, target_session_attrs="any"
        )
        try:
            with connection.cursor() as cr:
                cr.execute(query)
                return cr.fetchall()
        finally:
            connection.close()


@contextmanager
def folder_of_owner(name):
    folder = Path(tempfile.mkdtemp(prefix=name))
    shutil.chown(folder, *postgres.owner())
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def clusters(installed, tmp_path, monkeypatch):
    """A primary with a database, and its standby; libpq's environment variables name whichever takes writes."""
    if not postgres.may_enter():
        pytest.skip(f"the owner of a PostgreSQL server, {postgres.owner()[0]}, may not enter {postgres.PACKAGES}")
    dump = tmp_path / "dump"
    postgres.client("pg_dump", "--format=custom", f"--file={dump}", installed)
    with folder_of_owner("primary") as first, folder_of_owner("standby") as second:
        primary, standby = Cluster(first), Cluster(second)
        postgres.as_owner("initdb", "--no-sync", "--username=postgres", "--auth=trust", "-D", primary.data)
        primary.start()
        as_superuser = ("-h", primary.folder, "-p", "5432", "-U", "postgres")
        postgres.client("createuser", *as_superuser, "--createdb", postgres.USER)
        postgres.client("createdb", *as_superuser, "--owner", postgres.USER, NAME)
        postgres.client("pg_restore", *as_superuser, "--no-owner", f"--role={postgres.USER}", f"--dbname={NAME}", dump)
        postgres.as_owner(
            "pg_basebackup", *as_superuser, "--write-recovery-conf", "--checkpoint=fast", "-D", standby.data
        )
        standby.start()
        hosts = f"{primary.folder},{standby.folder}"
        monkeypatch.setenv("PGHOST", hosts)
        # this process has read it already
        monkeypatch.setattr(config, "options", {**config.options, "db_host": hosts})
        monkeypatch.setenv("PGPORT", "5432")
        monkeypatch.setenv("PGUSER", postgres.USER)
        monkeypatch.setenv("PGTARGETSESSIONATTRS", "read-write")
        yield primary, standby
        Registry.delete(NAME)
        sql_db.close_all()
        standby.stop("immediate")


@pytest.fixture
def database(clusters, open_database):
    database = open_database(NAME)
    connection = psycopg2.connect(dbname=NAME)
    with connection, connection.cursor() as cr:
        importlib.import_module("odoo.addons.connector.queue.store").adopt_database(cr)
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
    with servers.Process("promoted", "connector_worker", "--database", NAME, "--processes", str(len(names))):
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
