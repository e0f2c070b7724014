"""Cron host: jobs run in a plain Odoo server right after the installation.

Nothing is configured.
"""

import pytest

from odoo.addons.jobs_queue.session import ConnectorSession

from scripts import servers
from scripts.paths import ODOO_CONFIG


@pytest.fixture
def without_workers(tmp_path):
    """Return the options of a server that runs jobs in its cron alone."""
    configuration = tmp_path / "odoo.conf"
    configuration.write_text(ODOO_CONFIG.read_text() + "\n[jobs_queue]\nprocesses = 0\n")
    return ["--config", str(configuration)]


@pytest.fixture
def wait_for_cron(database, wait_until):
    """Return a function that waits until the cron of a server is notified of jobs.

    Until then the cron learns of jobs only within a minute.
    """

    def listens():
        # before it sleeps, the cron commits its LISTEN as its last step; PostgreSQL shows a LISTEN
        # to nobody else
        return database.value(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = 'postgres' AND state = 'idle' AND query = 'COMMIT')"
        )

    return lambda: wait_until(listens)


def test_a_plain_odoo_server_runs_the_jobs(database, jobs, without_workers, wait_until, wait_for_cron):
    def delay(env):
        return [jobs.leave_pid.delay(ConnectorSession.from_env(env), "test.effect").id for _number in range(20)]

    with servers.Server("cron_host", [database.name], "--max-cron-threads", "1", *without_workers) as server:
        wait_for_cron()
        job_ids = database.commit(delay)
        wait_until(lambda: database.value("SELECT count(*) FROM queue_job WHERE state = 'done'") == len(job_ids))
        assert database.rows("SELECT DISTINCT name FROM test_effect") == [(str(server.pid),)]
    assert database.value("SELECT count(*) FROM test_effect") == 20


def test_the_cron_leaves_the_jobs_to_other_workers(database, jobs, without_workers, wait_until):
    def delay(env):
        return jobs.leave_pid.delay(ConnectorSession.from_env(env), "test.effect").id

    with servers.Process("cron_host_worker", "jobs_worker", "--database", database.name):
        worker = wait_until(lambda: database.value("SELECT pid FROM queue_worker WHERE kind = 'command'"))
        with servers.Server("cron_host", [database.name], "--max-cron-threads", "1", *without_workers):
            job_ids = [database.commit(delay) for _number in range(5)]
            wait_until(lambda: database.value("SELECT count(*) FROM queue_job WHERE state = 'done'") == len(job_ids))
    assert database.rows("SELECT DISTINCT name FROM test_effect") == [(str(worker),)]


@pytest.mark.parametrize(("mode", "limit"), [([], 16), (["--workers", "1"], 24)], ids=["threaded", "prefork"])
def test_a_job_that_is_too_long_for_the_cron_fails_at_once_with_the_way_out(
    mode, limit, database, jobs, without_workers, wait_until, wait_for_cron, tmp_path
):
    def delay(env):
        session = ConnectorSession.from_env(env)
        return jobs.wait_in_python.delay(session, "test.effect", str(tmp_path / "gate"), max_retries=5).id

    options = ["--max-cron-threads", "1", "--limit-time-real-cron", str(limit), *mode, *without_workers]
    with servers.Server("cron_host", [database.name], *options):
        wait_for_cron()
        job = database.commit(delay)
        wait_until(lambda: database.value("SELECT state FROM queue_job WHERE id = %s", job) == "failed")
    message = database.value("SELECT message FROM queue_job WHERE id = %s", job)
    assert message == f"It runs longer than cron allows ({limit} s): use `odoo jobs_worker`"
    assert database.value("SELECT count(*) FROM queue_job_attempt WHERE job_id = %s", job) == 1
