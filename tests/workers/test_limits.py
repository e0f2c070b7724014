"""Limits and keys while several workers claim at once, each on a connection of its own."""

import threading
import uuid
from types import SimpleNamespace

import pytest

from odoo.addons.jobs_queue import store
from odoo.addons.jobs_queue.session import ConnectorSession
from odoo.addons.jobs_queue.store.connection import connect
from odoo.addons.jobs_queue.store.ending import Ending
from odoo.addons.jobs_queue.worker import Worker

CLAIMERS = 8

_LEASED = "state IN ('enqueued', 'started')"


@pytest.fixture
def delay(database):
    """Return a function that delays test jobs in one committed transaction.

    It returns the ids of the jobs. The database holds no other jobs.
    """
    database.clear()
    from odoo.addons.test_connector.jobs import leave_effect

    def delay(names, channel="root.test.limits", channel_values=None, **options):
        def commit(env):
            env["queue.job.channel"]._ensure(channel).write(
                {"capacity": 0, "rate": 0, "is_sequential": False, **(channel_values or {})}
            )
            session = ConnectorSession.from_env(env)
            jobs = [leave_effect.delay(session, "test.effect", name, channel=channel, **options) for name in names]
            return [job.id for job in jobs]

        return database.commit(commit)

    return delay


class Claimers:
    """Threads that claim and complete jobs until none is left.

    After each claim they count the leased jobs.
    """

    def __init__(self, database, leased):
        self.database = database
        self.leased = leased
        self.most = 0
        self.done = []
        self.errors = []

    def run(self):
        threads = [threading.Thread(target=self._work) for _number in range(CLAIMERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert not self.errors, self.errors

    def _work(self):
        connection = connect(self.database.name)
        try:
            with connection.cursor() as cr:
                worker = store.workers.register(
                    cr, str(uuid.uuid4()), "h", 1, "command", 9, store.workers.server_process_of(cr)
                )
                while self._jobs_left(cr):
                    for job in store.claiming.claim(cr, worker, 3, 3):
                        self._complete(cr, worker, job)
                    store.keys.release_forgotten(cr)
        except Exception as error:
            self.errors.append(error)
        finally:
            connection.close()

    def _jobs_left(self, cr):
        cr.execute("SELECT EXISTS (SELECT FROM queue_job WHERE state NOT IN ('done', 'cancelled'))")
        return cr.fetchone()[0]

    def _complete(self, cr, worker, job):
        cr.execute(f"SELECT count(*) FROM queue_job WHERE {_LEASED} AND {self.leased}")
        self.most = max(self.most, cr.fetchone()[0])
        assert store.leases.start(cr, job)
        self.done.append(job.id)
        assert store.leases.complete(cr, job, SimpleNamespace(id=worker, name="w"), Ending(None))
        store.keys.release(cr, job)


def test_a_concurrency_key_never_has_more_leases_than_its_limit_and_none_of_its_jobs_is_stuck(database, delay):
    jobs = delay(range(60), concurrency_key="k")
    claimers = Claimers(database, "concurrency_key = 'k'")
    claimers.run()
    assert (sorted(claimers.done), claimers.most) == (jobs, 1)


def test_keys_of_two_kinds_in_limited_and_unlimited_channels_never_wait_for_each_other_in_a_circle(database, delay):
    for number in range(40):
        delay(
            ["job"],
            channel=f"root.test.limits{number % 2}",
            channel_values={"capacity": 3 * (number % 2)},
            concurrency_key=f"k{number % 3}",
            identity_key=f"i{number}",
        )
    claimers = Claimers(database, "concurrency_key = 'k0'")
    claimers.run()
    assert (len(claimers.done), claimers.most) == (40, 1)


def test_a_capacity_is_never_exceeded(database, delay):
    delay(range(60), channel_values={"capacity": 2})
    claimers = Claimers(database, "true")
    claimers.run()
    assert (len(claimers.done), claimers.most) == (60, 2)


def test_a_sequential_channel_runs_its_jobs_one_by_one_in_their_order(database, delay):
    jobs = delay(range(40), channel_values={"is_sequential": True})
    claimers = Claimers(database, "true")
    claimers.run()
    assert (claimers.done, claimers.most) == (jobs, 1)


def test_a_rate_holds_over_all_workers(database, delay):
    delay(range(10), channel_values={"rate": 5, "rate_period": 1})
    Claimers(database, "true").run()
    seconds = database.value("SELECT extract(epoch FROM max(date_started) - min(date_started)) FROM queue_job")
    # five start at once, and five later, with tokens that come at a fifth of a second each
    assert seconds > 0.8


@pytest.mark.parametrize("policy", ["skip", "replace", "debounce"])
def test_what_is_delayed_between_the_claim_of_a_twin_and_its_snapshot_is_not_lost(database, delay, policy):
    delay(["first"], identity_key="k", identity_policy=policy)
    worker = Worker(database.name, "command", 1)
    try:
        leased = worker.next_job()
        database.commit(lambda env: _delay_twin(env, policy))
        worker.run(leased)
        worker.run(worker.next_job())
    finally:
        worker.close_thread()
        worker.end()
    assert [name for (name,) in database.rows("SELECT name FROM test_effect ORDER BY id")] == ["first", "second"]


def _delay_twin(env, policy):
    from odoo.addons.test_connector.jobs import leave_effect

    leave_effect.delay(
        ConnectorSession.from_env(env), "test.effect", "second", identity_key="k", identity_policy=policy
    )
