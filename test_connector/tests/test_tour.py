from odoo.tests import HttpCase, new_test_user, tagged

from odoo.addons.connector import ExportFlow
from odoo.addons.connector.testing.registration import registering
from odoo.addons.connector.unit.checkpoint import add_checkpoint
from odoo.addons.jobs_queue.session import ConnectorSession

from ..units import webshop_flows


@tagged("post_install", "-at_install")
class TestTour(HttpCase):
    def test_a_person_reviews_a_checkpoint(self):
        backend = self.env["test.shop.backend"].create({"name": "Test Shop"})
        partner = self.env["res.partner"].create({"name": "Ada", "email": "ada@example.com"})
        session = ConnectorSession.from_env(self.env)
        checkpoint = add_checkpoint(session, partner._name, partner.id, backend, "Check the address.")

        self.start_tour("/odoo/connector-checkpoints", "connector_checkpoints", login="admin")

        checkpoint.invalidate_recordset()
        self.assertEqual(checkpoint.state, "reviewed")

    def test_a_manager_synchronizes_a_record_on_its_form(self):
        binding = self.bound_partner()
        other = self.env["test.shop.backend"].create({"name": "Other Shop"})
        conflict = {"sync_state": "conflict", "sync_error": "Changed here and there", "external_id": "7"}
        self.env[binding._name].create({"backend_id": other.id, "odoo_id": binding.odoo_id.id, **conflict})

        self.start_tour(f"/odoo/res.partner/{binding.odoo_id.id}", "connector_page", login="admin")

        jobs = self.env["queue.job"].search([]).filtered(lambda job: job.record_name == "Ada")
        self.assertEqual(sorted(job.function.split(".")[-1] for job in jobs), ["export_record", "import_record"])
        self.assertEqual(binding.odoo_id.email, "ada@example.com")

    def test_an_employee_sees_whether_a_record_is_in_step(self):
        binding = self.bound_partner()
        new_test_user(self.env, "clerk", "base.group_user,base.group_partner_manager")

        self.start_tour(f"/odoo/res.partner/{binding.odoo_id.id}", "connector_badges", login="clerk")

    def test_a_manager_runs_a_flow_and_switches_it_off_and_on(self):
        self.env["test.shop.backend"].search([]).active = False
        backend = self.env["test.shop.backend"].create({"name": "Test Shop", "version": "flows"})

        self.start_tour("/odoo/connector-flows", "connector_flows", login="admin")

        flow = backend.flow("part_0")
        flow.invalidate_recordset()
        self.assertEqual((flow.is_on, flow.times_off, flow.expression), (True, 1, "0 * * * *"))

    def choosable(self):
        """Return a backend with flows for which people can choose."""
        self.env["test.shop.backend"].search([]).active = False
        self.enterContext(registering(webshop_flows))
        names = {"_model_name": "test.shop.partner", "code": "partners_out", "label": "Partners Out"}
        webshop_flows(type("PartnersOut", (ExportFlow,), names))
        backend = self.env["test.shop.backend"].create({"name": "Test Shop", "version": "flows"})
        self.env["test.shop.tag"].create({"backend_id": backend.id, "external_id": "t7", "name": "Countess"})
        return backend

    def test_a_manager_chooses_what_is_imported_and_exported(self):
        backend = self.choosable()
        flow = backend.flow("part_0")
        self.env["connector.watermark"].move(backend, flow.model_name, "2026-01-31 08:00:00")

        self.start_tour("/odoo/connector-flows", "connector_choose", login="admin")

        flow.invalidate_recordset()
        tag = self.env["test.shop.tag"].search([("backend_id", "=", backend.id)])
        chosen = {"status": "shipped", "since": "2026-01-31", "vip": True, "tag": tag.ids}
        self.assertEqual(flow.filters, chosen)
        self.assertTrue(backend.flow("partners_out").domain)

    def test_a_user_reads_what_was_chosen(self):
        backend = self.choosable()
        backend.flow("part_0").filters = {"status": "shipped", "vip": True}
        new_test_user(self.env, "reader", "base.group_user,connector.group_connector_user")

        self.start_tour("/odoo/connector-flows", "connector_choice_is_read", login="reader")

    def bound_partner(self):
        backend = self.env["test.shop.backend"].create({"name": "Test Shop"})
        bound = {"backend_id": backend.id, "external_id": "42", "sync_state": "in_sync"}
        return self.env["test.shop.partner"].create({"name": "Ada", **bound})
