from datetime import timedelta

from odoo.tools import mute_logger

from odoo.addons.connector.exception import FailedJobError
from odoo.addons.connector.testing import extending
from odoo.addons.connector.unit.binding.state import remember
from odoo.addons.connector.unit.checkpoint import add_checkpoint
from odoo.addons.connector.unit.exporter.record import RecordExporter, export_record
from odoo.addons.connector.unit.importer.bulk import import_page
from odoo.addons.connector.unit.importer.record import import_record
from odoo.addons.connector.unit.jobs.keys import export_identity
from odoo.addons.jobs_queue.graph import chain

from ..units import ShopAdapter, webshop
from .test_bulk_importer import BulkCase

PARTNER = "test.shop.partner"


class PutRightCase(BulkCase):
    def delay_import(self, external_id, **options):
        return import_record.delay(self.session, PARTNER, self.backend.id, external_id, **options)

    def run_import(self, external_id, **options):
        """Import a record in a job, and return the job."""
        return self.run_now(self.delay_import(external_id, **options))

    def run_page(self, external_ids, **options):
        return self.run_now(import_page.delay(self.session, PARTNER, self.backend.id, external_ids, **options))

    @mute_logger("odoo.addons.jobs_queue.worker.outcome")
    def run_now(self, job):
        record = job.record(self.env)
        self.run_jobs()
        return record

    def failed_import(self, external_id, **options):
        self.add(external_id, name="Bad")
        with self.failing("Bad"):
            job = self.run_import(external_id, **options)
        self.assertEqual(job.state, "failed")
        self.shop.table(PARTNER)[external_id]["name"] = f"Good {external_id}"
        return job

    def down(self):
        """Let the shop be out of order for good during a block."""

        class Adapter(ShopAdapter):
            def read_many(self, external_ids, fields=None):
                raise FailedJobError("The shop is closed")

        return extending(webshop, Adapter)


class TestFailedJobs(PutRightCase):
    def test_a_later_import_of_the_record_closes_its_failed_job_and_keeps_what_it_said(self):
        failed = self.failed_import(1)
        job = self.run_import(1)
        self.assertEqual((job.state, failed.state, failed.done_by_id), ("done", "done", job))
        self.assertIn(f"Put right by job {job.id}.\n", failed.message)
        self.assertIn("Bad is not welcome", failed.message)
