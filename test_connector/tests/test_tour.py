from odoo import api
from odoo.tests import HttpCase, new_test_user, tagged

from odoo.addons.connector import ExportFlow, ImportFlow
from odoo.addons.connector.testing.registration import registering
from odoo.addons.connector.unit.checkpoint import add_checkpoint
from odoo.addons.jobs_queue.session import ConnectorSession

from ..external import shop
from ..units import webshop, webshop_flows

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

    def test_a_manager_fetches_a_record_by_its_number(self):
        backend = self.env["test.shop.backend"].create({"name": "Test Shop"})
        shop.reset()
        self.addCleanup(shop.reset)
        for id_, number in ((42, "100042"), (43, "100043"), (44, "100043")):
            shop.add("test.shop.partner", id_, name=f"Ada {id_}", number=number)

        self.start_tour(f"/odoo/test.shop.backend/{backend.id}", "connector_find", login="admin")

        bindings = self.env["test.shop.partner"].search([("backend_id", "=", backend.id)])
        self.assertEqual(sorted(bindings.mapped("external_id")), ["42", "44"])

    def test_a_connector_user_reads_what_has_arrived(self):
        binding = self.bound_partner()
        binding.external_id = "100042"
        new_test_user(self.env, "reader", "connector.group_connector_user,base.group_user")

        self.start_tour(f"/odoo/test.shop.backend/{binding.backend_id.id}", "connector_find_user", login="reader")

    def test_a_manager_looks_at_what_an_import_would_do(self):
        shop.reset()
        self.addCleanup(shop.reset)
        self.enterContext(registering(webshop))
        names = {"_model_name": "test.shop.partner", "code": "partners", "label": "Partners", "__module__": __name__}
        webshop(type("PartnersFlow", (ImportFlow,), names))
        self.env["test.shop.backend"].search([]).active = False
        backend = self.env["test.shop.backend"].create({"name": "Test Shop"})
        bound = {"backend_id": backend.id, "external_id": "2"}
        self.env["test.shop.partner"].create({"name": "Bob", **bound})
        shop.add("test.shop.partner", 1, name="Ada", changed="1")
        shop.add("test.shop.partner", 2, name="Robert", changed="1")

        self.start_tour("/odoo/connector-flows", "connector_preview", login="admin")

        self.assertFalse(self.env["res.partner"].search([("name", "in", ("Ada", "Robert"))]))

    def test_a_manager_rehearses_exports(self):
        self.env["test.shop.backend"].search([]).active = False
        backend = self.env["test.shop.backend"].create({"name": "Test Shop"})
        exchange = {
            "backend_id": f"{backend._name},{backend.id}",
            "method": "PUT",
            "url": "https://shop.example.com/products/5",
        }
        self.env["connector.exchange"].create([{**exchange, "is_rehearsed": True}, {**exchange, "method": "GET"}])

        self.start_tour(f"/odoo/test.shop.backend/{backend.id}", "connector_rehearsal", login="admin")

        backend.invalidate_recordset()
        self.assertTrue(backend.is_rehearsal)

    def test_a_manager_matches_by_hand_what_exists_on_both_sides(self):
        backend = self.env["test.shop.backend"].create({"name": "Test Shop", "version": "flows"})
        ours = self.env["res.partner"].create([{"name": name} for name in ("Our Ada", "Our Bob")])
        row = {
            **self.env["connector.match"]._backend_values(backend),
            "model_name": "test.shop.partner",
            "flow": "part_0",
        }
        row |= {"odoo_model": "res.partner", "key_field": "email"}
        self.env["connector.match"].create(
            [
                {**row, "external_id": "1", "name": "Their Ada", "found": "sure", "candidate_ids": ours[0].ids},
                {**row, "external_id": "2", "name": "Their Bob", "found": "none", "candidate_ids": []},
                {**row, "external_id": "3", "name": "Their Test", "found": "none", "candidate_ids": []},
            ]
        )

        self.start_tour("/odoo/connector-matches", "connector_matches", login="admin")

        rows = self.env["connector.match"].search([("backend_id", "=", backend.id)])
        self.assertEqual(rows.mapped("decision"), ["bind", "bind", "ignore"])
        self.assertEqual(rows[:2].mapped("res_id"), ours.ids)
        self.assertTrue(self.env["queue.job"].search([("function", "like", "bind_matches")]))

    def test_the_matches_of_a_flow_come_when_the_page_is_loaded_again(self):
        self.env["test.shop.backend"].search([]).active = False
        backend = self.env["test.shop.backend"].create({"name": "Test Shop", "version": "flows"})
        matches = type(self.env["connector.match"])
        read = matches.web_search_read

        @api.model
        def list_after_the_first_read(rows, *args, **kwargs):
            result = read(rows, *args, **kwargs)
            if not rows.sudo().search_count([]):
                rows.sudo().create(
                    {
                        **rows._backend_values(rows.env[backend._name].browse(backend.id)),
                        "model_name": "test.shop.partner",
                        "flow": "part_0",
                        "odoo_model": "res.partner",
                        "external_id": "1",
                        "name": "Their Ada",
                        "found": "none",
                        "candidate_ids": [],
                    }
                )
            return result

        self.patch(matches, "web_search_read", list_after_the_first_read)
        self.env["connector.match"].search([]).unlink()

        self.start_tour("/odoo/connector-flows", "connector_match_reload", login="admin")

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
