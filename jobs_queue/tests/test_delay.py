from datetime import UTC, datetime, timedelta

from psycopg2 import IntegrityError

from odoo import api
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.modules.registry import Registry
from odoo.tests import TransactionCase, tagged
from odoo.tests.common import new_test_user
from odoo.tools import mute_logger

from odoo.addons.jobs_queue.exception import NotSerializableJobError
from odoo.addons.jobs_queue.jobs import BY_CODE, StoredJob, job
from odoo.addons.jobs_queue.session import ConnectorSession


@job(default_channel="root.test_delay", retry_pattern={1: 10, 3: 60}, max_retries=7)
def greet(session, model_name, name, greeting="Hello"):
    """Greet somebody.

    The second line is not shown.
    """
    return f"{greeting} {name}"


@job(default_channel=lambda args: args["session"].env["queue.job.channel"]._ensure(f"root.{args['desk']}").id)
def ask_at(session, model_name, desk):
    """Ask at a desk"""


@tagged("post_install", "-at_install")
class TestDelay(TransactionCase):
    def setUp(self):
        super().setUp()
        self.session = ConnectorSession.from_env(self.env)
        self.env["queue.job.channel"]._ensure("root.test_delay")
        self.env.registry.clear_cache()

    def test_a_function_job_keeps_its_call(self):
        record = greet.delay(self.session, "res.partner", "Ada", greeting="Hi").record(self.env)
        self.assertEqual(record.function, f"{greet.__module__}.greet")
        self.assertEqual(record.model_name, "res.partner")
        self.assertEqual(record.payload, '{"args":["Ada"],"kwargs":{"greeting":"Hi"}}')
        self.assertEqual(record.state, "pending")

    def test_the_first_line_of_the_docstring_describes_the_job(self):
        record = greet.delay(self.session, "res.partner", "Ada").record(self.env)
        self.assertEqual(record.name, "Greet somebody")
        self.assertIn(record, self.env["queue.job"].search([("name", "ilike", "greet")]))

    def test_options_of_the_call_win_over_those_of_the_code(self):
        record = greet.delay(
            self.session, "res.partner", "Ada", priority=3, max_retries=2, channel="root", description="Say it"
        ).record(self.env)
        self.assertEqual(
            (record.priority, record.max_retries, record.channel_id.complete_name, record.name),
            (3, 2, "root", "Say it"),
        )

    def test_options_of_the_code_hold_where_the_call_says_nothing(self):
        record = greet.delay(self.session, "res.partner", "Ada").record(self.env)
        self.assertEqual(
            (record.priority, record.max_retries, record.channel_id.complete_name), (10, 7, "root.test_delay")
        )

    def test_options_of_the_record_win_over_those_of_the_code(self):
        self.env["queue.job.function"]._synchronize()
        function = self.env["queue.job.function"].search([("name", "=", greet.job_options.name)])
        function.write(
            {
                "max_retries": 9,
                "channel_id": self.env.ref("jobs_queue.channel_root").id,
                "identity_policy": "replace",
                "time_limit": 60,
            }
        )
        record = greet.delay(self.session, "res.partner", "Ada", identity_key="k").record(self.env)
        self.assertEqual((record.max_retries, record.channel_id.complete_name), (9, "root"))
        self.assertEqual((record.identity_policy, record.time_limit), ("replace", 60))

    def test_the_channel_may_depend_on_the_arguments(self):
        record = ask_at.delay(self.session, "res.partner", desk="second").record(self.env)
        self.assertEqual(record.channel_id.complete_name, "root.second")

    def test_a_channel_that_somebody_names_wins_over_the_arguments(self):
        root = self.env.ref("jobs_queue.channel_root")
        record = ask_at.delay(self.session, "res.partner", "second", channel="root").record(self.env)
        self.assertEqual(record.channel_id, root)
        self.env["queue.job.function"]._synchronize()
        self.env["queue.job.function"].search([("name", "=", ask_at.job_options.name)]).channel_id = root
        self.assertEqual(ask_at.delay(self.session, "res.partner", "second").record(self.env).channel_id, root)

    def test_a_method_of_records_is_delayed_with_its_records(self):
        partner = self.env["res.partner"].create({"name": "Ada"})
        record = partner.with_delay(priority=1).write({"name": "Lovelace"}).record(self.env)
        self.assertEqual((record.function, record.model_name, record.priority), ("res.partner.write", "res.partner", 1))

    def test_a_method_that_does_not_exist_cannot_be_delayed(self):
        with self.assertRaisesRegex(AttributeError, "res.partner has no method 'wriet'"):
            self.env["res.partner"].with_delay().wriet({})

    def test_an_unknown_option_is_refused(self):
        with self.assertRaisesRegex(TypeError, "prioritty"):
            self.env["res.partner"].with_delay(prioritty=1).exists()

    def test_a_keyword_that_nobody_knows_is_refused_with_those_that_are_known(self):
        with self.assertRaisesRegex(TypeError, r"prio: neither an argument of .*greet \(.*greeting\) nor.*\(priority"):
            greet.delay(self.session, "res.partner", "Ada", prio=1)

    def test_an_environment_or_nothing_in_place_of_the_session_is_refused(self):
        for arguments in ((), (self.env, "res.partner", "Ada")):
            with self.assertRaisesRegex(TypeError, r"first argument is a ConnectorSession.*from_env\(env\)"):
                greet.delay(*arguments)

    def test_a_model_that_does_not_exist_is_refused(self):
        for arguments, model in ((("res.partnr", "Ada"), r"res\.partnr"), ((), "")):
            with self.assertRaisesRegex(ValueError, rf"\(session, model_name, \.{{3}}\): .* has no model '{model}'"):
                greet.delay(self.session, *arguments)

    def test_an_option_that_job_does_not_have_is_refused(self):
        with self.assertRaisesRegex(TypeError, r"@job has no option channel; the channel is the default_channel\."):
            job(channel="root.test_delay")

    def test_an_unknown_channel_is_refused_with_the_known_ones(self):
        with self.assertRaisesRegex(ValueError, "'root.nowhere'.*root.test_delay"):
            greet.delay(self.session, "res.partner", "Ada", channel="root.nowhere")

    def test_an_argument_that_cannot_be_stored_is_refused_at_once(self):
        with self.assertRaisesRegex(NotSerializableJobError, "argument 'greeting'"):
            greet.delay(self.session, "res.partner", "Ada", greeting=object())

    def test_a_negative_priority_is_refused(self):
        with self.assertRaisesRegex(ValueError, "priority is -1"):
            greet.delay(self.session, "res.partner", "Ada", priority=-1)

    def test_a_function_inside_a_function_cannot_be_delayed(self):
        @job
        def local(session, model_name):
            pass

        with self.assertRaisesRegex(ValueError, "top level of a module"):
            local.delay(self.session, "res.partner")

    def test_an_eta_in_the_future_schedules_the_job(self):
        for eta in (3600, timedelta(hours=1), datetime.now(UTC) + timedelta(hours=1)):
            with self.subTest(eta=eta):
                record = greet.delay(self.session, "res.partner", "Ada", eta=eta).record(self.env)
                self.assertEqual(record.state, "scheduled")
                self.assertAlmostEqual(record.eta, datetime.utcnow() + timedelta(hours=1), delta=timedelta(minutes=1))

    def test_an_eta_in_the_past_means_now(self):
        record = greet.delay(self.session, "res.partner", "Ada", eta=datetime(2000, 1, 1)).record(self.env)
        self.assertEqual((record.state, record.eta), ("pending", False))

    def test_a_text_that_cannot_be_stored_is_refused_at_once(self):
        for option in ("channel", "identity_key", "concurrency_key"):
            with self.subTest(option=option), self.assertRaisesRegex(ValueError, f"{option}.*NUL"):
                greet.delay(self.session, "res.partner", "Ada", **{option: "a\0b"})

    def test_what_is_no_text_where_one_is_asked_for_is_refused_at_once(self):
        for option in ("description", "identity_key", "concurrency_key"):
            with self.subTest(option=option), self.assertRaisesRegex(ValueError, f"{option} is 42: it must be text"):
                greet.delay(self.session, "res.partner", "Ada", **{option: 42})

    def test_a_number_that_cannot_be_stored_is_refused_at_once(self):
        for option, value in (("priority", 2**31), ("eta", float("nan")), ("eta", float("inf"))):
            with self.subTest(option=option), self.assertRaisesRegex(ValueError, option):
                greet.delay(self.session, "res.partner", "Ada", **{option: value})

    def test_a_channel_outside_the_root_is_refused_where_it_is_written(self):
        with self.assertRaisesRegex(ValueError, "'root.shop'"):
            job(default_channel="shop")(lambda session, model_name: None)

    def test_an_eta_of_another_type_is_refused(self):
        with self.assertRaisesRegex(ValueError, "eta is 'tomorrow'"):
            greet.delay(self.session, "res.partner", "Ada", eta="tomorrow")

    def test_the_job_keeps_user_company_and_the_listed_keys_of_the_context(self):
        user = new_test_user(self.env, "delayer")
        env = self.env(user=user, context={"lang": "en_US", "tz": "Asia/Tokyo", "default_name": "not kept"})
        record = greet.delay(ConnectorSession.from_env(env), "res.partner", "Ada").record(self.env)
        self.assertEqual((record.user_id, record.su, record.company_id), (user, False, user.company_id))
        self.assertEqual(record.context, '{"lang": "en_US", "tz": "Asia/Tokyo"}')

    def test_without_delay_the_function_runs_at_once(self):
        session = ConnectorSession.from_env(self.env(context={"connector_no_delay": BY_CODE}))
        done = greet.delay(session, "res.partner", "Ada")
        self.assertEqual(done.message, "Hello Ada")
        self.assertFalse(self.env["queue.job"].search_count([("function", "=", greet.job_options.name)]))

    def test_a_wrong_retry_pattern_of_a_record_is_refused(self):
        function = self.env["queue.job.function"].create({"name": "res.partner.write"})
        with self.assertRaisesRegex(ValidationError, "res.partner.write"):
            function.retry_pattern = '{"0": 1}'


@tagged("post_install", "-at_install")
class TestBuffer(TransactionCase):
    """Jobs and the caller's transaction, on a cursor of their own.

    The test's own cursor is always inside a savepoint.
    """

    def setUp(self):
        super().setUp()
        cr = Registry(self.env.cr.dbname).cursor()
        self.addCleanup(cr.close)
        self.own = api.Environment(cr, api.SUPERUSER_ID, {})
        self.start = self._count()

    def _count(self):
        self.own.cr.execute("SELECT count(*) FROM queue_job")
        return self.own.cr.fetchone()[0]

    def _delay(self):
        return self.own["res.partner"].with_delay().exists()

    def test_many_jobs_of_a_transaction_become_rows_by_one_insert(self):
        self.assertTrue(self._delay().id, "this fills the caches")
        queries = self.own.cr.sql_log_count
        jobs = [self._delay() for _number in range(1000)]
        self.own.cr.flush()
        self.assertEqual(self.own.cr.sql_log_count - queries, 1)
        self.assertEqual([job.id for job in jobs], sorted({job.id for job in jobs}))

    def test_nothing_is_stored_before_the_flush(self):
        self._delay()
        self.assertEqual(self._count(), self.start)

    def test_a_search_finds_what_the_transaction_has_delayed(self):
        job = self._delay()
        self.assertIn(job.id, self.own["queue.job"].search([], limit=5).ids)

    def test_a_rollback_forgets_what_was_delayed(self):
        self._delay()
        self.own.cr.rollback()
        self.own.cr.flush()
        self.assertEqual(self._count(), self.start)

    def test_a_savepoint_that_is_rolled_back_forgets_its_own_jobs_only(self):
        kept = self._delay()
        with self.own.cr.savepoint() as savepoint:
            self._delay()
            savepoint.rollback()
        self.own.cr.flush()
        self.assertEqual(self._count(), self.start + 1)
        self.assertTrue(kept.record(self.own))

    def test_a_savepoint_without_flush_forgets_its_own_jobs_only(self):
        kept = self._delay()
        with self.own.cr.savepoint(flush=False) as savepoint:
            self._delay()
            savepoint.rollback()
        self.own.cr.flush()
        self.assertTrue(kept.record(self.own))
        self.assertEqual(self._count(), self.start + 1)

    def test_columns_of_other_addons_are_stored(self):
        model = type(self.own["queue.job"])
        self.patch(model, "_prepare_job_values", lambda self, job: {"worker_id": 7})
        self.assertEqual(self._delay().record(self.own).worker_id.id, 7)


@tagged("post_install", "-at_install")
class TestRights(TransactionCase):
    def setUp(self):
        super().setUp()
        self.manager = new_test_user(self.env, "a manager", "base.group_user,jobs_queue.group_jobs_manager")
        self.user = new_test_user(self.env, "a user", "base.group_user,jobs_queue.group_jobs_user")
        self.employee = new_test_user(self.env, "an employee", "base.group_user")
        self.job = self.env["res.partner"].with_delay().exists().record(self.env)

    def test_nobody_creates_changes_or_deletes_a_job_or_worker(self):
        values = {"function": "res.users.unlink", "payload": "{}", "state": "pending"}
        for user in (self.manager, self.user, self.employee):
            jobs = self.env["queue.job"].with_user(user)
            for attempt in (
                lambda jobs=jobs: jobs.create(values),
                lambda jobs=jobs: jobs.browse(self.job.id).write({"state": "done"}),
                lambda jobs=jobs: jobs.browse(self.job.id).unlink(),
                lambda user=user: (
                    self.env["queue.worker"]
                    .with_user(user)
                    .create({"uuid": "x", "host": "x", "pid": 1, "kind": "command"})
                ),
            ):
                with self.subTest(user=user.login), self.assertRaises(AccessError), self.cr.savepoint():
                    attempt()

    def test_nobody_imports_a_job(self):
        for user in (self.manager, self.user, self.employee):
            result = (
                self.env["queue.job"]
                .with_user(user)
                .load(["function", "payload", "state"], [["res.users.unlink", "{}", "pending"]])
            )
            self.assertFalse(result["ids"], user.login)

    def test_an_employee_may_delay_without_any_right_on_jobs(self):
        job = self.env["res.partner"].with_user(self.employee).with_delay().exists()
        self.assertEqual(job.record(self.env).user_id, self.employee)

    def test_a_user_may_read_jobs_and_not_press_their_buttons(self):
        job = self.job.with_user(self.user)
        self.assertEqual(job.state, "pending")
        with self.assertRaisesRegex(AccessError, "jobs manager"):
            job.button_cancel()

    def test_an_employee_may_not_read_jobs(self):
        with self.assertRaises(AccessError):
            self.job.with_user(self.employee).read(["payload"])

    def test_delaying_is_not_for_remote_callers(self):
        self.assertTrue(getattr(type(self.env["base"]).with_delay, "_api_private", False))


@tagged("post_install", "-at_install")
class TestChannels(TransactionCase):
    def setUp(self):
        super().setUp()
        self.Channel = self.env["queue.job.channel"]

    def test_a_channel_is_created_with_its_parents(self):
        channel = self.Channel._ensure("root.shop.import")
        self.assertEqual(channel.complete_name, "root.shop.import")
        self.assertEqual(channel, self.Channel._ensure("root.shop.import"))

    def test_a_channel_outside_the_root_is_refused(self):
        with self.assertRaisesRegex(ValidationError, "root.shop"):
            self.Channel._ensure("shop")
        with self.assertRaisesRegex(ValidationError, "needs a parent"):
            self.Channel.create({"name": "shop"})

    def test_a_negative_capacity_is_refused(self):
        with self.assertRaises(IntegrityError), mute_logger("odoo.sql_db"), self.cr.savepoint():
            self.Channel._ensure("root.shop").capacity = -1

    def test_a_channel_cannot_be_below_itself(self):
        shop = self.Channel._ensure("root.shop.import")
        with self.assertRaisesRegex(UserError, "“root.shop” cannot be below “root.shop.import”"):
            shop.parent_id.parent_id = shop

    def test_a_name_with_a_dot_is_refused(self):
        with self.assertRaisesRegex(ValidationError, "a.b"):
            self.Channel.create({"name": "a.b", "parent_id": self.env.ref("jobs_queue.channel_root").id})

    def test_the_root_cannot_be_deleted(self):
        with self.assertRaisesRegex(UserError, "root"):
            self.env.ref("jobs_queue.channel_root").unlink()

    def test_a_channel_with_jobs_cannot_be_deleted(self):
        shop = self.Channel._ensure("root.shop")
        self.env["res.partner"].with_delay(channel="root.shop").exists()
        with self.assertRaisesRegex(UserError, "root.shop"):
            shop.unlink()


@tagged("post_install", "-at_install")
class TestJob(TransactionCase):
    def test_a_job_reads_back_from_its_record(self):
        record = self.env["res.partner"].with_delay(priority=2).exists().record(self.env)
        job = StoredJob.load(record)
        self.assertEqual(
            (job.id, job.function, job.priority, job.user_id), (record.id, "res.partner.exists", 2, self.env.uid)
        )
