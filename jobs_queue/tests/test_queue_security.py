"""Rights: who reads, runs and configures jobs."""

from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user
from odoo.tools import mute_logger

from odoo.addons.jobs_queue.graph import chain
from odoo.addons.jobs_queue.testing import JobsCase

NEVER_WRITTEN = {
    "queue.job": {"function": "res.partner.unlink", "payload": '{"args":[],"kwargs":{}}', "state": "pending"},
    "queue.job.attempt": {"job_id": 1, "number": 1},
    "queue.worker": {"uuid": "1", "host": "here", "pid": 1, "kind": "command"},
}


class SecurityCase(JobsCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.employee = new_test_user(cls.env, "jobs employee", "base.group_user")
        cls.user = new_test_user(cls.env, "jobs user", "jobs_queue.group_jobs_user")
        cls.manager = new_test_user(cls.env, "jobs manager", "jobs_queue.group_jobs_manager")
        cls.administrator = new_test_user(cls.env, "administrator", "base.group_system,jobs_queue.group_jobs_manager")

    def delay_job(self, env=None):
        """Delay a job that waits; return its record."""
        partner = (env or self.env)["res.partner"].create({"name": "Wood Corner"})
        return partner.with_delay().write({"name": "Wood & Corner"}).record(self.env)

    def assertForbidden(self, operation, *args):
        with self.assertRaises(AccessError), mute_logger("odoo.addons.base.models.ir_model"):
            operation(*args)


class TestJobsAreWrittenByTheQueueAlone(SecurityCase):
    def test_nobody_has_the_right_to_write_what_the_queue_writes(self):
        configuration = ("queue.job.channel", "queue.job.function", "queue.job.schedule")
        for user in self.user | self.manager | self.administrator:
            for model in (name for name in self.env if name.startswith("queue.") and name not in configuration):
                for right in ("create", "write", "unlink"):
                    with self.subTest(user=user.login, model=model, right=right):
                        self.assertFalse(self.env[model].with_user(user).has_access(right))

    def test_nobody_creates_a_job_an_attempt_or_a_worker(self):
        for user in self.user | self.manager | self.administrator:
            for model, values in NEVER_WRITTEN.items():
                with self.subTest(user=user.login, model=model):
                    self.assertForbidden(self.env[model].with_user(user).create, values)

    def test_nobody_changes_or_deletes_a_job_an_attempt_or_a_worker(self):
        self.delay_job()
        job = self.run_jobs()[-1]
        worker = self.register_worker()
        for user in self.user | self.manager | self.administrator:
            for record in (job, job.attempt_ids, worker):
                with self.subTest(user=user.login, model=record._name):
                    self.assertTrue(record)
                    self.assertForbidden(record.with_user(user).write, NEVER_WRITTEN[record._name])
                    self.assertForbidden(record.with_user(user).unlink)

    def test_nobody_imports_jobs_from_a_file(self):
        values = NEVER_WRITTEN["queue.job"]
        for user in self.user | self.manager | self.administrator:
            with self.subTest(user=user.login), mute_logger("odoo.addons.base.models.ir_model"):
                loaded = self.env["queue.job"].with_user(user).load(list(values), [list(values.values())])
                self.assertFalse(loaded["ids"])
                self.assertIn("not allowed to create", loaded["messages"][0]["message"])

    def register_worker(self):
        self.env.cr.execute(
            "INSERT INTO queue_worker (uuid, host, pid, kind, capacity) VALUES ('of a test', 'here', 1, 'command', 1) RETURNING id"
        )
        return self.env["queue.worker"].browse(self.env.cr.fetchone())


class TestGroups(SecurityCase):
    def test_employees_have_nothing_to_do_with_jobs(self):
        job = self.delay_job()
        self.assertForbidden(job.with_user(self.employee).read, ["name"])
        self.assertNotIn(self.env.ref("jobs_queue.menu_root").id, self.menus_of(self.employee))

    def test_users_read_jobs_but_press_no_buttons(self):
        job = self.delay_job().with_user(self.user)
        self.assertEqual(job.state, "pending")
        for button in (job.button_requeue, job.button_done, job.button_cancel):
            self.assertForbidden(button)

    def test_managers_press_the_buttons(self):
        job = self.delay_job()
        with self.enter_registry_test_mode():
            job.with_user(self.manager).button_cancel()
        self.assertEqual(job.state, "cancelled")

    def test_tracebacks_are_for_managers(self):
        fields = self.env["queue.job.attempt"].with_user(self.user).fields_get()
        self.assertNotIn("exc_info", fields)
        self.assertIn("exc_info", self.env["queue.job.attempt"].with_user(self.manager).fields_get())

    def test_managers_alone_configure_channels(self):
        values = {"name": "shop", "parent_id": self.env.ref("jobs_queue.channel_root").id}
        channels = self.env["queue.job.channel"]
        self.assertForbidden(channels.with_user(self.user).create, values)
        channel = channels.with_user(self.manager).create(values)
        self.assertForbidden(channel.with_user(self.user).action_pause)
        channel.unlink()

    def test_managers_change_job_functions_but_never_create_or_delete_them(self):
        function = self.env["queue.job.function"].search([], limit=1)
        self.assertForbidden(function.with_user(self.user).write, {"max_retries": 3})
        function = function.with_user(self.manager)
        function.max_retries = 3
        self.assertForbidden(function.create, {"name": "res.partner.unlink"})
        self.assertForbidden(function.unlink)

    def test_the_name_of_a_job_function_is_changed_by_nobody(self):
        function = self.env["queue.job.function"].search([], limit=1).with_user(self.administrator)
        with self.assertRaisesRegex(UserError, "name of a job function"):
            function.name = "res.partner.unlink"

    def menus_of(self, user):
        return self.env["ir.ui.menu"].with_user(user)._visible_menu_ids()


class TestCompanies(SecurityCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other_company = cls.env["res.company"].create({"name": "Other company"})

    def test_users_see_the_jobs_of_their_companies_alone(self):
        theirs = self.delay_job()
        others = self.delay_job(self.env(context={"allowed_company_ids": self.other_company.ids}))
        self.assertEqual(self.visible(theirs | others), theirs)

    def test_users_see_the_attempts_at_jobs_of_their_companies_alone(self):
        theirs = self.delay_job()
        others = self.delay_job(self.env(context={"allowed_company_ids": self.other_company.ids}))
        self.run_jobs()
        self.assertEqual(self.visible((theirs | others).attempt_ids), theirs.attempt_ids)

    def test_managers_see_the_requests_to_stop_jobs_of_their_companies_alone(self):
        jobs = self.delay_job() | self.delay_job(self.env(context={"allowed_company_ids": self.other_company.ids}))
        for job in jobs:
            self.env.cr.execute("INSERT INTO queue_job_cancellation (job_id, who) VALUES (%s, 'Ada')", [job.id])
        requests = self.env["queue.job.cancellation"].with_user(self.manager).search([("job_id", "in", jobs.ids)])
        self.assertEqual(requests.job_id.ids, jobs[0].ids)

    def test_users_see_the_graphs_of_their_companies_alone(self):
        def edge(env):
            partners = env["res.partner"]
            graph = chain(partners.delayable().exists(), partners.delayable().exists()).delay()
            return self.env["queue.job.dependency"].search([("child_id", "in", [job.id for job in graph.jobs])])

        theirs, others = edge(self.env), edge(self.env(context={"allowed_company_ids": self.other_company.ids}))
        self.assertEqual(self.visible(theirs | others), theirs)

    def visible(self, records):
        return records.with_user(self.user).search([("id", "in", records.ids)]).with_env(self.env)
