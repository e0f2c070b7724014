"""Environments of a job and of its records.

They are those of the time of the delay, with what is still there at the time of the run.
"""

from odoo.fields import Command
from odoo.tests import tagged
from odoo.tests.common import new_test_user
from odoo.tools import mute_logger

from odoo.addons.jobs_queue.jobs import job
from odoo.addons.jobs_queue.jobs.arguments import decode, decode_call, encode_call
from odoo.addons.jobs_queue.session import ConnectorSession
from odoo.addons.jobs_queue.testing import JobsCase


@job
def look_at(session, model_name, records):
    """Return the environment and the names of records"""
    env = records.env
    return [env.uid, env.su, env.lang, env.context.get("tz"), env.company.id, records.mapped("name")]


@job
def look_around(session, model_name):
    return [session.uid, session.env.su, session.env.lang, session.env.context.get("tz"), session.env.companies.ids]


@job
def look_around_later(session, model_name):
    look_around.delay(session, model_name)


@job(group_size=5)
def look_around_together(session, model_name, calls):
    return [session.env.lang] * len(calls)


class EnvironmentCase(JobsCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.user = new_test_user(cls.env, "delayer", lang="en_US")
        cls.french = cls.env["res.lang"]._activate_lang("fr_FR")

    def session(self, user=None, **context):
        return ConnectorSession.from_env(self.env(user=user or self.user, su=False, context=context))

    def run_one(self, job):
        """Run the jobs; return the result of one of them."""
        record = job.record(self.env)
        self.run_jobs()
        self.assertDone(record)
        return decode(record.result, self.env)

    def log_of(self, job):
        return job.record(self.env).attempt_ids.log


@tagged("post_install", "-at_install")
class TestRecords(EnvironmentCase):
    def setUp(self):
        super().setUp()
        self.company = self.env["res.company"].create({"name": "Second"})
        self.user.company_ids = [Command.link(self.company.id)]

    def look_at(self, record, **context):
        return self.run_one(look_at.delay(self.session(**context), "res.partner", record))

    def partner(self, **context):
        return self.env["res.partner"].create({"name": "Ada"}).with_env(self.session(**context).env)

    def test_f13_a_record_that_was_given_in_superuser_mode_comes_in_superuser_mode(self):
        server = self.env["ir.mail_server"].create({"name": "mail", "smtp_host": "localhost"})
        uid, su, *_rest, names = self.look_at(server.with_user(self.user).sudo())
        self.assertEqual((uid, su, names), (self.user.id, True, ["mail"]))

    def test_f13_a_record_of_another_user_comes_as_that_users(self):
        other = new_test_user(self.env, "other")
        self.assertEqual(self.look_at(self.partner().with_user(other))[:2], [other.id, False])

    def test_f13_a_record_of_another_company_comes_in_that_company(self):
        self.assertEqual(self.look_at(self.partner().with_company(self.company))[4], self.company.id)

    def test_f13_a_record_in_another_language_comes_in_that_language(self):
        self.assertEqual(self.look_at(self.partner(lang="en_US").with_context(lang="fr_FR"), lang="en_US")[2], "fr_FR")

    def test_f13_a_record_without_the_language_of_the_job_comes_without_it(self):
        self.assertIsNone(self.look_at(self.partner(), lang="fr_FR")[2])

    def test_f13_records_deep_in_the_arguments_keep_it_too(self):
        env = self.session().env
        (value,), _kwargs = decode_call(
            encode_call(({"x": [(self.partner().sudo(),)]},), {}, env),
            env,
            lambda difference: env(su=difference["su"]),
        )
        self.assertTrue(value["x"][0][0].env.su)

    def test_f13_what_is_as_in_the_job_is_stored_as_before(self):
        partner = self.partner(lang="fr_FR")
        delayed = look_at.delay(self.session(lang="fr_FR", default_name="x"), "res.partner", partner)
        self.assertEqual(
            delayed.record(self.env).payload,
            f'{{"args":[{{"$records":["res.partner",[{partner.id}]]}}],"kwargs":{{}}}}',
        )

    def test_f13_records_of_a_method_in_superuser_mode_make_a_job_in_superuser_mode(self):
        record = self.partner().sudo().with_delay().exists().record(self.env)
        self.assertEqual((record.su, record.user_id), (True, self.user))
        self.assertNotIn("su", record.payload)

    def test_f13_data_that_look_like_a_record_stay_data(self):
        for forged in (
            {"$records": ["res.users", [1], {"su": True, "user": 1}]},
            {"x": {"$records": ["res.users", [1], {"su": True}]}},
            [{"$dict": [["a", {"$records": ["res.users", [1], {"su": True}]}]]}],
        ):
            with self.subTest(forged=forged):
                self.assertEqual(decode_call(encode_call((forged,), {}, self.env), self.env)[0], (forged,))

    def test_f13_who_looks_at_the_job_sees_the_records_as_himself(self):
        delayed = look_at.delay(self.session(), "res.partner", self.partner().sudo())
        (partner,), _kwargs = decode_call(delayed.payload, self.session().env)
        self.assertFalse(partner.env.su)
        self.assertEqual(delayed.record(self.env).arguments, f"records = res.partner({partner.id},)")

    def test_f13_a_record_of_a_user_who_was_archived_since_fails_the_job(self):
        other = new_test_user(self.env, "other")
        record = look_at.delay(self.session(), "res.partner", self.partner().with_user(other)).record(self.env)
        other.active = False
        self.run_jobs()
        self.assertFailed(record, f"The user of the job .id {other.id}. is archived")

    def test_f13_the_language_of_a_record_that_is_not_active_any_more_is_replaced_and_the_log_says_so(self):
        delayed = look_at.delay(self.session(), "res.partner", self.partner(lang="fr_FR"))
        delayed.record(self.env)
        self.french.active = False
        self.assertEqual(self.run_one(delayed)[2], "en_US")
        self.assertIn("fr_FR is not active any more: en_US", self.log_of(delayed))


@tagged("post_install", "-at_install")
class TestUsers(EnvironmentCase):
    def look_around(self, user, **context):
        return look_around.delay(self.session(user, **context), "res.partner")

    def test_f14_the_public_user_runs_what_it_delays(self):
        public = self.env.ref("base.public_user")
        self.assertFalse(public.active)
        self.assertEqual(self.run_one(self.look_around(public))[:2], [public.id, False])

    def test_f14_a_user_who_was_archived_when_it_delayed_runs(self):
        self.user.active = False
        delayed = self.look_around(self.user, lang="fr_FR")
        self.assertEqual(self.run_one(delayed)[:3], [self.user.id, False, "fr_FR"])

    def test_f14_what_a_job_of_such_a_user_delays_runs_too(self):
        self.user.active = False
        record = look_around_later.delay(self.session(), "res.partner").record(self.env)
        self.assertDone(self.run_jobs() - record)

    def test_f14_a_user_who_is_deleted_does_not_run(self):
        record = self.look_around(self.user).record(self.env)
        self.env.cr.execute("UPDATE queue_job SET user_id = 2147483647 WHERE id = %s", (record.id,))
        self.run_jobs()
        self.assertFailed(record, "is archived or does not exist any more")

    def test_f14_a_public_user_runs_though_it_was_active_when_it_delayed(self):
        public = self.env.ref("base.public_user")
        public.active = True
        record = self.look_around(public).record(self.env)
        public.active = False
        self.run_jobs()
        self.assertDone(record)

    def test_f14_the_job_of_a_schedule_whose_user_was_archived_fails(self):
        schedule = self.env["queue.job.schedule"].create(
            {"name": "s", "function": look_around.job_options.name, "user_id": self.user.id}
        )
        self.user.active = False
        schedule.button_run()
        job = schedule.job_id
        self.run_jobs()
        self.assertFailed(job, "is archived")

    def test_f14_delaying_asks_the_database_nothing_more(self):
        env = self.session().env
        look_around.delay(ConnectorSession.from_env(env), "res.partner")
        queries = env.cr.sql_log_count
        look_around.delay(ConnectorSession.from_env(env), "res.partner")
        self.assertEqual(env.cr.sql_log_count, queries)


@tagged("post_install", "-at_install")
class TestContext(EnvironmentCase):
    def delayed(self, function=look_around, user=None, args=(), **context):
        job = function.delay(self.session(user, **context), "res.partner", *args)
        job.record(self.env)
        return job

    def test_f14_a_language_that_is_not_active_any_more_is_replaced_by_that_of_the_user_and_the_log_says_so(self):
        self.env["res.lang"]._activate_lang("de_DE")
        self.user.lang = "de_DE"
        delayed = self.delayed(lang="fr_FR")
        self.french.active = False
        self.assertEqual(self.run_one(delayed)[2], "de_DE")
        self.assertIn("fr_FR", self.log_of(delayed))

    def test_f14_a_language_that_is_gone_is_replaced_by_english_where_the_user_has_none(self):
        self.user.lang = False
        delayed = self.delayed(lang="xx_XX")
        self.assertEqual(self.run_one(delayed)[2], "en_US")

    def test_f14_all_jobs_that_run_as_one_call_say_so(self):
        jobs = [self.delayed(look_around_together, args=(1,), lang="fr_FR") for _n in range(2)]
        self.french.active = False
        self.run_jobs()
        for delayed in jobs:
            self.assertIn("fr_FR is not active any more", self.log_of(delayed))

    def test_f14_an_unknown_time_zone_is_left_out_and_the_log_says_so(self):
        delayed = self.delayed(tz="Mars/Olympus")
        self.assertIsNone(self.run_one(delayed)[3])
        self.assertIn("Mars/Olympus", self.log_of(delayed))

    def test_f14_a_company_that_is_gone_is_left_out_and_the_log_says_so(self):
        company = self.env.company
        delayed = self.delayed(user=self.env.ref("base.user_root"), allowed_company_ids=[company.id, 2147483647])
        self.assertEqual(self.run_one(delayed)[4], [company.id])
        self.assertIn("2147483647", self.log_of(delayed))

    @mute_logger("odoo.addons.jobs_queue.worker")
    def test_f14_without_the_company_in_which_it_works_a_job_fails(self):
        root = self.env.ref("base.user_root")
        record = self.delayed(user=root, allowed_company_ids=[2147483647, self.env.company.id]).record(self.env)
        self.run_jobs()
        self.assertFailed(record, "The company of the job .id 2147483647. does not exist any more")

    def test_f14_what_is_still_there_is_not_worth_a_line(self):
        delayed = self.delayed(lang="fr_FR", tz="Asia/Tokyo", allowed_company_ids=self.env.company.ids)
        self.assertEqual(self.run_one(delayed)[2:4], ["fr_FR", "Asia/Tokyo"])
        self.assertFalse(self.log_of(delayed))
