import itertools
from datetime import timedelta
from unittest.mock import patch

from lxml import etree

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import new_test_user
from odoo.tools import mute_logger

from odoo.addons.jobs_queue.exception import FailedJobError
from odoo.addons.jobs_queue.jobs import job
from odoo.addons.jobs_queue.models import queue_job_count, queue_job_failure
from odoo.addons.jobs_queue.session import ConnectorSession
from odoo.addons.jobs_queue.testing import JobsCase

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


@job
def map_record(session, model_name, field):
    """Map a record"""
    raise KeyError(field)


class FailureCase(JobsCase):
    def setUp(self):
        super().setUp()
        self.enterContext(self.enter_registry_test_mode())
        self.session = ConnectorSession.from_env(self.env)
        self.failures = self.env["queue.job.failure"]
        _healed.clear()

    def let_fail(self, *numbers, function=export_order, **options):
        """Make a job fail for each number; return the records of the jobs."""
        jobs = [function.delay(self.session, "res.partner", number, **options) for number in numbers]
        with mute_logger("odoo.addons.jobs_queue.worker"):
            self.run_jobs()
        self.env.invalidate_all()
        return self.env["queue.job"].browse([job.id for job in jobs])

    def group(self):
        """Run the scheduled action; return the failures to which the test's jobs belong."""
        known = self.failures.search([])
        self.failures._group_and_tell()
        self.env.invalidate_all()
        return self.failures.search([]) - known


class TestGrouping(FailureCase):
    def test_jobs_that_failed_in_the_same_way_are_one_failure(self):
        jobs = self.let_fail(1, 22, 333)
        failure = self.group()
        self.assertEqual(jobs.failure_id, failure)
        self.assertEqual((failure.name, failure.count, failure.failed_count), ("The shop refuses the order 1", 3, 3))
        self.assertEqual(failure.job_id, jobs[-1])
        self.assertIn("3 jobs failed like this since", failure.summary)
        self.assertEqual(failure.message, "The shop refuses the order 1")
        self.assertIn("in export_order", failure.exc_info)
        self.assertEqual(failure.place, "odoo.addons.jobs_queue.tests.test_failure: export_order")

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
        self.assertEqual(self.group().name, "Worker lost: 4711 was killed")

    def test_more_jobs_than_a_page_are_grouped(self):
        self.enterContext(patch("odoo.addons.jobs_queue.models.queue_job_failure.PAGE", 2))
        self.let_fail(*range(5))
        self.assertEqual(self.group().count, 5)

    def test_u2_the_jobs_of_a_failure_are_counted_up_to_the_bound_that_its_screens_show(self):
        self.enterContext(patch.object(queue_job_count, "BOUND", 3))
        self.let_fail(*range(5))
        many = self.group()
        self.let_fail("another", function=export_stock)
        few = self.group()
        done = self.let_fail("tax_id", function=map_record)
        none = self.group()
        done.button_done()
        failures = many | few | none
        failures.invalidate_recordset()
        self.assertEqual([failure.failed_count for failure in (many, few, none)], [4, 1, 0])
        self.assertEqual(many.count, 5)
        for kind in ("list", "kanban", "form"):
            with self.subTest(view=kind):
                view = etree.fromstring(self.failures.get_view(view_type=kind)["arch"])
                shown = view.xpath("//field[@name='failed_count'][not(@invisible or @column_invisible)]")
                self.assertEqual({field.get("widget") for field in shown}, {"jobs_queue_bounded"})

    def test_u2_jobs_of_other_companies_are_not_counted(self):
        job = self.let_fail(1)
        self.insert_like(job, "The shop refuses the order 2")
        failure = self.group()
        failure.company_id = False
        self.env.cr.execute(
            "UPDATE queue_job SET company_id = %s WHERE id = %s",
            (self.env["res.company"].create({"name": "Other company"}).id, job.id),
        )
        user = new_test_user(self.env, "jobs user", "jobs_queue.group_jobs_user")
        self.env.invalidate_all()
        self.assertEqual(failure.failed_count, 2)
        self.env.invalidate_all()
        self.assertEqual(failure.with_user(user).failed_count, 1)

    def test_u3_two_fields_are_two_failures_with_their_names_in_the_titles(self):
        self.let_fail("tax_id", "uom_id", "tax_id", function=map_record)
        self.assertEqual(
            {(f.name, f.count) for f in self.group()}, {("KeyError: 'tax_id'", 2), ("KeyError: 'uom_id'", 1)}
        )

    def test_u3_1000_messages_that_differ_by_a_sku_of_letters_are_one_failure(self):
        job = self.let_fail(1)
        skus = itertools.product("abcdefghij", repeat=3)
        for sku in map("".join, skus):
            self.insert_like(job, f"No product has the SKU {sku} in the shop")
        job.button_done()
        failure = self.group()
        self.assertEqual((len(failure), failure.count), (1, 1000))
        self.assertEqual(failure.name, "No product has the SKU aaa in the shop")

    def test_u3_messages_that_differ_by_a_word_with_an_underscore_are_one_failure(self):
        job = self.let_fail(1)
        for sku in ("blue_shirt", "red_shirt", "green_hat", "shoes_black_xl"):
            self.insert_like(job, f"No product has the SKU {sku} in the shop")
            self.insert_like(job, f"No price of '{sku}' in the list")
        job.button_done()
        self.assertEqual(sorted(self.group().mapped("count")), [4, 4])

    def test_u3_jobs_without_a_message_are_one_failure_whenever_they_are_grouped(self):
        self.enterContext(patch("odoo.addons.jobs_queue.models.queue_job_failure.PAGE", 2))
        jobs = self.let_fail(*range(5))
        self.env.cr.execute("UPDATE queue_job SET message = NULL WHERE id = ANY(%s)", (jobs.ids,))
        self.assertEqual(self.group().count, 5)

    def insert_like(self, job, message):
        """Insert a failed job that is like another one, but has another message."""
        self.env.cr.execute(
            """
            WITH failed AS (
                INSERT INTO queue_job (function, model_name, payload, state, channel_id, message, date_done, company_id, user_id)
                SELECT function, model_name, payload, state, channel_id, %(message)s, date_done, company_id, user_id
                FROM queue_job WHERE id = %(id)s RETURNING id
            )
            INSERT INTO queue_job_attempt (job_id, exc_name, exc_info)
            SELECT failed.id, exc_name, exc_info FROM failed, queue_job_attempt WHERE job_id = %(id)s
            """,
            {"message": message, "id": job.id},
        )

    def test_u3_a_title_names_the_field_that_only_the_end_of_the_message_names(self):
        job = self.let_fail(1)
        self.insert_like(job, "The operation cannot be completed.\n" + "a long explanation, " * 20 + "\nField: tax_id")
        job.button_done()
        self.assertTrue(self.group().name.endswith("(tax_id)"))


class TestLooking(FailureCase):
    def test_u2_failures_are_grouped_when_people_look_at_them(self):
        jobs = self.let_fail(*range(25))
        found = self.failures.web_search_read([("job_ids.state", "=", "failed")], {"name": {}, "failed_count": {}})
        self.assertEqual([record["failed_count"] for record in found["records"]], [25])
        self.assertTrue(jobs.failure_id)

    def test_u2_groups_of_failures_look_too(self):
        self.let_fail(1)
        self.let_fail(2, function=export_stock)
        groups = self.failures.web_read_group([("job_ids.state", "=", "failed")], ["function"], ["__count"])
        self.assertEqual(groups["length"], 2)

    def test_u2_users_without_rights_to_change_look_too(self):
        self.let_fail(1)
        user = new_test_user(self.env, "jobs user", "jobs_queue.group_jobs_user")
        found = self.failures.with_user(user).web_search_read([("job_ids.state", "=", "failed")], {"name": {}})
        self.assertEqual(found["length"], 1)

    def test_u2_the_empty_screen_never_says_that_no_job_has_failed_while_some_are_ungrouped(self):
        standard = '<p class="o_view_nocontent_smiling_face">No job has failed</p>'
        self.let_fail(1)
        for text in (self.failures.get_empty_list_help(standard), self.failures.list_warning()):
            self.assertIn("they are being grouped", text)
            self.assertNotIn("smiling", text)
        self.group()
        self.assertIn("No job has failed", self.failures.get_empty_list_help(standard))
        self.assertNotIn("being grouped", self.failures.list_warning())

    def test_u2_nobody_is_told_of_failed_jobs_of_companies_that_are_not_his(self):
        company = self.env["res.company"].create({"name": "Other company"})
        job = self.let_fail(1)
        self.env.cr.execute("UPDATE queue_job SET company_id = %s WHERE id = %s", (company.id, job.id))
        self.env.invalidate_all()
        user = new_test_user(self.env, "jobs user", "jobs_queue.group_jobs_user")
        failures = self.failures.with_user(user)
        self.assertEqual(failures.get_empty_list_help("No job has failed"), "No job has failed")
        self.assertNotIn("being grouped", failures.list_warning())
        user.company_ids += company
        failures = failures.with_context(allowed_company_ids=company.ids)
        self.assertIn("being grouped", failures.get_empty_list_help("No job has failed"))
        self.assertIn("being grouped", failures.list_warning())

    def test_u2_who_looks_does_not_wait_until_all_are_grouped(self):
        self.enterContext(patch("odoo.addons.jobs_queue.models.queue_job_failure.PAGE", 2))
        self.enterContext(patch("odoo.addons.jobs_queue.models.queue_job_failure.SECONDS_TO_LOOK", 0))
        self.let_fail(*range(5))
        found = self.failures.web_search_read([("job_ids.state", "=", "failed")], {"count": {}})
        self.assertEqual([record["count"] for record in found["records"]], [2])
        self.assertIn("being grouped", self.failures.list_warning())


class TestButtons(FailureCase):
    def test_a_group_is_requeued_as_one(self):
        jobs = self.let_fail(1, 2, 3)
        failure = self.group()
        _healed.update((1, 2, 3))
        told = failure.button_requeue()
        self.assertEqual(told["params"]["message"], "Jobs requeued: 3 of 3.")
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
        user = new_test_user(self.env, "jobs user", "jobs_queue.group_jobs_user")
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
        self.user = new_test_user(self.env, "shop keeper", "jobs_queue.group_jobs_user", email="shop@example.com")
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

    def test_s8_followers_of_a_channel_that_all_share_are_told_of_their_companies_alone(self):
        elsewhere = self.env["res.company"].create({"name": "Elsewhere"})
        group = "jobs_queue.group_jobs_user"
        people = {
            "of the company": new_test_user(self.env, "of the company", group),
            "of both": new_test_user(self.env, "of both", group, company_ids=(self.env.company + elsewhere).ids),
            "elsewhere": new_test_user(
                self.env, "elsewhere", group, company_id=elsewhere.id, company_ids=elsewhere.ids
            ),
            "employee": new_test_user(self.env, "employee", "base.group_user"),
            "portal": new_test_user(self.env, "portal", "base.group_portal"),
        }
        partners = {name: user.partner_id for name, user in people.items()}
        partners["nobody"] = self.env["res.partner"].create({"name": "Nobody", "email": "nobody@example.com"})
        people["of both"].company_id = elsewhere
        root = self.env.ref("jobs_queue.channel_root")
        for partner in partners.values():
            root.message_subscribe(partner.ids)
        self.let_fail(1)
        failure = self.group()
        notified = failure.message_ids.notified_partner_ids
        told = {name for name, partner in partners.items() if partner in notified | failure.message_partner_ids}
        self.assertEqual(told, {"of the company", "of both"})

    def test_s8_who_may_read_a_failure_no_more_is_told_no_more(self):
        self.channel.message_subscribe(self.user.partner_id.ids)
        self.let_fail(1, channel="root.shop.export")
        failure = self.group()
        elsewhere = self.env["res.company"].create({"name": "Elsewhere"})
        self.user.write({"company_id": elsewhere.id, "company_ids": elsewhere.ids})
        failure.date_told = False
        self.let_fail(2, channel="root.shop.export")
        self.group()
        self.assertEqual(len(self.messages(failure)), 1)
        self.assertNotIn(self.user.partner_id, failure.message_partner_ids)

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

    def test_failures_that_stay_do_not_keep_older_ones_from_being_deleted(self):
        self.let_fail(1)
        stays = self.group()
        jobs = self.let_fail("name", function=map_record)
        goes = self.group() - stays
        jobs.button_done()
        stays.date_last = fields.Datetime.now() - timedelta(days=31)
        goes.date_last = fields.Datetime.now() - timedelta(days=32)
        with patch.object(queue_job_failure, "_VACUUM_LIMIT", 1):
            self.assertEqual(self.failures._gc_failures(), (1, True))
        self.assertEqual((stays + goes).exists(), stays)
