"""Crash of PostgreSQL, as distinct from the death of a worker."""

import os
import shutil
import signal
import tempfile

import psycopg2
import pytest

from odoo.addons.jobs_queue.store.workers import server_began

from scripts.cluster import PACKAGES, Cluster, may_enter, owner


@pytest.fixture
def server():
    """Provide a PostgreSQL that may crash; the value is the folder of its socket."""
    if not may_enter():
        pytest.skip(f"the owner of a PostgreSQL server, {owner()[0]}, may not enter {PACKAGES}")
    cluster = Cluster(tempfile.mkdtemp(prefix="crash"))
    shutil.chown(cluster.folder, *owner())
    cluster.create()
    cluster.start()
    yield cluster.socket_folder
    cluster.remove()


def test_a_server_that_has_crashed_and_recovered_has_begun_anew(server, wait_until):
    def began():
        connection = psycopg2.connect(host=str(server), port=5432, user="postgres", dbname="postgres")
        try:
            with connection.cursor() as cr:
                return server_began(cr)
        finally:
            connection.close()

    before = began()
    victim = psycopg2.connect(host=str(server), port=5432, user="postgres", dbname="postgres")
    assert began() == before
    os.kill(victim.info.backend_pid, signal.SIGKILL)
    wait_until(lambda: began() > before)
