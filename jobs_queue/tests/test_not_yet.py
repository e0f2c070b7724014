"""Jobs that wait for something outside."""

from odoo.addons.jobs_queue import store
from odoo.addons.jobs_queue.exception import NotYet, RetryableJobError
from odoo.addons.jobs_queue.jobs import job
from odoo.addons.jobs_queue.session import ConnectorSession
from odoo.addons.jobs_queue.testing import JobsCase

_outcomes = {}


def _look(name):
    if error := _outcomes.get(name):
        raise error
    return f"{name} came"


@job
def look(session, model_name, name):
    """Look whether something has come"""
    return _look(name)


@job(group_size=10)
def look_at_many(session, model_name, calls):
    """Look whether some things have come"""
    return [_look(name) for _number, name in calls]


class TestNotYet(JobsCase):
    def setUp(self):
        super().setUp()
        self.session = ConnectorSession.from_env(self.env)
        self.addCleanup(_outcomes.clear)

    def run_look(self, name="payment", **options):
        record = look.delay(self.session, None, name, **options).record(self.env)
        self.run_jobs()
        return record

    def run_again(self, record):
        self.env.cr.execute("UPDATE queue_job SET eta = now() AT TIME ZONE 'UTC' WHERE id = %s", [record.id])
        self.run_jobs(at=self.env.cr.now())

    def wait_for(self, name="payment", **options):
        _outcomes[name] = NotYet(f"The {name} is not there", **options)

    def test_it_waits_without_a_try_or_an_error_and_runs_when_it_has_come(self):
        self.wait_for()
        job_ = self.run_look(max_retries=1)
        self.assertEqual((job_.state, job_.retry, job_.waits_for), ("scheduled", 0, "The payment is not there"))
        attempt = job_.attempt_ids
        self.assertEqual((attempt.outcome, attempt.exc_name, attempt.exc_info), ("waits", False, False))
        del _outcomes["payment"]
        self.run_again(job_)
        self.assertEqual((job_.state, job_.message), ("done", "payment came"))

    def test_after_its_days_it_fails_and_says_for_what_it_has_waited(self):
        self.wait_for(give_up_days=7)
        job_ = self.run_look()
        self.env.cr.execute(
            "UPDATE queue_job SET waits_since = waits_since - interval '8 days' WHERE id = %s", [job_.id]
        )
        self.run_again(job_)
        self.assertFailed(job_, "Gave up after 8 days: The payment is not there")

    def test_another_error_is_shown_as_such_and_the_days_go_on(self):
        self.wait_for()
        job_ = self.run_look()
        since = job_.waits_since
        _outcomes["payment"] = RetryableJobError("No connection")
        self.run_again(job_)
        self.assertEqual((job_.state, job_.waits_for, job_.waits_since), ("scheduled", False, since))

    def test_a_sequential_channel_does_not_wait_for_it(self):
        self.env["queue.job.channel"]._ensure("root.test.sequential").is_sequential = True
        self.wait_for()
        channel = {"channel": "root.test.sequential"}
        first = look.delay(self.session, None, "payment", **channel).record(self.env)
        second = look.delay(self.session, None, "parcel", **channel).record(self.env)
        self.run_jobs()
        self.assertEqual((first.state, second.state), ("scheduled", "done"))

    def test_of_a_batch_only_those_wait_that_have_to(self):
        self.wait_for()
        jobs = [look_at_many.delay(self.session, None, 1, name).record(self.env) for name in ("a", "payment", "b")]
        self.run_jobs()
        self.assertEqual([job_.state for job_ in jobs], ["done", "scheduled", "done"])

    def test_run_now_looks_at_once_and_gives_it_all_its_days_again(self):
        self.wait_for()
        job_ = self.run_look()
        store.actions.requeue(self.env.cr, job_.ids)
        self.env.invalidate_all()
        self.assertEqual((job_.state, job_.waits_for, job_.waits_since), ("pending", False, False))
