from odoo.exceptions import UserError
from odoo.tests import Form, new_test_user, tagged

from odoo.addons.connector.exception import FailedJobError
from odoo.addons.connector.queue.job import job
from odoo.addons.connector.session import ConnectorSession

from .common import JobsCase


@job
def import_record(session, model_name, backend_id, external_id, force=False):
    """Import a record"""
    raise FailedJobError("The shop refuses the key")


class ScreensCase(JobsCase):
    def setUp(self):
        super().setUp()
        self.session = ConnectorSession.from_env(self.env)
        self.partner = self.env["res.partner"].create({"name": "Wood Corner"})


@tagged("post_install", "-at_install")
class TestMenus(ScreensCase):
    def test_each_screen_opens_for_users_and_managers(self):
        for group in ("user", "manager"):
            user = new_test_user(self.env, f"connector {group}", f"connector.group_connector_{group}")
            for action in self.actions(user):
                with self.subTest(group=group, action=action.name):
                    views = [(False, kind) for kind in action.view_mode.split(",")] + [
                        (action.search_view_id.id, "search")
                    ]
                    model = self.env[action.res_model].with_user(user)
                    model.get_views(views)
                    model.search([], limit=1).read()

    def test_each_empty_screen_says_what_it_is_for(self):
        for action in self.actions():
            with self.subTest(action=action.name):
                self.assertIn("o_view_nocontent_smiling_face", action.help)

    def actions(self, user=None):
        """Return the actions of the connector's menus that a user sees, by default of all."""
        root = self.env.ref("connector.menu_connector_root")
        menus = self.env["ir.ui.menu"].search([("id", "child_of", root.id), ("action", "!=", False)])
        menus = menus.with_user(user)._filter_visible_menus().sudo() if user else menus
        actions = [menu.action for menu in menus if menu._get_external_ids()[menu.id][0].startswith("connector.")]
        self.assertTrue(actions)
        return actions


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

    def test_a_job_of_a_paused_channel_says_what_it_waits_for(self):
        channel = self.env["queue.job.channel"]._ensure("root.shop.import")
        channel.parent_id.action_pause()
        waiting = import_record.delay(self.session, "res.partner", 1, "42", channel="root.shop.import").record(self.env)
        self.assertIn("“root.shop” is paused", waiting.wait_reason)

    def test_a_job_that_no_worker_would_run_says_how_to_start_one(self):
        self.env.cr.execute("DELETE FROM queue_worker")
        waiting = import_record.delay(self.session, "res.partner", 1, "42").record(self.env)
        self.assertIn(f"odoo connector_worker -d {self.env.cr.dbname}", waiting.wait_reason)

    def test_a_job_that_has_ended_waits_for_nothing(self):
        failed = import_record.delay(self.session, "res.partner", 1, "42").record(self.env)
        self.run_jobs()
        self.assertFalse(failed.wait_reason)


class TestChannelScreen(ScreensCase):
    def test_a_channel_is_made_on_the_form(self):
        with Form(self.env["queue.job.channel"]) as form:
            form.name = "shop"
            form.parent_id = self.env.ref("connector.channel_root")
            form.capacity = 4
        self.assertEqual(form.record.complete_name, "root.shop")

    def test_a_channel_counts_its_jobs(self):
        channel = self.env["queue.job.channel"]._ensure("root.shop")
        import_record.delay(self.session, "res.partner", 1, "42", channel="root.shop")
        self.run_jobs()
        import_record.delay(self.session, "res.partner", 1, "43", channel="root.shop")
        self.assertEqual((channel.pending_count, channel.running_count, channel.failed_count), (1, 0, 1))


class TestJobFunctionScreen(ScreensCase):
    def test_an_unreadable_retry_pattern_is_refused_by_name(self):
        function = self.env["queue.job.function"].search([], limit=1)
        with self.assertRaisesRegex(UserError, function.name):
            function.retry_pattern = "10 seconds"
