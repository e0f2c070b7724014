from unittest.mock import patch

from odoo.exceptions import UserError, ValidationError
from odoo.tests import new_test_user

from odoo.addons.connector import ExportFlow, RecordExporter, RecordImporter, without_export
from odoo.addons.connector.event import on_record_create
from odoo.addons.connector.exception import InvalidDataError
from odoo.addons.connector.unit.binding.selecting import is_left_out, selection_in, selection_of
from odoo.addons.connector.unit.binding.selection import Selection
from odoo.addons.connector.unit.exporter import bind
from odoo.addons.connector.unit.exporter.bind import delay_bindings
from odoo.addons.connector.unit.exporter.consumers import delay_bulk_export, delay_export, delay_export_all_bindings
from odoo.addons.connector.unit.exporter.left import settle_left
from odoo.addons.connector.unit.flow import open_flow

from ..units import ShopAdapter, webshop
from .test_flow import PARTNER, TAG, FlowCase

ONLY = "[('ref', '=like', 'S%')]"


class ChosenCase(FlowCase):
    """A shop to which those partners are exported whose reference begins with an S."""

    def setUp(self):
        super().setUp()
        self.out = self.flow("partners_out")
        self.out.action_switch_on()
        self.export_changes()

    def choose(self, domain=ONLY, code="partners_out"):
        self.flow(code).domain = domain
        self.env.flush_all()

    def record(self, **values):
        partner = without_export(self.env["res.partner"]).create({"name": "Ada", "ref": "S1", **values})
        return partner.with_env(self.env)

    def bound(self, external_id=None, **values):
        """Return a partner that is bound, and in step."""
        if external_id:
            self.shop.add(PARTNER, external_id, name="Ada")
        binding = self.partner(external_id, backend_id=self.backend.id, **values)
        binding.sync_state = "in_sync"
        return binding

    def run_flow(self, code="partners_out"):
        self.flow(code).action_run()
        self.assertDone(self.run_jobs())

    def names_there(self):
        return sorted(record["name"] for record in self.shop.table(PARTNER).values())


class TestDomain(ChosenCase):
    def test_a_run_exports_only_what_is_chosen(self):
        self.choose()
        self.bound(name="Chosen", ref="S1").sync_state = "never"
        self.bound(name="Other", ref="X1").sync_state = "never"
        self.run_flow()
        self.assertIn("Chosen", self.names_there())
        self.assertNotIn("Other", self.names_there())

    def test_a_change_of_a_record_outside_of_it_delays_nothing_and_is_noted(self):
        self.choose()
        binding = self.bound(7, ref="X1")
        binding.odoo_id.name = "Grace"
        self.assertFalse(self.delayed_jobs())
        self.assertEqual(binding.sync_state, "to_export")

    def test_what_comes_into_it_is_exported_with_what_was_changed_before(self):
        self.choose()
        binding = self.bound(7, ref="X1")
        binding.odoo_id.name = "Grace"
        binding.odoo_id.ref = "S7"  # which the mapping does not read
        self.assertDone(self.run_jobs())
        self.assertEqual(self.names_there(), ["Grace"])

    def test_a_job_that_waits_for_a_record_that_left_it_sends_nothing(self):
        self.choose()
        binding = self.bound(7, ref="S1")
        binding.odoo_id.name = "Grace"
        binding.odoo_id.ref = "X1"
        job = self.run_jobs()
        self.assertDone(job)
        self.assertIn("not for this record any more", job.result)
        self.assertEqual(self.names_there(), ["Ada"])

    def test_what_was_not_sent_for_that_is_sent_when_the_domain_has_the_record_again(self):
        self.choose()
        binding = self.bound(7, ref="S1")
        binding.odoo_id.name = "Grace"
        self.choose("[('ref', '=like', 'X%')]")
        self.run_jobs()
        self.choose()
        self.run_flow()
        self.assertEqual(self.names_there(), ["Grace"])

    def test_a_bulk_export_has_a_domain_of_its_own(self):
        self.flow("points").action_switch_on()
        self.choose(code="points")
        chosen, other = self.bound(1, ref="S1", points=1), self.bound(2, ref="X1", points=2)
        self.assertEqual(len(delay_bulk_export(self.session, chosen | other)), 1)
        self.run_jobs()
        self.flow("points").action_run()
        self.assertDone(self.run_jobs())
        self.assertEqual(self.shop.table(PARTNER)[1].get("points"), 1)
        self.assertNotIn("points", self.shop.table(PARTNER)[2])

    def test_archived_records_stay_in_it_as_the_policy_for_them_decides(self):
        self.choose()
        binding = self.bound(7, ref="S1")
        binding.odoo_id.write({"active": False, "name": "Grace"})
        self.assertDone(self.run_jobs())
        self.assertEqual(self.names_there(), ["Grace"])

    def test_a_record_outside_of_it_that_another_one_needs_is_exported_all_the_same(self):
        class WithParent(RecordExporter):
            _model_name = PARTNER

            def _export_dependencies(self):
                parents = self.model.search([("odoo_id", "=", self.binding.odoo_id.parent_id.id)])
                self._export_dependency(parents)

        webshop(WithParent)
        self.choose()
        parent = self.bound(name="Parent", ref="X1")
        self.bound(name="Child", ref="S1", parent_id=parent.odoo_id.id).sync_state = "never"
        self.run_flow()
        self.assertEqual(self.names_there(), ["Child", "Parent"])

    def test_a_new_backend_has_the_domain_that_the_connector_declares(self):
        self.declare(ExportFlow, TAG, "tags_out", domain=[("name", "!=", "Secret")])
        self.assertEqual(self.new_backend().flow("tags_out").domain, "[('name', '!=', 'Secret')]")

    def test_a_domain_that_is_declared_as_a_text_is_refused(self):
        with self.assertRaisesRegex(TypeError, "domain is a text"):
            self.declare(ExportFlow, TAG, "tags_out", domain="[]")

    def test_what_waits_to_be_sent_is_counted_within_it(self):
        self.choose()
        self.bound(1, ref="S1").sync_state = "to_export"
        self.bound(2, ref="X1").sync_state = "to_export"
        self.assertEqual((self.out.unsent_count, self.out._unsent()), (1, 1))

    def test_who_may_not_see_the_fields_of_the_domain_sees_the_count(self):
        self.choose()
        self.bound(1, ref="S1").sync_state = "to_export"
        self.bound(2, ref="X1").sync_state = "to_export"
        self.patch(self.env["res.partner"]._fields["ref"], "groups", "base.group_system")
        user = new_test_user(self.env, "looks", groups="base.group_user,connector.group_connector_user")
        self.assertEqual(self.out.with_user(user).unsent_count, 1)


class TestBindings(ChosenCase):
    def test_a_run_binds_what_is_chosen_and_exports_it(self):
        self.choose()
        chosen, other = self.record(name="Chosen"), self.record(name="Other", ref="X1")
        self.run_flow()
        self.assertEqual(self.here().odoo_id & (chosen | other), chosen)
        self.assertIn("Chosen", self.names_there())

    def test_nothing_is_bound_where_nothing_is_chosen(self):
        self.record()
        self.choose("[]")  # the screen says so when somebody has removed the last rule
        self.assertFalse(self.out.domain)
        self.run_flow()
        self.assertFalse(self.here())

    def test_a_record_is_bound_when_it_comes_into_it(self):
        self.choose()
        partner = self.record(ref="X1")
        partner.ref = "S1"
        self.assertDone(self.run_jobs())
        self.assertEqual(self.here().odoo_id, partner)
        self.assertEqual(self.names_there(), ["Ada"])

    def test_a_new_record_is_bound_if_the_connector_listens_to_that(self):
        on_record_create.subscribe(delay_export_all_bindings, model_names=["res.partner"])
        self.addCleanup(lambda: on_record_create.unsubscribe(delay_export_all_bindings, ["res.partner"]))
        self.choose()
        partner = self.env["res.partner"].create({"name": "Ada", "ref": "S1"})
        self.env["res.partner"].create({"name": "Other", "ref": "X1"})
        self.assertDone(self.run_jobs())
        self.assertEqual(self.here().odoo_id, partner)

    def test_a_job_that_waits_stands_for_no_other_records_than_its_own(self):
        self.choose()
        first, second, third, last = (self.record(name=str(number), ref="X1") for number in range(4))
        for middle in (second, third):
            without_export(first | last | middle).write({"ref": "S1"})
            bind.delay_pages(self.out._unit().environment, self.out._selection())
            without_export(middle).write({"ref": "X1"})
        without_export(second | third).write({"ref": "S1"})
        self.assertDone(self.run_jobs())
        self.assertEqual(self.here().odoo_id, first | second | third | last)

    def test_the_flow_says_what_it_creates_there_if_nothing_is_chosen_any_more(self):
        self.bound(ref="S1").sync_state = "never"
        self.bound(ref="X1").sync_state = "never"
        self.bound(ref="X1").write({"sync_state": "never", "no_export": True})
        self.bound(7, ref="X1").sync_state = "never"
        self.assertEqual(self.out.uncreated_count, 2)
        self.assertFalse(self.flow("points").uncreated_count)  # it creates nothing
        self.assertFalse(self.flow("partners").uncreated_count)

    def test_the_export_of_a_new_binding_is_delayed_once(self):
        on_record_create.subscribe(delay_export, model_names=[PARTNER])
        self.addCleanup(lambda: on_record_create.unsubscribe(delay_export, [PARTNER]))
        self.choose()
        self.record()
        self.run_flow()
        self.assertEqual([call[0] for call in self.shop.calls], ["create"])

    def test_records_of_another_company_are_not_bound(self):
        company = self.env["res.company"].create({"name": "Elsewhere"})
        self.backend.company_id = self.env.company
        self.choose()
        self.record(company_id=company.id)
        mine = self.record(company_id=self.env.company.id)
        self.run_flow()
        self.assertEqual(self.here().odoo_id, mine)

    def test_archived_records_are_not_bound(self):
        self.choose()
        self.record(active=False)
        self.run_flow()
        self.assertFalse(self.here())

    def test_a_record_that_an_import_creates_is_not_bound_by_the_export(self):
        self.choose()
        self.there(1)
        self.shop.table(PARTNER)[1]["name"] = "S"
        self.run_flow("partners")
        self.assertEqual(len(self.here()), 1)

    def test_a_record_that_somebody_else_binds_at_the_same_moment_is_bound_once(self):
        self.choose()
        binding = self.bound(7, ref="S1")
        with patch.object(Selection, "unbound", lambda selection, backend, ids=None: binding.odoo_id):
            bind.bind_chosen.delay(self.session, PARTNER, self.backend.id, binding.odoo_id.ids)
            job = self.run_jobs()
        self.assertEqual(job.state, "scheduled")
        self.assertIn("bound by somebody else meanwhile", job.message)
        self.assertEqual(self.here(), binding)

    def test_a_button_exports_no_record_that_is_not_chosen(self):
        self.choose()
        self.bound(7, ref="S1").action_export_now()
        with self.assertRaisesRegex(UserError, "that flow is on and is for this record"):
            self.bound(8, ref="X1").action_export_now()

    def test_an_import_does_not_wait_for_a_change_that_is_never_sent(self):
        self.choose()
        self.choose(code="points")
        chosen, other = self.bound(7, ref="S1"), self.bound(8, ref="X1")
        self.out.action_switch_off()
        (chosen | other).sync_state = "to_export"
        self.assertIn("Put off", self.unit(RecordImporter, backend=self.backend).run(7))
        self.assertNotIn("Put off", self.unit(RecordImporter, backend=self.backend).run(8))


class TestUnusable(ChosenCase):
    def test_a_domain_that_cannot_be_used_is_refused_when_it_is_saved(self):
        for domain in ("[('no_such_field', '=', 1)]", "nonsense", "[('ref', 'is', 1)]", "5"):
            with self.subTest(domain), self.assertRaisesRegex(ValidationError, "cannot be found by its filter"):
                self.choose(domain)

    def test_a_field_that_is_gone_is_said_on_the_flow_and_nothing_is_exported_in_its_place(self):
        self.choose()
        binding = self.bound(name="Other")
        binding.sync_state = "to_export"
        self.env.cr.execute(
            "UPDATE connector_flow SET domain = %s WHERE id = %s", ("[('gone', '=', True)]", self.out.id)
        )
        self.env.invalidate_all()
        self.env.registry.clear_cache()
        self.assertIn("gone", self.out.domain_error)
        binding.odoo_id.name = "Grace"  # nobody who writes a record is kept from it
        self.assertFalse(self.delayed_jobs())
        self.out.action_run()
        self.assertFailed(self.run_jobs(), "Nothing is exported until somebody corrects the filter")
        self.assertFalse(self.shop.calls)


class TestCosts(ChosenCase):
    def test_where_nothing_is_chosen_a_write_and_a_run_ask_the_database_nothing_more(self):
        binding = self.bound(7)
        session, record = self.session, binding.odoo_id
        environment = open_flow(session, PARTNER, self.backend.id, ExportFlow)
        flows = self.env["connector.flow"]
        flows._chosen_exports(PARTNER)
        flows._settings(self.backend._name, self.backend.id)
        self.assertTrue(binding.backend_id.version)  # every consumer reads it
        with self.assertQueryCount(0):
            delay_bindings(session, record, PARTNER, "odoo_id", binding)
            self.assertIsNone(selection_of(session, binding, ExportFlow))
            self.assertIsNone(selection_in(environment))
            self.assertFalse(is_left_out(environment, binding))

    def test_a_job_reads_all_that_is_decided_of_its_flow_by_one_query(self):
        self.env.flush_all()
        with self.assertQueryCount(1):
            self.env["connector.flow"]._now(self.backend, "partners_out")

    def test_what_is_chosen_is_bound_by_the_page(self):
        self.patch(bind, "PAGE_SIZE", 2)
        self.choose()
        for number in range(5):
            self.record(ref=f"S{number}")
        self.out.action_run()
        self.assertDone(self.run_jobs())
        self.assertEqual(len(self.here()), 5)


class TestLeft(ChosenCase):
    """What was chosen, and is not any more."""

    def setUp(self):
        super().setUp()
        self.out.left = "archive"
        self.choose()

    def leave(self, *bindings):
        for binding in bindings:
            binding.odoo_id.ref = "X1"
        self.run_jobs()

    def ids_there(self):
        return sorted(self.shop.table(PARTNER))

    def test_it_stays_there_unless_somebody_decides_otherwise(self):
        self.out.left = False
        binding = self.bound(7, ref="S1")
        self.run_flow()
        self.leave(binding)
        self.run_flow()
        self.assertEqual(self.ids_there(), [7])

    def test_it_is_deleted_there_by_policy_and_the_binding_forgets_it(self):
        binding, other = self.bound(7, ref="S1"), self.bound(8, ref="S2")
        self.run_flow()
        self.leave(binding)
        self.run_flow()
        self.assertEqual(self.ids_there(), [8])
        self.assertFalse(binding.external_id)
        self.assertEqual(other.external_id, "8")
        self.run_flow()
        self.assertEqual(self.ids_there(), [8])

    def test_it_is_created_there_again_when_it_is_chosen_again(self):
        binding = self.bound(7, ref="S1", name="Grace")
        self.run_flow()
        self.leave(binding)
        self.run_flow()
        binding.odoo_id.ref = "S7"
        self.assertDone(self.run_jobs())
        self.assertEqual(self.names_there(), ["Grace"])

    def test_a_deletion_that_is_refused_fails_once_and_the_flow_says_what_is_still_there(self):
        class Refusing(ShopAdapter):
            _model_name = PARTNER

            def delete(self, external_id):
                raise InvalidDataError("It has orders")

        webshop(Refusing)
        binding = self.bound(7, ref="S1")
        self.run_flow()
        self.leave(binding)
        self.out.action_run()
        self.assertFailed(self.run_jobs().filtered(lambda job: job.state != "done"), "It has orders")
        self.run_flow()
        self.assertEqual((self.ids_there(), self.out.left_count), ([7], 1))

    def test_what_comes_back_before_its_job_runs_stays(self):
        binding = self.bound(7, ref="S1")
        self.run_flow()
        self.leave(binding)
        self.out.action_run()
        self.after_commit = lambda: self.delayed_jobs("leave_record") and binding.odoo_id.write({"ref": "S8"})
        self.run_jobs()
        self.assertEqual(self.ids_there(), [7])

    def test_a_record_that_was_never_chosen_is_left_alone(self):
        self.bound(7, ref="X1")
        self.run_flow()
        self.run_flow()
        self.assertEqual((self.ids_there(), self.out.left_count), ([7], 0))

    def test_a_connector_may_archive_it_there_in_place_of_that(self):
        class Archiving(RecordExporter):
            _model_name = PARTNER

            def _handle_left(self):
                self.backend_adapter.write(self.external_id, {"status": "disabled"})
                return "Disabled there."

        webshop(Archiving)
        binding = self.bound(7, ref="S1")
        self.run_flow()
        self.leave(binding)
        self.run_flow()
        self.assertEqual(self.shop.table(PARTNER)[7]["status"], "disabled")
        self.assertEqual(binding.external_id, "7")
        self.shop.calls.clear()
        self.run_flow()
        self.assertFalse(self.shop.calls)
        binding.odoo_id.ref = "S7"
        self.assertDone(self.run_jobs())
        self.assertIn("name", self.shop.calls[-1][2])

    def test_in_a_rehearsal_it_stays_there_until_the_first_run_after_it(self):
        class Archiving(RecordExporter):
            _model_name = PARTNER

            def _handle_left(self):
                self.backend_adapter.write(self.external_id, {"status": "disabled"})
                return "Disabled there."

        webshop(Archiving)
        binding = self.bound(7, ref="S1")
        self.run_flow()
        self.backend.is_rehearsal = True
        self.leave(binding)
        self.shop.calls.clear()
        self.run_flow()
        self.assertFalse(self.shop.calls)
        self.assertEqual(binding.external_id, "7")
        self.backend.is_rehearsal = False
        self.run_flow()
        self.assertEqual((self.shop.table(PARTNER)[7]["status"], self.out.left_count), ("disabled", 0))

    def test_a_person_is_asked_once_a_run_and_not_once_a_record(self):
        self.out.left = "ask"
        bindings = [self.bound(number, ref="S1", name=f"Ada {number}") for number in (7, 8)]
        self.run_flow()
        self.leave(*bindings)
        self.run_flow()
        self.run_flow()
        checkpoint = self.env["connector.checkpoint"].search([("message", "like", "not chosen any more")])
        self.assertEqual(len(checkpoint), 1)
        self.assertIn("Partners_Out", checkpoint.message)
        self.assertIn("Ada 7, Ada 8", checkpoint.message)
        self.assertEqual((self.ids_there(), self.out.left_count), ([7, 8], 2))

    def test_who_was_asked_deletes_them_there_or_leaves_them(self):
        self.out.left = "ask"
        binding = self.bound(7, ref="S1")
        self.run_flow()
        self.leave(binding)
        self.run_flow()
        self.assertEqual(self.env[PARTNER].browse(self.out.action_open_left()["domain"][0][2]), binding)
        self.out.action_delete_left()
        self.assertDone(self.run_jobs())
        self.assertEqual((self.ids_there(), self.out.left_count), ([], 0))
        other = self.bound(8, ref="S1")
        self.run_flow()
        self.leave(other)
        self.run_flow()
        self.out.action_keep_left()
        self.run_flow()
        self.out.invalidate_recordset()
        self.assertEqual((self.ids_there(), self.out.left_count), ([8], 0))

    def test_what_was_bound_before_anybody_chose_is_never_deleted_without_a_question(self):
        self.choose(False)
        self.bound(7, ref="X1")
        self.choose()
        self.run_flow()
        self.assertEqual((self.ids_there(), self.out.left_count), ([7], 1))

    def test_nobody_is_asked_any_more_when_all_is_exported_again(self):
        self.out.left = "ask"
        binding = self.bound(7, ref="S1")
        self.run_flow()
        self.leave(binding)
        self.run_flow()
        self.choose(False)
        self.out.invalidate_recordset()
        self.assertFalse(self.out.left_count)

    def test_what_somebody_leaves_there_is_not_deleted_by_a_job_that_waits(self):
        def leave_them_there():
            self.out.action_keep_left()

        def change_the_policy():
            self.out.left = "keep"

        for number, decide in enumerate((leave_them_there, change_the_policy), 7):
            with self.subTest(decide.__name__):
                self.out.left = "archive"
                binding = self.bound(number, ref="S1")
                self.run_flow()
                self.leave(binding)
                settle_left(self.out._unit(), self.out._selection())
                decide()
                jobs = self.run_jobs()
                self.assertDone(jobs)
                self.assertIn("Somebody has decided to leave it there", jobs[:1].result)
                self.assertIn(number, self.ids_there())

    def test_who_leaves_it_there_waits_for_the_job_that_deletes_it(self):
        self.out.left = "ask"
        binding = self.bound(7, ref="S1")
        self.run_flow()
        self.leave(binding)
        self.run_flow()
        members = self.env["connector.flow.member"].sudo()
        self.assertTrue(members._lock_asked(self.out, binding))
        self.env.cr.execute("SELECT xmax FROM connector_flow_member WHERE record_id = %s", (binding.id,))
        self.assertNotEqual(str(self.env.cr.fetchone()[0]), "0")

    def test_a_deletion_that_was_only_rehearsed_is_done_by_a_later_run(self):
        binding = self.bound(7, ref="S1")
        self.run_flow()
        self.leave(binding)
        self.backend.is_rehearsal = True
        self.run_flow()
        self.assertEqual(self.ids_there(), [7])
        self.backend.is_rehearsal = False
        self.run_flow()
        self.assertEqual(self.ids_there(), [])

    def test_a_deletion_whose_flow_was_off_is_done_by_a_later_run(self):
        binding = self.bound(7, ref="S1")
        self.run_flow()
        self.leave(binding)
        settle_left(self.out._unit(), self.out._selection())
        self.out.action_switch_off()
        self.assertDone(self.run_jobs())
        self.assertEqual(self.ids_there(), [7])
        self.out.action_switch_on()
        self.run_flow()
        self.assertEqual(self.ids_there(), [])

    def test_what_was_exported_is_asked_about_if_policy_and_domain_are_saved_together(self):
        for former, external_id in ((False, 7), ("[('ref', '=like', 'X%')]", 8)):
            with self.subTest(former):
                self.out.write({"left": "keep", "domain": former})
                self.bound(external_id, ref="X1")
                self.out.write({"left": "ask", "domain": ONLY})
                self.run_flow()
                self.out.invalidate_recordset()
                self.assertTrue(self.out.left_count)

    def test_nothing_is_noted_if_the_policy_to_leave_it_there_is_saved_with_a_domain(self):
        self.bound(7, ref="S1")
        self.out.write({"left": "keep", "domain": "[('ref', '=like', 'X%')]"})
        self.assertFalse(self.env["connector.flow.member"].sudo().search([("flow_id", "=", self.out.id)]))

    def test_the_policy_of_the_exporter_is_obeyed(self):
        class Asking(RecordExporter):
            _model_name = PARTNER
            _left_policy = "ask"

        webshop(Asking)
        self.out.left = False
        self.choose(False)
        self.bound(7, ref="X1")
        self.choose()
        self.run_flow()
        self.assertEqual((self.ids_there(), self.out.left_count), ([7], 1))
