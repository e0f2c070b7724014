"""The buttons that import or export the record of a binding now."""

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import new_test_user

from odoo.addons.connector.testing import JobsCase, Roles
from odoo.addons.connector.unit.exporter.record import RecordExporter, export_record
from odoo.addons.connector.unit.importer.record import RecordImporter
from odoo.addons.connector.unit.jobs.keys import export_identity
from odoo.addons.jobs_queue import store

from .common import ShopCase


class TestSynchronizeNow(Roles, ShopCase, JobsCase):
    def setUp(self):
        super().setUp()
        self.shop.add("test.shop.partner", 42, name="Theirs", changed="1")
        self.unit(RecordImporter).run(42)
        self.binding = self.Partner.search([("backend_id", "=", self.backend.id), ("external_id", "=", "42")])

    def test_a_record_is_imported_though_nothing_has_changed_there(self):
        self.binding.name = "Ours"
        self.binding.action_import_now()
        self.assertEqual(self.binding.sync_state, "to_import")
        job = self.run_jobs()
        self.assertDone(job)
        self.assertIn("Updated from record 42 of Test Shop.", job.result)
        self.assertEqual((self.binding.name, self.binding.sync_state), ("Theirs", "in_sync"))

    def test_an_import_does_not_overwrite_what_waits_to_be_sent(self):
        self.binding.write({"name": "Ours", "sync_state": "to_export"})
        key = export_identity(self.binding._name, self.binding.id)
        export_record.delay(self.session, self.binding._name, self.binding.id, identity_key=key, eta=3600)
        for state in ("to_export", "in_sync"):
            self.binding.sync_state = state
            with self.subTest(state):
                self.binding.action_import_now()
                self.assertIn("Put off", self.run_jobs()[0].result)
                self.assertEqual(self.binding.name, "Ours")

    def test_an_import_of_a_record_that_has_failed_keeps_its_error_until_it_has_succeeded(self):
        self.binding.write({"sync_state": "error", "sync_error": "Refused"})
        self.binding.action_import_now()
        self.assertEqual((self.binding.sync_state, self.binding.sync_error), ("error", "Refused"))
        self.assertDone(self.run_jobs())
        self.assertEqual((self.binding.sync_state, self.binding.sync_error), ("in_sync", False))

    def test_the_whole_record_is_exported_also_what_was_sent_before(self):
        self.unit(RecordExporter).run(self.binding.id)
        self.shop.calls.clear()
        self.binding.action_export_now()
        self.assertEqual(self.binding.sync_state, "to_export")
        self.assertDone(self.run_jobs())
        [(method, external_id, values)] = self.shop.calls
        self.assertEqual((method, external_id, values["name"]), ("write", "42", "Theirs"))
        self.assertEqual(self.binding.sync_state, "in_sync")

    def test_a_new_record_is_exported(self):
        binding = self.partner()
        binding.action_export_now()
        self.assertDone(self.run_jobs())
        self.assertTrue(binding.external_id)

    def test_a_record_whose_every_value_is_sent_in_bulk_is_sent_so(self):
        self.patch(type(self.binding), "_is_sent_in_bulk", lambda binding: True)
        self.binding.action_export_now()
        self.assertIn("export_bulk", self.delayed_jobs().function)

    def test_what_cannot_be_done_is_refused_and_the_reasons_are_named(self):
        for values in ({"sync_state": "conflict"}, {"external_id": False, "no_export": True}):
            self.binding.write(values)
            with self.subTest(values):
                with self.assertRaisesRegex(UserError, "can be imported.*external ID"):
                    self.binding.action_import_now()
                with self.assertRaisesRegex(UserError, "can be exported.*conflict"):
                    self.binding.action_export_now()
        self.assertFalse(self.delayed_jobs())

    def test_a_line_is_neither_imported_nor_exported_by_itself(self):
        order = self.env["test.shop.order"].create({"backend_id": self.backend.id, "name": "S1"})
        line = self.env["test.shop.order.line"].create(
            {"backend_id": self.backend.id, "shop_order_id": order.id, "external_id": "1"}
        )
        for button in (line.action_import_now, line.action_export_now):
            with self.assertRaises(UserError):
                button()

    def test_the_answer_says_what_was_started_and_leads_to_the_job(self):
        store.workers.register(self.env.cr, "uuid", "host", 1, "command", 1, (None, None))
        for button, told in (
            (self.binding.action_import_now, "imported in the background, changed there or not: 1."),
            (self.binding.action_export_now, "sent as a whole in the background: 1."),
        ):
            params = button()["params"]
            self.assertIn(told, params["message"])
            self.assertIn(params["links"][0]["label"], self.delayed_jobs().mapped(lambda job: f"Job {job.id}"))

    def test_managers_press_the_buttons_and_nobody_else(self):
        for name in ("action_import_now", "action_export_now"):
            for user in (*self.outsiders, self.user, self.other_manager):
                with self.subTest(button=name, user=user.login), self.assertRefused():
                    getattr(self.binding.with_user(user), name)()
            getattr(self.binding.with_user(self.manager), name)()
        self.assertEqual(len(self.delayed_jobs()), 2)

    def test_a_binding_without_a_rule_is_not_reached_from_another_company(self):
        tag = self.tag("1")
        self.backend.company_id = self.env.company
        for name in ("action_import_now", "action_export_now"):
            with self.subTest(name), self.assertRefused():
                getattr(tag.with_user(self.other_manager), name)()

    def test_the_jobs_run_in_the_company_of_the_backend(self):
        self.backend.company_id = self.elsewhere
        both = new_test_user(self.env, "both", "connector.group_connector_manager,base.group_multi_company")
        both.company_ids = [Command.link(self.elsewhere.id)]
        companies = {"allowed_company_ids": (self.env.company + self.elsewhere).ids}
        self.binding.with_user(both).with_context(**companies).action_import_now()
        self.assertEqual(self.delayed_jobs().company_id, self.elsewhere)
