import contextlib
from unittest.mock import patch

from odoo.exceptions import AccessError
from odoo.tests import new_test_user

from odoo.addons.jobs_queue import mass_change, store
from odoo.addons.jobs_queue.exception import JobCancelled
from odoo.addons.jobs_queue.jobs import job
from odoo.addons.jobs_queue.session import ConnectorSession
from odoo.addons.jobs_queue.testing import JobsCase

LIMIT = 20_000  # of the ids that Odoo's client sends


@job
def import_record(session, model_name, external_id):
    """Import a record"""


class MassChangeCase(JobsCase):
    def setUp(self):
        super().setUp()
        self.enterContext(self.enter_registry_test_mode())
        self.jobs = self.env["queue.job"]
        self.session = ConnectorSession.from_env(self.env)
        self.domain = [("state", "=", "failed"), ("function", "=", import_record.job_options.name)]

    def insert(self, number, state="failed", company=None):
        """Insert jobs by one statement, as many as an outage of a shop leaves."""
        self.env.cr.execute(
            """
            INSERT INTO queue_job (function, payload, state, channel_id, priority, retry, max_retries, su, user_id, company_id,
                                   date_created, date_done)
            SELECT %s, '{"args":["42"],"kwargs":{}}', %s, (SELECT id FROM queue_job_channel WHERE parent_id IS NULL), 10, 1, 5, true, 1, %s,
                   clock_timestamp() AT TIME ZONE 'UTC', clock_timestamp() AT TIME ZONE 'UTC'
            FROM generate_series(1, %s)
            RETURNING id
            """,
            (import_record.job_options.name, state, company and company.id, number),
        )
        ids = [id_ for (id_,) in self.env.cr.fetchall()]
        self.env.invalidate_all()
        return self.jobs.browse(ids)

    def select_all(self, domain=None, limit=LIMIT):
        """Return the jobs as the client sends them after *Select all*.

        These are no more than ``limit`` jobs, and the domain.
        """
        domain = self.domain if domain is None else domain
        selected = self.jobs.search(domain, limit=limit)
        return selected.with_context(active_domain=domain, active_model="queue.job", active_ids=selected.ids)

    def set_limit(self, limit):
        self.env["ir.config_parameter"].set_param("web.active_ids_limit", limit)

    def states(self, jobs):
        jobs.invalidate_recordset()
        return set(jobs.mapped("state"))


class TestSelectAll(MassChangeCase):
    def test_u1_all_20001_selected_jobs_are_requeued_although_the_client_names_20000(self):
        jobs = self.insert(20_001)
        selected = self.select_all()
        self.assertEqual(len(selected), LIMIT)
        told = selected.button_requeue()["params"]
        self.assertEqual((told["message"], told["type"]), ("Jobs requeued: 20001 of 20001.", "success"))
        self.assertEqual(self.states(jobs), {"pending"})

    def test_u1_it_takes_no_longer_while_postgresql_takes_the_table_for_empty(self):
        self.insert(2000)
        self.env.cr.execute("DELETE FROM queue_job")
        self.env.cr.execute("ANALYZE queue_job")
        jobs = self.insert(20_001)
        told = self.select_all().button_requeue()["params"]
        self.assertEqual((told["message"], told["type"]), ("Jobs requeued: 20001 of 20001.", "success"))
        self.assertEqual(self.states(jobs), {"pending"})

    def test_u1_jobs_that_were_selected_one_by_one_are_changed_and_no_others(self):
        jobs = self.insert(3)
        chosen = jobs[1].with_context(active_domain=self.domain, active_model="queue.job", active_ids=jobs[1].ids)
        self.assertEqual(chosen.button_requeue()["params"]["message"], "Jobs requeued: 1 of 1.")
        self.assertEqual(jobs.mapped("state"), ["failed", "pending", "failed"])

    def test_u1_jobs_that_the_user_does_not_see_are_not_changed(self):
        other = self.env["res.company"].create({"name": "Other company"})
        manager = new_test_user(self.env, "jobs manager", "jobs_queue.group_jobs_manager")
        own, foreign = self.insert(3, company=self.env.company), self.insert(3, company=other)
        self.set_limit(2)
        self.jobs = self.jobs.with_user(manager)
        told = self.select_all(limit=2).button_requeue()["params"]
        self.assertEqual(told["message"], "Jobs requeued: 3 of 3.")
        self.assertEqual((self.states(own), self.states(foreign)), ({"pending"}, {"failed"}))

    def test_u1_superuser_mode_does_not_reach_what_the_client_names(self):
        other = self.env["res.company"].create({"name": "Other company"})
        manager = new_test_user(self.env, "jobs manager", "jobs_queue.group_jobs_manager")
        foreign, own = self.insert(2, company=other), self.insert(2, company=self.env.company)
        self.set_limit(2)
        self.select_all(limit=2).with_user(manager).sudo().button_requeue()
        self.assertEqual((self.states(own), self.states(foreign)), ({"pending"}, {"failed"}))

    def test_u1_the_domain_of_another_model_s_list_selects_no_jobs(self):
        jobs = self.insert(3)
        self.set_limit(1)
        chosen = jobs[0].with_context(active_domain=[], active_model="queue.job.failure")
        chosen.button_requeue()
        self.assertEqual(jobs.mapped("state"), ["pending", "failed", "failed"])

    def test_u1_who_is_no_manager_changes_nothing(self):
        jobs = self.insert(2)
        user = new_test_user(self.env, "jobs user", "jobs_queue.group_jobs_user")
        with self.assertRaises(AccessError):
            self.select_all().with_user(user).button_requeue()
        self.assertEqual(self.states(jobs), {"failed"})

    def test_u1_what_was_not_possible_is_told_by_state(self):
        domain = [("function", "=", import_record.job_options.name)]
        self.insert(2), self.insert(3, state="started"), self.insert(1, state="pending")
        self.set_limit(4)
        told = self.select_all(domain, limit=4).button_requeue()["params"]
        self.assertEqual(told["type"], "warning")
        self.assertIn("Jobs requeued: 2 of 6. Not possible in their state:", told["message"])
        self.assertIn("3 Started", told["message"])
        self.assertIn("1 Pending", told["message"])

    def test_u1_all_selected_jobs_are_set_to_done_or_cancelled(self):
        self.set_limit(2)
        for button, state in (("button_done", "done"), ("button_cancel", "cancelled")):
            with self.subTest(button=button):
                jobs = self.insert(5)
                getattr(self.select_all(limit=2), button)()
                self.assertEqual(self.states(jobs), {state})

    def test_u1_the_screen_is_loaded_anew(self):
        self.insert(1)
        self.assertEqual(self.select_all().button_requeue()["params"]["next"]["tag"], "soft_reload")


class TestChunks(MassChangeCase):
    def setUp(self):
        super().setUp()
        self.enterContext(patch.object(mass_change, "FIRST_CHUNK", 2))
        self.enterContext(patch.object(mass_change, "LARGEST_CHUNK", 2))

    def test_u1_each_job_is_changed_once_although_it_fails_again_meanwhile(self):
        jobs = self.insert(5)
        seen = []

        def requeue_and_fail(cr, ids):
            seen.extend(ids)
            cr.execute(
                "UPDATE queue_job SET state = 'failed', date_done = clock_timestamp() AT TIME ZONE 'UTC' WHERE id = ANY(%s)",
                (list(ids),),
            )
            return len(ids)

        with patch.object(store.actions, "requeue", requeue_and_fail):
            self.select_all().button_requeue()
        self.assertEqual(seen, jobs.ids)

    def test_u1_what_comes_after_the_press_is_left_alone(self):
        self.insert(3)
        later = []
        requeue = store.actions.requeue

        def requeue_while_others_fail(cr, ids):
            later.append(self.insert(1))
            return requeue(cr, ids)

        with patch.object(store.actions, "requeue", requeue_while_others_fail):
            told = self.select_all().button_requeue()["params"]
        self.assertEqual(told["message"], "Jobs requeued: 3 of 3.")
        self.assertEqual({state for job in later for state in self.states(job)}, {"failed"})

    def test_u1_a_chunk_takes_about_a_fifth_of_a_second(self):
        with patch.object(mass_change, "LARGEST_CHUNK", 2000):
            self.assertEqual(mass_change._next_size(100, 0.4), 50)
            self.assertEqual(mass_change._next_size(100, 0.01), 200)
            self.assertEqual(mass_change._next_size(2000, 0.01), 2000)
            self.assertGreaterEqual(mass_change._next_size(1, 60), 1)


class TestRest(MassChangeCase):
    def setUp(self):
        super().setUp()
        self.enterContext(patch.object(mass_change, "FIRST_CHUNK", 2))
        self.enterContext(patch.object(mass_change, "LARGEST_CHUNK", 2))

    def press(self):
        """Press the button where no more than one chunk is done at once.

        :return: the parameters of the message to the user, and the job that goes on
        """
        with patch("odoo.addons.jobs_queue.models.queue_job.SECONDS_AT_ONCE", 0):
            told = self.select_all().button_requeue()["params"]
        return told, self.delayed_jobs("change_jobs")

    def test_u1_what_takes_longer_goes_on_as_a_job_and_the_message_says_so(self):
        jobs = self.insert(5)
        told, rest = self.press()
        self.assertEqual(told["type"], "warning")
        self.assertIn(" of 5. The rest goes on as %s", told["message"])
        self.assertEqual(told["links"], [{"label": f"Job {rest.id}", "url": f"/odoo/queue-jobs/{rest.id}"}])
        self.assertEqual(rest.channel_id.complete_name, "root")
        self.run_jobs()
        self.assertEqual(rest.state, "done", rest.sudo().message)
        self.assertEqual(rest.message, "Jobs requeued: 5 of 5.")
        self.assertEqual(self.states(jobs), {"done"})

    def test_u1_a_percent_sign_in_the_reason_why_it_waits_is_one_for_the_reader(self):
        channel = self.env.ref("jobs_queue.channel_root")
        store.channels.hold(self.env.cr, channel.id, "shop", "The shop works at 50% of its speed", 60)
        self.insert(5)
        with patch.object(type(self.env["queue.worker"]), "_reason_no_job_runs", return_value=None):
            told, _rest = self.press()
        self.assertIn("at 50% of its speed", told["message"] % "Job 7")

    def test_u1_the_job_changes_with_the_rights_of_who_has_pressed(self):
        manager = new_test_user(self.env, "jobs manager", "jobs_queue.group_jobs_manager")
        self.env = self.env(user=manager)
        self.jobs = self.env["queue.job"]
        self.insert(5, company=self.env.company)
        _told, rest = self.press()
        self.assertEqual((rest.user_id, rest.su), (manager, False))
        manager.sudo().group_ids -= self.env.ref("jobs_queue.group_jobs_manager")
        self.run_jobs()
        self.assertIn("Only a jobs manager may change jobs", rest.sudo().message)

    def test_u1_the_job_ends_between_two_chunks_when_it_is_cancelled(self):
        jobs = self.insert(6)
        position = mass_change.Position(highest=jobs[-1].id, total=6, pressed="2999-01-01 00:00:00")

        class CancelledJob:
            def progress(self, *_args):
                pass

            def check_cancelled(self):
                raise JobCancelled("Cancelled by Ada while it ran")

        session = ConnectorSession.from_env(self.env, job=CancelledJob())
        # assertRaises would undo the first chunk
        with contextlib.suppress(JobCancelled):
            mass_change.change_jobs(session, "queue.job", "requeue", self.domain, vars(position))
        self.assertEqual(self.jobs.search_count([("id", "in", jobs.ids), ("state", "=", "failed")]), 4)

    def test_u1_a_job_that_has_failed_again_since_the_press_is_not_requeued_twice(self):
        jobs = self.insert(5)
        _told, rest = self.press()
        failed_again = jobs[-1]
        self.env.cr.execute(
            "UPDATE queue_job SET date_done = now() AT TIME ZONE 'UTC' + interval '1 minute' WHERE id = %s",
            (failed_again.id,),
        )
        self.run_jobs()
        self.assertEqual(self.states(failed_again), {"failed"})
        self.assertEqual(
            rest.message, "Jobs requeued: 4 of 5. Left as they were, being locked, changed or deleted meanwhile: 1."
        )
