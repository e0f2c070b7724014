"""Names that jobs had while the addon was a part of the addon connector."""

from odoo.tests import TransactionCase, tagged

from odoo.addons.jobs_queue.jobs import find_function
from odoo.addons.jobs_queue.jobs.functions import FORMER_NAMES


@tagged("post_install", "-at_install")
class TestNames(TransactionCase):
    def test_jobs_that_were_delayed_under_a_former_name_are_found(self):
        for former, name in FORMER_NAMES.items():
            self.assertIs(find_function(self.env, former), find_function(self.env, name))

    def test_what_was_set_for_a_function_holds_for_jobs_under_its_former_name(self):
        for former, name in FORMER_NAMES.items():
            self.env["queue.job.function"].search([("name", "=", name)]).max_retries = 7
            self.assertEqual(self.env["queue.job.function"]._options(former).max_retries, 7)
