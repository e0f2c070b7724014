"""Graphs and batches of jobs, run by real worker processes."""

import os
import signal
import time
from functools import partial

import pytest

from odoo import SUPERUSER_ID, api
from odoo.modules.registry import Registry

from odoo.addons.jobs_queue import store
from odoo.addons.jobs_queue.exception import FailedJobError
from odoo.addons.jobs_queue.graph import chain, group
from odoo.addons.jobs_queue.jobs.many import delay_many
from odoo.addons.jobs_queue.session import ConnectorSession

from scripts import databases, servers


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


# New jobs that wait for stored ones


@pytest.fixture
def work(own_worker):
    """Return a function that runs jobs in this process until there is none to run."""

    def work():
        while leased := own_worker.next_job():
            own_worker.run(leased)

    return work


@pytest.fixture
def store_jobs(database, jobs):
    """Return a function that stores jobs as a graph, each with a deed, and returns their ids."""

    def store_jobs(*deeds):
        names = [f"deed {len(jobs.deeds) + number}" for number in range(len(deeds))]
        jobs.deeds.update(zip(names, deeds, strict=True))

        def delay(env):
            session = ConnectorSession.from_env(env)
            graph = group(*(jobs.do.delayable(session, "test.effect", name, max_retries=1) for name in names)).delay()
            return [job.id for job in graph.jobs]

        return database.commit(delay)

    return store_jobs


@pytest.fixture
def follow(database, jobs):
    """Return a function that delays a job after stored ones, and returns its id.

    It leaves an effect.
    """

    def follow(parent_ids, name="child", on_failure="stop", meanwhile=lambda: None):
        """Delay it; call ``meanwhile`` before the transaction is committed."""
        with Registry(database.name).cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            (child,) = prepare(jobs, env, [name])
            chain(env["queue.job"].browse(parent_ids), child, on_failure=on_failure).delay()
            child_id = child.id
            meanwhile()
        return child_id

    return follow


@pytest.fixture
def unchecked(database):
    """Return a function that returns the ids of the jobs whose edges nobody has checked."""
    query = "SELECT DISTINCT child_id FROM queue_job_dependency WHERE is_unchecked"
    return lambda: [child_id for (child_id,) in database.rows(query)]


@pytest.fixture
def not_checked(monkeypatch):
    """Let the process of the test forget to check edges after a commit."""
    monkeypatch.setattr(store.dependencies, "_release_apart", lambda env, ids: None)


def fail(session):
    raise FailedJobError("It is broken")


def change(database, operation, *arguments):
    """Call a function of the store as a button does, on a cursor of its own."""

    def call(env):
        with store.sql.own_cursor(env) as cr:
            return operation(cr, *arguments)

    return database.commit(call)


def test_a_new_job_waits_for_stored_ones_until_the_last_has_ended(
    database, store_jobs, follow, own_worker, leave, state, unchecked
):
    parents = store_jobs(leave, leave)
    child = follow(parents)
    states = [state(child)]
    while leased := own_worker.next_job():
        own_worker.run(leased)
        states.append(state(child))
    assert states == ["wait_dependencies", "wait_dependencies", "pending", "done"]
    assert not unchecked()


def test_a_job_whose_parents_end_before_anybody_sees_its_edges_is_runnable_after_the_commit(
    store_jobs, follow, work, leave, state, unchecked
):
    parents = store_jobs(leave, fail)
    child = follow(parents, on_failure="continue", meanwhile=work)
    assert [state(job_id) for job_id in (*parents, child)] == ["done", "failed", "pending"]
    assert not unchecked()


def test_a_job_whose_parents_end_between_its_commit_and_the_check_runs_once(
    store_jobs, follow, work, leave, state, effects, unchecked, monkeypatch
):
    check = store.dependencies._release_apart
    monkeypatch.setattr(store.dependencies, "_release_apart", lambda env, ids: (work(), check(env, ids)))
    child = follow(store_jobs(leave))
    work()
    assert (state(child), effects()) == ("done", ["effect", "child"])
    assert not unchecked()


def test_a_job_that_nobody_has_checked_is_released_by_the_housekeeping(
    database, store_jobs, follow, work, leave, state, unchecked, own_worker, not_checked
):
    parents = store_jobs(leave)
    work()
    child = follow(parents)
    work()
    assert (state(child), unchecked()) == ("wait_dependencies", [child])
    own_worker.do_housekeeping()
    assert (state(child), unchecked()) == ("pending", [])


def test_a_worker_that_dies_between_the_commit_and_the_check_holds_nobody_up(
    database, jobs, worker, wait_until, unchecked
):
    def delay_page(env):
        return group(*prepare(jobs, env, ["page"])).delay().jobs[0].id

    page = database.commit(delay_page)
    wait_until(lambda: database.value("SELECT children_released FROM queue_job WHERE id = %s", page))
    database.commit(
        lambda env: jobs.be_followed_and_die.delay(ConnectorSession.from_env(env), "test.effect", page, "child")
    )
    wait_until(lambda: database.value("SELECT count(*) FROM queue_job WHERE state = 'done'") == 3)
    assert database.rows("SELECT name FROM test_effect ORDER BY id") == [("page",), ("child",)]
    assert not unchecked()


def test_a_job_waits_for_a_failed_one_until_that_is_requeued_and_done(
    database, store_jobs, follow, jobs, work, leave, state
):
    (parent,) = store_jobs(fail)
    work()
    child, other = follow([parent]), follow([parent], on_failure="continue")
    work()
    assert (state(child), state(other)) == ("wait_dependencies", "done")
    jobs.deeds.update(dict.fromkeys(jobs.deeds, leave))
    change(database, store.actions.requeue, [parent])
    work()
    assert (state(parent), state(child)) == ("done", "done")


def test_a_job_waits_for_a_cancelled_one_until_that_is_set_to_done(database, store_jobs, follow, work, leave, state):
    (parent,) = store_jobs(leave)
    change(database, store.actions.cancel, [parent], "cancelled")
    child = follow([parent])
    assert state(child) == "wait_dependencies"
    change(database, store.actions.set_done, [parent], "done")
    change(database, store.actions.release_waiting, [parent])
    assert state(child) == "pending"


def test_a_job_whose_parent_is_requeued_before_the_check_waits_for_it_once_more(
    database, store_jobs, follow, work, leave, state, own_worker, not_checked
):
    (parent,) = store_jobs(leave)
    work()
    child = follow([parent])
    change(database, store.actions.requeue, [parent])
    own_worker.do_housekeeping()
    assert (state(parent), state(child)) == ("pending", "wait_dependencies")
    work()
    assert (state(parent), state(child)) == ("done", "done")


def test_a_job_whose_parent_was_deleted_before_anybody_saw_the_edge_is_released(
    database, store_jobs, follow, work, leave, state
):
    parents = store_jobs(leave, leave)
    change(database, store.actions.cancel, parents[:1], "cancelled")
    work()
    child = follow(parents, meanwhile=partial(change, database, store.actions.delete_ended, -1))
    assert [state(job_id) for job_id in (*parents, child)] == [None, None, "pending"]


class CursorWithPause:
    """A cursor that calls a function after its first statement."""

    def __init__(self, cr, pause):
        self._cr, self._pause = cr, pause

    def __getattr__(self, name):
        return getattr(self._cr, name)

    def execute(self, *arguments):
        self._cr.execute(*arguments)
        pause, self._pause = self._pause, lambda: None
        pause()


def test_a_cancelled_job_is_not_deleted_while_a_new_one_is_made_to_wait_for_it(
    database, store_jobs, follow, leave, state, unchecked, own_worker
):
    (parent,) = store_jobs(leave)
    change(database, store.actions.cancel, [parent], "cancelled")
    followed = []

    def delete(cr):
        # the check cannot lock the parent, and is left to the housekeeping
        paused = CursorWithPause(cr, lambda: followed.append(follow([parent])))
        assert store.actions.delete_ended(paused, -1) == (0, False)

    change(database, delete)
    assert unchecked() == followed
    own_worker.do_housekeeping()
    assert (state(parent), state(*followed), unchecked()) == ("cancelled", "wait_dependencies", [])


def test_a_transaction_that_delays_a_job_locks_none_of_its_parents(database, store_jobs, follow, leave, effects):
    parents = store_jobs(leave)

    def lock_parents():
        with databases.cursor(database.name) as cr:
            cr.execute("SELECT FROM queue_job WHERE id = ANY(%s) FOR UPDATE NOWAIT", [parents])
            assert cr.rowcount == 1

    follow(parents, meanwhile=lock_parents)


def test_a_locked_parent_delays_the_check_and_not_the_commit(
    database, store_jobs, follow, work, leave, state, unchecked, own_worker
):
    parents = store_jobs(leave)
    work()
    with Registry(database.name).cursor() as cr:
        cr.execute("SELECT FROM queue_job WHERE id = ANY(%s) FOR NO KEY UPDATE", [parents])
        child = follow(parents)
        assert (state(child), unchecked()) == ("wait_dependencies", [child])
    own_worker.do_housekeeping()
    assert state(child) == "pending"


def test_a_row_that_postgresql_refuses_to_change_is_left_out_of_the_check_for_a_while(
    database, store_jobs, follow, work, leave, state, unchecked, own_worker, not_checked
):
    parents = store_jobs(leave)
    work()
    bad, good = follow(parents), follow(parents)
    with databases.cursor(database.name) as cr:
        cr.execute(f"ALTER TABLE queue_job ADD CONSTRAINT refused CHECK (id <> {bad} OR state = 'wait_dependencies')")
    try:
        own_worker.do_housekeeping()
        assert (state(bad), state(good), unchecked()) == ("wait_dependencies", "pending", [bad])
    finally:
        with databases.cursor(database.name) as cr:
            cr.execute("ALTER TABLE queue_job DROP CONSTRAINT refused")


def test_workers_are_woken_after_the_check(database, store_jobs, follow, work, leave, state, monkeypatch):
    parents = store_jobs(leave)
    work()
    woken = []
    monkeypatch.setattr(store.wakeup, "wake", lambda dbname: woken.append((dbname, state(child_id()))))

    def child_id():
        return database.value("SELECT max(id) FROM queue_job")

    follow(parents)
    assert woken[-1] == (database.name, "pending")
