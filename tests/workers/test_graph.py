"""Graphs and batches of jobs, run by real worker processes."""

import os
import signal
import time

import pytest

from odoo.addons.jobs_queue.graph import chain, group
from odoo.addons.jobs_queue.jobs.many import delay_many
from odoo.addons.jobs_queue.session import ConnectorSession

from scripts import servers


@pytest.fixture
def jobs(database):
    """Return the module of test jobs; the database holds no job yet."""
    database.clear()
    from odoo.addons.test_connector import jobs

    return jobs


@pytest.fixture
def worker(database):
    """Provide a worker of two processes, which is stopped at the end."""
    options = ("--database", database.name, "--processes", "2")
    with servers.Process("graph_worker", "jobs_worker", *options) as process:
        yield process


def prepare(jobs, env, names):
    session = ConnectorSession.from_env(env)
    return [jobs.leave_effect.delayable(session, "test.effect", str(name)) for name in names]


def unfinished(database):
    return database.value("SELECT count(*) FROM queue_job WHERE state <> 'done'")


def test_the_jobs_of_a_chain_follow_each_other_at_once(database, jobs, worker, wait_until):
    wait_until(lambda: database.value("SELECT count(*) FROM queue_worker") == 2)
    session = ConnectorSession.from_env
    database.commit(lambda env: chain(*(jobs.do_nothing.delayable(session(env), None) for _n in range(100))).delay())
    wait_until(lambda: not unfinished(database))
    seconds = database.value("SELECT extract(epoch FROM max(date_done) - min(date_created)) FROM queue_job")
    # it would be a hundred seconds if each job waited for a worker's next look at the database
    assert seconds < 15


def test_a_graph_of_a_thousand_by_a_thousand_is_stored_in_a_few_seconds(database, jobs):
    began = time.monotonic()
    database.commit(
        lambda env: chain(group(*prepare(jobs, env, range(1000))), group(*prepare(jobs, env, range(1000)))).delay()
    )
    assert time.monotonic() - began < 5
    assert database.value("SELECT count(*) FROM queue_job") == 2001


def test_each_job_of_a_graph_runs_once_and_in_order_though_workers_are_killed(database, jobs, worker, wait_until):
    groups = [range(start, start + 40) for start in (0, 100, 200)]
    database.commit(lambda env: chain(*(group(*prepare(jobs, env, names)) for names in groups)).delay())
    for done in (10, 60):
        wait_until(lambda done=done: database.value("SELECT count(*) FROM test_effect") >= done)
        os.kill(database.value("SELECT pid FROM queue_worker ORDER BY id DESC LIMIT 1"), signal.SIGKILL)
    wait_until(lambda: not unfinished(database))
    effects = [int(name) for (name,) in database.rows("SELECT name FROM test_effect ORDER BY id")]
    assert sorted(effects) == [name for names in groups for name in names]
    assert [name // 100 for name in effects] == sorted(name // 100 for name in effects)


def test_jobs_of_a_batch_are_done_once_by_several_workers_and_only_the_guilty_one_fails(
    database, jobs, worker, wait_until
):
    names = [str(number) for number in range(300)] + ["bad"]

    def delay(env):
        delay_many(ConnectorSession.from_env(env), jobs.leave_effects, "test.effect", [(1, name) for name in names])

    database.commit(delay)
    wait_until(lambda: unfinished(database) == 1)
    wait_until(lambda: database.value("SELECT state FROM queue_job WHERE state <> 'done'") == "failed")
    assert sorted(name for (name,) in database.rows("SELECT name FROM test_effect")) == sorted(names[:-1])
