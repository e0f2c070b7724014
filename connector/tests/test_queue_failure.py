from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import new_test_user
from odoo.tools import mute_logger

from odoo.addons.connector.exception import FailedJobError
from odoo.addons.connector.queue.fingerprint import normalise, place_of
from odoo.addons.connector.queue.job import job
from odoo.addons.connector.session import ConnectorSession

from .common import JobsCase

_healed = set()


@job
def export_order(session, model_name, number, error="The shop refuses the order %s"):
    """Export an order"""
    if number not in _healed:
        raise FailedJobError(error % number)


@job
def export_stock(session, model_name, number):
    """Export a stock level"""
    raise FailedJobError(f"The shop refuses the order {number}")


class FailureCase(JobsCase):
    def setUp(self):
        super().setUp()
        self.enterContext(self.enter_registry_test_mode())
        self.session = ConnectorSession.from_env(self.env)
        self.failures = self.env["queue.job.failure"]
        _healed.clear()

    def let_fail(self, *numbers, function=export_order, **options):
        """Let a job fail for each number; return their records."""
        jobs = [function.delay(self.session, "res.partner", number, **options) for number in numbers]
        with mute_logger("odoo.addons.connector.queue.worker"):
            self.run_jobs()
        self.env.invalidate_all()
        return self.env["queue.job"].browse([job.id for job in jobs])

    def group(self):
        """Run the scheduled action; return the failures that the test's jobs belong to."""
        known = self.failures.search([])
        self.failures._group_and_tell()
        self.env.invalidate_all()
        return self.failures.search([]) - known


class TestGrouping(FailureCase):
    def test_what_differs_from_job_to_job_in_a_message_does_not_count(self):
        self.assertEqual(
            normalise(
                "Order 42 of 'Ada' (0x7f3a, 6ba7b810-9dad-11d1-80b4-00c04fd430c8) isn't paid: 1,200.50 EUR\nmore"
            ),
            "Order … of … (…, …) isn't paid: … EUR",
        )

    def test_the_place_is_the_last_line_of_an_addon_in_the_traceback(self):
        traceback = (
            'Traceback (most recent call last):\n  File "/srv/odoo/addons/shop/models/order.py", line 12, in export\n    x\n'
            '  File "/usr/lib/python3/requests/api.py", line 59, in get\n    y\nValueError: no\n'
        )
        self.assertEqual(place_of(traceback), "shop/models/order.py: export")

    def test_jobs_that_failed_in_the_same_way_are_one_failure(self):
        jobs = self.let_fail(1, 22, 333)
        failure = self.group()
        self.assertEqual(jobs.failure_id, failure)
        self.assertEqual((failure.name, failure.count, failure.failed_count), ("The shop refuses the order …", 3, 3))
        self.assertEqual(failure.job_id, jobs[-1])
        self.assertIn("3 jobs failed like this since", failure.summary)
        self.assertEqual(failure.message, "The shop refuses the order 1")
        self.assertIn("in export_order", failure.exc_info)
        self.assertTrue(failure.place.endswith("tests/test_queue_failure.py: export_order"))

    def test_another_function_or_message_or_company_is_another_failure(self):
        self.let_fail(1)
        self.let_fail(2, function=export_stock)
        self.let_fail(3, error="The shop does not answer to %s")
        other = self.env["res.company"].create({"name": "Other company"})
        self.session = ConnectorSession.from_env(self.env(context={"allowed_company_ids": other.ids}))
        self.let_fail(4)
        self.assertEqual(self.group().mapped("count"), [1, 1, 1, 1])

    def test_a_later_failure_joins_the_group_and_each_failure_counts_once(self):
        self.let_fail(1)
        failure = self.group()
        self.let_fail(2)
        self.assertFalse(self.group())
        self.failures._group_and_tell()
        failure.invalidate_recordset()
        self.assertEqual((failure.count, failure.failed_count), (2, 2))

    def test_a_job_whose_worker_was_lost_belongs_to_a_group_too(self):
        job = export_order.delay(self.session, "res.partner", 1).record(self.env)
        self.env.cr.execute(
            "UPDATE queue_job SET state = 'failed', date_done = now(), message = 'Worker lost: 4711 was killed' WHERE id = %s",
            (job.id,),
        )
        self.assertEqual(self.group().name, "Worker lost: … was killed")

    def test_more_jobs_than_a_page_are_grouped(self):
        self.enterContext(patch("odoo.addons.connector.queue.model.queue_job_failure.PAGE", 2))
        self.let_fail(*range(5))
        self.assertEqual(self.group().count, 5)


class TestButtons(FailureCase):
    def test_a_group_is_requeued_as_one(self):
        jobs = self.let_fail(1, 2, 3)
        failure = self.group()
        _healed.update((1, 2, 3))
        told = failure.button_requeue()
        self.assertEqual(told["params"]["message"], "3 of 3 jobs requeued.")
        self.assertEqual(set(jobs.mapped("state")), {"pending"})
        self.assertFalse(jobs.failure_id)
        self.run_jobs()
        self.assertEqual(set(jobs.mapped("state")), {"done"})
        self.assertEqual((failure.count, failure.failed_count), (3, 0))

    def test_a_group_is_cancelled_as_one(self):
        jobs = self.let_fail(1, 2)
        self.group().button_cancel()
        self.assertEqual(set(jobs.mapped("state")), {"cancelled"})

    def test_jobs_that_are_not_failed_any_more_are_left_alone(self):
        first, second = self.let_fail(1, 2)
        failure = self.group()
        first.button_done()
        failure.button_requeue()
        self.assertEqual((first.state, second.state), ("done", "pending"))

    def test_a_job_that_fails_again_counts_again(self):
        self.let_fail(1)
        failure = self.group()
        failure.button_requeue()
        self.run_jobs()
        self.group()
        self.assertEqual((failure.count, failure.failed_count), (2, 1))

    def test_users_press_no_button(self):
        self.let_fail(1)
        user = new_test_user(self.env, "connector user", "connector.group_connector_user")
        failure = self.group().with_user(user)
        self.assertEqual(failure.count, 1)
        for button in (failure.button_requeue, failure.button_cancel):
            with self.assertRaises(AccessError):
                button()

    def test_the_jobs_still_failed_open(self):
        jobs = self.let_fail(1, 2)
        failure = self.group()
        jobs[0].button_done()
        self.assertEqual(self.env["queue.job"].search(failure.action_open_jobs()["domain"]), jobs[1])


class TestDigest(FailureCase):
    def setUp(self):
        super().setUp()
        self.user = new_test_user(self.env, "shop keeper", "connector.group_connector_user", email="shop@example.com")
        self.channel = self.env["queue.job.channel"]._ensure("root.shop.export")

    def messages(self, failure):
        return failure.message_ids.filtered(lambda message: self.user.partner_id in message.notified_partner_ids)

    def test_followers_of_a_channel_get_one_message_for_many_jobs_below_it(self):
        self.channel.parent_id.message_subscribe(self.user.partner_id.ids)
        self.let_fail(1, 2, 3, channel="root.shop.export")
        message = self.messages(self.group())
        self.assertEqual(len(message), 1)
        self.assertIn("3 jobs failed like this since", message.body)
        self.assertIn("The shop refuses the order 1", message.body)

    def test_what_fails_in_another_channel_is_not_told(self):
        self.channel.message_subscribe(self.user.partner_id.ids)
        self.let_fail(1)
        self.assertFalse(self.messages(self.group()))

    def test_s2_what_a_job_failed_with_is_text_to_them(self):
        error = '<a href="https://evil.example">log in again</a> <img src="https://evil.example/x.png"> https://evil.example %s'
        self.channel.message_subscribe(self.user.partner_id.ids)
        self.let_fail(1, error=error, channel="root.shop.export")
        message = self.messages(self.group())
        self.assertIn("&lt;a href=", message.body)
        for tag in ("<a", "<img"):
            self.assertNotIn(tag, message.body)

    def test_while_it_goes_on_they_get_one_message_a_day(self):
        self.channel.message_subscribe(self.user.partner_id.ids)
        self.let_fail(1, channel="root.shop.export")
        failure = self.group()
        self.let_fail(2, 3, channel="root.shop.export")
        self.group()
        self.assertEqual(len(self.messages(failure)), 1)
        failure.date_told = fields.Datetime.now() - timedelta(days=1, minutes=1)
        self.group()
        self.group()
        self.assertEqual(len(self.messages(failure)), 2)
        self.assertIn("New since the last message: 2.", self.messages(failure)[0].body)

    def test_who_follows_a_failure_no_more_hears_nothing_of_it(self):
        self.channel.message_subscribe(self.user.partner_id.ids)
        self.let_fail(1, channel="root.shop.export")
        failure = self.group()
        failure.message_unsubscribe(self.user.partner_id.ids)
        failure.date_told = False
        self.let_fail(2, channel="root.shop.export")
        self.group()
        self.assertEqual(len(self.messages(failure)), 1)


class TestCleaning(FailureCase):
    def test_failures_are_deleted_when_they_are_old_and_no_job_is_failed_any_more(self):
        jobs = self.let_fail(1)
        failure = self.group()
        failure.date_last = fields.Datetime.now() - timedelta(days=31)
        self.failures._gc_failures()
        self.assertTrue(failure.exists())
        jobs.button_done()
        failure.invalidate_recordset()
        self.failures._gc_failures()
        self.assertFalse(failure.exists())
