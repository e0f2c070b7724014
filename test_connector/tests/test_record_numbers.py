"""The jobs of synchronizers are found by the number and by the name of their record."""

from odoo.tests import tagged

from odoo.addons.connector.testing import JobsCase
from odoo.addons.connector.unit.exporter.consumers import delay_delete
from odoo.addons.connector.unit.exporter.deleter import delete_record
from odoo.addons.connector.unit.importer.record import import_record
from odoo.addons.jobs_queue.jobs.many import delay_many

from .common import ShopCase

MODEL = "test.shop.partner"


@tagged("post_install", "-at_install")
class TestRecordNumbers(ShopCase, JobsCase):
    def delay_import(self, external_id, model_name=MODEL):
        return import_record.delay(self.session, model_name, self.backend.id, external_id).record(self.env)

    def assertFound(self, job, *texts):
        for text in texts:
            with self.subTest(text=text):
                self.assertEqual(self.env["queue.job"].search([("name", "ilike", text)]), job)

    def test_item3_an_import_is_found_by_the_name_of_the_record_that_is_bound(self):
        self.partner("42", name="S00042")
        self.partner("43", name="S00043")
        job = self.delay_import(42)
        self.delay_import("43")
        self.assertEqual((job.external_id, job.record_name), ("42", "S00042"))
        self.assertFound(job, "42", "S00042")

    def test_item3_so_is_that_of_an_archived_record(self):
        self.partner("42", name="S00042").odoo_id.active = False
        self.assertFound(self.delay_import("42"), "S00042")

    def test_item3_what_is_not_bound_yet_is_found_by_its_number_alone(self):
        other = self.env["test.shop.backend"].create({"name": "Other shop"})
        self.partner("42", name="S00042", backend_id=other.id)
        job = self.delay_import("42")
        self.assertEqual((job.external_id, job.record_name), ("42", False))
        self.assertFound(job, "42")

    def test_item3_what_has_no_name_is_not_called_by_its_id_here(self):
        self.env["test.shop.page"].create({"backend_id": self.backend.id, "external_id": "42"})
        job = self.delay_import("42", "test.shop.page")
        self.assertEqual((job.external_id, job.record_name), ("42", False))

    def test_item3_nor_is_what_is_deleted(self):
        page = self.env["test.shop.page"].create({"backend_id": self.backend.id, "external_id": "42"})
        delay_delete(self.session, page._name, page.id)
        job = self.delayed_jobs("delete_record")
        self.assertEqual((job.external_id, job.record_name), ("42", False))

    def test_item3_a_deletion_is_found_by_the_name_of_what_is_deleted(self):
        binding = self.partner("42", name="S00042")
        delay_delete(self.session, MODEL, binding.id)
        binding.odoo_id.unlink()
        job = self.delayed_jobs("delete_record")
        self.assertEqual((job.external_id, job.record_name), ("42", "S00042"))
        self.assertFound(job, "S00042")

    def test_item3_a_model_that_does_not_exist_keeps_nobody_from_committing(self):
        with self.assertLogs("odoo.addons.jobs_queue.jobs.record_number"):
            [job] = delay_many(self.session, import_record, "no.such.model", [(self.backend.id, "42")], channel="root")
            self.cr.flush()
        self.assertEqual(job.record(self.env).external_id, "42")

    def test_item3_nor_does_a_name_that_an_addon_cannot_compute(self):
        self.partner("42", name="S00042")
        self.env.flush_all()
        self.env.invalidate_all()
        self.patch(type(self.Partner), "_compute_display_name", lambda self: 1 / 0)
        with self.assertLogs("odoo.addons.jobs_queue.jobs.record_number"):
            job = self.delay_import("42")
        self.assertEqual((job.external_id, job.record_name), ("42", False))

    def test_item3_a_language_that_is_not_active_leaves_the_name_to_be_found(self):
        self.partner("42", name="S00042")
        session = self.session.with_context(lang="xx_XX")
        job = import_record.delay(session, MODEL, self.backend.id, "42")
        self.cr.flush()
        self.assertEqual(job.record(self.env).record_name, "S00042")

    def test_item3_the_names_of_hundreds_are_looked_up_at_once(self):
        values = {"backend_id": self.backend.id}
        self.Partner.create([{**values, "external_id": str(id_), "name": f"S{id_:05}"} for id_ in range(200)])
        _first, of_two, of_all = [self.statements_of_delaying(range(number)) for number in (2, 2, 200)]
        self.assertEqual(of_two, of_all)
        self.assertEqual(self.delayed_jobs()[-1].record_name, "S00199")

    def statements_of_delaying(self, external_ids):
        """Return how many statements it takes to delay an import for each of some external ids."""
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.cr.sql_log_count
        delay_many(self.session, import_record, MODEL, [(self.backend.id, id_) for id_ in external_ids])
        self.cr.flush()
        return self.cr.sql_log_count - before

    def test_item3_what_is_no_id_keeps_nobody_from_committing(self):
        calls = [(self.backend.id, id_) for id_ in (["42"], "4\x002", "4" * 6000, 10**400, True, None)]
        calls += [(backend_id, "42") for backend_id in ([1], "1", -1, 2**40, None)]
        jobs = delay_many(self.session, delete_record, MODEL, calls, channel="root")
        self.assertTrue(all(job.id for job in jobs))
