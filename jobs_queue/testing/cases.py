"""Test case for code that delays jobs: they really run, in the transaction of the test."""

import contextlib
import os
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime
from unittest.mock import patch

from freezegun import freeze_time

from odoo.api import Environment
from odoo.models import BaseModel
from odoo.sql_db import BaseCursor
from odoo.tests import TransactionCase

from .. import store
from ..exception import LeaseLost
from ..jobs import JobBatch, RunningJob, function_options
from ..jobs.options import JobOptions
from ..store.claiming import LeasedJob
from ..worker import Worker
from ..worker.backoff import Backoff
from ..worker.jobs_queue import JobsQueue
from ..worker.runner import JobRunner
from .trap import TrappedJobs


class JobsCase(TransactionCase):
    """A test case that runs the jobs that it has delayed.

    ::

        with self.trap_jobs() as trap:
            binding.odoo_id.action_confirm()
        trap.assert_delayed(export_record, binding_id=binding.id)

        job = self.run_jobs()
        self.assertFailed(job, "The shop refuses the order")
    """

    def run_jobs(self, at: datetime | None = None) -> BaseModel:
        """Run the runnable jobs of this transaction, and those that they delay, as a worker does.

        The jobs are claimed and decoded, and run as their user. :meth:`after_commit` is called
        before the first job and after each of them. The jobs also run in ``at_install`` tests,
        while other addons are still to be installed.

        Each job has savepoints instead of transactions. It may commit them and roll them back.

        :param at: naive UTC datetime. Jobs whose eta has come by then are run too, also for another
            attempt, and Python's clock stands still at that time. None: jobs with an eta and jobs
            that are tried again stay scheduled.
        :return: the ``queue.job`` records that were run, in this order
        """
        self.after_commit()
        self.env.flush_all()
        self.env.cr.flush()
        if at:
            # the clock of the database cannot be set
            self.env.cr.execute(
                "UPDATE queue_job SET eta = now() AT TIME ZONE 'UTC' WHERE state = 'scheduled' AND eta <= %s", (at,)
            )
            store.upkeep.schedule_due(self.env.cr)
        with freeze_time(at) if at else contextlib.nullcontext():
            ids = WorkerInTransaction(self.env, self.after_commit).run_all()
        self.env.invalidate_all()
        return self.env["queue.job"].browse(ids)

    def after_commit(self) -> None:
        """Do what would follow a commit; a test has none.

        Addons that do something after a commit extend this.
        """

    @contextlib.contextmanager
    def trap_jobs(self) -> Iterator[TrappedJobs]:
        """Collect the jobs that are delayed in the block.

        None of them runs before :meth:`run_jobs`.
        """
        before = self.env["queue.job"].search([], order="id desc", limit=1).id or 0
        trap = TrappedJobs(self)
        yield trap
        trap.jobs = self.env["queue.job"].search([("id", ">", before)], order="id")

    def assertDone(self, jobs: BaseModel) -> None:
        """Assert that jobs, at least one, are done; for the others the message gives the reason."""
        self.assertTrue(jobs, "No job was run")
        others = jobs.filtered(lambda job: job.state != "done")
        self.assertFalse(others, "".join(f"\n{job.name}: {job.state}, {job.message}\n{job.exc_info}" for job in others))

    def assertFailed(self, job: BaseModel, message: str) -> None:
        """Assert that a job has failed.

        :param message: regular expression for the job's message
        """
        self.assertEqual(job.state, "failed")
        self.assertRegex(job.message, message)

    def delayed_jobs(self, function: str | None = None) -> BaseModel:
        """Return the ``queue.job`` records that wait to be run, oldest first.

        :param function: keep only those whose function's name ends with this
        """
        jobs = self.env["queue.job"].search(
            [("state", "in", ("pending", "scheduled", "wait_dependencies"))], order="id"
        )
        return jobs.filtered(lambda job: job.function.endswith(function)) if function else jobs


@contextlib.contextmanager
def _transaction_of_a_job(cr: BaseCursor) -> Iterator[None]:
    """Begin a savepoint instead of a transaction.

    Each commit and rollback of the job ends it and begins another.
    """
    savepoint = cr.savepoint()

    def begin_anew(rollback: bool) -> None:
        nonlocal savepoint
        savepoint.close(rollback=rollback)
        cr.clear()
        savepoint = cr.savepoint()

    commit = patch.object(cr, "commit", lambda: begin_anew(rollback=False))
    rollback = patch.object(cr, "rollback", lambda: begin_anew(rollback=True))
    with commit, rollback:
        try:
            yield
        except BaseException:
            savepoint.close(rollback=True)
            raise
        savepoint.close(rollback=False)


class WorkerInTransaction(Worker):
    """A worker whose claims, marks and jobs are all on the cursor of a test.

    :param after_commit: called after each job
    """

    def __init__(self, env: Environment, after_commit: Callable[[], object] = lambda: None) -> None:
        self.env = env
        self.after_commit = after_commit
        self.dbname = env.cr.dbname
        self.name = "test"
        self.queue = JobsQueue()
        self.backoff = Backoff()
        self.id = store.workers.register(env.cr, str(uuid.uuid4()), "test", os.getpid(), "command", 1, (None, None))

    def run_all(self) -> list[int]:
        transactions = _Savepoints(self)
        self.runner = JobRunner(self, transactions)  # type: ignore[arg-type]  # they do the same, in savepoints
        store.channels.regardless_of_modules(self.env.cr, True)
        while jobs := self._next_jobs():
            for leased in jobs:
                self.run(leased)
        store.channels.regardless_of_modules(self.env.cr, False)
        store.workers.end_worker(self.env.cr, self.id)
        return list(transactions.ran)

    def _next_jobs(self) -> list[LeasedJob]:
        # a commit would do this, for all of them
        while store.dependencies.release_all_unchecked(self.env.cr):
            pass
        return store.claiming.claim(self.env.cr, self.id, 1, 1)

    @contextlib.contextmanager
    def raw_cursor(self) -> Iterator[BaseCursor]:
        yield self.env.cr

    def options_of(self, job: LeasedJob) -> JobOptions:
        return function_options(self.env, job.function)

    def could_not_start(self, job: LeasedJob, error: BaseException) -> None:
        raise error

    def wake_others(self) -> None:
        pass


class _Savepoints:
    """Run the jobs of a worker in savepoints of a test's transaction."""

    def __init__(self, worker: WorkerInTransaction) -> None:
        self.ran: dict[int, bool] = {}
        self._worker = worker

    def run(self, job: RunningJob | JobBatch) -> None:
        cr = self._worker.env.cr
        job.run.executes_on(cr)
        self.ran.update((member.id, True) for member in job.members)
        with _transaction_of_a_job(cr):
            env = job.environment(cr)
            job.perform(env)
            env.flush_all()
            cr.flush()
            if not job.complete(cr, self._worker):
                raise LeaseLost(f"{job!r} is not this worker's any more")
        self._worker.after_commit()
