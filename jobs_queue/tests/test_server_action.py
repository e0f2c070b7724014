from odoo.exceptions import AccessError
from odoo.tests import new_test_user
from odoo.tools import mute_logger

from odoo.addons.jobs_queue import store
from odoo.addons.jobs_queue.testing import JobsCase


class TestRunAsJob(JobsCase):
    def setUp(self):
        super().setUp()
        self.partners = self.env["res.partner"].create([{"name": "Ada"}, {"name": "Grace"}])
        self.action = self.env["ir.actions.server"].create(
            {
                "name": "Mark the partners",
                "model_id": self.env["ir.model"]._get_id("res.partner"),
                "state": "code",
                "code": "records.write({'ref': env.user.login})",
                "run_as_job": True,
            }
        )
        self.user = new_test_user(self.env, "partner manager", "base.group_user,base.group_partner_manager")

    def run_action(self, action=None, records=None, user=None):
        records = self.partners if records is None else records
        context = {"active_model": records._name, "active_ids": records.ids, "active_id": records[:1].id}
        return (action or self.action).with_user(user or self.user).with_context(**context).run()

    def refs(self):
        return self.partners.mapped("ref")

    def test_running_the_action_delays_one_job_for_the_records(self):
        store.workers.register(self.env.cr, "uuid", "host", 1, "command", 1, (None, None))
        told = self.run_action()
        job = self.delayed_jobs()
        self.assertEqual((len(job), job.name, job.user_id, job.su), (1, "Mark the partners", self.user, False))
        self.assertEqual(told["params"]["message"], "“Mark the partners” runs in the background.")
        self.assertFalse(any(self.partners.mapped("ref")))

    def test_the_job_runs_the_action_once_on_the_records_as_the_user(self):
        self.run_action()
        self.assertEqual(self.run_jobs().state, "done")
        self.assertEqual(self.refs(), ["partner manager"] * 2)
        self.assertFalse(self.delayed_jobs())

    def test_an_action_without_the_mark_runs_at_once(self):
        self.action.run_as_job = False
        self.run_action()
        self.assertEqual(self.refs(), ["partner manager"] * 2)
        self.assertFalse(self.delayed_jobs())

    def test_actions_that_run_record_by_record_run_on_each_in_the_job(self):
        self.action.write({"state": "object_write", "update_path": "ref", "value": "seen"})
        self.run_action()
        self.run_jobs()
        self.assertEqual(self.refs(), ["seen"] * 2)

    def test_who_may_not_run_it_delays_nothing(self):
        stranger = new_test_user(self.env, "stranger", "base.group_portal")
        with self.assertRaises(AccessError), mute_logger("odoo.addons.base.models.ir_actions"):
            self.run_action(user=stranger)
        self.assertFalse(self.delayed_jobs())

    def test_the_job_fails_when_the_user_may_not_run_it_any_more(self):
        self.run_action()
        self.action.group_ids = self.env.ref("base.group_system")
        with mute_logger("odoo.addons.jobs_queue.worker"):
            job = self.run_jobs()
        self.assertEqual(job.state, "failed")
        self.assertIn("access rights to run this action", job.message)

    def test_records_that_are_deleted_meanwhile_are_left_out(self):
        self.run_action()
        self.partners[0].unlink()
        self.partners = self.partners[1]
        self.run_jobs()
        self.assertEqual(self.refs(), ["partner manager"])

    def test_without_any_record_left_nothing_is_run(self):
        self.run_action()
        self.partners.unlink()
        job = self.run_jobs()
        self.assertEqual((job.state, job.message), ("done", "The records do not exist any more."))

    def test_an_action_within_another_one_has_jobs_of_its_own(self):
        parent = self.action.create(
            {"name": "All", "model_id": self.action.model_id.id, "state": "multi", "child_ids": [(4, self.action.id)]}
        )
        self.run_action(parent)
        # Odoo runs the outer action record by record, so there are two jobs
        self.assertEqual(self.delayed_jobs().mapped("name"), ["Mark the partners"] * 2)
