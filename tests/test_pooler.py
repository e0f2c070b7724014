"""A worker behind PgBouncer in transaction mode: all works by looking at the database."""

import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest

from scripts import databases, servers

CONFIGURATION = """
[databases]
* = host={host} port={port} user={user}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own_port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
ignore_startup_parameters = extra_float_digits
"""


@pytest.fixture
def pooler(wait_until):
    """The port of a PgBouncer in front of the tests' PostgreSQL."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if not program:
        pytest.skip("PgBouncer is not installed: install the package pgbouncer")
    port = servers.free_port()
    with databases.cursor() as cr:
        server = cr.connection.info
        values = {"host": server.host, "port": server.port, "user": server.user}
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    file = folder / "pgbouncer.ini"
    file.write_text(CONFIGURATION.format(own_port=port, **values))
    as_nobody = ["-u", "nobody"] if os.getuid() == 0 else []
    process = subprocess.Popen([program, *as_nobody, str(file)])

    def listens():
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    wait_until(listens)
    yield port
    process.terminate()
    process.wait()
    shutil.rmtree(folder)


def test_a_worker_behind_a_pooler_runs_jobs_and_says_so(database, jobs, delay, pooler, state, wait_until):
    options = ["--database", database.name, "--db_host", "127.0.0.1", "--db_port", str(pooler)]
    with servers.Process("worker_behind_pooler", "connector_worker", *options) as process:
        wait_until(lambda: database.value("SELECT count(*) FROM queue_worker WHERE backend_pid IS NULL"))
        ids = [delay(jobs.leave_effect, str(number)) for number in range(20)]
        wait_until(lambda: all(state(job) == "done" for job in ids))
        assert "behind a pooler" in process.log.read_text()
    assert database.value("SELECT count(*) FROM test_effect") == 20
