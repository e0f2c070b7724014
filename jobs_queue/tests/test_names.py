"""Former names of job functions, from before they were moved."""

from odoo.tests import TransactionCase, tagged

from odoo.addons.jobs_queue.graph import barrier
from odoo.addons.jobs_queue.jobs import find_function, job
from odoo.addons.jobs_queue.jobs.parents import BARRIER


@tagged("post_install", "-at_install")
class TestNames(TransactionCase):
    def setUp(self):
        super().setUp()
        self.name = barrier.job_options.name
        (self.former,) = barrier.job_options.former_names

    def test_jobs_that_were_delayed_under_a_former_name_are_found(self):
        self.assertIs(find_function(self.env, self.former), barrier)

    def test_a_barrier_is_known_by_its_name(self):
        self.assertEqual(self.name, BARRIER)

    def test_what_was_set_for_a_function_holds_for_jobs_under_its_former_name(self):
        self.env["queue.job.function"].search([("name", "=", self.name)]).max_retries = 7
        self.assertEqual(self.env["queue.job.function"]._options(self.former).max_retries, 7)

    def test_a_job_of_a_moved_function_is_found_by_the_title_of_the_function(self):
        titles = self.env["queue.job"]._titles_of_functions()
        self.assertEqual(titles[self.former], titles[self.name])

    def test_former_names_that_are_no_names_or_those_of_a_method_are_refused(self):
        def move(session, model_name):
            """Move"""

        for wrong in ("odoo.addons.shop.jobs.move", ["move"], [None]):
            with self.assertRaisesRegex(ValueError, "former_names is .* it must be a list of names"):
                job(former_names=wrong)(move)
        move.__qualname__ = "Order.move"
        with self.assertRaisesRegex(ValueError, "Order.move is a method"):
            job(former_names=["sale.order.move_it"])(move)

    def test_what_was_set_before_a_function_was_moved_stays(self):
        functions = self.env["queue.job.function"]
        function = functions.search([("name", "=", self.name)])
        function.write({"name": self.former, "max_retries": 7})
        functions._synchronize()
        self.assertEqual(function.name, self.name)
        self.assertEqual(function.max_retries, 7)
        self.assertEqual(functions._options(self.name).max_retries, 7)
