from odoo.exceptions import AccessError
from odoo.modules.neutralize import get_neutralization_queries
from odoo.service.model import call_kw
from odoo.tests import TransactionCase, new_test_user

from odoo.addons.jobs_queue import store
from odoo.addons.jobs_queue.testing import JobsCase


class TestRestoredCopy(JobsCase):
    """Copy of a database, which does nothing by itself."""

    def make_copy(self):
        self.env["ir.config_parameter"].set_param("jobs_queue.database", "uuid 1 production")
        self.env.flush_all()

    def has_button(self):
        return "action_adopt_database" in self.env["queue.worker"].get_view(view_type="list")["arch"]

    def test_the_database_of_the_installation_is_served(self):
        self.assertIsNone(store.database.reason_not_to_serve(self.cr))
        self.assertFalse(self.has_button())

    def test_a_copy_is_not_served_and_the_screens_say_so(self):
        self.make_copy()
        self.assertIn("copy", store.database.reason_not_to_serve(self.cr))
        self.assertIn("copy", self.env["queue.worker"].get_empty_list_help("No worker"))
        self.assertTrue(self.has_button())

    def test_a_waiting_job_says_that_the_database_is_a_copy(self):
        self.make_copy()
        self.env["res.partner"].create({"name": "Ann"}).with_delay().write({"name": "Eve"})
        self.assertIn("copy", self.delayed_jobs().wait_reason)

    def test_a_new_uuid_makes_a_copy(self):
        self.env["ir.config_parameter"].init(force=True)
        self.env.flush_all()
        self.assertFalse(store.database.is_original(self.cr))

    def test_a_neutralized_database_is_not_served(self):
        for query in get_neutralization_queries(["jobs_queue"]):
            self.cr.execute(query)
        self.assertFalse(store.database.is_original(self.cr))

    def test_an_update_of_the_addon_does_not_make_a_copy_the_original(self):
        self.make_copy()
        self.env["queue.worker"]._remember_database()
        self.assertFalse(store.database.is_original(self.cr))

    def test_the_button_makes_it_the_production_database(self):
        self.make_copy()
        call_kw(self.env["queue.worker"], "action_adopt_database", [[]], {})  # as the web client does
        self.assertIsNone(store.database.reason_not_to_serve(self.cr))
        self.assertFalse(self.has_button())

    def test_f26_what_a_copy_has_taken_over_of_running_jobs_ends_without_a_try_as_it_is_adopted(self):
        worker = store.workers.register(self.cr, "original", "host", 1, "command", 3, (None, None))
        store.workers.note_server_processes(self.cr, worker, [self.cr.connection.info.backend_pid])
        jobs = [self.env["res.partner"].with_delay().exists() for _number in range(3)]
        jobs = self.env["queue.job"].browse([job.id for job in jobs])
        running, _enqueued, orphan = store.claiming.claim(self.cr, worker, 3, 3)
        store.leases.start(self.cr, running)
        store.leases.start(self.cr, orphan)
        self.cr.execute("UPDATE queue_job SET worker_id = 0 WHERE id = %s", [orphan.id])
        self.make_copy()
        self.assertEqual([job.state for job in jobs], ["started", "enqueued", "started"])
        self.env["queue.worker"].action_adopt_database()
        self.assertFalse(self.env["queue.worker"].search([]))
        self.assertEqual([(job.state, job.retry) for job in jobs], [("pending", 0)] * 3)
        self.assertEqual(
            jobs.attempt_ids.mapped(lambda attempt: (attempt.outcome, attempt.message)),
            [("interrupted", "Interrupted: it ran in the database of which this one is a copy")] * 2,
        )

    def test_f26_the_workers_of_an_original_live_on_where_it_is_adopted_once_more(self):
        worker = store.workers.register(self.cr, "original", "host", 1, "command", 2, (None, None))
        self.env["queue.worker"].action_adopt_database()
        self.assertTrue(store.workers.send_heartbeat(self.cr, worker))


class TestWhoMayAdopt(TransactionCase):
    def test_a_user_cannot_say_that_it_is_the_production_database(self):
        user = new_test_user(self.env, "jobs user", groups="jobs_queue.group_jobs_user")
        with self.assertRaises(AccessError):
            self.env["queue.worker"].with_user(user).action_adopt_database()
