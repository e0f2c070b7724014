"""Worker behind PgBouncer in transaction mode: all works by looking at the database."""

import shutil
import socket
import tempfile
from pathlib import Path

import psycopg2
import pytest

from scripts import databases, pooler, servers

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
def port(wait_until):
    """Provide a PgBouncer in front of the tests' PostgreSQL; the value is its port."""
    if not pooler.is_there():
        pytest.skip("PgBouncer is not here: install the package pgbouncer")
    port = servers.free_port()
    with databases.cursor() as cr:
        server = cr.connection.info
        values = {"host": server.host, "port": server.port, "user": server.user}
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    process = pooler.start(folder, CONFIGURATION.format(own_port=port, **values))

    def listens():
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    wait_until(listens)
    yield port
    process.terminate()
    process.wait()
    shutil.rmtree(folder)


def test_a_worker_behind_a_pooler_runs_jobs_and_says_so(database, jobs, delay, port, state, wait_until):
    options = ["--database", database.name, "--db_host", "127.0.0.1", "--db_port", str(port)]
    with servers.Process("worker_behind_pooler", "jobs_worker", *options) as process:
        wait_until(lambda: database.value("SELECT count(*) FROM queue_worker WHERE backend_pid IS NULL"))
        ids = [delay(jobs.leave_effect, str(number)) for number in range(20)]
        wait_until(lambda: all(state(job) == "done" for job in ids))
        assert "behind a pooler" in process.log.read_text()
    assert database.value("SELECT count(*) FROM test_effect") == 20


def test_what_a_worker_sets_for_its_transactions_reaches_no_other_client_of_the_pooler(
    database, jobs, delay, port, state, wait_until
):
    options = ["--database", database.name, "--db_host", "127.0.0.1", "--db_port", str(port)]
    with servers.Process("worker_behind_pooler", "jobs_worker", *options, "--threads", "2") as process:
        ids = [delay(jobs.leave_effect, str(number)) for number in range(20)]
        wait_until(lambda: all(state(job) == "done" for job in ids))
        process.check()
    clients = [psycopg2.connect(host="127.0.0.1", port=port, dbname=database.name) for _number in range(10)]
    seen = set()
    for client in clients:
        with client.cursor() as cr:
            # the transaction of a client stays open, so that the next client gets another of the
            # pooler's connections
            cr.execute(
                "SELECT current_setting('synchronous_commit'), current_setting('lock_timeout'), "
                "(SELECT count(*) FROM pg_prepared_statements), (SELECT count(*) FROM pg_listening_channels())"
            )
            seen.add(cr.fetchone())
    for client in clients:
        client.close()
    assert seen == {("on", "0", 0, 0)}
