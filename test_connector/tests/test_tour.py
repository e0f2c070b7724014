from odoo.tests import HttpCase, new_test_user, tagged

from odoo.addons.connector.unit.checkpoint import add_checkpoint
from odoo.addons.jobs_queue.session import ConnectorSession


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

    def test_a_new_backend_leads_through_its_first_run(self):
        action = self.env["ir.actions.act_window"].search([("res_model", "=", "test.shop.backend")], limit=1)

        self.start_tour(f"/odoo/action-{action.id}/new", "connector_first_run", login="admin")

        backend = self.env["test.shop.backend"].search([("name", "=", "New Shop")])
        self.assertTrue(backend.flow("part_0").date_begun)
        self.assertFalse(backend.in_first_run)

    def bound_partner(self):
        backend = self.env["test.shop.backend"].create({"name": "Test Shop"})
        bound = {"backend_id": backend.id, "external_id": "42", "sync_state": "in_sync"}
        return self.env["test.shop.partner"].create({"name": "Ada", **bound})
