from datetime import timedelta
from unittest.mock import patch

from odoo.exceptions import UserError
from odoo.tools import mute_logger

from odoo.addons.connector.event import on_record_create, on_record_write
from odoo.addons.connector.event.no_export import as_argument, forbids_all, without_export
from odoo.addons.connector.exception import (
    IDMissingInBackend,
    InvalidBackend,
    InvalidDataError,
    ManyConnectorUnitError,
    MappingError,
)
from odoo.addons.connector.testing import JobsCase, extending
from odoo.addons.connector.unit.importer.batch import import_batch
from odoo.addons.connector.unit.importer.record import RecordImporter, import_record
from odoo.addons.connector.unit.mapper.mapper import ExportMapper
from odoo.addons.jobs_queue.by_code import ByCode
from odoo.addons.jobs_queue.exception import RetryableJobError, TransactionOutdated

from ..units import PartnerImporter, PartnerImportMapper, ShopAdapter, ShopImporter, webshop
from .common import ShopCase, register_another


class SkippingImporter(PartnerImporter):
    def _must_skip(self):
        return "Not a customer."


class RefusingImporter(PartnerImporter):
    def _validate_data(self, values):
        raise InvalidDataError("Not welcome")


class Lenient(ShopAdapter):
    """Adapter of a shop that finds a record by any form of its id."""

    def _find(self, external_id):
        form = str(external_id).strip().lstrip("0").lower()
        own = next((id_ for id_ in self.table if str(id_).lower() == form), external_id)
        return super()._find(own)


class ImporterCase(ShopCase):
    def run_import(self, external_id, model_name="test.shop.partner", **kwargs):
        """Import a record and return what the importer says."""
        return self.unit(RecordImporter, model_name).run(external_id, **kwargs)

    def binding(self, external_id, model_name="test.shop.partner"):
        return self.env[model_name].search(
            [("external_id", "=", str(external_id)), ("backend_id", "=", self.backend.id)]
        )


class TestRecordImporter(ImporterCase):
    def test_two_export_mappers_of_a_model_are_an_error(self):
        self.shop.add("test.shop.partner", 42, name="Ada")
        register_another(self, ExportMapper, "test.shop.partner")
        with self.assertRaisesRegex(ManyConnectorUnitError, "Another"):
            self.run_import(42)

    def test_a_new_record_is_created_and_bound(self):
        self.shop.add("test.shop.partner", 42, name="Ada", mail="a@b")
        message = self.run_import(42)
        binding = self.binding(42)
        self.assertEqual((binding.name, binding.email, binding.backend_id), ("Ada", "a@b", self.backend))
        self.assertTrue(binding.sync_date)
        self.assertEqual(message, "Created from record 42 of Test Shop.")

    def test_a_known_record_is_updated(self):
        binding = self.partner("42")
        self.shop.add("test.shop.partner", 42, name="Ada Lovelace")
        message = self.run_import(42)
        self.assertEqual((binding.name, message), ("Ada Lovelace", "Updated from record 42 of Test Shop."))

    def test_importing_twice_creates_one_record(self):
        self.shop.add("test.shop.partner", 42, name="Ada")
        self.run_import(42)
        self.run_import(42)
        self.assertEqual(len(self.binding(42)), 1)

    def test_a_record_with_the_id_zero_is_imported(self):
        self.shop.add("test.shop.partner", 0, name="Zero")
        self.run_import(0)
        self.assertEqual(self.binding(0).name, "Zero")

    def test_a_record_is_not_created_by_another_form_of_its_id(self):
        self.shop.add("test.shop.partner", 42, name="Ada")
        self.shop.add("test.shop.partner", "SKU-7", name="Bob")
        with extending(webshop, Lenient):
            for form, own in (("0042", "42"), (" 42", "42"), ("sku-7", "SKU-7")):
                with self.subTest(form), self.assertRaisesRegex(InvalidDataError, f"record {own} to {form}, "):
                    self.run_import(form)
                with self.subTest(form), self.assertRaisesRegex(InvalidDataError, f"record {own} to {form}, "):
                    self.run_import(form, data={"id": own, "name": "Ada"})
        self.assertFalse(self.Partner.search([("backend_id", "=", self.backend.id)]))

    def test_a_record_is_imported_by_a_number_beside_its_id(self):
        self.shop.add("test.shop.partner", 7, name="Ada", number="1001")
        self.shop.add("test.shop.partner", 8, name="Bob", number="0008")

        class ByNumber(ShopAdapter):
            def _find(self, external_id):
                return next(record for record in self.table.values() if record["number"] == external_id)

        class WithNumber(ShopAdapter):
            def id_of(self, record):
                return record["number"]

        with extending(webshop, ByNumber):
            self.run_import("1001")
            with extending(webshop, WithNumber):
                self.run_import("0008")
        self.assertEqual((self.binding("1001").name, self.binding("0008").name), ("Ada", "Bob"))

    def test_a_record_that_is_bound_by_another_form_of_its_id_is_updated_by_it(self):
        binding = self.partner("0042")
        self.shop.add("test.shop.partner", 42, name="Lovelace")
        with extending(webshop, Lenient):
            self.run_import("0042")
        self.assertEqual(binding.name, "Lovelace")

    def test_a_record_that_is_here_under_its_own_id_is_not_created_again(self):
        self.shop.add("test.shop.partner", 42, name="Ada")
        self.unit(RecordImporter).run(42)
        with extending(webshop, Lenient), self.assertRaisesRegex(InvalidDataError, "answers with record 42 to 0042"):
            self.unit(RecordImporter).run("0042")

    def test_a_record_that_does_not_exist_there_changes_nothing_here(self):
        binding = self.partner("42")
        message = self.run_import(42)
        self.assertEqual(message, "Test Shop has no record 42 any more; nothing was changed here.")
        self.assertEqual((binding.name, binding.sync_state), ("Ada", "missing"))
        self.assertEqual(binding.sync_error, "Test Shop has no record 42 any more.")

    def test_a_record_that_is_there_again_is_not_missing_any_more(self):
        self.shop.add("test.shop.partner", 42, name="Ada")
        self.run_import(42)
        theirs = self.shop.table("test.shop.partner").pop(42)
        self.run_import(42)
        self.shop.table("test.shop.partner")[42] = theirs
        self.assertEqual(self.run_import(42), "Already up to date.")
        self.assertEqual((self.binding(42).sync_state, self.binding(42).sync_error), ("in_sync", False))

    def test_a_record_that_is_to_be_skipped_is_not_imported_and_the_reason_is_told(self):
        self.shop.add("test.shop.partner", 42, name="Ada")
        with extending(webshop, SkippingImporter):
            self.assertEqual(self.run_import(42), "Not a customer.")
        self.assertFalse(self.binding(42))

    def test_a_reason_to_skip_that_is_no_text_is_refused(self):
        class Importer(PartnerImporter):
            def _must_skip(self):
                return True

        self.shop.add("test.shop.partner", 42, name="Ada")
        with (
            extending(webshop, Importer),
            self.assertRaisesRegex(TypeError, r"PartnerImporter\._must_skip\(\) must return the reason as a text"),
        ):
            self.run_import(42)

    def test_what_is_no_id_is_refused_before_anything_is_read_or_delayed(self):
        with self.assertRaisesRegex(InvalidDataError, "None is not an external id"):
            self.run_import(None)
        with self.assertRaisesRegex(InvalidDataError, "'' is not an external id"):
            import_record.delay(self.session, "test.shop.partner", self.backend.id, "")

    def test_an_adapter_that_returns_no_record_is_named(self):
        for wrong in (None, ["Ada"], "<html>"):
            self.patch(ShopAdapter, "read", lambda adapter, external_id, fields=None, wrong=wrong: wrong)
            with self.assertRaisesRegex(InvalidDataError, r"ShopAdapter\.read\(\) returned .*, but a dict is expected"):
                self.run_import(42)

    def test_a_dependency_of_a_model_that_does_not_exist_is_refused_by_name(self):
        importer = self.unit(RecordImporter)
        with self.assertRaisesRegex(InvalidBackend, r"PartnerImporter: the model 'test\.shop\.tga' does not exist"):
            importer._import_dependency(1, "test.shop.tga")

    def test_the_job_of_an_import_says_which_record_of_which_system(self):
        importer = self.unit(RecordImporter)
        importer.incoming.external_id = 42
        importer._delay()
        self.assertEqual(
            self.env["queue.job"].search([], limit=1, order="id desc").name, "Import Test Shop Partner 42 of Test Shop"
        )

    def test_invalid_values_are_not_written(self):
        self.shop.add("test.shop.partner", 42, name="Ada")
        with extending(webshop, RefusingImporter), self.assertRaises(InvalidDataError):
            self.run_import(42)
        self.assertFalse(self.binding(42))

    def test_what_comes_after_the_import_gets_the_binding(self):
        imported = []

        class Importer(PartnerImporter):
            def _after_import(self, binding):
                imported.append(binding)

        self.shop.add("test.shop.partner", 42, name="Ada")
        with extending(webshop, Importer):
            self.run_import(42)
        self.assertEqual(imported, [self.binding(42)])


class TestUpToDate(ImporterCase):
    def setUp(self):
        super().setUp()
        self.shop.add("test.shop.partner", 42, name="Ada", changed="2026-01-01")
        self.run_import(42)
        self.binding(42).name = "Changed here"

    def test_the_version_that_was_imported_is_kept(self):
        self.assertEqual(self.binding(42).external_version, "2026-01-01")

    def test_what_has_not_changed_there_is_not_imported_again(self):
        self.assertEqual(self.run_import(42), "Already up to date.")
        self.assertEqual(self.binding(42).name, "Changed here")

    def test_what_has_changed_there_is_imported_whatever_our_clock_says(self):
        self.shop.add("test.shop.partner", 42, name="Ada Lovelace", changed="1815-12-10")
        self.run_import(42)
        self.assertEqual((self.binding(42).name, self.binding(42).external_version), ("Ada Lovelace", "1815-12-10"))

    def test_what_has_not_changed_there_can_be_imported_by_force(self):
        self.run_import(42, force=True)
        self.assertEqual(self.binding(42).name, "Ada")

    def test_a_version_may_be_a_number(self):
        self.shop.add("test.shop.partner", 43, name="Bob", changed=0)
        self.run_import(43)
        self.assertEqual((self.binding(43).external_version, self.run_import(43)), ("0", "Already up to date."))

    def test_of_what_does_not_tell_its_version_a_checksum_says_whether_it_has_changed(self):
        self.shop.add("test.shop.partner", 43, name="Bob")
        self.run_import(43)
        self.assertEqual(self.run_import(43), "Already up to date.")
        self.shop.add("test.shop.partner", 43, name="Rob")
        self.run_import(43)
        self.assertEqual(self.binding(43).name, "Rob")


class TestData(ImporterCase, JobsCase):
    """Data that were read before the import."""

    def setUp(self):
        super().setUp()
        self.shop.add("test.shop.partner", 42, name="Ada")

    def test_data_that_are_handed_over_are_not_read_again(self):
        with patch.object(ShopAdapter, "read", side_effect=AssertionError):
            self.run_import(42, data={"id": 42, "name": "Handed over"})
        self.assertEqual(self.binding(42).name, "Handed over")

    def test_data_that_are_older_than_the_last_import_are_read_again(self):
        import_record.delay(self.session, "test.shop.partner", self.backend.id, 42, data={"id": 42, "name": "Old"})
        self.env.cr.flush()
        self.run_import(42)
        self.run_jobs()
        self.assertEqual(self.binding(42).name, "Ada")

    def test_data_that_were_read_before_the_last_import_are_old_though_their_job_was_delayed_after_it(self):
        self.run_import(42)
        self.binding(42).sync_date -= timedelta(minutes=1)
        for before, expected in ((timedelta(minutes=1), "Ada"), (-timedelta(seconds=1), "New")):
            read_at = self.binding(42).sync_date - before
            data = {"id": 42, "name": "New"}
            import_record.delay(self.session, "test.shop.partner", self.backend.id, 42, data=data, read_at=read_at)
            self.assertDone(self.run_jobs())
            self.assertEqual(self.binding(42).name, expected)


class TestWrite(ImporterCase):
    def test_only_what_has_changed_is_written(self):
        self.shop.add("test.shop.partner", 42, name="Ada", mail="a@b", points=3)
        self.run_import(42)
        self.shop.add("test.shop.partner", 42, name="Ada", mail="c@d", points=3)
        partners = type(self.env["res.partner"])
        with patch.object(partners, "write", autospec=True, side_effect=partners.write) as write:
            self.run_import(42)
        self.assertEqual([call.args[1] for call in write.call_args_list], [{"email": "c@d"}])

    def test_a_translation_that_is_the_same_as_the_source_can_be_stored_after_the_import(self):
        self.backend.default_lang_id = self.env["res.lang"]._activate_lang("fr_FR")
        category = self.env["res.partner.category"].with_context(lang="en_US").create({"name": "Piano"})
        self.Tag.create({"backend_id": self.backend.id, "external_id": "3", "odoo_id": category.id})
        self.shop.add("test.shop.tag", 3, name="Piano")

        class Importer(ShopImporter):
            def _after_import(self, binding):
                binding.odoo_id.update_field_translations("name", {"fr_FR": self.external_record["name"]})

        with extending(webshop, Importer):
            self.run_import(3, "test.shop.tag")
        category.name = "Grand Piano"
        self.assertEqual(category.with_context(lang="fr_FR").name, "Piano")

    def test_what_a_system_leaves_out_is_empty_where_the_mapper_says_so(self):
        class Mapper(PartnerImportMapper):
            _leaves_out_empty = True

        self.shop.add("test.shop.tag", 3, name="Gold")
        self.shop.add("test.shop.partner", 42, name="Ada", mail="a@b", points=3, tag=3)
        self.run_import(42)
        binding = self.binding(42)
        self.shop.add("test.shop.partner", 42, name="Ada Lovelace")
        self.run_import(42)
        self.assertEqual((binding.name, binding.email, binding.points), ("Ada Lovelace", "a@b", 3))
        with extending(webshop, Mapper):
            self.run_import(42, force=True)
        self.assertEqual(
            (binding.name, binding.email, binding.points, binding.main_tag_id.ids), ("Ada Lovelace", False, 0, [])
        )

    def test_a_new_record_of_a_system_that_leaves_out_what_is_empty_keeps_the_defaults(self):
        class Mapper(PartnerImportMapper):
            _leaves_out_empty = True
            direct = [("is_there", "active")]

        self.shop.add("test.shop.partner", 42, name="Ada")
        with extending(webshop, Mapper):
            self.run_import(42)
        self.assertTrue(self.binding(42).active)


class TestDependencies(ImporterCase):
    def test_what_a_record_depends_on_is_imported_first(self):
        self.shop.add("test.shop.tag", 3, name="Gold")
        self.shop.add("test.shop.partner", 1, name="Company")
        self.shop.add("test.shop.partner", 2, name="Ada", tag=3, parent=1)
        self.run_import(2)
        self.assertEqual(
            (self.binding(2).main_tag_id.name, self.binding(2).parent_id), ("Gold", self.binding(1).odoo_id)
        )

    def test_the_dependency_zero_is_imported(self):
        self.shop.add("test.shop.tag", 0, name="Gold")
        self.shop.add("test.shop.partner", 2, name="Ada", tag=0)
        self.run_import(2)
        self.assertEqual(self.binding(2).main_tag_id.name, "Gold")

    def test_a_dependency_that_is_here_is_not_imported_again(self):
        tag = self.tag("3", name="Gold")
        self.shop.add("test.shop.tag", 3, name="Silver")
        self.shop.add("test.shop.partner", 2, name="Ada", tag=3)
        self.run_import(2)
        self.assertEqual(tag.name, "Gold")

    def test_a_dependency_can_be_imported_always(self):
        tag = self.tag("3", name="Gold")
        self.shop.add("test.shop.tag", 3, name="Silver")
        importer = self.unit(RecordImporter)
        importer._import_dependency(3, "test.shop.tag", always=True)
        self.assertEqual(tag.name, "Silver")

    def test_records_that_depend_on_each_other_end_in_an_error_not_in_a_loop(self):
        self.shop.add("test.shop.partner", 1, name="Hen", parent=2)
        self.shop.add("test.shop.partner", 2, name="Egg", parent=1)
        with self.assertRaisesRegex(MappingError, "no record with the external id 1"):
            self.run_import(1)

    def test_a_dependency_that_does_not_exist_there_is_an_error_that_names_it(self):
        self.shop.add("test.shop.partner", 2, name="Ada", tag=3)
        with self.assertRaisesRegex(
            MappingError, "PartnerImportMapper, main_tag_id: test.shop.tag has no record with the external id 3"
        ):
            self.run_import(2)


class TestNoExportBack(ImporterCase):
    def test_what_an_import_writes_is_marked_as_not_to_be_exported_to_its_backend(self):
        contexts = []

        def consume(session, model_name, record_id, vals):
            contexts.append((model_name, as_argument(session.context)))

        for event in (on_record_create, on_record_write):
            event.subscribe(consume, model_names=["test.shop.partner", "res.partner"])
            self.addCleanup(event.unsubscribe, consume, model_names=["test.shop.partner", "res.partner"])
        self.shop.add("test.shop.partner", 42, name="Ada")
        self.run_import(42)
        self.shop.add("test.shop.partner", 42, name="Ada Lovelace")
        self.run_import(42)
        mark = f"test.shop.backend,{self.backend.id}"
        # what a binding remembers of a synchronisation is exported to nobody
        self.assertEqual(
            set(contexts), {("test.shop.partner", mark), ("res.partner", mark), ("test.shop.partner", "all")}
        )

    def test_an_import_that_is_told_to_export_nothing_exports_nothing(self):
        self.shop.add("test.shop.partner", 42, name="Ada")
        backend = without_export(self.backend)
        importer = self.unit(RecordImporter, backend=backend)
        self.assertTrue(forbids_all(importer._in_import(importer.model).env.context))

    def test_each_record_keeps_its_own_context_in_an_import(self):
        importer = self.unit(RecordImporter)
        model = importer.model
        given = [model, model.with_context(active_test=False), model.with_context(lang="fr_FR"), model.sudo(), model]
        for records in given:
            env = importer._in_import(records).env
            context = {
                **records.env.context,
                "tracking_disable": True,
                "no_connector_export": ByCode(f"test.shop.backend,{self.backend.id}"),
            }
            self.assertEqual((env.context, env.su), (context, records.env.su))

    def test_what_comes_after_the_import_may_be_exported(self):
        contexts = []

        class Importer(PartnerImporter):
            def _after_import(self, binding):
                contexts.append(binding.env.context)

        self.shop.add("test.shop.partner", 42, name="Ada")
        with extending(webshop, Importer):
            self.run_import(42)
        (context,) = contexts
        self.assertNotIn("no_connector_export", context)


class TestConcurrentImport(ImporterCase):
    """Two transactions import the same record."""

    def run_in(self, env, external_id):
        """Import a record of a backend that all transactions see."""
        with self.shared.with_env(env).work_on("test.shop.partner") as environment:
            return environment.get_connector_unit(RecordImporter).run(external_id)

    def setUp(self):
        super().setUp()
        self.shop.add("test.shop.partner", 42, name="Ada")
        self.shared = self.committed_backend()

    def test_two_transactions_that_import_the_same_record_at_the_same_time_create_it_once(self):
        with self.transaction() as first, self.transaction() as second:
            second["res.users"].search_count([])  # its snapshot is older than the first one's commit
            self.run_in(first, 42)
            with self.in_thread(self.run_in, second, 42) as outcome:
                self.wait_until_blocked(second)
                first.cr.commit()
            self.assertIsInstance(outcome.exception(), TransactionOutdated)
            second.cr.rollback()
            self.assertEqual(self.run_in(second, 42), "Already up to date.")
            domain = [("backend_id", "=", self.shared.id)]
            self.assertEqual(second["test.shop.partner"].search_count(domain), 1)

    def test_what_another_transaction_has_imported_meanwhile_is_found_in_a_new_one(self):
        with self.transaction() as first, self.transaction() as second:
            second["res.users"].search_count([])
            self.run_in(first, 42)
            first.cr.commit()
            with self.assertRaisesRegex(
                TransactionOutdated, "test.shop.partner 42: imported by another transaction"
            ) as caught:
                self.run_in(second, 42)
        self.assertTrue(caught.exception.ignore_retry)

    def test_two_records_that_share_a_new_dependency_create_it_once(self):
        self.shop.add("test.shop.partner", 1, name="Company")
        self.shop.add("test.shop.partner", 42, name="Ada", parent=1)
        self.shop.add("test.shop.partner", 43, name="Bob", parent=1)
        with self.transaction() as first, self.transaction() as second:
            second["res.users"].search_count([])
            self.run_in(first, 42)
            with self.in_thread(self.run_in, second, 43) as outcome:
                self.wait_until_blocked(second)
                first.cr.commit()
            self.assertRegex(str(outcome.exception()), "test.shop.partner 1: imported by another transaction")
            second.cr.rollback()
            self.run_in(second, 43)
            bindings = second["test.shop.partner"].search([("backend_id", "=", self.shared.id)])
            self.assertEqual(sorted(bindings.mapped("name")), ["Ada", "Bob", "Company"])

    def test_other_records_and_those_of_other_backends_do_not_wait(self):
        with self.transaction() as other:
            self.run_in(other, 42)
            self.shop.add("test.shop.partner", 43, name="Bob")
            self.run_import(42)
            self.run_import(43)
        self.assertEqual(len(self.binding(42) + self.binding(43)), 2)

    def test_a_transaction_that_rolls_back_leaves_the_record_to_who_waits(self):
        with self.transaction() as first, self.transaction() as second:
            self.run_in(first, 42)
            with self.in_thread(self.run_in, second, 42) as outcome:
                self.wait_until_blocked(second)
                first.cr.rollback()
            self.assertEqual(outcome.result(), "Created from record 42 of Shared Shop.")

    def test_a_record_that_another_import_has_bound_meanwhile_is_tried_again_later(self):
        bound = self.partner("1").odoo_id

        class Importer(PartnerImporter):
            def _create_data(self, map_record):
                return {"odoo_id": bound.id}

        self.shop.add("test.shop.partner", 2, name="Ada")
        with (
            mute_logger("odoo.sql_db"),
            extending(webshop, Importer),
            self.assertRaisesRegex(RetryableJobError, "test.shop.partner 2 exists already"),
        ):
            self.run_import(2)

    def test_a_unique_violation_leaves_the_transaction_usable(self):
        class Importer(PartnerImporter):
            def _get_binding(self):
                return self.model

        self.partner("42")
        with mute_logger("odoo.sql_db"), extending(webshop, Importer), self.assertRaises(RetryableJobError):
            self.run_import(42)
        self.assertEqual(len(self.binding(42)), 1)


class TestImportJob(ImporterCase, JobsCase):
    def delay(self, *args, **kwargs):
        import_record.delay(self.session, "test.shop.partner", self.backend.id, *args, **kwargs)

    def test_why_a_record_was_skipped_reaches_the_job(self):
        self.shop.add("test.shop.partner", 42, name="Ada")
        self.delay(42)
        with extending(webshop, SkippingImporter):
            self.assertEqual(self.run_jobs().message, "Not a customer.")

    def test_a_job_that_cannot_see_what_was_committed_begins_again_at_once_and_counts_no_try(self):
        self.shop.add("test.shop.partner", 42, name="Ada")
        self.delay(42)
        with self.outdated(TransactionOutdated("imported meanwhile"), None):
            job = self.run_jobs()
        self.assertEqual((job.state, job.retry), ("done", 0))

    def test_a_job_that_is_always_too_late_is_tried_again_later_and_counts_no_try(self):
        self.shop.add("test.shop.partner", 42, name="Ada")
        self.delay(42)
        with self.outdated(*[TransactionOutdated("imported meanwhile")] * 4):
            job = self.run_jobs()
        self.assertEqual((job.state, job.retry), ("scheduled", 0))

    def outdated(self, *effects):
        """Let the lock of a new record have some effects, one after the other."""
        return patch("odoo.addons.connector.unit.importer.record.lock_new", side_effect=effects)

    def test_why_the_import_of_a_known_record_failed_is_kept_on_its_binding(self):
        binding = self.partner("42")
        self.shop.add("test.shop.partner", 42, name="Rude")
        self.delay(42)
        with extending(webshop, RefusingImporter):
            self.assertEqual(self.run_jobs().state, "failed")
        self.assertEqual((binding.sync_state, binding.sync_error), ("error", "Not welcome"))
        self.run_import(42)
        self.assertEqual((binding.sync_state, binding.sync_error), ("in_sync", False))

    def test_a_record_is_not_missing_because_another_one_is(self):
        class Importer(PartnerImporter):
            def _import_dependencies(self):
                raise IDMissingInBackend("No tag 3")

        binding = self.partner("42")
        self.shop.add("test.shop.partner", 42, name="Ada")
        self.delay(42)
        with extending(webshop, Importer):
            self.assertEqual(self.run_jobs().state, "failed")
        self.assertEqual((binding.sync_state, binding.sync_error), ("error", "No tag 3"))

    def test_two_jobs_that_import_the_same_record_run_one_after_the_other(self):
        self.delay(42)
        self.delay("42", force=True)
        self.delay(43)
        keys = self.delayed_jobs("import_record").mapped("concurrency_key")
        self.assertEqual(keys[0], f"test.shop.partner,{self.backend.id},42")
        self.assertEqual((keys[1] == keys[0], keys[2] == keys[0]), (True, False))

    def test_the_job_shows_what_the_import_did(self):
        self.shop.add("test.shop.partner", 42, name="Ada")
        self.delay(42)
        self.assertEqual(self.run_jobs().message, "Created from record 42 of Test Shop.")

    def test_the_button_related_opens_the_record(self):
        self.shop.add("test.shop.partner", 42, name="Ada")
        self.delay(42)
        action = self.run_jobs().button_related()
        self.assertEqual((action["res_model"], action["res_id"]), ("res.partner", self.binding(42).odoo_id.id))

    def test_the_button_related_finds_the_record_by_the_names_of_the_arguments(self):
        binding = self.partner("42")
        import_record.delay(self.session, "test.shop.partner", external_id=42, backend_id=self.backend.id)
        self.assertEqual(self.delayed_jobs("import_record").button_related()["res_id"], binding.odoo_id.id)

    def test_the_button_related_says_that_the_backend_was_deleted(self):
        self.delay(42)
        job = self.run_jobs()
        self.backend.unlink()
        with self.assertRaisesRegex(UserError, r"test\.shop\.backend\(\d+\) does not exist any more"):
            job.button_related()

    def test_the_button_related_of_a_batch_opens_the_backend(self):
        import_batch.delay(self.session, "test.shop.partner", self.backend.id)
        action = self.delayed_jobs("import_batch").button_related()
        self.assertEqual((action["res_model"], action["res_id"]), ("test.shop.backend", self.backend.id))
