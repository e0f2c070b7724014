"""A crash of PostgreSQL is told from the death of a worker."""

import os
import shutil
import signal
import tempfile
from pathlib import Path

import psycopg2
import pytest

from odoo.addons.connector.queue.store import server_began

from scripts import postgres

pytestmark = pytest.mark.full


@pytest.fixture
def server():
    """The folder of the socket of a PostgreSQL that may crash."""
    if not postgres.may_enter():
        pytest.skip(f"the owner of a PostgreSQL server, {postgres.owner()[0]}, may not enter {postgres.PACKAGES}")
    folder = Path(tempfile.mkdtemp(prefix="crash"))
    shutil.chown(folder, *postgres.owner())
    data = folder / "data"
    postgres.as_owner("initdb", "--no-sync", "--username=postgres", "--auth=trust", "-D", data)
    postgres.as_owner("pg_ctl", "start", "--wait", "-D", data, "-o", f"-h '' -k '{folder}'", "-l", folder / "log")
    yield folder
    postgres.as_owner("pg_ctl", "stop", "--wait", "--mode=fast", "-D", data)
    shutil.rmtree(folder)


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
