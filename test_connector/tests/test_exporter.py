from unittest.mock import patch

from odoo.tools import mute_logger

from odoo.addons.connector.exception import IDMissingInBackend, InvalidDataError
from odoo.addons.connector.testing import JobsCase, extending
from odoo.addons.connector.unit.exporter.deleter import DeleteExporter, delete_record
from odoo.addons.connector.unit.exporter.record import RecordExporter, export_record
from odoo.addons.connector.unit.importer.bulk import BulkImporter
from odoo.addons.connector.unit.importer.record import RecordImporter
from odoo.addons.connector.unit.jobs.keys import export_identity
from odoo.addons.jobs_queue.exception import LimitReached, NetworkRetryableError, NothingToDoJob, RetryableJobError
from odoo.addons.jobs_queue.session import ConnectorSession

from ..units import PartnerImportMapper, ShopAdapter, webshop
from .common import ShopCase


class UnreachedExporter(RecordExporter):
    def _create(self, values):
        raise NetworkRetryableError("down")


class ExporterCase(ShopCase):
    def run_export(self, binding, fields=None):
        """Export a record and return what the exporter says."""
        return self.unit(RecordExporter, binding._name).run(binding.id, fields=fields)

    def run_failing_jobs(self):
        """Run the jobs, one of which fails in a way that the worker logs as an error."""
        with mute_logger("odoo.addons.jobs_queue.worker"):
            return self.run_jobs()


class TestRecordExporter(ExporterCase):
    def test_a_record_that_is_not_known_there_is_created_and_bound(self):
        binding = self.partner(email="a@b")
        message = self.run_export(binding)
        record = self.shop.table("test.shop.partner")[1]
        self.assertEqual((record["name"], record["mail"], record["source"]), ("Ada", "a@b", "odoo"))
        self.assertEqual((binding.external_id, message), ("1", "Created record 1 in Test Shop."))
        self.assertTrue(binding.sync_date)

    def test_a_known_record_is_updated(self):
        self.shop.add("test.shop.partner", 42, name="Old")
        message = self.run_export(self.partner("42"))
        self.assertEqual(
            (self.shop.table("test.shop.partner")[42]["name"], message), ("Ada", "Updated record 42 of Test Shop.")
        )

    def test_a_record_with_the_id_zero_is_updated_and_not_created_again(self):
        self.shop.add("test.shop.partner", 0, name="Old")
        self.run_export(self.partner("0"))
        self.assertEqual([call[0] for call in self.shop.calls], ["write"])

    def test_only_the_changed_fields_are_sent(self):
        self.shop.add("test.shop.partner", 42, name="Old")
        self.run_export(self.partner("42", email="a@b"), fields=["email"])
        self.assertEqual(self.shop.calls, [("write", "42", {"mail": "a@b"})])

    def test_what_was_sent_before_is_not_sent_again(self):
        self.shop.add("test.shop.partner", 42, name="Old")
        binding = self.partner("42")
        self.run_export(binding)
        binding.email = "a@b"
        self.run_export(binding)
        self.assertEqual(self.shop.calls[-1], ("write", "42", {"mail": "a@b"}))

    def test_of_a_record_that_was_imported_only_what_was_changed_here_since_is_sent(self):
        imports = {42: self.unit(RecordImporter).run, 43: lambda id_: self.unit(BulkImporter).run_ids([id_])}
        for external_id, import_it in imports.items():
            with self.subTest(external_id):
                self.shop.add("test.shop.partner", external_id, name="Ada", mail="a@b", points=3, tag=None)
                import_it(external_id)
                binding = self.Partner.search([("external_id", "=", external_id)])
                self.assertEqual(self.run_export(binding), "Nothing to export.")
                binding.odoo_id.email = "c@d"
                self.run_export(binding)
                self.assertEqual(self.shop.calls.pop(), ("write", str(external_id), {"mail": "c@d"}))

    def test_what_an_import_has_not_brought_is_still_to_be_sent(self):
        self.shop.add("test.shop.partner", 42, name="Ada")
        self.unit(RecordImporter).run(42)
        binding = self.Partner.search([("backend_id", "=", self.backend.id)])
        self.run_export(binding)
        ((_verb, _id, sent),) = self.shop.calls
        self.assertNotIn("name", sent)
        self.assertIn("points", sent)

    def test_what_an_import_changes_is_not_sent_and_what_was_changed_here_is(self):
        self.shop.add("test.shop.partner", 42, name="Ada", mail="a@b", points=3, tag=None)
        self.unit(RecordImporter).run(42)
        binding = self.Partner.search([("backend_id", "=", self.backend.id)])
        binding.odoo_id.email = "c@d"
        self.shop.table("test.shop.partner")[42]["points"] = 4
        with patch.object(PartnerImportMapper, "finalize", lambda mapper, record, values: {"points": values["points"]}):
            self.unit(RecordImporter).run(42)
        self.run_export(binding)
        self.assertEqual(self.shop.calls.pop(), ("write", "42", {"mail": "c@d"}))

    def test_nothing_is_sent_when_nothing_differs_from_what_was_last_sent(self):
        binding = self.partner()
        self.run_export(binding)
        self.assertEqual(self.run_export(binding), "Nothing to export.")
        self.assertEqual([call[0] for call in self.shop.calls], ["create"])

    def test_an_export_of_some_fields_leaves_the_others_to_the_next_one(self):
        self.shop.add("test.shop.partner", 42, name="Old")
        binding = self.partner("42")
        self.run_export(binding)
        binding.write({"email": "a@b", "points": 3})
        self.run_export(binding, fields=["email"])
        self.run_export(binding)
        self.assertEqual([call[2] for call in self.shop.calls[1:]], [{"mail": "a@b"}, {"points": 3}])

    def test_a_record_that_is_not_to_be_exported_is_not(self):
        self.assertEqual(self.run_export(self.partner(no_export=True)), "Not exported: the binding says so.")
        self.assertEqual(self.shop.calls, [])

    def test_fields_that_are_not_mapped_send_nothing(self):
        self.shop.add("test.shop.partner", 42, name="Old")
        message = self.run_export(self.partner("42"), fields=["comment"])
        self.assertEqual((self.shop.calls, message), ([], "Nothing to export."))

    def test_a_record_that_is_not_known_there_is_sent_whole(self):
        self.run_export(self.partner(email="a@b"), fields=["email"])
        self.assertEqual(self.shop.table("test.shop.partner")[1]["name"], "Ada")

    def test_a_record_that_was_deleted_here_is_not_exported(self):
        binding = self.partner()
        binding_id = binding.id
        binding.unlink()
        self.assertEqual(self.unit(RecordExporter).run(binding_id), "The record to export does not exist any more.")

    def test_a_record_that_is_to_be_skipped_is_not_exported_and_the_reason_is_told(self):
        class Exporter(RecordExporter):
            def _must_skip(self):
                return "Not a customer."

        with extending(webshop, Exporter):
            self.assertEqual(self.run_export(self.partner()), "Not a customer.")
        self.assertEqual(self.shop.calls, [])

    def test_what_a_record_depends_on_is_exported_first(self):
        class Exporter(RecordExporter):
            def _export_dependencies(self):
                if self.model._name == "test.shop.partner":
                    self._export_dependency(self.binding.main_tag_id)

        with extending(webshop, Exporter):
            self.run_export(self.partner(main_tag_id=self.tag(name="Gold").id))
        self.assertEqual([call[2]["name"] for call in self.shop.calls], ["Gold", "Ada"])
        self.assertEqual(self.shop.calls[1][2]["tag"], "1")

    def test_records_that_depend_on_each_other_are_exported_once(self):
        binding = self.partner(main_tag_id=self.tag(name="Gold").id)

        class Exporter(RecordExporter):
            def _export_dependencies(self):
                self._export_dependency(binding if self.model._name == "test.shop.tag" else binding.main_tag_id)

        with extending(webshop, Exporter):
            self.run_export(binding)
        self.assertEqual([call[2]["name"] for call in self.shop.calls], ["Gold", "Ada"])

    def test_a_record_that_somebody_else_exports_is_tried_again_later(self):
        backend = self.committed_backend()
        with self.transaction() as setup:
            binding_id = setup["test.shop.partner"].create({"name": "Shared", "backend_id": backend.id}).id
            setup.cr.commit()
        with self.transaction() as first, self.transaction() as second:
            first["test.shop.partner"].browse(binding_id).lock_for_update()
            with (
                backend.with_env(second).work_on("test.shop.partner") as environment,
                self.assertRaisesRegex(RetryableJobError, "exported or changed by somebody else") as caught,
            ):
                environment.get_connector_unit(RecordExporter).run(binding_id)
        self.assertTrue(caught.exception.ignore_retry)
        self.assertEqual(self.shop.calls, [])


class TestDeleteExporter(ExporterCase):
    def test_a_record_is_deleted_there(self):
        self.shop.add("test.shop.partner", 42, name="Ada")
        self.assertEqual(self.unit(DeleteExporter).run("42"), "Deleted record 42 of Test Shop.")
        self.assertEqual(self.shop.calls, [("delete", "42")])

    def test_a_record_that_is_gone_already_is_a_success(self):
        self.assertEqual(self.unit(DeleteExporter).run("42"), "Test Shop has no record 42 any more.")


class TestExportJobs(ExporterCase, JobsCase):
    def test_of_two_exports_of_other_fields_with_one_key_nothing_is_lost(self):
        self.shop.add("test.shop.partner", 42, name="Old")
        binding = self.partner("42", email="a@b")
        key = export_identity(binding._name, binding.id)
        for field in ("email", "name"):
            export_record.delay(self.session, binding._name, binding.id, fields=[field], identity_key=key)
        self.run_jobs()
        record = self.shop.table("test.shop.partner")[42]
        self.assertEqual((record["mail"], record["name"]), ("a@b", "Ada"))

    def test_what_may_have_arrived_is_not_taken_for_what_is_there(self):
        self.shop.add("test.shop.partner", 42, name="Ada")
        binding = self.partner("42")
        self.run_export(binding)

        class Unanswered(ShopAdapter):
            def write(self, external_id, data):
                super().write(external_id, data)
                raise error

        class Unremembered(RecordExporter):
            def _after_export(self):
                raise KeyError("id")

        class Stopped(ShopAdapter):
            def write(self, external_id, data):
                super().write(external_id, data)
                raise LimitReached("It took too long")

        cases = [(Unanswered, NetworkRetryableError("No answer")), (Unanswered, KeyError("id"))]
        for unit, error in (*cases, (Stopped, None), (Unremembered, None)):
            with self.subTest(unit=unit.__name__, error=error):
                binding.name = "Bob"
                export_record.delay(self.session, binding._name, binding.id)
                with extending(webshop, unit):
                    self.run_failing_jobs()
                binding.name = "Ada"
                self.assertEqual(self.shop.table("test.shop.partner")[42]["name"], "Bob")
                export_record.delay(self.session, binding._name, binding.id)
                self.run_jobs()
                self.assertEqual(self.shop.table("test.shop.partner")[42]["name"], "Ada")

    def changing_at_the_commit(self, binding, values):
        """Let another one write values on a binding just after the exporter's first commit."""
        commit, done = ConnectorSession.commit, []

        def commit_and_change(session):
            commit(session)
            if not done:
                done.append(binding.write(values))

        return patch.object(ConnectorSession, "commit", commit_and_change)

    def test_an_update_sends_what_the_record_has_after_the_commit_before_it(self):
        self.shop.add("test.shop.partner", 42, name="Ada")
        binding = self.partner("42")
        self.run_export(binding)
        binding.name = "Bob"
        export_record.delay(self.session, binding._name, binding.id)
        with self.changing_at_the_commit(binding, {"name": "Zoe"}):
            self.run_jobs()
        self.assertEqual(self.shop.table("test.shop.partner")[42]["name"], "Zoe")
        self.assertEqual(self.run_export(binding), "Nothing to export.")

    def test_a_record_that_loses_its_external_id_at_the_commit_before_its_update_is_created(self):
        self.shop.add("test.shop.partner", 42, name="Ada")
        binding = self.partner("42")
        self.run_export(binding)
        binding.name = "Bob"
        export_record.delay(self.session, binding._name, binding.id)
        with self.changing_at_the_commit(binding, {"external_id": False}):
            job = self.run_jobs()
        self.assertIn("Created record", job.message)
        self.assertEqual(self.shop.table("test.shop.partner")[42]["name"], "Ada")

    def test_a_job_exports_a_record(self):
        binding = self.partner()
        export_record.delay(self.session, "test.shop.partner", binding.id)
        job = self.run_jobs()
        self.assertEqual((job.state, job.message, binding.external_id), ("done", "Created record 1 in Test Shop.", "1"))

    def test_a_job_of_a_deleted_record_is_done(self):
        binding = self.partner()
        export_record.delay(self.session, "test.shop.partner", binding.id)
        binding.unlink()
        job = self.run_jobs()
        self.assertEqual((job.state, job.message), ("done", "The record to export does not exist any more."))

    def test_a_job_leaves_the_binding_in_sync_and_says_which_job_it_was(self):
        binding = self.partner()
        export_record.delay(self.session, "test.shop.partner", binding.id)
        job = self.run_jobs()
        self.assertEqual((binding.sync_state, binding.last_job_id), ("in_sync", job))

    def test_a_job_that_fails_leaves_its_error_on_the_binding(self):
        class Exporter(RecordExporter):
            def _validate_data(self, values):
                raise InvalidDataError("No e-mail.")

        binding = self.partner()
        export_record.delay(self.session, "test.shop.partner", binding.id)
        with extending(webshop, Exporter):
            job = self.run_failing_jobs()
        self.assertEqual(job.state, "failed")
        self.assertEqual((binding.sync_state, binding.sync_error, binding.last_job_id), ("error", "No e-mail.", job))

    def test_a_job_that_finds_nothing_to_do_leaves_no_error(self):
        class Exporter(RecordExporter):
            def _must_skip(self):
                raise NothingToDoJob("Not today.")

        binding = self.partner()
        export_record.delay(self.session, "test.shop.partner", binding.id)
        with extending(webshop, Exporter):
            job = self.run_jobs()
        self.assertEqual((job.state, job.message, binding.sync_state), ("done", "Not today.", "never"))

    def test_a_record_there_that_is_bound_already_is_not_bound_twice(self):
        class Exporter(RecordExporter):
            def _create(self, values):
                return 7

        other = self.partner("7", name="Other")
        export_record.delay(self.session, "test.shop.partner", self.partner().id)
        with extending(webshop, Exporter):
            job = self.run_failing_jobs()
        self.assertFailed(job, f"Record 7 of Test Shop is bound to Other already .binding {other.id}.")

    def test_a_job_that_is_tried_again_leaves_no_error(self):
        binding = self.partner()
        export_record.delay(self.session, "test.shop.partner", binding.id)
        with extending(webshop, UnreachedExporter):
            self.assertEqual(self.run_jobs().state, "scheduled")
        self.assertEqual(binding.sync_state, "never")

    def test_the_last_try_of_a_job_leaves_its_error(self):
        binding = self.partner()
        export_record.delay(self.session, "test.shop.partner", binding.id, max_retries=1)
        with extending(webshop, UnreachedExporter):
            self.run_jobs()
        self.assertEqual((binding.sync_state, binding.sync_error), ("error", "down"))

    def test_the_next_success_takes_the_error_away(self):
        binding = self.partner(sync_state="error", sync_error="No e-mail.")
        self.run_export(binding)
        self.assertEqual((binding.sync_state, binding.sync_error), ("in_sync", False))

    def test_a_record_that_was_deleted_there_fails_and_says_what_to_do(self):
        binding = self.partner("42")
        export_record.delay(self.session, "test.shop.partner", binding.id)
        job = self.run_failing_jobs()
        self.assertRegex(job.message, "(?s)has no test.shop.partner 42.*restore the record there")
        self.assertEqual((job.state, binding.sync_state), ("failed", "missing"))

    def test_a_record_is_not_missing_there_because_one_on_which_it_depends_is(self):
        class Exporter(RecordExporter):
            def _export_dependencies(self):
                raise IDMissingInBackend("The shop has no test.shop.tag 3")

        binding = self.partner("42")
        export_record.delay(self.session, "test.shop.partner", binding.id)
        with extending(webshop, Exporter):
            self.run_failing_jobs()
        self.assertEqual((binding.sync_state, binding.sync_error), ("error", "The shop has no test.shop.tag 3"))

    def test_that_there_is_nothing_to_export_takes_the_error_away(self):
        self.shop.add("test.shop.partner", 42, name="Ada")
        binding = self.partner("42")
        self.run_export(binding)
        for state in ("error", "missing", "to_export"):
            binding.write({"sync_state": state, "sync_error": "It was so"})
            self.assertEqual(self.run_export(binding), "Nothing to export.")
            self.assertEqual((binding.sync_state, binding.sync_error), ("in_sync", False))

    def test_a_record_that_was_deleted_there_is_created_again_where_the_policy_says_so(self):
        class Exporter(RecordExporter):
            _missing_policy = "recreate"

        binding = self.partner("42")
        export_record.delay(self.session, "test.shop.partner", binding.id)
        with extending(webshop, Exporter):
            job = self.run_jobs()
        self.assertEqual((job.message, binding.external_id), ("Created record 1 in Test Shop.", "1"))
        self.assertEqual(self.shop.table("test.shop.partner")[1]["source"], "odoo")

    def test_the_button_related_opens_the_record(self):
        binding = self.partner()
        export_record.delay(self.session, "test.shop.partner", binding.id)
        action = self.delayed_jobs("export_record").button_related()
        self.assertEqual((action["res_model"], action["res_id"]), ("res.partner", binding.odoo_id.id))

    def test_a_job_deletes_a_record(self):
        self.shop.add("test.shop.partner", 42, name="Ada")
        delete_record.delay(self.session, "test.shop.partner", self.backend.id, "42")
        self.assertEqual(self.run_jobs().message, "Deleted record 42 of Test Shop.")
