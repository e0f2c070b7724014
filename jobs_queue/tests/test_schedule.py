from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from freezegun import freeze_time
from psycopg2.extensions import ISOLATION_LEVEL_READ_COMMITTED

from odoo import api
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import new_test_user

from odoo.addons.jobs_queue import store
from odoo.addons.jobs_queue.jobs import job
from odoo.addons.jobs_queue.testing import JobsCase

_runs = []


@job
def import_orders(session, model_name, force=False):
    """Import orders"""
    _runs.append((model_name, force, session.uid, session.env.company.id))


@job(concurrency_key=lambda args: args["backend_id"])
def import_of_backend(session, model_name, backend_id):
    """Import from a backend"""


NAME = import_orders.job_options.name
NAME_OF_BACKEND = import_of_backend.job_options.name


class ScheduleCase(JobsCase):
    def setUp(self):
        super().setUp()
        _runs.clear()

    def schedule(self, at="2027-01-10 10:00:00", **values):
        """Create a schedule at a time, in UTC."""
        values = {"name": "Orders", "function": NAME, "expression": "0 * * * *", "timezone": "UTC", **values}
        with freeze_time(at):
            schedule = self.env["queue.job.schedule"].create(values)
            schedule.flush_recordset()  # computes the next run
            return schedule


class TestTimes(ScheduleCase):
    def test_the_next_time_is_known_when_a_schedule_is_written(self):
        schedule = self.schedule()
        self.assertEqual(schedule.next_run, datetime(2027, 1, 10, 11))
        with freeze_time("2027-01-10 10:10:00"):
            schedule.expression = "15 * * * *"
            self.assertEqual(schedule.next_run, datetime(2027, 1, 10, 10, 15))

    def test_times_are_those_of_the_time_zone(self):
        schedule = self.schedule(expression="30 6 * * 1-5", timezone="Asia/Kolkata")
        self.assertEqual(schedule.next_run, datetime(2027, 1, 11, 1))

    def ticks(self, expression, start, count):
        schedule = self.schedule(start, expression=expression, timezone="Europe/Brussels")
        ticks = [schedule.next_run]
        while len(ticks) < count:
            ticks.append(schedule._tick_after(ticks[-1]))
        return [f"{tick:%d %H:%M}" for tick in ticks]

    def test_a_time_that_does_not_exist_when_clocks_go_forward_is_moved_to_the_end_of_the_gap(self):
        self.assertEqual(self.ticks("30 2 * * *", "2027-03-27 12:00:00", 2), ["28 01:00", "29 00:30"])

    def test_a_time_of_day_that_comes_twice_when_clocks_go_back_counts_once(self):
        self.assertEqual(self.ticks("30 2 * * *", "2026-10-24 12:00:00", 2), ["25 00:30", "26 01:30"])

    def test_what_runs_each_hour_goes_on_each_hour_when_clocks_go_back(self):
        self.assertEqual(self.ticks("@hourly", "2026-10-24 23:30:00", 3), ["25 00:00", "25 01:00", "25 02:00"])

    def test_an_archived_schedule_has_no_next_time(self):
        schedule = self.schedule()
        schedule.active = False
        self.assertFalse(schedule.next_run)


class TestWords(ScheduleCase):
    def words(self, expression, lang="en_US", tz="UTC", **values):
        return self.schedule(expression=expression, **values).with_context(lang=lang, tz=tz).when

    def test_a_schedule_says_in_words_when_it_runs(self):
        self.env["res.lang"]._activate_lang("en_GB")
        for expression, words in {
            "*/15 * * * *": "Every 15 minutes",
            "0 * * * *": "Every hour",
            "0 2 * * *": "At 02:00",
            "30 18 * * 1-5": "At 18:30, Monday through Friday",
            "0 0 1 * *": "At 00:00, on day 1 of the month",
            "0 0 1 JAN mon": "At 00:00, on day 1 of the month, or on Monday, only in January",
            "@daily": "At 00:00",
            "@Weekly": "At 00:00, only on Sunday",
        }.items():
            with self.subTest(expression):
                self.assertEqual(self.words(expression, "en_GB"), words)

    def test_it_says_so_in_the_user_s_language_with_the_hours_of_that_language(self):
        for lang, words in {
            "en_US": "At 06:30 PM, only on Monday, only in May",
            "de_DE": "Um 18:30, nur am Montag, nur im Mai",
            "fr_BE": "À 18:30, uniquement le lundi, uniquement en mai",
            "sq_AL": "At 18:30, only on Monday, only in May",
        }.items():
            with self.subTest(lang):
                language = self.env["res.lang"]._activate_lang(lang)
                language.time_format = "%I:%M:%S %p" if lang == "en_US" else "%H:%M:%S"
                self.assertEqual(self.words("30 18 * 5 1", lang), words)

    def test_it_says_the_time_zone_if_that_is_not_the_user_s(self):
        self.assertEqual(self.words("*/5 * * * *", tz="Asia/Tokyo"), "Every 5 minutes (UTC)")
        self.assertEqual(self.words("*/5 * * * *", tz="Asia/Tokyo", timezone="Asia/Tokyo"), "Every 5 minutes")

    def test_an_expression_without_words_is_shown_as_it_is(self):
        for expression in (
            "R R * * *",
            "*/90 * * * *",
            "0 2 L,15 * *",
            "0 2 * * 1#1,3#1",
            "every day",
            "99 * * * *",
            "",
        ):
            with self.subTest(expression):
                new = self.env["queue.job.schedule"].new({"expression": expression, "timezone": "UTC"})
                self.assertEqual(new.with_context(tz="UTC").when, expression)


class TestBadInput(ScheduleCase):
    def test_an_expression_that_is_none_is_refused_by_name(self):
        for expression in ("61 * * * *", "* * * *", "* * * * * *", "every day", "0 0 31 2 *", " "):
            with (
                self.subTest(expression=expression),
                self.assertRaisesRegex(ValidationError, f"“{expression.replace('*', '.')}” of the schedule “Orders”"),
            ):
                self.schedule(expression=expression)

    def test_an_expression_is_checked_when_it_is_changed(self):
        schedule = self.schedule()
        with self.assertRaisesRegex(ValidationError, "99 . . . ."):
            schedule.expression = "99 * * * *"

    def test_a_function_that_does_not_exist_is_refused(self):
        with self.assertRaisesRegex(ValidationError, "“Orders” cannot run: .*no method “fly”"):
            self.schedule(function="res.partner.fly")

    def test_arguments_that_are_no_json_object_are_refused(self):
        for arguments in ("force", "[1]"):
            with self.subTest(arguments=arguments), self.assertRaisesRegex(ValidationError, "“Orders” are not a JSON"):
                self.schedule(arguments=arguments)

    def test_arguments_that_the_function_does_not_take_are_refused(self):
        for function, arguments, error in (
            (NAME, '{"backend": 1}', "unexpected keyword argument 'backend'"),
            (NAME_OF_BACKEND, "{}", "missing a required argument: 'backend_id'"),
            ("res.partner.search_count", "{}", "missing a required argument: 'domain'"),
        ):
            with (
                self.subTest(function=function, arguments=arguments),
                self.assertRaisesRegex(ValidationError, f"“Orders” are not those of {function}: .*{error}"),
            ):
                self.schedule(function=function, arguments=arguments)

    def test_a_function_that_is_changed_is_checked_with_the_arguments(self):
        schedule = self.schedule(arguments='{"force": true}')
        with self.assertRaisesRegex(ValidationError, "'backend_id'"):
            schedule.function = NAME_OF_BACKEND

    def test_only_administrators_write_schedules(self):
        manager = new_test_user(self.env, "jobs manager", "jobs_queue.group_jobs_manager")
        schedule = self.schedule().with_user(manager)
        self.assertEqual(schedule.name, "Orders")
        for write in (lambda: schedule.write({"name": "Mine"}), schedule.button_run):
            with self.assertRaises(AccessError):
                write()


class TestPolicies(ScheduleCase):
    def run_at(self, schedule, hour, minute=0):
        """Run a schedule at a time of the day, in UTC; return the jobs that it has delayed."""
        jobs = self.env["queue.job"].search([])
        schedule._run(datetime(2027, 1, 10, hour, minute))
        return self.env["queue.job"].search([], order="id") - jobs

    def test_a_job_is_delayed_as_the_user_in_the_company_with_the_arguments(self):
        company = self.env["res.company"].create({"name": "Shop Ltd"})
        user = new_test_user(
            self.env, "robot", "base.group_user", company_ids=[(6, 0, [company.id, self.env.company.id])]
        )
        schedule = self.schedule(
            user_id=user.id, company_id=company.id, model_name="res.partner", arguments='{"force": true}'
        )
        job = self.run_at(schedule, 11)
        self.assertEqual((job.name, job.su, schedule.job_id), ("Orders", False, job))
        self.run_jobs()
        self.assertEqual(_runs, [(schedule.model_name, True, user.id, company.id)])

    def test_a_method_of_a_model_runs_too(self):
        schedule = self.schedule(function="res.partner.search_count", arguments='{"domain": []}')
        self.run_at(schedule, 11)
        self.assertEqual(self.run_jobs().state, "done")

    def test_after_a_run_the_next_time_is_the_following_one(self):
        schedule = self.schedule()
        self.assertTrue(self.run_at(schedule, 11, 1))
        self.assertEqual(schedule.next_run, datetime(2027, 1, 10, 12))

    def test_missed_times_are_left_out(self):
        schedule = self.schedule(catch_up="skip")
        self.assertFalse(self.run_at(schedule, 13, 30))
        self.assertEqual(schedule.next_run, datetime(2027, 1, 10, 14))

    def test_leaving_out_what_was_missed_runs_what_is_in_time(self):
        schedule = self.schedule(catch_up="skip")
        self.assertEqual(len(self.run_at(schedule, 13, 2)), 1)
        self.assertEqual(schedule.next_run, datetime(2027, 1, 10, 14))

    def test_missed_times_are_caught_up_by_one_run(self):
        schedule = self.schedule(catch_up="once")
        self.assertEqual(len(self.run_at(schedule, 13, 30)), 1)
        self.assertEqual(schedule.next_run, datetime(2027, 1, 10, 14))

    def test_each_missed_time_is_caught_up_one_after_the_other(self):
        schedule = self.schedule(catch_up="each")
        jobs = self.run_at(schedule, 13, 30)
        self.assertEqual(jobs.mapped("state"), ["pending", "wait_dependencies", "wait_dependencies"])
        self.assertEqual((schedule.job_id, schedule.next_run), (jobs[-1], datetime(2027, 1, 10, 14)))
        self.assertEqual(set(self.run_jobs().mapped("state")), {"done"})

    def test_while_the_job_before_has_not_ended_nothing_is_delayed(self):
        for policy in ("skip", "once", "each"):
            with self.subTest(policy=policy):
                schedule = self.schedule(catch_up=policy)
                self.run_at(schedule, 11)
                self.assertFalse(self.run_at(schedule, 12))

    def test_the_time_at_which_the_job_before_still_ran_is_left_out(self):
        schedule = self.schedule(catch_up="skip")
        self.run_at(schedule, 11)
        self.run_at(schedule, 12)
        self.run_jobs()
        self.assertEqual(schedule.next_run, datetime(2027, 1, 10, 13))

    def test_the_times_at_which_the_job_before_still_ran_are_caught_up_after_its_end(self):
        for policy, count in (("once", 1), ("each", 2)):
            with self.subTest(policy=policy):
                schedule = self.schedule(catch_up=policy)
                self.run_at(schedule, 11)
                self.run_at(schedule, 12)
                self.run_jobs()
                self.assertEqual(len(self.run_at(schedule, 13)), count)

    def test_running_it_now_changes_nothing_about_its_times(self):
        schedule = self.schedule()
        schedule.button_run()
        self.assertEqual((schedule.job_id.state, schedule.next_run), ("pending", datetime(2027, 1, 10, 11)))
        with self.assertRaisesRegex(UserError, "“Orders” has not ended"):
            schedule.button_run()


class TestOneThatCannotRun(ScheduleCase):
    def setUp(self):
        super().setUp()
        self.enterContext(self.enter_registry_test_mode())
        self.broken, self.next = (self.schedule(name=name) for name in ("Broken", "Next"))
        self.env.cr.execute("UPDATE queue_job_schedule SET active = id = ANY(%s)", [(self.broken | self.next).ids])
        for schedule, due in ((self.broken, datetime(2020, 1, 1)), (self.next, datetime(2020, 1, 2))):
            schedule.next_run = due
        self.env.flush_all()

    def run_due(self):
        with self.assertLogs("odoo.addons.jobs_queue.models.queue_job_schedule", "ERROR") as logged:
            self.env["queue.job.schedule"]._run_due()
        self.env.invalidate_all()
        return "".join(logged.output)

    def test_it_keeps_no_other_from_running_and_stays_due(self):
        # as if the function took other arguments than at the time when the schedule was written
        self.env.cr.execute(
            "UPDATE queue_job_schedule SET function = %s WHERE id = %s", [NAME_OF_BACKEND, self.broken.id]
        )
        self.env.invalidate_all()
        self.assertIn("'backend_id'", self.run_due())
        self.assertFalse(self.broken.job_id)
        self.assertEqual(self.broken.next_run, datetime(2020, 1, 1))
        self.assertEqual(self.next.job_state, "pending")


class TestConcurrency(ScheduleCase):
    """Tests with real transactions: what they commit is deleted at the end."""

    def setUp(self):
        super().setUp()
        # it runs after the cursors are closed, because they hold locks
        self.addCleanup(self.delete_committed)
        self.first, self.second = self.cursor(), self.cursor()
        self.schedules = self.env(cr=self.first)["queue.job.schedule"]
        schedule = self.schedules.create({"name": "Twice?", "function": NAME, "timezone": "UTC"})
        schedule.next_run = datetime(2020, 1, 1)
        self.first.commit()
        self.due = schedule.id

    def cursor(self):
        cr = self.enterContext(store.sql.own_cursor(self.env))
        self.assertEqual(cr.connection.isolation_level, ISOLATION_LEVEL_READ_COMMITTED)
        return cr

    def delete_committed(self):
        with store.sql.own_cursor(self.env) as cr:
            cr.execute("DELETE FROM queue_job WHERE description = 'Twice?'")
            cr.execute("DELETE FROM queue_job_schedule WHERE name ->> 'en_US' = 'Twice?'")

    def jobs(self):
        with store.sql.own_cursor(self.env) as cr:
            cr.execute("SELECT count(*) FROM queue_job WHERE description = 'Twice?'")
            return cr.fetchone()[0]

    def test_of_two_that_look_at_the_same_time_one_delays_the_job(self):
        id_, now = store.schedules.lock_due(self.first, [])
        self.assertEqual(id_, self.due)
        schedule = self.schedules.browse(id_)
        schedule._run(now)
        self.assertIsNone(store.schedules.lock_due(self.second, []))
        self.first.commit()
        self.assertIsNone(store.schedules.lock_due(self.second, []))
        self.second.commit()
        self.assertEqual(self.jobs(), 1)

    def test_many_that_look_at_once_delay_one_job(self):
        def look(_number):
            with store.sql.own_cursor(self.env) as cr:
                api.Environment(cr, api.SUPERUSER_ID, {})["queue.job.schedule"]._run_due()

        with ThreadPoolExecutor(4) as threads:
            list(threads.map(look, range(8)))
        self.assertEqual(self.jobs(), 1)

    def test_who_dies_before_the_commit_leaves_the_time_to_others(self):
        id_, now = store.schedules.lock_due(self.first, [])
        self.schedules.browse(id_)._run(now)
        self.first.rollback()
        self.assertEqual((store.schedules.lock_due(self.second, [])[0], self.jobs()), (self.due, 0))
