from odoo.tests import HttpCase, tagged

from odoo.addons.jobs_queue.exception import FailedJobError
from odoo.addons.jobs_queue.jobs import job
from odoo.addons.jobs_queue.session import ConnectorSession
from odoo.addons.jobs_queue.testing import JobsCase


@job
def import_record(session, model_name, external_id):
    """Import the Office Chair"""
    raise FailedJobError("The shop refuses the key: enter a new one on the backend")


@tagged("post_install", "-at_install")
class TestTour(HttpCase, JobsCase):
    def test_a_person_reads_why_a_job_failed_and_requeues_it(self):
        failed = import_record.delay(ConnectorSession.from_env(self.env), "res.partner", "42").record(self.env)
        self.run_jobs()
        self.assertEqual(failed.state, "failed")

        self.start_tour("/odoo", "jobs_queue", login="admin")

        failed.invalidate_recordset()
        self.assertEqual((failed.state, failed.retry), ("pending", 0))
