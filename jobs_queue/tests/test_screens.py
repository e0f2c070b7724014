import time
from unittest import TestCase
from unittest.mock import patch

from lxml import etree

from odoo.exceptions import UserError
from odoo.tests import Form, TransactionCase, tagged
from odoo.tools import SQL, mute_logger

from odoo.addons.jobs_queue import hooks, store
from odoo.addons.jobs_queue.exception import FailedJobError
from odoo.addons.jobs_queue.jobs import buffer, job
from odoo.addons.jobs_queue.jobs.record_number import LookUp
from odoo.addons.jobs_queue.models import queue_job_count, queue_job_search
from odoo.addons.jobs_queue.session import ConnectorSession
from odoo.addons.jobs_queue.testing import JobsCase
from odoo.addons.jobs_queue.tests.menus import MenusTests


@job
def import_record(session, model_name, backend_id, external_id, force=False):
    """Import a record"""
    raise FailedJobError("The shop refuses the key")


def about_order(env, model_name, external_id, number=None):
    return external_id, number


@job(about=about_order)
def export_order(session, model_name, external_id, number=None):
    """Export an order"""


def names_of_invoices(env, keys):
    names_of_invoices.asked.append(keys)
    return {key: f"INV/{key}" for key in keys if key != "9"}


names_of_invoices.asked = []


@job(about=lambda env, model_name, external_id: (external_id, LookUp(names_of_invoices, external_id)))
def export_invoice(session, model_name, external_id):
    """Export an invoice"""


@job
def log_lines(session, model_name, fails):
    """Log two lines"""
    session.job.log("Read 2 pages")
    session.job.log("Wrote 3 records")
    if fails:
        raise FailedJobError("The shop refuses the key")


class ScreensCase(JobsCase):
    def setUp(self):
        super().setUp()
        self.session = ConnectorSession.from_env(self.env)
        self.partner = self.env["res.partner"].create({"name": "Wood Corner"})


@tagged("post_install", "-at_install")
class TestMenus(MenusTests, TransactionCase):
    root = "jobs_queue.menu_root"
    groups = ("jobs_queue.group_jobs_user", "jobs_queue.group_jobs_manager")


class TestJobScreen(ScreensCase):
    def test_arguments_are_shown_by_their_names(self):
        shown = import_record.delay(self.session, "res.partner", 1, "42", force=True).record(self.env)
        self.assertEqual(shown.arguments, "backend_id = 1\nexternal_id = '42'\nforce = True")

    def test_arguments_of_a_method_are_shown_by_their_names(self):
        shown = self.partner.with_delay().write({"name": "Wood & Corner"}).record(self.env)
        self.assertEqual(shown.arguments, f"self = {self.partner}\nvals = {{'name': 'Wood & Corner'}}")

    def test_arguments_that_the_code_does_not_know_any_more_are_shown_as_stored(self):
        shown = import_record.delay(self.session, "res.partner", 1, "42").record(self.env)
        self.env.cr.execute("UPDATE queue_job SET function = 'no.such.function' WHERE id = %s", (shown.id,))
        shown.invalidate_recordset()
        self.assertEqual(shown.arguments, '{"args":[1,"42"],"kwargs":{}}')

    def test_the_last_traceback_is_shown(self):
        failed = import_record.delay(self.session, "res.partner", 1, "42").record(self.env)
        self.run_jobs()
        self.assertIn("The shop refuses the key", failed.exc_info)

    def test_a_job_about_one_record_says_which(self):
        shown = export_order.delay(self.session, "res.partner", "1042").record(self.env)
        self.assertEqual((shown.name, shown.external_id), ("Export an order: 1042", "1042"))
        named = export_order.delay(self.session, "res.partner", "1042", "S00007").record(self.env)
        self.assertEqual(named.name, "Export an order: S00007")
        own = export_order.delay(self.session, "res.partner", "1042", description="Export it").record(self.env)
        self.assertEqual(own.name, "Export it")

    def test_the_search_box_finds_the_jobs_of_a_record_by_its_numbers_and_others_by_words(self):
        jobs = [export_order.delay(self.session, "res.partner", "1042", "S00007") for _n in range(2)]
        other = export_order.delay(self.session, "res.partner", "7", description="Export 1042 pieces").record(self.env)
        ids = {job.id for job in jobs}
        for number, others in (("1042", other), ("S00007", other.browse()), (" S00007 ", other.browse())):
            with self.subTest(number=number):
                self.assertEqual(
                    set(self.env["queue.job"].search([("name", "ilike", number)]).ids), {*ids, *others.ids}
                )
        self.assertEqual(self.env["queue.job"].search([("name", "ilike", "pieces")]), other)

    def found(self, text, operator="ilike"):
        return self.env["queue.job"].search(
            [("name", operator, text), ("function", "=", export_order.job_options.name)]
        )

    def test_u1_the_search_box_finds_what_the_list_shows(self):
        shown = export_order.delay(self.session, "res.partner", "ab_1042", "S00007").record(self.env)
        other = export_order.delay(self.session, "res.partner", "abx1042", "T1").record(self.env)
        own = export_order.delay(self.session, "res.partner", "9", description="Webhook orders/Create of Shop").record(
            self.env
        )
        self.env["queue.job.function"]._ensure({export_order.job_options.name: export_order.job_options})
        for text in ("S00007", "s00007", "S0000", "s0", shown.name, "Export an order: S0000", "ab_10", "AB_"):
            with self.subTest(text=text):
                self.assertEqual(self.found(text), shown)
                self.assertEqual(self.found(text, "not ilike"), own + other)
        for text in ("orders/create", "create", "shop", "webhook cre", "sho, web"):
            with self.subTest(text=text):
                self.assertEqual(self.found(text), own)
        for text in ("an ORDER", "test_screens.export_order", "export_ord", ""):
            with self.subTest(text=text):
                self.assertEqual(self.found(text), own + other + shown)
        for text in ("S00008", "100%", "\\", "& | !", "'", "creens", "x" * 5000, "Export an order: S00008"):
            with self.subTest(text=text):
                self.assertFalse(self.found(text))
        self.assertEqual(self.found("S00007", "="), shown)
        self.assertEqual(self.found(["ab_1042", "T1"], "in"), other + shown)
        self.assertFalse(self.found(5, "="))
        greek = export_order.delay(self.session, "res.partner", "8", "ΝΙΚΟΣ").record(self.env)
        for text in ("ΝΙΚΟΣ", "νικοσ", "Νικ"):
            with self.subTest(text=text):
                self.assertEqual(self.found(text), greek)
        method = self.partner.with_delay().write({}).record(self.env)
        self.assertEqual(self.env["queue.job"].search([("name", "ilike", "res.partner.wri")], limit=1), method)

    def test_u1_the_search_box_reads_indexes_also_where_it_finds_nothing(self):
        self.env.cr.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off")
        text = "S00008"
        numbers, words = queue_job_search._numbers([text], more="%"), queue_job_search._words(text)
        rows = self.env.execute_query(SQL("EXPLAIN %s", queue_job_search._looks([*numbers, words])))
        plan = "\n".join(line for (line,) in rows)
        for column in ("external_id", "record_name", "description"):
            self.assertIn(f"queue_job_label_{column}_idx", plan)
        self.assertNotIn("Seq Scan", plan)

    def test_u1_where_nothing_is_found_no_job_is_read(self):
        export_order.delay(self.session, "res.partner", "1", "S00007")
        self.assertTrue(self.env["queue.job"]._search([("name", "ilike", "S00008")]).is_empty())
        self.assertFalse(self.env["queue.job"]._search([("name", "ilike", "S00007")]).is_empty())

    def test_u1_an_update_lets_jobs_be_found_that_were_delayed_before(self):
        shown = export_order.delay(self.session, "res.partner", "1", "S00007").record(self.env)
        self.env.cr.execute("DELETE FROM queue_job_label")
        self.assertFalse(self.found("S00007"))
        for _times in range(2):
            hooks.post_init_hook(self.env)
        self.assertEqual(self.found("S00007"), shown)

    def test_u1_with_a_job_goes_that_by_which_it_was_found(self):
        shown = export_order.delay(self.session, "res.partner", "1", "S00007").record(self.env)
        self.cr.execute("UPDATE queue_job SET state = 'done', date_done = '2000-01-01' WHERE id = %s", [shown.id])
        store.actions.delete_ended(self.cr, 30)
        self.env.cr.execute("SELECT count(*) FROM queue_job_label WHERE id = %s", [shown.id])
        self.assertEqual(self.env.cr.fetchone(), (0,))

    def test_u1_what_very_many_jobs_have_is_found_as_what_few_have_is(self):
        shown = export_order.delay(self.session, "res.partner", "1", "S00007").record(self.env)
        other = export_order.delay(self.session, "res.partner", "2", description="S00007 again").record(self.env)
        few = self.found("S00007")
        self.patch(queue_job_search, "_MANY", 1)
        self.assertEqual(self.found("S00007"), few)
        self.assertEqual(few, other + shown)

    def test_u1_what_a_text_means_does_not_change_while_all_that_it_found_is_requeued(self):
        shop = export_order.delay(self.session, "res.partner", "1", description="Webhook of Shop").record(self.env)
        domain = [("name", "ilike", "shop")]
        found = self.env["queue.job"].search(domain)
        self.assertIn(shop, found)
        export_order.delay(self.session, "res.partner", "2", "Shop")
        self.assertLessEqual(found, self.env["queue.job"].search(domain))

    def test_a_long_number_does_not_keep_the_caller_from_committing(self):
        shown = export_order.delay(self.session, "res.partner", "x" * 6000, "a\0b").record(self.env)
        self.assertEqual((len(shown.external_id), shown.record_name), (250, "a\N{REPLACEMENT CHARACTER}b"))

    def test_item3_names_that_must_be_looked_up_are_so_once_for_all_jobs_that_are_stored_together(self):
        for number in ("7", "8", "9"):
            export_invoice.delay(self.session, "res.partner", number)
        names_of_invoices.asked.clear()
        jobs = self.delayed_jobs("export_invoice")
        self.assertEqual(jobs.mapped("record_name"), ["INV/7", "INV/8", False])
        self.assertEqual(names_of_invoices.asked, [{"7", "8", "9"}])

    def delay_about(self, session, look_up):
        """Delay a job whose name is looked up when it is stored."""
        prepared = export_order.delayable(session, "res.partner", "7")
        prepared.set_record("7", look_up)
        return prepared.delay()

    def test_item3_a_name_that_cannot_be_looked_up_keeps_nobody_from_committing(self):
        partner = self.env["res.partner"].create({"name": "Ada"})
        failures = {
            "an error": lambda env, keys: {}["7"],
            "an error of the database": lambda env, keys: env.cr.execute("SELECT 'abc'::integer"),
            "an error after a change": lambda env, keys: env["res.partner"].browse(partner.id).write({"name": "x"}) / 0,
            "no answer": lambda env, keys: None,
        }
        for what, names in failures.items():
            with self.subTest(what):
                partner.name = what
                handle = self.delay_about(self.session, LookUp(names, "7"))
                with mute_logger("odoo.sql_db"), self.assertLogs("odoo.addons.jobs_queue.jobs.record_number"):
                    self.cr.flush()
                shown = handle.record(self.env)
                self.assertEqual((shown.external_id, shown.record_name), ("7", False))
                partner.invalidate_recordset(flush=False)
                self.assertEqual(partner.name, what)

    def test_item3_nor_does_one_in_a_full_page(self):
        self.patch(buffer, "PAGE", 2)
        handles = [self.delay_about(self.session, LookUp(lambda env, keys: None, "7")) for _number in range(3)]
        self.assertEqual([handle._id is not None for handle in handles], [True, True, False])
        self.assertEqual(len({handle.id for handle in handles}), 3)

    def test_item3_jobs_of_a_full_page_that_looks_up_names_are_not_lost_if_they_cannot_be_stored(self):
        def refuse(model, job):
            raise ZeroDivisionError

        self.patch(buffer, "PAGE", 2)
        handle = self.delay_about(self.session, LookUp(names_of_invoices, "7"))
        with patch.object(type(self.env["queue.job"]), "_prepare_job_values", refuse):
            # Odoo's own assertRaises would flush first, and roll back
            TestCase.assertRaises(
                self, ZeroDivisionError, self.delay_about, self.session, LookUp(names_of_invoices, "8")
            )
        self.assertEqual(handle.record(self.env).record_name, "INV/7")

    def test_item3_what_is_no_text_is_kept_as_text(self):
        handles = [
            self.delay_about(self.session, name)
            for name in (7, False, LookUp(lambda env, keys: {"7": 7}, "7"), LookUp(lambda env, keys: {"7": b"S"}, "7"))
        ]
        self.assertEqual([handle.record(self.env).record_name for handle in handles], ["7", False, "7", "S"])

    def test_item3_what_cannot_be_a_key_of_a_name_is_refused_at_once(self):
        with self.assertRaisesRegex(TypeError, "unhashable"):
            self.delay_about(self.session, LookUp(names_of_invoices, ["7"]))

    def test_item3_an_external_id_that_is_to_be_looked_up_is_refused_at_once(self):
        prepared = export_order.delayable(self.session, "res.partner", "7")
        with self.assertRaisesRegex(TypeError, "external id of a record cannot be looked up"):
            prepared.set_record(LookUp(names_of_invoices, "7"), None)

    def test_item3_each_job_has_the_name_in_its_own_language(self):
        look_up = LookUp(lambda env, keys: {"7": f"in {env.context.get('lang')}"}, "7")
        handles = [self.delay_about(self.session.with_context(lang=lang), look_up) for lang in ("en_US", "fr_FR")]
        self.assertEqual([handle.record(self.env).record_name for handle in handles], ["in en_US", "in fr_FR"])

    def test_u5_what_a_job_has_logged_is_shown_when_it_is_done_and_when_it_has_failed(self):
        for fails, state in ((False, "done"), (True, "failed")):
            with self.subTest(state=state):
                shown = log_lines.delay(self.session, "res.partner", fails).record(self.env)
                self.run_jobs()
                self.assertEqual((shown.state, shown.log), (state, "Read 2 pages\nWrote 3 records"))
        views = self.env["queue.job"].get_views([(False, "form")])["views"]["form"]["arch"]
        form = etree.fromstring(views)
        self.assertTrue(form.xpath("//page/field[@name='log']"))
        self.assertTrue(form.xpath("//field[@name='attempt_ids']//field[@name='log']"))
        attempt = etree.fromstring(self.env["queue.job.attempt"].get_view(view_type="form")["arch"])
        self.assertTrue(attempt.xpath("//field[@name='log']"))

    def test_a_job_of_a_paused_channel_says_what_it_waits_for(self):
        channel = self.env["queue.job.channel"]._ensure("root.shop.import")
        channel.parent_id.action_pause()
        waiting = import_record.delay(self.session, "res.partner", 1, "42", channel="root.shop.import").record(self.env)
        self.assertIn("“root.shop” is paused", waiting.wait_reason)

    def test_a_job_that_no_worker_would_run_says_how_to_start_one(self):
        self.env.cr.execute("DELETE FROM queue_worker")
        waiting = import_record.delay(self.session, "res.partner", 1, "42").record(self.env)
        self.assertIn(f"odoo jobs_worker -d {self.env.cr.dbname}", waiting.wait_reason)

    def test_a_job_that_has_ended_waits_for_nothing(self):
        failed = import_record.delay(self.session, "res.partner", 1, "42").record(self.env)
        self.run_jobs()
        self.assertFalse(failed.wait_reason)


class TestChannelScreen(ScreensCase):
    def test_a_channel_is_made_on_the_form(self):
        with Form(self.env["queue.job.channel"]) as form:
            form.name = "shop"
            form.parent_id = self.env.ref("jobs_queue.channel_root")
            form.capacity = 4
        self.assertEqual(form.record.complete_name, "root.shop")

    def test_a_channel_counts_its_jobs(self):
        channel = self.env["queue.job.channel"]._ensure("root.shop")
        import_record.delay(self.session, "res.partner", 1, "42", channel="root.shop")
        self.run_jobs()
        import_record.delay(self.session, "res.partner", 1, "43", channel="root.shop")
        self.assertEqual((channel.pending_count, channel.running_count, channel.failed_count), (1, 0, 1))


class TestNumbers(ScreensCase):
    def setUp(self):
        super().setUp()
        self.enterContext(patch.object(queue_job_count, "FIRST_BOUND", 2))
        self.enterContext(patch.object(queue_job_count, "BOUND", 3))
        for number in range(5):
            export_order.delay(self.session, "res.partner", str(number))
        self.env.cr.flush()

    def panel(self, domain=(), **options):
        domain = [("function", "=", export_order.job_options.name), *domain]
        result = self.env["queue.job"].search_panel_select_range(
            "state", search_domain=domain, enable_counters=True, **options
        )
        return {value["id"]: value for value in result["values"]}

    def test_the_side_panel_counts_up_to_a_bound_and_says_so(self):
        self.assertEqual(self.panel()["pending"], {"id": "pending", "display_name": "Pending (3+)"})
        self.assertEqual(self.panel([("external_id", "=", "1")])["pending"]["__count"], 1)

    def test_u1_the_side_panel_keeps_the_states_that_no_job_has_any_more(self):
        panel = self.panel()
        self.assertEqual(len(panel), len(self.env["queue.job"]._fields["state"].selection))
        self.assertEqual(panel["failed"], {"id": "failed", "display_name": "Failed (0)"})

    def test_u1_the_side_panel_counts_right_without_an_active_language(self):
        self.enterContext(patch.object(type(self.env["res.lang"]), "_get_data", return_value=None))
        self.assertEqual(self.panel()["failed"], {"id": "failed", "display_name": "Failed (0)"})

    def test_the_side_panel_leaves_out_what_takes_long_to_count(self):
        self.enterContext(patch.object(queue_job_count, "SECONDS_TO_COUNT", 0))
        self.assertNotIn("__count", self.panel()["pending"])

    def test_where_counting_on_would_take_long_the_side_panel_says_how_many_there_are_at_least(self):
        count_until = type(self.env["queue.job"])._count_until

        def count_until_first_bound(jobs, domain, bound, until):
            return count_until(jobs, domain, bound, until) if bound == 2 else None

        self.patch(type(self.env["queue.job"]), "_count_until", count_until_first_bound)
        self.assertEqual(self.panel()["pending"], {"id": "pending", "display_name": "Pending (2+)"})

    def test_a_statement_that_took_too_long_leaves_the_transaction_usable(self):
        count = self.env["queue.job"]._count_until([("state", "=", "pending")], 3, time.monotonic() + 60)
        self.assertEqual(count, 4)
        # more rows than can be counted in the time that is left
        self.env.cr.execute(
            """
            INSERT INTO queue_job (function, payload, state)
            SELECT 'f', repeat('x', 100), 'wait_dependencies' FROM generate_series(1, 20000)
            """
        )
        slow = [("state", "=", "wait_dependencies"), ("payload", "ilike", "%x%y%x%")]
        self.assertIsNone(self.env["queue.job"]._count_until(slow, 3, time.monotonic() + 0.006))
        self.env.cr.execute("SELECT current_setting('statement_timeout')")
        self.assertEqual(self.env.cr.fetchone(), ("0",))

    def test_a_channel_counts_up_to_the_bound(self):
        self.assertEqual(self.env.ref("jobs_queue.channel_root").pending_count, 4)


class TestJobFunctionScreen(ScreensCase):
    def test_an_unreadable_retry_pattern_is_refused_by_name(self):
        function = self.env["queue.job.function"].search([], limit=1)
        with self.assertRaisesRegex(UserError, function.name):
            function.retry_pattern = "10 seconds"
