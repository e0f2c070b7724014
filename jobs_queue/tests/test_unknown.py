import logging
from unittest.mock import patch

from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.jobs_queue import store
from odoo.addons.jobs_queue.jobs import arguments, job
from odoo.addons.jobs_queue.jobs.arguments import register_type
from odoo.addons.jobs_queue.jobs.functions import find_function
from odoo.addons.jobs_queue.session import ConnectorSession
from odoo.addons.jobs_queue.testing import JobsCase

_calls = []


@job(group_size=5)
def count_together(session, model_name, calls):
    """Count calls"""
    _calls.append(len(calls))
    return [None] * len(calls)


@job
def count(session, model_name, number):
    """Count a call"""
    _calls.append(number)


@job
def find_unknown(session, model_name, number):
    """Count a call, and look up a function that does not exist here

    Code that runs another job at once does such a look-up.
    """
    _calls.append(number)
    find_function(session.env, "res.partner.gone")


@job
def read_unknown(session, model_name, number):
    """Count a call, and decode a result of another job that names what does not exist here"""
    _calls.append(number)
    arguments.decode('{"$records": ["gone.model", [1]]}', session.env)


@job(group_size=5)
def find_unknown_together(session, model_name, calls):
    """Count calls, and look up a function that does not exist here"""
    _calls.append(len(calls))
    find_function(session.env, "res.partner.gone")


class Money:
    """A value of a type that an addon stores."""


@tagged("post_install", "-at_install")
class TestUnknown(JobsCase):
    """Jobs that the code of their worker does not know."""

    def setUp(self):
        super().setUp()
        self.session = ConnectorSession.from_env(self.env)
        _calls.clear()

    def _delay(self, assignment="function = 'odoo.addons.jobs_queue.tests.test_unknown.gone'", function=count):
        record = function.delay(self.session, "res.partner", 1).record(self.env)
        self.cr.execute(f"UPDATE queue_job SET {assignment} WHERE id = %s", [record.id])
        return record

    def _run_due(self):
        self.cr.execute("UPDATE queue_job SET eta = now() AT TIME ZONE 'UTC' WHERE state = 'scheduled'")
        store.upkeep.schedule_due(self.cr)
        self.run_jobs()

    def _let_minutes_pass(self, minutes):
        self.cr.execute(
            "UPDATE queue_job_attempt SET date_started = date_started - %s * interval '1 minute'", [minutes]
        )

    def test_f7_what_this_worker_does_not_know_is_given_back_without_counting_a_try(self):
        for assignment, culprit in (
            ("function = 'odoo.addons.jobs_queue.tests.test_unknown.gone'", "test_unknown.gone"),
            ("function = 'odoo.addons.jobs_queue.jobs.arguments.decode'", "jobs.arguments.decode"),
            ("function = 'odoo.addons.gone.models.f'", "The addon “gone”"),
            ("function = 'odoo.addons.jobs_queue.gone.f'", "module “odoo.addons.jobs_queue.gone”"),
            ("function = 'gone.model.write'", "gone.model"),
            ("function = 'res.partner.gone'", "method “gone”"),
            ("""payload = '{"args":[{"$from_the_future":1}],"kwargs":{}}'""", "$from_the_future"),
            ("""payload = '{"args":[{"$records":["gone.model",[1]]}],"kwargs":{}}'""", "gone.model"),
        ):
            with self.subTest(assignment):
                record = self._delay(assignment)
                self.run_jobs()
                self.assertEqual((record.state, record.retry, record.attempt_ids.outcome), ("scheduled", 0, "unknown"))
                self.assertIn(culprit, record.message)
                self.assertIn("whose code does not know it", record.message)

    def test_f7_the_screen_says_how_often_it_was_given_back_until_it_has_ended(self):
        record = self._delay()
        self.run_jobs()
        self._run_due()
        self.env.invalidate_all()
        self.assertEqual((record.given_back, record.retry), (2, 0))
        self.cr.execute("UPDATE queue_job SET function = %s WHERE id = %s", [count.job_options.name, record.id])
        self._run_due()
        self.env.invalidate_all()
        self.assertEqual((record.state, record.given_back), ("done", 0))

    def test_f7_it_is_tried_again_in_ten_seconds(self):
        record = self._delay()
        self.run_jobs()
        self.assertAlmostEqual((record.eta - record.attempt_ids.date_ended).total_seconds(), 10, delta=2)

    def test_f7_a_worker_that_knows_it_does_it(self):
        record = self._delay()
        self.run_jobs()
        self.cr.execute("UPDATE queue_job SET function = %s WHERE id = %s", [count.job_options.name, record.id])
        self._run_due()
        self.env.invalidate_all()
        self.assertEqual((record.state, _calls), ("done", [1]))
        self.assertEqual(record.attempt_ids.mapped("outcome"), ["done", "unknown"])

    def test_f7_tries_in_a_row_are_one_attempt_that_counts_them(self):
        record = self._delay()
        self.run_jobs()
        for _time in range(3):
            self._run_due()
        self.env.invalidate_all()
        self.assertEqual(record.attempt_ids.mapped("times"), [4])

    def test_f7_it_fails_when_no_worker_has_known_it_for_an_hour_and_says_what_to_do(self):
        record = self._delay("function = 'odoo.addons.gone.models.f'")
        self.run_jobs()
        self._let_minutes_pass(59)
        self._run_due()
        self.env.invalidate_all()
        self.assertEqual(record.state, "scheduled")
        self._let_minutes_pass(1)
        with mute_logger("odoo.addons.jobs_queue.worker"):
            self._run_due()
        self.env.invalidate_all()
        self.assertFailed(record, "for 60 minutes: The addon “gone”.*requeue the job")

    def test_f7_the_hour_begins_again_after_another_outcome(self):
        record = self._delay()
        self.run_jobs()
        self._let_minutes_pass(61)
        self.cr.execute("INSERT INTO queue_job_attempt (job_id, outcome) VALUES (%s, 'interrupted')", [record.id])
        self._run_due()
        self.env.invalidate_all()
        self.assertEqual(record.state, "scheduled")

    @mute_logger("odoo.addons.jobs_queue.worker")
    def test_f7_the_hour_is_a_system_parameter(self):
        self.env["ir.config_parameter"].set_param("jobs_queue.unknown_job_minutes", "0")
        record = self._delay()
        self.run_jobs()
        self.assertFailed(record, "gone.* is not a job function")

    def test_f7_a_parameter_that_is_no_number_is_told_in_the_log(self):
        self.env["ir.config_parameter"].set_param("jobs_queue.unknown_job_minutes", "an hour")
        record = self._delay()
        with self.assertLogs("odoo.addons.jobs_queue.worker.unknown", logging.WARNING) as logs:
            self.run_jobs()
        self.assertIn("'an hour', not a number of minutes: 60 is used", logs.output[0])
        self.assertEqual(record.state, "scheduled")

    def test_f7_in_a_sequential_channel_it_keeps_its_place(self):
        self.env["queue.job.channel"]._ensure("root.one").is_sequential = True
        record = count.delay(self.session, "res.partner", 1, channel="root.one").record(self.env)
        count.delay(self.session, "res.partner", 2, channel="root.one").record(self.env)
        self.cr.execute("UPDATE queue_job SET function = 'res.partner.gone' WHERE id = %s", [record.id])
        self.run_jobs()
        self.assertEqual(record.state, "scheduled")
        self.assertEqual(_calls, [])

    @mute_logger("odoo.addons.jobs_queue.worker")
    def test_f7_what_an_addon_cannot_read_of_its_own_type_is_not_unknown(self):
        def missing(_stored):
            return {}["gone"]

        for decode in (missing, lambda stored: stored[3], lambda stored: 1 // 0, lambda stored: int("x")):
            with self.subTest(decode=decode), patch.dict(arguments._types), patch.dict(arguments._tags):
                register_type(Money, "money", lambda money: 1, decode)
                record = self._delay("""payload = '{"args":[[{"$jobs_queue.money":1}]],"kwargs":{}}'""")
                self.run_jobs()
                self.assertFailed(record, "unreadable jobs_queue.money")

    @mute_logger("odoo.addons.jobs_queue.worker")
    def test_f7_what_the_code_itself_finds_unknown_is_an_error_as_any_other(self):
        for function in (find_unknown, read_unknown, find_unknown_together):
            with self.subTest(function.__name__):
                _calls.clear()
                record = function.delay(self.session, "res.partner", 1).record(self.env)
                self.run_jobs()
                self.assertFailed(record, "gone")
                self.assertEqual((_calls, record.retry), ([1], 1))

    def test_f7_of_a_batch_the_others_are_done(self):
        jobs = [self._delay("function = function", count_together) for _number in range(3)]
        unknown = self._delay("""payload = '{"args":[{"$from_the_future":1}],"kwargs":{}}'""", count_together)
        self.cr.execute("UPDATE queue_job SET group_key = %s WHERE id = %s", [jobs[0].group_key, unknown.id])
        self.run_jobs()
        self.assertEqual([record.state for record in jobs], ["done"] * 3)
        self.assertEqual(unknown.state, "scheduled")
