from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged
from odoo.tools import config

from odoo.addons.jobs_queue import store
from odoo.addons.jobs_queue.jobs import job
from odoo.addons.jobs_queue.session import ConnectorSession
from odoo.addons.jobs_queue.testing import JobsCase


@job
def import_record(session, model_name, external_id):
    """Import a record"""


class ServiceCase(JobsCase):
    """Tests of a database that nobody serves: no worker, late scheduled actions."""

    def setUp(self):
        super().setUp()
        self.workers = self.env["queue.worker"]
        self.command = f"odoo jobs_worker -d {self.env.cr.dbname}"
        self.env.cr.execute("DELETE FROM queue_worker")
        self.slots = self.workers._cron_slots()
        self.let_crons_run(timedelta(minutes=-10))

    def let_crons_run(self, later):
        now = fields.Datetime.now()
        self.slots.write({"nextcall": now + later, "lastcall": now + later - timedelta(minutes=1)})

    def add_worker(self, state="running", seconds_ago=0):
        """Insert the row of a worker, as it is behind a pooler.

        Only its heartbeat tells that it is alive.
        """
        self.env.cr.execute(
            """
            INSERT INTO queue_worker (uuid, host, pid, kind, capacity, state, date_started, date_heartbeat)
            VALUES (gen_random_uuid(), 'host', 1, 'command', 1, %s, now() AT TIME ZONE 'UTC',
                    clock_timestamp() AT TIME ZONE 'UTC' - make_interval(secs => %s))
            """,
            (state, seconds_ago),
        )
        self.env.invalidate_all()

    def reason(self):
        return self.workers.list_warning()


class TestWhoRunsJobs(ServiceCase):
    def test_u4_without_worker_and_with_late_scheduled_actions_the_way_out_is_told(self):
        self.assertIn("nobody runs Odoo's scheduled actions", self.reason())
        self.assertIn(self.command, self.reason())

    def test_u4_a_living_worker_runs_jobs(self):
        self.add_worker()
        self.assertEqual(self.reason(), "")

    def test_u4_a_worker_without_signs_of_life_runs_none(self):
        self.add_worker(seconds_ago=60)
        self.assertIn(self.command, self.reason())

    def test_u4_workers_that_are_paused_or_end_start_no_job_and_neither_do_crons_beside_them(self):
        self.let_crons_run(timedelta(minutes=1))
        for state in ("paused", "draining", "stopping"):
            with self.subTest(state=state):
                self.env.cr.execute("DELETE FROM queue_worker")
                self.add_worker(state)
                self.assertIn("all workers are paused, or about to end", self.reason())
        self.add_worker("running")
        self.assertEqual(self.reason(), "")

    def test_u4_scheduled_actions_that_are_in_time_run_jobs(self):
        self.let_crons_run(timedelta(seconds=-20))
        self.assertEqual(self.reason(), "")

    def test_u4_switched_off_scheduled_actions_run_none(self):
        self.let_crons_run(timedelta(minutes=1))
        self.slots.active = False
        self.assertIn("switched off", self.reason())

    def set_cron_threads(self, number):
        self.addCleanup(config.__setitem__, "max_cron_threads", config["max_cron_threads"])
        config["max_cron_threads"] = number

    def test_u4_a_server_without_cron_threads_runs_none_unless_another_one_does(self):
        self.set_cron_threads(0)
        self.slots.write({"nextcall": fields.Datetime.now() + timedelta(minutes=1), "lastcall": False})
        self.assertIn("max_cron_threads = 0", self.reason())
        self.slots.lastcall = fields.Datetime.now()
        self.assertEqual(self.reason(), "")

    def test_u4_without_cron_threads_a_run_of_long_ago_says_nothing_of_other_servers(self):
        self.set_cron_threads(0)
        now = fields.Datetime.now()
        self.slots.write({"nextcall": now - timedelta(minutes=2), "interval_number": 2})
        for minutes, runs in ((1, True), (4, True), (6, False), (60, False), (60 * 24 * 400, False)):
            with self.subTest(minutes=minutes):
                self.slots.lastcall = now - timedelta(minutes=minutes)
                self.assertEqual("max_cron_threads = 0" not in self.reason(), runs)
        self.slots.write({"interval_number": 1, "interval_type": "hours"})
        self.slots.lastcall = now - timedelta(minutes=60)
        self.assertEqual(self.reason(), "")

    def test_u4_with_cron_threads_a_new_server_has_its_time_to_run_them(self):
        self.set_cron_threads(2)
        self.slots.write({"nextcall": fields.Datetime.now() - timedelta(minutes=2), "lastcall": False})
        self.assertEqual(self.reason(), "")

    def test_u4_only_users_of_jobs_ask(self):
        with self.assertRaises(AccessError):
            self.workers.with_user(new_test_user(self.env, "employee", "base.group_user")).list_warning()


class TestScreens(ServiceCase):
    def wait_reason(self):
        waiting = import_record.delay(ConnectorSession.from_env(self.env), "res.partner", "42").record(self.env)
        return waiting.wait_reason

    def test_u4_the_job_s_form_promises_nothing_that_nobody_does(self):
        self.assertEqual(self.wait_reason(), self.reason())
        self.let_crons_run(timedelta(minutes=1))
        self.assertIn("Odoo's scheduled actions run the job at their next pass", self.wait_reason())
        self.add_worker()
        self.assertFalse(self.wait_reason())

    def test_u4_the_empty_screen_of_workers_smiles_only_where_jobs_run(self):
        standard = '<p class="o_view_nocontent_smiling_face">No worker is running</p>'
        self.assertIn("Nobody runs jobs", self.workers.get_empty_list_help(standard))
        self.assertIn(self.command, self.workers.get_empty_list_help(standard))
        self.assertNotIn("smiling", self.workers.get_empty_list_help(standard))
        self.let_crons_run(timedelta(minutes=1))
        self.assertIn("No worker is running", self.workers.get_empty_list_help(standard))

    def test_u4_the_lists_of_jobs_failures_and_workers_have_the_banner(self):
        for model in ("queue.job", "queue.job.failure", "queue.worker"):
            with self.subTest(model=model):
                self.assertIn("jobs_queue_list", self.env[model].get_view(view_type="list")["arch"])


class TestAnswers(ServiceCase):
    def test_u4_a_button_says_that_nobody_would_run_its_jobs(self):
        jobs = [import_record.delay(ConnectorSession.from_env(self.env), "res.partner", "42")]
        told = self.workers._answer("The import runs in the background:", jobs)["params"]
        self.assertEqual((told["type"], told["sticky"]), ("warning", True))
        self.assertIn(self.command, told["message"])
        self.assertNotIn("background", told["message"])
        self.assertEqual(told["links"], [{"label": f"Job {jobs[0].id}", "url": f"/odoo/queue-jobs/{jobs[0].id}"}])

    def test_u4_a_button_says_what_runs_where_somebody_runs_it(self):
        self.add_worker()
        told = self.workers._answer("The import runs in the background:")["params"]
        self.assertEqual((told["type"], told["message"]), ("info", "The import runs in the background:"))

    def answer_for(self, *channels):
        session = ConnectorSession.from_env(self.env)
        jobs = [import_record.delay(session, "res.partner", "42", channel=channel) for channel in channels]
        return self.workers._answer("The import runs in the background:", jobs)["params"]

    def test_u4_a_button_says_that_the_channel_of_its_jobs_is_paused_or_held(self):
        self.add_worker()
        shop = self.env["queue.job.channel"]._ensure("root.shop")
        self.env["queue.job.channel"]._ensure("root.shop.import")
        self.assertEqual(self.answer_for("root.shop.import")["type"], "info")
        shop.is_paused = True
        told = self.answer_for("root.shop.import", "root.shop")
        self.assertEqual(
            (told["type"], told["message"]),
            ("warning", "The channel “root.shop” is paused: its jobs wait until it is resumed. %s %s"),
        )
        shop.is_paused = False
        store.channels.hold(self.env.cr, shop.id, "test", "it is down", 60)
        self.assertIn("The channel “root.shop” is held: it is down", self.answer_for("root.shop.import")["message"])

    def test_u4_a_button_of_which_some_jobs_start_says_both(self):
        self.add_worker()
        self.env["queue.job.channel"]._ensure("root.shop").is_paused = True
        told = self.answer_for("root.shop", "root")
        self.assertTrue(told["message"].startswith("The import runs in the background: The channel “root.shop” is"))
        self.assertEqual(told["type"], "warning")

    def test_u4_a_server_action_that_runs_as_a_job_says_so(self):
        action = self.env["ir.actions.server"].create(
            {
                "name": "Mark",
                "model_id": self.env["ir.model"]._get_id("res.partner"),
                "state": "code",
                "code": "records",
                "run_as_job": True,
            }
        )
        partner = self.env["res.partner"].create({"name": "Ada"})
        told = action.with_context(active_model="res.partner", active_ids=partner.ids).run()
        self.assertIn(self.command, told["params"]["message"])


@tagged("post_install", "-at_install")
class TestSchedule(ServiceCase):
    def test_u4_running_a_schedule_now_says_so(self):
        schedule = self.env["queue.job.schedule"].create(
            {
                "name": "Import at night",
                "function": import_record.job_options.name,
                "model_name": "res.partner",
                "arguments": '{"external_id": "42"}',
            }
        )
        self.assertIn(self.command, schedule.button_run()["params"]["message"])
