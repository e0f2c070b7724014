"""What tests of a connector need: run the jobs of a test for real, inside the test's own transaction."""

import contextlib
import os
import uuid

from odoo.tests import TransactionCase

from odoo.addons.connector.exception import LeaseLost
from odoo.addons.connector.queue import store
from odoo.addons.connector.queue.job import function_options
from odoo.addons.connector.queue.queue import JobsQueue
from odoo.addons.connector.queue.worker import Worker


class JobsCase(TransactionCase):
    """A test case that runs what it has delayed.

    ::

        record.with_delay().export_record()
        job = self.run_jobs()
        self.assertEqual(job.state, "done")
    """

    def run_jobs(self):
        """Run the runnable jobs of this transaction, and those that they delay, as a worker does: claimed, decoded, as their user.

        Each job has a savepoint in place of a transaction. Jobs with an eta and retried ones stay scheduled.

        :return: the ``queue.job`` records that were run, in their order
        """
        self.env.flush_all()
        self.env.cr.flush()
        ids = _WorkerInTransaction(self.env).run_all()
        self.env.invalidate_all()
        return self.env["queue.job"].browse(ids)

    def delayed_jobs(self, function=None):
        """Return the ``queue.job`` records that wait to be run, oldest first.

        :param function: keep those whose function's name ends so
        """
        jobs = self.env["queue.job"].search(
            [("state", "in", ("pending", "scheduled", "wait_dependencies"))], order="id"
        )
        return jobs.filtered(lambda job: job.function.endswith(function)) if function else jobs


class _WorkerInTransaction(Worker):
    """A worker whose claims, marks and jobs all happen on the cursor of a test."""

    def __init__(self, env):
        self.env = env
        self.dbname = env.cr.dbname
        self.name = "test"
        self.queue = JobsQueue()
        self.ran = {}
        self.id = store.register_worker(env.cr, str(uuid.uuid4()), "test", os.getpid(), "command", 1, (None, None))

    def run_all(self):
        while jobs := store.claim(self.env.cr, self.id, 1, 1):
            for leased in jobs:
                self._runs, self._job_seconds = {}, 0
                self.run(leased)
        store.end_worker(self.env.cr, self.id)
        return list(self.ran)

    @contextlib.contextmanager
    def _store(self):
        yield self.env.cr

    def _run_once(self, job):
        cr = self.env.cr
        job.run.executes_on(cr)
        self.ran.update((member.id, True) for member in job.members)
        with cr.savepoint():
            env = job.environment(cr)
            job.perform(env)
            env.flush_all()
            cr.flush()
            if not job.complete(cr, self.id, self.name):
                raise LeaseLost(f"{job!r} is not this worker's any more")

    def _wake_others(self):
        pass

    def _options(self, job):
        return function_options(self.env, job.function)
