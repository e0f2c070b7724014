import time

from odoo.addons.jobs_queue.exception import FailedJobError
from odoo.addons.jobs_queue.jobs import job
from odoo.addons.jobs_queue.session import ConnectorSession
from odoo.addons.jobs_queue.testing import JobsCase


@job
def work(session, model_name, queries=0, cpu_seconds=0, fails=False):
    """Work for a while"""
    for _n in range(queries):
        session.cr.execute("SELECT 1")
    end = time.thread_time() + cpu_seconds
    while time.thread_time() < end:
        pass
    if fails:
        raise FailedJobError("It does not work")


class TestUsage(JobsCase):
    def attempt(self, **arguments):
        work.delay(ConnectorSession.from_env(self.env), "res.partner", **arguments)
        return self.run_jobs().attempt_ids

    def test_an_attempt_counts_its_queries(self):
        self.attempt()  # fills the caches
        self.assertEqual(self.attempt(queries=7).queries - self.attempt().queries, 7)

    def test_an_attempt_measures_its_time_of_the_processor(self):
        self.assertGreaterEqual(self.attempt(cpu_seconds=0.05).cpu, 0.05)

    def test_an_attempt_says_by_how_much_memory_has_grown(self):
        self.assertGreaterEqual(self.attempt().memory, 0)

    def test_a_failed_attempt_is_measured_too(self):
        attempt = self.attempt(queries=7, cpu_seconds=0.05, fails=True)
        self.assertEqual(attempt.outcome, "failed")
        self.assertGreaterEqual(attempt.queries, 7)
        self.assertGreaterEqual(attempt.cpu, 0.05)
