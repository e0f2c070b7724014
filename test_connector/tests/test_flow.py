from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user

from odoo.addons.connector import (
    BulkExporter,
    BulkExportFlow,
    ExportFlow,
    ImportFlow,
    ImportMapper,
    RecordExporter,
    without_export,
)
from odoo.addons.connector.event import on_record_unlink, on_record_write
from odoo.addons.connector.exception import CredentialsRefused, InvalidBackend, ManyConnectorUnitError
from odoo.addons.connector.testing import JobsCase, extending
from odoo.addons.connector.testing.registration import registering
from odoo.addons.connector.unit.exporter.consumers import delay_bulk_export, delay_delete, delay_export_all_bindings
from odoo.addons.connector.unit.exporter.record import export_record
from odoo.addons.connector.unit.flow import flow_classes
from odoo.addons.connector.unit.importer.batch import import_batch
from odoo.addons.connector.unit.importer.bulk import BulkBatchImporter, import_page
from odoo.addons.connector.unit.importer.record import RecordImporter, import_record
from odoo.addons.jobs_queue.registration import registration_changed

from ..units import PartnerImporter, webshop, webshop_2
from .common import ShopCase

PARTNER = "test.shop.partner"
TAG = "test.shop.tag"


def delay_export_of_shop_partners(session, model_name, record_id, vals):
    delay_export_all_bindings(session, model_name, record_id, vals, binding_models=[PARTNER])


class FlowCase(ShopCase, JobsCase):
    """A shop whose connector has flows.

    Tags and partners are imported, partners and points are exported.
    """

    def setUp(self):
        super().setUp()
        self.enterContext(registering(webshop))
        self.enterContext(registering(webshop_2))
        self.declare(ImportFlow, TAG, "tags")
        self.declare(ImportFlow, PARTNER, "partners", after=("tags",), schedule="*/15 * * * *")
        self.declare(ExportFlow, PARTNER, "partners_out", after=("partners",))
        self.declare(BulkExportFlow, PARTNER, "points", after=("partners",), fields=("points",))
        self.backend = self.new_backend()

    def declare(self, kind, model_name, code, backend=webshop, **attributes):
        """Declare a flow until the end of the test."""
        label = attributes.pop("label", code.title())
        names = {"_model_name": model_name, "code": code, "label": label, "__module__": __name__, **attributes}
        return backend(type(f"{code}_flow", (kind,), names))

    def withdraw(self, unit_class):
        webshop._registrations[:] = [known for known in webshop._registrations if known.unit_class is not unit_class]
        registration_changed()

    def new_backend(self, **values):
        return self.env["test.shop.backend"].create({"name": "Shop with flows", **values})

    def flow(self, code):
        return self.backend.flow(code)

    def there(self, number, model_name=PARTNER):
        """Have records in the shop."""
        for id_ in range(1, number + 1):
            self.shop.table(model_name)[id_] = {"id": id_, "name": f"Ada {id_}", "changed": "1"}

    def here(self):
        return self.Partner.search([("backend_id", "=", self.backend.id)])

    def export_changes(self):
        self.subscribe(on_record_write, delay_export_all_bindings)
        self.subscribe(on_record_unlink, delay_delete)

    def subscribe(self, event, consumer):
        event.subscribe(consumer, model_names=["res.partner"])
        self.addCleanup(lambda: event.unsubscribe(consumer, ["res.partner"]))


class TestRows(FlowCase):
    def test_a_new_backend_has_a_row_for_each_flow_in_the_order_of_a_first_run(self):
        self.assertEqual(self.backend.flow_ids.mapped("code"), ["tags", "partners", "partners_out", "points"])
        self.assertEqual(self.backend.flow_ids.mapped("name"), ["Tags", "Partners", "Partners_Out", "Points"])

    def test_the_exports_of_a_new_backend_are_off(self):
        on = self.backend.flow_ids.filtered("is_on")
        self.assertEqual(on.mapped("direction"), ["import", "import"])

    def test_a_backend_from_before_there_were_flows_keeps_its_exports_and_gets_no_schedule(self):
        self.backend.flow_ids.unlink()
        self.env["connector.flow"]._sync(self.backend)
        self.assertEqual(len(self.backend.flow_ids.filtered("is_on")), 4)
        self.assertFalse(self.flow("partners").expression)

    def test_an_export_that_comes_later_to_a_backend_with_flows_is_off(self):
        self.declare(ExportFlow, TAG, "tags_out")
        self.env["connector.flow"]._sync(self.backend)
        self.assertFalse(self.flow("tags_out").is_on)

    def test_a_flow_that_nobody_declares_any_more_is_hidden_and_keeps_its_settings(self):
        flow = self.declare(ImportFlow, TAG, "old_tags")
        self.env["connector.flow"]._sync(self.backend)
        row = self.flow("old_tags")
        row.expression = "0 2 * * *"
        self.withdraw(flow)
        self.env["connector.flow"]._sync(self.backend)
        self.backend.invalidate_recordset(["flow_ids"])
        self.assertNotIn("old_tags", self.backend.flow_ids.mapped("code"))
        webshop(flow)
        self.env["connector.flow"]._sync(self.backend)
        self.backend.invalidate_recordset(["flow_ids"])
        self.assertEqual(self.flow("old_tags"), row)
        self.assertEqual(row.expression, "0 2 * * *")

    def test_a_flow_whose_addon_is_not_installed_any_more_is_deleted(self):
        flow = self.declare(ImportFlow, TAG, "old_tags")
        self.env["connector.flow"]._sync(self.backend)
        row = self.flow("old_tags")
        row.sudo().write({"addon": "an_addon_that_was_removed"})
        self.withdraw(flow)
        self.env["connector.flow"]._sync(self.backend)
        self.assertFalse(row.exists())

    def test_a_flow_of_a_removed_addon_that_still_has_jobs_is_hidden_until_they_have_ended(self):
        flow = self.declare(ImportFlow, TAG, "old_tags")
        self.env["connector.flow"]._sync(self.backend)
        row = self.flow("old_tags")
        row.sudo().write({"addon": "an_addon_that_was_removed"})
        import_record.delay(self.session, TAG, self.backend.id, 1, flow="old_tags")
        job = self.delayed_jobs()
        self.withdraw(flow)
        self.env["connector.flow"]._sync(self.backend)
        self.assertFalse(row.active)
        job.sudo().unlink()
        self.env["connector.flow"]._sync(self.backend)
        self.assertFalse(row.exists())

    def test_flows_that_cannot_be_declared_together_leave_all_rows_as_they_are(self):
        self.declare(ImportFlow, TAG, "partners")
        with self.assertLogs("odoo.addons.connector.models.connector_flow", "ERROR") as logs:
            self.env["connector.flow"]._sync(self.backend)
        self.assertIn("have the same code 'partners'", logs.output[0])
        self.backend.invalidate_recordset(["flow_ids"])
        self.assertEqual(len(self.backend.flow_ids), 4)

    def test_the_schedule_of_a_flow_names_it_when_another_one_becomes_the_first_of_its_model(self):
        self.flow("partners").write({"expression": "0 2 * * *"})
        self.flow("partners").action_run()
        schedule = self.env["queue.job.schedule"]._of(self.flow("partners"))
        self.assertNotIn("flow", schedule.arguments)
        self.declare(ImportFlow, PARTNER, "companies")
        self.env["connector.flow"]._sync(self.backend)
        self.assertIn('"flow": "partners"', schedule.arguments)

    def test_a_version_has_its_own_flow_with_the_code_of_its_parents(self):
        self.declare(ImportFlow, PARTNER, "partners", webshop_2, label="Customers")
        backend = self.new_backend(version="2.0")
        self.assertEqual(backend.flow("partners").name, "Customers")
        backend.version = "1.0"
        self.assertEqual(backend.flow("partners").name, "Partners")

    def test_flows_that_wait_for_each_other_are_refused_by_name(self):
        self.declare(ImportFlow, TAG, "egg", after=("hen",))
        self.declare(ImportFlow, TAG, "hen", after=("egg",))
        with self.assertRaisesRegex(InvalidBackend, "wait for each other: .*egg"):
            flow_classes(webshop, self.session)

    def test_two_flows_with_one_code_are_refused_by_name(self):
        self.declare(ImportFlow, TAG, "partners")
        with self.assertRaisesRegex(InvalidBackend, "the same code 'partners'"):
            flow_classes(webshop, self.session)

    def test_a_code_that_is_no_name_is_refused_when_the_class_is_made(self):
        with self.assertRaisesRegex(ValueError, "code is 'Order lines'"):
            self.declare(ImportFlow, TAG, "Order lines")

    def test_a_policy_that_does_not_exist_is_refused_when_the_class_is_made(self):
        with self.assertRaisesRegex(ValueError, "must be one of odoo_wins"):
            self.declare(ImportFlow, TAG, "more_tags", policies={"conflict": "oddo_wins"})

    def test_a_flow_goes_with_its_backend(self):
        flows = self.backend.flow_ids
        channels = flows.channel_id
        self.backend.unlink()
        self.assertFalse(flows.exists())
        self.assertFalse(channels.exists())

    def test_a_flow_follows_its_backend_to_another_company(self):
        company = self.env["res.company"].create({"name": "Elsewhere"})
        self.backend.company_id = company
        self.assertEqual(self.backend.flow_ids.company_id, company)
        self.assertEqual(self.backend.flow_ids.policy_id.company_id, company)
        self.assertEqual(self.backend.flow_ids.channel_id.company_id, company)


class TestUnits(FlowCase):
    def test_a_unit_may_serve_one_flow_of_its_model_alone(self):
        self.declare(BulkExportFlow, PARTNER, "discounts", fields=("discount",))
        mine = webshop(
            type("Discounts", (BulkExporter,), {"_model_name": PARTNER, "_flow": "discounts", "__module__": __name__})
        )
        unit = self.unit(RecordImporter)
        self.assertIsInstance(unit.unit_for(BulkExporter, flow="discounts"), mine)
        self.assertNotIsInstance(unit.unit_for(BulkExporter, flow="points"), mine)
        self.assertNotIsInstance(unit.unit_for(BulkExporter), mine)

    def test_without_a_flow_units_that_name_one_each_are_too_many(self):
        for code in ("one", "two"):
            webshop(type(code, (BulkExporter,), {"_model_name": TAG, "_flow": code, "__module__": __name__}))
        with self.assertRaises(ManyConnectorUnitError):
            self.unit(BulkExporter, TAG)

    def test_a_bulk_exporter_sends_the_fields_of_its_flow(self):
        names = {"_model_name": PARTNER, "_flow": "discounts", "__module__": __name__}
        self.declare(BulkExportFlow, PARTNER, "discounts", fields=("name",))
        webshop(type("Discounts", (BulkExporter,), names))
        self.env["connector.flow"]._sync(self.backend)
        self.flow("discounts").action_switch_on()
        self.there(1)
        binding = self.partner(1, backend_id=self.backend.id, points=7)
        delay_bulk_export(self.session, binding, "discounts")
        self.assertDone(self.run_jobs())
        self.assertEqual(self.shop.calls[-1][2]["name"], "Ada")
        self.assertNotIn("points", self.shop.table(PARTNER)[1])

    def test_bulk_exports_of_two_flows_in_one_channel_do_not_run_together(self):
        self.declare(BulkExportFlow, PARTNER, "discounts", fields=("name",), after=("points",))
        names = {"_model_name": PARTNER, "_flow": "discounts", "__module__": __name__}
        webshop(type("Discounts", (BulkExporter,), names))
        self.env["connector.flow"]._sync(self.backend)
        (self.flow("discounts") | self.flow("points")).action_switch_on()
        self.there(1)
        binding = self.partner(1, backend_id=self.backend.id, points=7)
        for code in ("discounts", "points"):
            delay_bulk_export(self.session, binding, code, channel="root")
        self.assertDone(self.run_jobs())
        self.assertEqual((self.shop.table(PARTNER)[1]["points"], self.shop.table(PARTNER)[1]["name"]), (7, "Ada"))

    def test_an_import_waits_for_the_bulk_export_of_a_second_flow(self):
        self.declare(BulkExportFlow, PARTNER, "discounts", fields=("name",), after=("points",))
        names = {"_model_name": PARTNER, "_flow": "discounts", "__module__": __name__}
        webshop(type("Discounts", (BulkExporter,), names))
        self.env["connector.flow"]._sync(self.backend)
        self.flow("discounts").action_switch_on()
        self.there(1)
        binding = self.partner(1, backend_id=self.backend.id)
        delay_bulk_export(self.session, binding, "discounts", eta=3600)
        self.delayed_jobs()
        self.assertIn("Put off", self.unit(RecordImporter, backend=self.backend).run(1))


class TestChannels(FlowCase):
    def channel(self, job):
        return job.channel_id.complete_name.rpartition(".")[2]

    def test_the_jobs_of_a_flow_are_in_its_channel_below_that_of_the_backend(self):
        self.assertEqual(self.flow("partners").channel_id.parent_id, self.backend.channel_id)
        import_record.delay(self.session, PARTNER, self.backend.id, 1)
        self.assertEqual(self.channel(self.delayed_jobs()), "partners")

    def test_bulk_exports_and_exports_of_one_model_have_channels_of_their_own(self):
        (self.flow("points") | self.flow("partners_out")).action_switch_on()
        binding = self.partner(1, backend_id=self.backend.id)
        delay_bulk_export(self.session, binding)
        self.assertEqual(self.channel(self.delayed_jobs("export_bulk")), "points")

    def test_a_job_of_a_second_flow_of_the_model_names_it(self):
        self.declare(ImportFlow, PARTNER, "companies", after=("partners",))
        self.env["connector.flow"]._sync(self.backend)
        self.flow("companies").action_run()
        job = self.delayed_jobs("import_batch")
        self.assertEqual(self.channel(job), "companies")
        self.assertIn("companies", job.arguments)

    def test_a_job_of_the_only_flow_of_its_model_does_not_name_it(self):
        self.flow("partners").action_run()
        self.assertNotIn("flow", self.delayed_jobs("import_batch").arguments)

    def test_the_jobs_of_a_model_without_flows_are_in_the_channel_of_the_backend(self):
        import_record.delay(self.session, "test.shop.user", self.backend.id, 1)
        self.assertEqual(self.delayed_jobs().channel_id, self.backend.channel_id)

    def test_a_job_whose_flow_does_not_exist_any_more_fails_and_says_so(self):
        import_record.delay(self.session, PARTNER, self.backend.id, 1, flow="gone")
        self.assertFailed(self.run_jobs(), "has no flow “gone” in this database")

    def test_c25_a_job_of_a_flow_that_has_failed_by_refused_credentials_runs_when_others_are_saved(self):
        class RefusedOnce(PartnerImporter):
            refused = True

            def _read(self):
                if RefusedOnce.refused:
                    RefusedOnce.refused = False
                    raise CredentialsRefused("Wrong token")
                return super()._read()

        self.enterContext(extending(webshop, RefusedOnce))
        self.registry_enter_test_mode()
        self.there(1)
        import_record.delay(self.session, PARTNER, self.backend.id, 1)
        job = self.run_jobs()
        self.assertFailed(job, "Wrong token")
        self.assertEqual(self.channel(job), "partners")
        self.backend._requeue_refused()
        self.env.invalidate_all()
        self.assertNotEqual(job.state, "failed")


class TestRuns(FlowCase):
    def setUp(self):
        super().setUp()
        webshop(type("PartnersImporter", (BulkBatchImporter,), {"_model_name": PARTNER, "__module__": __name__}))

    def test_a_run_imports_what_is_there(self):
        self.there(3)
        self.flow("partners").action_run()
        self.assertDone(self.run_jobs())
        self.assertEqual(len(self.here()), 3)

    def test_all_again_imports_records_that_have_not_changed_by_a_mapping_that_has(self):
        # C24
        self.there(1)
        self.flow("partners").action_run()
        self.run_jobs()
        without_export(self.here().odoo_id).name = "Wrong here"
        self.flow("partners").action_run()
        self.run_jobs()
        self.assertEqual(self.here().name, "Wrong here")
        self.flow("partners").action_run_again()
        self.assertDone(self.run_jobs())
        self.assertEqual(self.here().name, "Ada 1")

    def test_a_run_of_an_export_sends_what_was_not_sent(self):
        self.flow("partners_out").action_switch_on()
        binding = self.partner(backend_id=self.backend.id)
        self.flow("partners_out").action_run()
        self.assertDone(self.run_jobs())
        self.assertTrue(binding.external_id)
        self.flow("partners_out").action_run()
        self.run_jobs()
        self.assertEqual(len(self.shop.calls), 1)

    def test_all_again_sends_values_that_were_sent_before(self):
        self.flow("points").action_switch_on()
        self.there(1)
        self.partner(1, backend_id=self.backend.id, points=7)
        self.flow("points").action_run()
        self.run_jobs()
        self.shop.table(PARTNER)[1]["points"] = 0
        self.flow("points").action_run()
        self.run_jobs()
        self.assertEqual(self.shop.table(PARTNER)[1]["points"], 0)
        self.flow("points").action_run_again()
        self.assertDone(self.run_jobs())
        self.assertEqual(self.shop.table(PARTNER)[1]["points"], 7)

    def test_all_again_in_bulk_leaves_a_conflict_to_a_person(self):
        self.flow("points").action_switch_on()
        self.there(1)
        binding = self.partner(1, backend_id=self.backend.id, points=7)
        binding.sync_state = "conflict"
        self.flow("points").action_run_again()
        self.assertDone(self.run_jobs())
        self.assertEqual(self.shop.table(PARTNER)[1]["points"], 7)
        self.assertEqual(binding.sync_state, "conflict")

    def test_each_of_two_times_that_are_fetched_at_once_is_imported(self):
        between = {"_filters_between": lambda self, begin, end: {"changed": str(begin.month)}}
        names = {"_model_name": PARTNER, "__module__": __name__, **between}
        webshop._registrations.pop()
        webshop(type("PartnersBetween", (BulkBatchImporter,), names))
        self.there(2)
        self.shop.table(PARTNER)[2]["changed"] = "2"
        for month in (1, 2, 2):
            fetch = {"flow_id": self.flow("partners").id, "begin": f"2026-0{month}-01", "end": f"2026-0{month}-28"}
            self.env["connector.flow.fetch"].create(fetch).action_fetch()
        self.assertEqual(
            len(self.run_jobs().filtered(lambda job: "import_batch" in job.function and job.state == "done")), 2
        )
        self.assertEqual(self.here().mapped("external_id"), ["1", "2"])
        self.assertFalse(self.env["connector.watermark"].value_of(self.backend, PARTNER))

    def test_all_again_is_refused_while_a_list_is_read(self):
        self.env["connector.listing"].create(
            {
                **self.env["connector.flow"]._backend_values(self.backend),
                "model_name": PARTNER,
                "began": "2026-01-01",
                "is_of_changes": True,
                "graph_uuid": "7",
            }
        )
        import_record.delay(self.session, PARTNER, self.backend.id, 1)
        self.env["queue.job"].search([]).flush_recordset()
        self.env.cr.execute("UPDATE queue_job SET graph_uuid = '7'")
        with self.assertRaisesRegex(UserError, "still runs"):
            self.flow("partners").action_run_again()

    def test_a_comparison_only_says_what_differs(self):
        self.there(1)
        self.flow("partners").action_compare()
        self.assertDone(self.run_jobs())
        self.assertFalse(self.here())

    def test_a_repair_imports_what_differs(self):
        self.there(1)
        self.flow("partners").action_repair()
        self.assertDone(self.run_jobs())
        self.assertEqual(len(self.here()), 1)

    def test_a_repair_archives_what_was_deleted_there_if_the_policy_says_so(self):
        # C21
        self.there(1)
        self.flow("partners").action_run()
        self.run_jobs()
        del self.shop.table(PARTNER)[1]
        self.flow("partners").missing = "archive"
        self.flow("partners").action_repair()
        self.assertDone(self.run_jobs())
        self.assertFalse(self.here().odoo_id.active)

    def test_a_flow_that_is_off_is_not_run(self):
        self.flow("partners").action_switch_off()
        with self.assertRaisesRegex(UserError, "Switch it on first: Partners"):
            self.flow("partners").action_run()

    def test_only_who_may_change_the_backend_runs_its_flows(self):
        user = new_test_user(self.env, "reader", "connector.group_connector_user")
        with self.assertRaises(AccessError):
            self.flow("partners").with_user(user).action_run()
        with self.assertRaises(AccessError):
            self.flow("partners").with_user(user).action_switch_off()


class TestOff(FlowCase):
    def setUp(self):
        super().setUp()
        webshop(type("PartnersImporter", (BulkBatchImporter,), {"_model_name": PARTNER, "__module__": __name__}))
        self.enterContext(registering(webshop))

    def test_a_waiting_job_of_a_flow_that_is_switched_off_ends_and_does_nothing(self):
        self.there(1)
        import_record.delay(self.session, PARTNER, self.backend.id, 1)
        self.flow("partners").action_switch_off()
        job = self.run_jobs()
        self.assertDone(job)
        self.assertIn("“Partners” is switched off", job.message)
        self.assertFalse(self.here())

    def test_a_record_that_another_flow_needs_is_imported_all_the_same(self):
        self.shop.table(TAG)[5] = {"id": 5, "name": "VIP"}
        self.shop.table(PARTNER)[1] = {"id": 1, "name": "Ada", "tag": 5, "changed": "1"}
        self.flow("tags").action_switch_off()
        import_record.delay(self.session, PARTNER, self.backend.id, 1)
        self.assertDone(self.run_jobs())
        self.assertEqual(self.here().main_tag_id.name, "VIP")

    def test_a_change_here_is_noted_while_the_export_is_off_and_delays_nothing(self):
        self.export_changes()
        binding = self.partner(1, backend_id=self.backend.id)
        binding.sync_state = "in_sync"
        binding.odoo_id.name = "Ada Lovelace"
        self.assertFalse(self.delayed_jobs())
        self.cr.flush()
        self.assertEqual(binding.sync_state, "to_export")

    def test_a_change_that_the_export_would_not_send_is_not_noted(self):
        self.export_changes()
        binding = self.partner(1, backend_id=self.backend.id)
        self.cr.flush()
        binding.sync_state = "in_sync"
        binding.odoo_id.comment = "Not sent anyway"
        self.cr.flush()
        self.assertEqual(binding.sync_state, "in_sync")

    def test_a_change_is_noted_on_the_backend_alone_whose_export_is_off(self):
        self.export_changes()
        other = self.new_backend()
        other.flow("partners_out").action_switch_on()
        mine = self.partner(1, backend_id=self.backend.id)
        theirs = self.Partner.create({"odoo_id": mine.odoo_id.id, "backend_id": other.id, "external_id": "1"})
        (mine | theirs).write({"sync_state": "in_sync"})
        mine.odoo_id.name = "Ada Lovelace"
        self.cr.flush()
        self.assertEqual((mine.sync_state, theirs.sync_state), ("to_export", "in_sync"))
        self.assertEqual(self.delayed_jobs("export_record").record_name, "Ada Lovelace")

    def test_what_an_import_writes_is_not_noted(self):
        self.export_changes()
        self.there(1)
        import_record.delay(self.session, PARTNER, self.backend.id, 1)
        self.assertDone(self.run_jobs())
        self.cr.flush()
        self.assertEqual(self.here().sync_state, "in_sync")

    def test_a_write_searches_no_binding_while_the_export_is_off_everywhere(self):
        self.backend.search([("id", "!=", self.backend.id)]).active = False
        partner = self.partner(1, backend_id=self.backend.id).odoo_id
        without = self.queries_of_a_write(partner)
        self.subscribe(on_record_write, delay_export_of_shop_partners)
        self.assertEqual(self.queries_of_a_write(partner), without)

    def queries_of_a_write(self, partner):
        for name in ("Warm", "Measured"):
            self.cr.flush()
            before = self.cr.sql_log_count
            partner.name = name
        return self.cr.sql_log_count - before

    def test_a_waiting_export_is_noted_when_its_flow_is_switched_off(self):
        self.export_changes()
        self.flow("partners_out").action_switch_on()
        binding = self.partner(1, backend_id=self.backend.id)
        binding.odoo_id.name = "Ada Lovelace"
        self.assertTrue(self.delayed_jobs("export_record"))
        self.flow("partners_out").action_switch_off()
        self.assertDone(self.run_jobs())
        self.assertEqual(binding.sync_state, "to_export")

    def test_a_waiting_bulk_export_is_noted_when_its_flow_is_switched_off(self):
        self.flow("points").action_switch_on()
        binding = self.partner(1, backend_id=self.backend.id)
        delay_bulk_export(self.session, binding)
        self.flow("points").action_switch_off()
        self.assertDone(self.run_jobs())
        self.assertEqual(binding.sync_state, "to_export")

    def test_switching_an_export_on_asks_whether_to_send_what_was_changed_meanwhile(self):
        self.there(1)
        binding = self.partner(1, backend_id=self.backend.id)
        binding.sync_state = "to_export"
        action = self.flow("partners_out").action_switch_on()
        self.assertEqual(action["res_model"], "connector.flow.start")
        self.env[action["res_model"]].with_context(**action["context"]).create({}).action_send()
        self.assertDone(self.run_jobs())
        self.assertEqual(binding.sync_state, "in_sync")

    def test_a_change_of_a_record_whose_last_export_has_failed_is_noted(self):
        self.export_changes()
        binding = self.partner(1, backend_id=self.backend.id)
        self.cr.flush()
        binding.sync_state = "error"
        binding.odoo_id.name = "Ada Lovelace"
        self.cr.flush()
        self.assertEqual(binding.sync_state, "to_export")

    def test_a_conflict_stays_one_when_the_export_is_switched_off(self):
        self.flow("partners_out").action_switch_on()
        binding = self.partner(1, backend_id=self.backend.id)
        export_record.delay(self.session, PARTNER, binding.id)
        binding.sync_state = "conflict"
        self.flow("partners_out").action_switch_off()
        self.assertDone(self.run_jobs())
        self.assertEqual(binding.sync_state, "conflict")

    def test_a_bulk_export_leaves_noted_what_another_export_has_to_send(self):
        self.export_changes()
        self.flow("points").action_switch_on()
        self.there(1)
        binding = self.partner(1, backend_id=self.backend.id, points=7)
        self.cr.flush()
        binding.sync_state = "in_sync"
        binding.odoo_id.name = "Ada Lovelace"
        self.cr.flush()
        delay_bulk_export(self.session, binding)
        self.assertDone(self.run_jobs())
        self.assertEqual(self.shop.table(PARTNER)[1]["points"], 7)
        self.assertEqual(binding.sync_state, "to_export")

    def test_a_change_is_sent_although_the_process_remembers_that_the_export_is_off(self):
        self.export_changes()
        self.env["test.shop.backend"].search([("id", "!=", self.backend.id)]).active = False
        binding = self.partner(1, backend_id=self.backend.id)
        self.cr.flush()
        self.assertTrue(self.env["connector.flow"]._are_exports_off(PARTNER))
        self.env.flush_all()
        self.cr.execute("UPDATE connector_flow SET is_on = true WHERE id = %s", (self.flow("partners_out").id,))
        binding.odoo_id.name = "Ada Lovelace"
        self.cr.flush()
        self.assertTrue(self.delayed_jobs("export_record"))

    def test_a_record_is_written_although_a_backend_that_it_is_not_bound_to_has_an_unknown_version(self):
        self.export_changes()
        other = self.new_backend()
        self.env.flush_all()
        self.cr.execute("UPDATE test_shop_backend SET version = 'gone' WHERE id = %s", (other.id,))
        other.invalidate_recordset()
        self.env.registry.clear_cache()
        partner = self.env["res.partner"].create({"name": "Bob"})
        partner.name = "Robert"
        self.assertEqual(partner.name, "Robert")

    def test_nothing_of_a_flow_that_is_off_is_said_to_run(self):
        self.flow("partners").action_switch_off()
        for button in ("action_compare", "action_repair"):
            with self.assertRaisesRegex(UserError, "Switch it on first"):
                getattr(self.flow("partners"), button)()

    def test_a_bulk_export_that_is_switched_on_asks_nothing_about_records_that_are_not_there(self):
        self.partner(None, backend_id=self.backend.id)
        self.partner(1, backend_id=self.backend.id).sync_state = "in_sync"
        self.assertFalse(self.flow("points").action_switch_on())

    def test_switching_an_import_on_imports_from_the_watermark(self):
        self.there(1)
        self.flow("partners").action_run()
        self.run_jobs()
        self.flow("partners").action_switch_off()
        self.there(2)
        self.flow("partners").action_switch_on()
        self.assertDone(self.run_jobs())
        self.assertEqual(len(self.here()), 2)

    def test_the_watermark_does_not_move_if_the_flow_was_off_while_its_pages_waited(self):
        self.there(1)
        moves = {"_model_name": PARTNER, "__module__": __name__, "_get_next_watermark": lambda self, began: "7"}
        webshop._registrations.pop()
        webshop(type("MovingImporter", (BulkBatchImporter,), moves))
        import_batch(self.session, PARTNER, self.backend.id)
        self.flow("partners").action_switch_off()
        self.flow("partners").action_switch_on()
        jobs = self.run_jobs()
        self.assertDone(jobs)
        self.assertIn("was switched off meanwhile", jobs[-1].message)
        self.assertFalse(self.env["connector.watermark"].value_of(self.backend, PARTNER))

    def test_a_record_whose_own_job_ended_while_the_flow_was_off_is_imported_when_it_is_on_again(self):
        self.there(1)
        import_record.delay(self.session, PARTNER, self.backend.id, 1)
        self.flow("partners").action_switch_off()
        self.run_jobs()
        self.assertFalse(self.here())
        self.flow("partners").action_switch_on()
        self.assertDone(self.run_jobs())
        self.assertEqual(self.here().name, "Ada 1")

    def test_an_import_does_not_overwrite_what_waits_while_the_export_is_off(self):
        self.export_changes()
        self.there(1)
        self.import_one()
        binding = self.here()
        self.cr.flush()
        binding.odoo_id.name = "Ada Lovelace"
        self.cr.flush()
        self.shop.table(PARTNER)[1].update(mail="ada@x.com", changed="2")
        self.import_one()
        self.assertEqual((binding.name, binding.sync_state), ("Ada Lovelace", "to_export"))
        self.flow("partners").conflict = "external_wins"
        self.import_one()
        self.assertEqual((binding.name, binding.email), ("Ada 1", "ada@x.com"))

    def import_one(self):
        import_record.delay(self.session, PARTNER, self.backend.id, 1)
        self.run_jobs()

    def test_a_deletion_here_is_not_sent_while_the_export_is_off(self):
        self.export_changes()
        self.there(1)
        self.partner(1, backend_id=self.backend.id).odoo_id.unlink()
        self.run_jobs()
        self.assertIn(1, self.shop.table(PARTNER))

    def test_the_jobs_of_a_paused_flow_stay_and_those_of_the_others_run(self):
        self.there(1)
        self.there(1, TAG)
        self.flow("partners").action_pause()
        import_record.delay(self.session, PARTNER, self.backend.id, 1)
        import_record.delay(self.session, TAG, self.backend.id, 1)
        self.assertEqual(self.run_jobs().mapped("model_name"), [TAG])
        self.flow("partners").action_resume()
        self.assertEqual(self.run_jobs().mapped("model_name"), [PARTNER])


class TestPolicies(FlowCase):
    def policy(self, name="conflict"):
        return self.unit(RecordExporter, backend=self.backend).policy(name)

    def test_a_policy_is_what_people_have_chosen(self):
        self.flow("partners").conflict = "ask"
        self.assertEqual(self.policy(), "ask")

    def test_without_a_choice_it_is_what_the_flow_declares(self):
        self.declare(ImportFlow, PARTNER, "companies", policies={"conflict": "newest"})
        self.env.registry.clear_cache()
        self.assertEqual(self.policy(), "newest")

    def test_without_a_declaration_it_is_what_the_unit_says(self):
        webshop(
            type("Exporter", (RecordExporter,), {"_model_name": PARTNER, "_conflict_policy": "ask", "__module__": "x"})
        )
        self.assertEqual(self.policy(), "ask")

    def test_without_anything_it_is_the_first_choice(self):
        self.assertEqual(self.policy(), "odoo_wins")
        self.assertEqual(self.policy("duplicates"), "ask")

    def test_the_flows_of_a_model_share_its_policies(self):
        self.flow("partners").conflict = "ask"
        self.assertEqual(self.flow("partners_out").conflict, "ask")
        self.assertFalse(self.flow("tags").conflict)

    def test_a_fixed_policy_is_not_changed_by_people(self):
        self.declare(ImportFlow, PARTNER, "companies", policies={"conflict": "newest"}, _fixed_policies=("conflict",))
        with self.assertRaisesRegex(UserError, "The connector decides about it.*Changed on Both Sides"):
            self.flow("partners").conflict = "ask"

    def test_a_flow_says_what_the_connector_says(self):
        self.assertEqual(self.flow("partners").declared_conflict, "As the connector says: Ours wins")

    def test_who_may_not_change_policies_reads_what_the_connector_says(self):
        user = new_test_user(self.env, "policies user", "connector.group_connector_user")
        flow = self.flow("partners")
        self.assertFalse(flow.fixed_policies)
        self.assertIn("conflict", flow.with_user(user).fixed_policies)

    def test_a_change_of_a_policy_is_tracked(self):
        flow = self.flow("partners")
        self.flush_tracking()
        flow.conflict = "ask"
        self.flush_tracking()
        self.assertIn("Changed on Both Sides", flow.message_ids.tracking_value_ids.field_id.mapped("field_description"))

    def flush_tracking(self):
        self.env.flush_all()
        self.cr.flush()

    def test_an_archived_record_is_not_sent_if_the_policy_says_so(self):
        self.there(1)
        binding = self.partner(1, backend_id=self.backend.id)
        binding.odoo_id.active = False
        self.flow("partners_out").archived = "keep"
        self.assertIn("Archived here: not exported", self.unit(RecordExporter, backend=self.backend).run(binding.id))

    def test_an_archived_record_is_deleted_there_if_the_policy_says_so(self):
        self.there(1)
        binding = self.partner(1, backend_id=self.backend.id)
        binding.odoo_id.active = False
        self.flow("partners_out").archived = "delete"
        self.unit(RecordExporter, backend=self.backend).run(binding.id)
        self.assertFalse(self.shop.table(PARTNER))
        self.assertFalse(binding.external_id)

    def test_what_an_older_transaction_reads_does_not_stay(self):
        backend_id = self.committed_backend().id

        def chosen(env):
            backend = env["test.shop.backend"].browse(backend_id)
            with backend.work_on(PARTNER) as environment:
                return environment.get_connector_unit(RecordExporter).policy("conflict")

        with self.transaction() as older, self.transaction() as person:
            older["res.partner"].search([], limit=1)
            person["test.shop.backend"].browse(backend_id).flow("partners").conflict = "ask"
            person.cr.commit()
            self.assertEqual(chosen(older), "odoo_wins")
            with self.transaction() as later:
                self.assertEqual(chosen(later), "ask")

    def test_a_record_is_deleted_there_when_it_is_archived_although_no_mapping_reads_that(self):
        self.export_changes()
        self.flow("partners_out").archived = "delete"
        self.flow("partners_out").action_switch_on()
        self.there(1)
        binding = self.partner(1, backend_id=self.backend.id)
        self.cr.flush()
        binding.sync_state = "in_sync"
        binding.odoo_id.active = False
        self.assertDone(self.run_jobs())
        self.assertFalse(self.shop.table(PARTNER))

    def test_a_record_that_was_archived_while_the_export_was_off_is_deleted_there_afterwards(self):
        self.export_changes()
        self.flow("partners_out").archived = "delete"
        self.there(1)
        binding = self.partner(1, backend_id=self.backend.id)
        self.cr.flush()
        binding.sync_state = "in_sync"
        binding.odoo_id.active = False
        self.cr.flush()
        self.assertTrue(self.flow("partners_out").action_switch_on())
        self.flow("partners_out").action_run()
        self.assertDone(self.run_jobs())
        self.assertFalse(self.shop.table(PARTNER))

    def test_a_record_that_was_deleted_here_is_left_there_if_the_policy_says_so(self):
        self.export_changes()
        self.flow("partners_out").action_switch_on()
        self.flow("partners_out").deleted = "keep"
        self.there(1)
        self.partner(1, backend_id=self.backend.id).odoo_id.unlink()
        self.run_jobs()
        self.assertIn(1, self.shop.table(PARTNER))

    def test_an_export_archives_what_was_deleted_there_if_the_policy_says_so(self):
        binding = self.partner(1, backend_id=self.backend.id)
        self.flow("partners_out").missing = "archive"
        message = self.unit(RecordExporter, backend=self.backend).run(binding.id)
        self.assertIn("it was archived here", message)
        self.assertFalse(binding.odoo_id.active)
        self.assertEqual(binding.sync_state, "missing")


class TestDuplicates(FlowCase):
    """C18: two new records there with one match key; one whose key a bound record has."""

    def setUp(self):
        super().setUp()
        names = {"_match_key": lambda self: ("email", self.external_record["mail"]), "__module__": __name__}
        webshop(type("Matching", (PartnerImporter,), names), replacing=PartnerImporter)
        for id_ in (1, 2):
            self.shop.table(PARTNER)[id_] = {"id": id_, "name": f"Ada {id_}", "mail": "ada@x.com", "changed": "1"}

    def import_both(self):
        import_page.delay(self.session, PARTNER, self.backend.id, external_ids=[1, 2])
        return self.run_jobs()

    def checkpoints(self):
        return self.env["connector.checkpoint"].search([("backend_id", "=", f"{self.backend._name},{self.backend.id}")])

    def test_c18_the_second_record_is_not_imported_and_a_person_is_asked(self):
        jobs = self.import_both()
        self.assertEqual(self.here().mapped("name"), ["Ada 1"])
        self.assertIn("has the Email ada@x.com, as Ada 1", self.checkpoints().message)
        self.assertFailed(jobs[-1], "choose on the flow what is done with duplicates")

    def test_c18_a_record_whose_key_belongs_to_a_bound_record_is_asked_about(self):
        import_record.delay(self.session, PARTNER, self.backend.id, 1)
        self.assertDone(self.run_jobs())
        import_record.delay(self.session, PARTNER, self.backend.id, 2)
        self.assertFailed(self.run_jobs(), "which belongs to another record there")

    def test_c18_another_record_is_created_if_the_policy_says_so(self):
        self.flow("partners").duplicates = "create"
        self.assertDone(self.import_both())
        self.assertEqual(len(self.here().odoo_id), 2)

    def test_c18_the_second_record_is_taken_for_the_first_if_the_policy_says_so(self):
        self.flow("partners").duplicates = "bind_first"
        self.assertDone(self.import_both())
        self.assertEqual(self.here().external_alias_ids.external_id, "2")
        self.assertEqual(self.here().name, "Ada 1")

    def test_c18_of_several_records_here_the_first_is_bound_if_the_policy_says_so(self):
        first, _second = self.env["res.partner"].create([{"name": name, "email": "ada@x.com"} for name in "AB"])
        self.flow("partners").duplicates = "bind_first"
        import_record.delay(self.session, PARTNER, self.backend.id, 1)
        self.assertDone(self.run_jobs())
        self.assertEqual(self.here().odoo_id, first)


class TestNumbers(FlowCase):
    def test_a_flow_that_has_never_run_says_so(self):
        self.assertEqual(self.flow("partners").state, "never")
        self.assertFalse(self.flow("partners").last_success)

    def test_a_flow_tells_its_waiting_and_failed_jobs_and_the_last_error(self):
        self.shop.table(PARTNER)[1] = {"id": 1, "name": None, "changed": "1"}
        import_record.delay(self.session, TAG, self.backend.id, 1)
        import_record.delay(self.session, PARTNER, self.backend.id, 1)
        self.assertEqual((self.flow("partners").state, self.flow("partners").waiting_count), ("running", 1))
        self.run_jobs()
        flow = self.flow("partners")
        self.assertEqual((flow.state, flow.failed_count), ("failing", 1))
        self.assertTrue(flow.state_reason)

    def test_a_paused_flow_says_why_its_jobs_wait(self):
        self.flow("partners").action_pause()
        self.assertEqual(self.flow("partners").state, "held")
        self.assertIn("is paused", self.flow("partners").state_reason)

    def test_a_flow_tells_when_it_ran_and_when_it_was_complete(self):
        webshop(type("PartnersImporter", (BulkBatchImporter,), {"_model_name": PARTNER, "__module__": __name__}))
        self.flow("partners").action_run()
        self.run_jobs()
        flow = self.flow("partners")
        self.assertTrue(flow.last_run)
        self.assertEqual(flow.state, "done")

    def test_a_flow_counts_its_bindings_and_those_to_look_at(self):
        binding = self.partner(1, backend_id=self.backend.id)
        binding.sync_state = "conflict"
        flow = self.flow("partners")
        self.assertEqual((flow.bound_count, flow.troubled_count), (1, 1))
        self.assertEqual(self.env[PARTNER].search(flow.action_open_troubled()["domain"]), binding)


class TestMapper(FlowCase):
    def test_units_of_a_model_without_flow_are_found_as_before(self):
        self.assertTrue(self.unit(ImportMapper, backend=self.backend))
