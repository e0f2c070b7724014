from datetime import timedelta
from unittest.mock import patch

from odoo.tests import new_test_user

from odoo.addons.connector.event import on_record_change, on_record_create, on_record_unlink, on_record_write
from odoo.addons.connector.event.after_commit import call_consumer
from odoo.addons.connector.event.no_export import without_export
from odoo.addons.connector.exception import ManyConnectorUnitError
from odoo.addons.connector.testing import JobsCase, extending
from odoo.addons.connector.testing.registration import registering
from odoo.addons.connector.unit.backend_adapter.crud import CRUDAdapter
from odoo.addons.connector.unit.exporter.consumers import (
    delay_bulk_export,
    delay_delete,
    delay_export,
    delay_export_all_bindings,
)
from odoo.addons.connector.unit.exporter.record import RecordExporter, export_record
from odoo.addons.connector.unit.importer.bulk import BulkImporter
from odoo.addons.connector.unit.importer.record import RecordImporter
from odoo.addons.connector.unit.jobs.keys import export_identity
from odoo.addons.connector.unit.mapper.mapper import ExportMapper
from odoo.addons.jobs_queue.exception import NetworkRetryableError
from odoo.addons.jobs_queue.session import ConnectorSession

from ..units import ShopAdapter, ShopImporter, TagExportMapper, webshop
from .common import ShopCase, register_another


class ConsumerCase(ShopCase, JobsCase):
    def subscribe(self, event, consumer, *model_names):
        event.subscribe(consumer, model_names=list(model_names))
        # by a function of this addon: what another one unsubscribes stays for us
        self.addCleanup(lambda: event.unsubscribe(consumer, list(model_names)))

    def exports(self):
        return self.delayed_jobs("export_record")


class TestDelayExport(ConsumerCase):
    def setUp(self):
        super().setUp()
        self.subscribe(on_record_create, delay_export, "test.shop.partner")
        self.subscribe(on_record_write, delay_export, "test.shop.partner")

    def test_a_new_binding_is_exported(self):
        binding = self.partner()
        self.run_jobs()
        self.assertEqual(binding.external_id, "1")

    def test_a_binding_of_a_record_that_is_there_already_is_not_exported(self):
        self.partner("42")
        self.assertFalse(self.exports())

    def test_what_is_written_together_with_the_external_id_is_exported(self):
        binding = self.partner("42")
        binding.external_id = "43"
        self.assertFalse(self.exports())
        binding.write({"external_id": "44", "points": 5})
        self.assertTrue(self.exports())

    def test_what_is_written_after_a_creation_with_an_external_id_is_exported_when_told_after_the_commit(self):
        self.subscribe(on_record_change, delay_export, "test.shop.tag")
        self.tag("3")
        self.tag("4").color = 7  # which is not mapped
        self.tag().external_id = "5"
        self.tell_changes()
        self.assertFalse(self.exports())
        tag = self.tag("6")
        tag.name = "Gold"
        self.tell_changes()
        self.assertEqual(self.exports().identity_key, export_identity(tag._name, tag.id))

    def test_a_binding_that_moves_to_another_backend_is_exported_when_it_changes_too(self):
        self.subscribe(on_record_change, delay_export, "test.shop.tag")
        tag = self.tag("3")
        self.tell_changes()
        tag.write({"backend_id": self.backend.copy().id, "external_id": "4"})
        self.tell_changes()
        self.assertFalse(self.exports())
        tag.write({"backend_id": self.backend.id, "external_id": "5", "name": "Gold"})
        self.tell_changes()
        self.assertTrue(self.exports())

    def test_what_comes_after_the_import_of_a_new_record_is_exported_when_told_after_the_commit(self):
        self.subscribe(on_record_change, delay_export, "test.shop.tag")

        class Importer(ShopImporter):
            def _after_import(self, binding):
                binding.name = "Gold"

        self.shop.add("test.shop.tag", 3, name="Silver")
        with extending(webshop, Importer):
            self.unit(RecordImporter, "test.shop.tag").run(3)
        self.assertDone(self.run_jobs())
        self.assertEqual(self.shop.table("test.shop.tag")[3]["name"], "Gold")

    def test_ten_writes_are_one_export_of_all_that_has_changed(self):
        binding = self.partner()
        self.run_jobs()
        for number in range(5):
            binding.points = number
            binding.email = f"{number}@b"
        jobs = self.run_jobs()
        self.assertEqual(jobs.mapped("state"), ["done"])
        self.assertEqual(self.shop.calls[1:], [("write", "1", {"points": 4, "mail": "4@b"})])

    def test_a_job_that_calls_a_consumer_by_its_former_name_calls_it(self):
        tag = self.tag("1")
        self.subscribe(on_record_change, delay_export, "test.shop.tag")
        former = "odoo.addons.connector.consumer.delay_export"
        call_consumer.delay(self.session, tag._name, former, tag.id, "write", ["name"], {}, None)
        names = [function.rpartition(".")[2] for function in self.run_jobs().mapped("function")]
        self.assertEqual(names, ["call_consumer", "export_record"])

    def test_ten_writes_told_after_the_commit_are_one_job(self):
        tag = self.tag("1")
        self.subscribe(on_record_change, delay_export, "test.shop.tag")
        for number in range(10):
            tag.name = str(number)
        self.tell_changes()
        self.assertEqual(len(self.exports()), 1)

    def test_a_change_of_what_is_not_mapped_is_not_exported(self):
        self.partner("42").comment = "x"
        self.assertFalse(self.exports())

    def test_a_change_of_what_a_mapping_method_depends_on_is_exported(self):
        self.partner("42").nickname = "x"
        self.assertTrue(self.exports())

    def test_the_job_says_what_is_exported_where(self):
        self.partner("42").name = "Lovelace"
        self.assertEqual(self.exports().name, "Export Lovelace to Test Shop")

    def test_nothing_is_exported_to_an_archived_backend(self):
        self.backend.active = False
        self.partner("42").name = "Lovelace"
        self.assertFalse(self.exports())

    def test_a_binding_that_is_not_exported_delays_nothing(self):
        self.partner("42", no_export=True).name = "Lovelace"
        self.assertFalse(self.exports())

    def test_the_job_runs_in_the_company_of_the_backend(self):
        self.backend.company_id = self.env["res.company"].create({"name": "Other"})
        self.partner("42").name = "Lovelace"
        self.assertEqual(self.exports().company_id, self.backend.company_id)

    def test_a_binding_that_was_deleted_before_it_is_told_delays_nothing(self):
        tag = self.tag("1")
        self.subscribe(on_record_change, delay_export, "test.shop.tag")
        self.tell_changes()
        tag.name = "Gold"
        tag.unlink()
        self.tell_changes()
        self.assertFalse(self.exports())

    def test_a_page_that_is_imported_asks_nothing_of_each_binding_that_it_creates(self):
        def queries(first_id):
            records = [{"id": external_id, "name": "Ada"} for external_id in range(first_id, first_id + 20)]
            before = self.env.cr.sql_log_count
            self.unit(BulkImporter).run(records)
            return self.env.cr.sql_log_count - before

        queries(100)
        told = queries(200)
        on_record_create.unsubscribe(delay_export, ["test.shop.partner"])
        self.addCleanup(lambda: on_record_create.subscribe(delay_export, ["test.shop.partner"]))
        self.assertLessEqual(told - queries(300), 1)

    def test_a_model_without_an_export_mapper_delays_nothing(self):
        self.subscribe(on_record_write, delay_export, "test.shop.tag")
        tag = self.tag("1")
        with registering(webshop):

            @webshop(replacing=TagExportMapper)
            class OtherMapper(ExportMapper):
                _model_name = "another.model"

            tag.name = "Gold"
        self.assertFalse(self.exports())

    def test_two_export_mappers_of_a_model_are_an_error(self):
        self.subscribe(on_record_write, delay_export, "test.shop.tag")
        tag = self.tag("1")
        register_another(self, ExportMapper, "test.shop.tag")
        with self.assertRaisesRegex(ManyConnectorUnitError, "Another"):
            tag.name = "Gold"


class TestDelayExportAllBindings(ConsumerCase):
    def setUp(self):
        super().setUp()
        self.subscribe(on_record_write, delay_export_all_bindings, "res.partner")
        self.binding = self.partner("42")

    def test_a_record_is_exported_to_each_backend(self):
        other = self.backend.copy()
        self.shop.add("test.shop.partner", 7)
        self.partner("7", backend_id=other.id, odoo_id=self.binding.odoo_id.id)
        self.binding.odoo_id.name = "Lovelace"
        self.assertEqual(len(self.run_jobs()), 2)

    def test_a_record_without_a_binding_delays_nothing(self):
        self.env["res.partner"].create({"name": "Ours"}).name = "Renamed"
        self.assertFalse(self.exports())

    def test_who_may_not_see_bindings_exports_too(self):
        clerk = new_test_user(self.env, "clerk", groups="base.group_user,base.group_partner_manager")
        self.binding.odoo_id.with_user(clerk).name = "Lovelace"
        self.assertEqual(self.exports().user_id, clerk)

    def test_a_record_that_the_bound_one_inherits_is_exported(self):
        """As a product's template is."""
        user = new_test_user(self.env, "customer")
        bound = self.env["test.shop.user"].create(
            {"backend_id": self.backend.id, "odoo_id": user.id, "external_id": "9"}
        )
        user.partner_id.name = "Lovelace"
        self.assertEqual(self.exports().identity_key, f"export,test.shop.user,{bound.id}")


class TestDelayBulkExport(ConsumerCase):
    def setUp(self):
        super().setUp()
        self.shop.add("test.shop.partner", 42)

    def bulk_exports(self):
        return self.delayed_jobs("export_bulk")

    def test_bindings_are_exported_in_bulk_each_once(self):
        binding = self.partner("42", points=5)
        delay_bulk_export(self.session, binding)
        delay_bulk_export(self.session, binding)
        self.assertEqual(self.bulk_exports()[0].name, "Export Ada to Test Shop")
        self.assertEqual(self.run_jobs().mapped("state"), ["done"])
        self.assertEqual(self.shop.calls, [("write_many", {"42": {"points": 5}}), ("write", "42", {"points": 5})])

    def test_what_is_not_exported_is_not_exported_in_bulk(self):
        declined = self.partner("42", no_export=True)
        unknown = self.partner()
        delay_bulk_export(self.session, declined + unknown)
        imported = self.partner("7")
        delay_bulk_export(ConnectorSession.from_env(without_export(imported, self.backend).env), imported)
        self.assertFalse(self.bulk_exports())


class TestDelayDelete(ConsumerCase):
    def setUp(self):
        super().setUp()
        self.subscribe(on_record_unlink, delay_delete, "test.shop.partner", "res.partner")
        self.shop.add("test.shop.partner", 42, name="Ada")
        self.binding = self.partner("42")

    def test_what_is_deleted_here_is_deleted_there(self):
        self.binding.odoo_id.unlink()
        self.assertEqual(self.run_jobs().message, "Deleted record 42 of Test Shop.")
        self.assertEqual(self.shop.calls, [("delete", "42")])

    def test_a_record_whose_binding_is_deleted_is_deleted_there(self):
        self.binding.unlink()
        self.run_jobs()
        self.assertEqual(self.shop.calls, [("delete", "42")])

    def test_what_is_gone_there_already_is_a_success(self):
        self.shop.reset()
        self.binding.unlink()
        self.assertEqual(self.run_jobs().state, "done")

    def create_without_answer(self):
        """Export a new partner, which the shop creates without an answer; return its binding."""

        class Unanswered(RecordExporter):
            def _create(self, values):
                super()._create(values)
                raise NetworkRetryableError("No answer")

        binding = self.partner()
        export_record.delay(self.session, binding._name, binding.id)
        with extending(webshop, Unanswered):
            self.run_jobs()
        return binding

    def test_what_may_have_been_created_there_when_it_is_deleted_here_is_deleted_there(self):
        self.create_without_answer().odoo_id.unlink()
        jobs = self.run_jobs().filtered(lambda job: job.function.endswith("delete_created"))
        self.assertEqual(jobs.mapped("message"), ["Deleted record 1 of Test Shop."])
        self.assertEqual(list(self.shop.table("test.shop.partner")), [42])
        self.assertFalse(self.env["connector.export.intent"].search([]))

    def test_a_record_there_that_has_a_key_of_the_connector_is_left_and_somebody_is_asked(self):
        class BySku(RecordExporter):
            def _get_idempotency_key(self, values):
                return "SKU 1"

        with extending(webshop, BySku):
            self.create_without_answer().unlink()
            self.run_jobs()
        self.assertIn(1, self.shop.table("test.shop.partner"))
        checkpoint = self.env["connector.checkpoint"].search([("record_id", "=", self.backend.id)])
        self.assertIn("with the key SKU 1: look for it there", checkpoint.message)

    def test_without_an_intent_nothing_is_deleted(self):
        self.create_without_answer().unlink()
        self.env["connector.export.intent"].search([]).unlink()
        jobs = self.run_jobs().filtered(lambda job: job.function.endswith("delete_created"))
        self.assertEqual(jobs.mapped("message"), ["Nothing is known of the creation any more: nothing was done."])
        self.assertIn(1, self.shop.table("test.shop.partner"))

    def delete_while_it_is_created(self):
        """Delete here what the shop has not created yet; return the job and the record there."""
        binding = self.create_without_answer()
        record = self.shop.table("test.shop.partner").pop(1)
        binding.odoo_id.unlink()
        jobs = self.run_jobs().filtered(lambda job: job.function.endswith("delete_created"))
        return jobs, record

    def test_what_is_created_there_after_it_was_deleted_here_is_deleted_there(self):
        job, record = self.delete_while_it_is_created()
        self.assertEqual((job.state, job.retry), ("scheduled", 0))
        self.shop.table("test.shop.partner")[1] = record
        self.run_jobs(at=job.eta)
        self.assertEqual((job.state, job.message), ("done", "Deleted record 1 of Test Shop."))
        self.assertEqual(list(self.shop.table("test.shop.partner")), [42])

    def test_it_is_looked_for_for_an_hour(self):
        job, _record = self.delete_while_it_is_created()
        for minutes, expected in ((5, "scheduled"), (59, "scheduled"), (60, "done")):
            self.env.cr.execute(
                "UPDATE queue_job SET date_created = clock_timestamp() AT TIME ZONE 'UTC' - %s WHERE id = %s",
                [timedelta(minutes=minutes, seconds=1), job.id],
            )
            job.invalidate_recordset()
            self.run_jobs(at=job.eta)
            self.assertEqual((job.state, job.message), (expected, "Test Shop has not created the record."))
        self.assertFalse(self.env["connector.export.intent"].search([]))

    def test_somebody_is_asked_to_delete_what_an_import_has_brought_back_meanwhile(self):
        job, record = self.delete_while_it_is_created()
        self.shop.table("test.shop.partner")[1] = record
        self.unit(RecordImporter).run(1)
        self.run_jobs(at=job.eta)
        back = self.Partner.search([("external_id", "=", "1")])
        checkpoint = self.env["connector.checkpoint"].search([("record_id", "=", back.odoo_id.id)])
        self.assertIn("Deleted here while it was created in Test Shop (record 1)", checkpoint.message)
        self.assertIn(1, self.shop.table("test.shop.partner"))

    def test_another_record_with_the_same_key_that_is_bound_here_is_not_deleted_there(self):
        self.create_without_answer().unlink()
        with patch.object(ShopAdapter, "find_by_key", lambda adapter, key: "42"):
            jobs = self.run_jobs().filtered(lambda job: job.function.endswith("delete_created"))
        self.assertEqual(jobs.mapped("message"), ["Record 42 of Test Shop is bound here, and is left."])
        self.assertIn(42, self.shop.table("test.shop.partner"))

    def test_somebody_is_asked_to_look_for_it_where_the_shop_finds_no_keys(self):
        self.create_without_answer().unlink()
        with patch.object(ShopAdapter, "find_by_key", CRUDAdapter.find_by_key):
            self.run_jobs()
        checkpoint = self.env["connector.checkpoint"].search([("record_id", "=", self.backend.id)])
        self.assertIn("was deleted here while it was created in Test Shop", checkpoint.message)

    def test_what_was_not_created_there_needs_no_deletion(self):
        binding = self.create_without_answer()
        del self.shop.table("test.shop.partner")[1]
        binding.unlink()
        self.assertIn("Test Shop has not created the record.", self.run_jobs().mapped("message"))

    def test_what_is_not_known_there_delays_nothing(self):
        self.binding.external_id = False
        self.binding.unlink()
        self.assertFalse(self.delayed_jobs())

    def test_what_an_import_deletes_here_is_not_deleted_there(self):
        without_export(self.binding, self.backend).unlink()
        self.assertFalse(self.delayed_jobs())

    def test_what_an_import_deletes_here_is_deleted_in_the_other_backends(self):
        without_export(self.binding, self.backend.copy()).odoo_id.unlink()
        self.run_jobs()
        self.assertEqual(self.shop.calls, [("delete", "42")])

    def test_what_is_told_to_be_exported_nowhere_is_deleted_nowhere(self):
        without_export(self.binding.odoo_id).unlink()
        self.assertFalse(self.delayed_jobs())


class TestPingPong(ConsumerCase):
    """What was imported is not sent back, and what was exported does not come back for ever."""

    def setUp(self):
        super().setUp()
        self.subscribe(on_record_write, delay_export_all_bindings, "res.partner")
        self.subscribe(on_record_create, delay_export, "test.shop.partner")
        self.shop.add("test.shop.partner", 42, name="Ada", mail="a@b")

    def import_partner(self):
        self.unit(RecordImporter).run(42)
        return self.env["test.shop.partner"].search([("backend_id", "=", self.backend.id)])

    def test_ping_pong_is_stopped_by_the_context_of_the_import(self):
        self.import_partner()
        self.shop.table("test.shop.partner")[42]["name"] = "Lovelace"
        self.assertEqual(self.import_partner().name, "Lovelace")
        self.assertFalse(self.exports())

    def test_ping_pong_is_stopped_by_the_checksum_of_what_was_sent_when_the_change_comes_without_that_context(self):
        binding = self.import_partner()
        binding.odoo_id.name = "Ours"
        self.run_jobs()
        calls = list(self.shop.calls)
        self.import_partner()  # what we have sent comes back
        binding.odoo_id.name = "Ours"  # and an automation writes it, after the commit
        self.assertEqual(self.run_jobs().message, "Nothing to export.")
        self.assertEqual(self.shop.calls, calls)

    def test_what_is_changed_back_to_what_was_last_sent_is_sent_when_an_import_came_in_between(self):
        binding = self.import_partner()
        binding.odoo_id.name = "Ours"
        self.run_jobs()
        self.shop.table("test.shop.partner")[42]["name"] = "Theirs"
        self.import_partner()
        binding.odoo_id.name = "Ours"
        self.run_jobs()
        self.assertEqual(self.shop.table("test.shop.partner")[42]["name"], "Ours")


class TestTwoBackends(ConsumerCase):
    """A record bound to two backends: what changes in one changes in the other, and that is all."""

    def setUp(self):
        super().setUp()
        self.subscribe(on_record_write, delay_export_all_bindings, "res.partner")
        self.table = self.shop.table("test.shop.partner")
        self.shop.add("test.shop.partner", 42, name="Ada", mail="a@b")
        self.shop.add("test.shop.partner", 7, name="Ada", mail="a@b")
        self.other = self.backend.copy({"name": "Other Shop"})
        self.import_from(self.backend, 42)
        self.record = self.Partner.search([("backend_id", "=", self.backend.id)]).odoo_id
        self.partner("7", backend_id=self.other.id, odoo_id=self.record.id)
        self.import_from(self.other, 7)
        self.run_jobs()
        self.shop.calls.clear()

    def import_from(self, backend, external_id):
        return self.unit(RecordImporter, backend=backend).run(external_id)

    def test_what_comes_from_one_backend_goes_to_the_other_one_and_not_back(self):
        self.table[42]["name"] = "Lovelace"
        self.import_from(self.backend, 42)
        self.assertDone(self.run_jobs())
        self.assertEqual({call[1] for call in self.shop.calls}, {"7"})
        self.assertEqual(self.table[7]["name"], "Lovelace")

    def test_what_was_sent_to_the_other_backend_comes_back_from_there_without_going_round(self):
        self.table[42]["name"] = "Lovelace"
        self.import_from(self.backend, 42)
        self.run_jobs()
        self.shop.calls.clear()
        self.import_from(self.other, 7)
        self.assertFalse(self.run_jobs())
        self.assertEqual(self.shop.calls, [])

    def test_what_the_other_backend_has_made_of_it_goes_to_the_first_one_once(self):
        """The other shop keeps names in capitals; the first one keeps them as they come."""
        self.table[42]["name"] = "Lovelace"
        self.import_from(self.backend, 42)
        self.run_jobs()
        self.table[7]["name"] = "LOVELACE"
        self.import_from(self.other, 7)
        self.run_jobs()
        self.assertEqual(self.table[42]["name"], "LOVELACE")
        self.import_from(self.backend, 42)
        self.assertFalse(self.run_jobs())
        self.assertEqual((self.record.name, self.table[7]["name"]), ("LOVELACE", "LOVELACE"))

    def test_a_change_told_after_the_commit_goes_to_the_other_backend_only(self):
        self.subscribe(on_record_change, delay_export_all_bindings, "res.partner")
        on_record_write.unsubscribe(delay_export_all_bindings, ["res.partner"])
        self.addCleanup(lambda: on_record_write.subscribe(delay_export_all_bindings, ["res.partner"]))
        self.table[42]["name"] = "Lovelace"
        self.import_from(self.backend, 42)
        self.run_jobs()
        self.assertEqual({call[1] for call in self.shop.calls}, {"7"})

    def test_an_import_that_is_told_to_export_nothing_exports_to_no_backend(self):
        self.table[42]["name"] = "Lovelace"
        self.import_from(without_export(self.backend), 42)
        self.assertFalse(self.run_jobs())
