from odoo.tests import HttpCase, new_test_user, tagged

from odoo.addons.connector.unit.checkpoint import add_checkpoint
from odoo.addons.jobs_queue.session import ConnectorSession

IMPORT = "odoo.addons.connector.unit.importer.record.import_record"


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

    def job_of(self, channel, state, message, **values):
        """Insert an import of a record, and return its id."""
        self.env["queue.job"].flush_model()
        columns = {"done_by_id": None, "waits_for": None, **values}
        self.env.cr.execute(
            """
            INSERT INTO queue_job (function, model_name, payload, state, message, channel_id, user_id, company_id, date_created,
                                   eta, waits_since, done_by_id, waits_for)
            VALUES (%s, 'test.shop.partner', '[1, "42"]', %s, %s, %s, %s, %s, now(), now() + interval '1 hour', now(), %s, %s)
            RETURNING id
            """,
            [IMPORT, state, message, channel.id, self.env.uid, self.env.company.id, *columns.values()],
        )
        return self.env.cr.fetchone()[0]

    def test_a_user_reads_which_job_has_put_a_failed_one_right(self):
        channel = self.env["queue.job.channel"]._ensure("root.test.right")
        by_id = self.job_of(channel, "cancelled", "Created")
        text = f"Put right by job {by_id}.\nIts tax is unknown"
        job_id = self.job_of(channel, "done", text, done_by_id=by_id)
        new_test_user(self.env, "reader", "connector.group_connector_user")

        self.start_tour(f"/odoo/queue-jobs/{job_id}", "connector_put_right", login="reader")

    def test_a_manager_sees_what_waits_for_something_outside(self):
        backend = self.env["test.shop.backend"].create({"name": "Test Shop", "version": "flows"})
        flow = backend.flow("part_0")
        channel = self.env["queue.job.channel"].browse(self.env["connector.flow"]._channel_id(backend, "part_0"))
        reason = "the order is not paid"
        self.job_of(channel, "scheduled", reason, waits_for=reason)

        self.start_tour(f"/odoo/connector-flows/{flow.id}", "connector_not_yet", login="admin")

    def bound_partner(self):
        backend = self.env["test.shop.backend"].create({"name": "Test Shop"})
        bound = {"backend_id": backend.id, "external_id": "42", "sync_state": "in_sync"}
        return self.env["test.shop.partner"].create({"name": "Ada", **bound})
