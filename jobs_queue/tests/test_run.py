import contextlib
import time
from datetime import datetime, timedelta
from types import SimpleNamespace
from unittest.mock import MagicMock

import psycopg2
from psycopg2.errors import SerializationFailure

from odoo.exceptions import UserError
from odoo.modules.registry import Registry
from odoo.tests import TransactionCase, tagged
from odoo.tests.common import new_test_user
from odoo.tools import mute_logger
from odoo.tools.translate import code_translations

from odoo.addons.jobs_queue import store, worker
from odoo.addons.jobs_queue.exception import FailedJobError, JobCancelled, NothingToDoJob, RetryableJobError
from odoo.addons.jobs_queue.jobs import RunningJob, job
from odoo.addons.jobs_queue.jobs.retry import RetryPolicy
from odoo.addons.jobs_queue.odoo_patches import cursor_of
from odoo.addons.jobs_queue.session import ConnectorSession
from odoo.addons.jobs_queue.store.connection import connect
from odoo.addons.jobs_queue.store.ending import Ending
from odoo.addons.jobs_queue.testing import JobsCase, WorkerInTransaction
from odoo.addons.jobs_queue.worker.attempt import Run
from odoo.addons.jobs_queue.worker.errors import LifeEnded
from odoo.addons.jobs_queue.worker.transaction import JobTransactions

_calls = []


@job
def rename(session, model_name, record_id, name):
    """Give a record another name"""
    session.env[model_name].browse(record_id).name = name
    return f"Renamed to {name}"


@job
def rename_and_raise(session, model_name, record_id, error):
    session.env[model_name].browse(record_id).name = "renamed"
    raise {
        "nothing": NothingToDoJob("It is so already"),
        "failed": FailedJobError("Fill in the key of the shop"),
        "user": UserError("No journal"),
        "bug": ZeroDivisionError("division by zero"),
        "later": RetryableJobError("The shop is closed", seconds=120),
        "zero byte": FailedJobError("The shop answers \0 and \ud800"),
        "exit": SystemExit(3),
        "in ages": RetryableJobError("The shop is closed", seconds=10**15),
        "later, not counted": RetryableJobError("The shop is closed", ignore_retry=True),
    }[error]


@job
def meet_another_transaction(session, model_name, times):
    _calls.append(session.job.id)
    if len(_calls) <= times:
        raise SerializationFailure("could not serialize access due to concurrent update")
    return "done at last"


@job
def look_around(session, model_name):
    return [
        session.uid,
        session.env.su,
        session.env.lang,
        session.env.company.id,
        session.job.attempt,
        session.context["job_id"],
    ]


@job
def delay_another(session, model_name, record_id):
    rename.delay(session, model_name, record_id, "by another job")


@tagged("post_install", "-at_install")
class TestRun(JobsCase):
    def setUp(self):
        super().setUp()
        self.session = ConnectorSession.from_env(self.env)
        self.partner = self.env["res.partner"].create({"name": "Ada"})
        _calls.clear()

    def _run(self, function, *args, **options):
        handle = function.delay(self.session, "res.partner", *args, **options)
        record = handle.record(self.env)
        self.run_jobs()
        return record

    def test_a_job_has_its_effect_and_keeps_its_message(self):
        record = self._run(rename, self.partner.id, "Lovelace")
        self.assertEqual(
            (record.state, record.message, record.result), ("done", "Renamed to Lovelace", '"Renamed to Lovelace"')
        )
        self.assertEqual(self.partner.name, "Lovelace")
        self.assertFalse(record.worker_id)

    def test_each_attempt_is_kept(self):
        record = self._run(rename, self.partner.id, "Lovelace")
        self.assertEqual(record.attempt_ids.mapped(lambda a: (a.number, a.outcome, a.worker)), [(1, "done", "test")])

    def test_a_method_of_records_runs_on_them(self):
        self.partner.with_delay().write({"name": "Lovelace"})
        self.assertEqual(self.run_jobs().state, "done")
        self.assertEqual(self.partner.name, "Lovelace")

    def test_nothing_to_do_is_done_with_the_message(self):
        record = self._run(rename_and_raise, self.partner.id, "nothing")
        self.assertEqual((record.state, record.message), ("done", "It is so already"))

    def test_a_failed_job_has_no_effect_and_tells_why(self):
        record = self._run(rename_and_raise, self.partner.id, "failed")
        self.assertEqual((record.state, record.message), ("failed", "Fill in the key of the shop"))
        self.assertEqual(self.partner.name, "Ada")

    def test_an_error_for_users_fails_with_its_text(self):
        record = self._run(rename_and_raise, self.partner.id, "user")
        self.assertEqual((record.state, record.message), ("failed", "No journal"))

    @mute_logger("odoo.addons.jobs_queue.worker")
    def test_a_bug_fails_with_its_traceback(self):
        record = self._run(rename_and_raise, self.partner.id, "bug")
        self.assertEqual((record.state, record.message), ("failed", "ZeroDivisionError: division by zero"))
        self.assertEqual(record.attempt_ids.exc_name, "builtins.ZeroDivisionError")
        self.assertIn("in rename_and_raise", record.attempt_ids.exc_info)

    def test_a_retryable_error_schedules_another_try(self):
        record = self._run(rename_and_raise, self.partner.id, "later")
        self.assertEqual((record.state, record.retry, record.message), ("scheduled", 1, "The shop is closed"))
        self.assertAlmostEqual(record.eta, datetime.utcnow() + timedelta(seconds=120), delta=timedelta(seconds=30))
        self.assertEqual(record.attempt_ids.outcome, "retry")
        self.assertEqual(self.partner.name, "Ada")

    def test_a_try_that_is_to_be_ignored_is_not_counted(self):
        self.assertEqual(self._run(rename_and_raise, self.partner.id, "later, not counted").retry, 0)

    def test_a_message_that_postgresql_cannot_store_is_made_storable(self):
        record = self._run(rename_and_raise, self.partner.id, "zero byte")
        self.assertEqual(
            (record.state, record.message),
            ("failed", "The shop answers \N{REPLACEMENT CHARACTER} and \\ud800"),
        )

    @mute_logger("odoo.addons.jobs_queue.worker")
    def test_a_job_that_exits_fails_and_not_its_thread(self):
        self.assertEqual(self._run(rename_and_raise, self.partner.id, "exit").message, "SystemExit: 3")

    @mute_logger("odoo.addons.jobs_queue.worker")
    def test_a_job_whose_retry_policy_is_broken_fails_for_that(self):
        self.patch(RetryPolicy, "seconds", lambda policy, error, tries: "soon" + 1)
        record = self._run(rename_and_raise, self.partner.id, "later")
        self.assertEqual((record.state, record.attempt_ids.exc_name), ("failed", "builtins.TypeError"))

    def test_no_try_is_later_than_in_a_year(self):
        record = self._run(rename_and_raise, self.partner.id, "in ages")
        self.assertEqual(record.state, "scheduled")
        self.assertLess(record.eta, datetime.utcnow() + timedelta(days=367))

    def test_after_its_last_try_a_job_fails(self):
        record = self._run(rename_and_raise, self.partner.id, "later", max_retries=1)
        self.assertEqual((record.state, record.message), ("failed", "Gave up after one try: The shop is closed"))

    def test_what_the_worker_says_is_in_the_language_of_the_code_that_delayed_the_job(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        terms = {"Gave up after %(tries)s tries: %(message)s": "Abandon après %(tries)s essais : %(message)s"}
        self.patch(code_translations, "get_python_translations", lambda module, lang: terms if lang == "fr_FR" else {})
        self.session = ConnectorSession.from_env(self.env(context={"lang": "fr_FR"}))
        record = self._run(rename_and_raise, self.partner.id, "later", max_retries=2)
        self.cr.execute("UPDATE queue_job SET state = 'pending', eta = NULL, ready_seq = 0 WHERE id = %s", [record.id])
        self.run_jobs()
        self.assertEqual(record.message, "Abandon après 2 essais : The shop is closed")
        self.assertEqual(record.attempt_ids[0].message, record.message)

    def test_a_serialization_failure_is_retried_three_times_at_once_and_not_counted(self):
        record = self._run(meet_another_transaction, 3)
        self.assertEqual((record.state, record.retry, len(_calls)), ("done", 0, 4))

    def test_after_three_immediate_retries_a_try_is_counted(self):
        record = self._run(meet_another_transaction, 9)
        self.assertEqual((record.state, record.retry, len(_calls)), ("scheduled", 1, 4))

    def test_a_job_runs_as_the_user_that_delayed_it_with_its_context(self):
        user = new_test_user(self.env, "delayer")
        env = self.env(user=user, context={"lang": "en_US"}, su=False)
        record = look_around.delay(ConnectorSession.from_env(env), "res.partner").record(self.env)
        self.run_jobs()
        self.assertEqual(record.result, f'[{user.id},false,"en_US",{user.company_id.id},1,{record.id}]')

    def test_superuser_mode_is_kept(self):
        user = new_test_user(self.env, "delayer")
        record = look_around.delay(ConnectorSession.from_env(self.env(user=user, su=True)), "res.partner").record(
            self.env
        )
        self.run_jobs()
        self.assertIn(f"[{user.id},true", record.result)

    def test_a_job_of_an_archived_user_fails_with_the_way_out(self):
        user = new_test_user(self.env, "leaver")
        record = look_around.delay(ConnectorSession.from_env(self.env(user=user, su=False)), "res.partner").record(
            self.env
        )
        user.active = False
        self.run_jobs()
        self.assertEqual(record.state, "failed")
        self.assertIn("is archived or does not exist any more: delay it again", record.message)

    def test_a_job_of_an_archived_user_fails_also_when_archived_records_count_in_its_context(self):
        user = new_test_user(self.env, "leaver")
        env = self.env(user=user, su=False, context={"active_test": False})
        record = look_around.delay(ConnectorSession.from_env(env), "res.partner").record(self.env)
        user.active = False
        self.run_jobs()
        self.assertEqual(record.state, "failed")

    def test_jobs_that_a_job_delays_are_run_too(self):
        self._run(delay_another, self.partner.id)
        self.assertEqual(self.partner.name, "by another job")

    def test_arguments_that_cannot_be_read_fail_the_job(self):
        record = rename.delay(self.session, "res.partner", self.partner.id, "x").record(self.env)
        self.env.cr.execute("UPDATE queue_job SET payload = '(lp0' WHERE id = %s", [record.id])
        with mute_logger("odoo.addons.jobs_queue.worker"):
            self.run_jobs()
        self.assertFailed(record, "not JSON")


@tagged("post_install", "-at_install")
class TestStopping(JobsCase):
    def test_a_job_stops_where_it_asks_whether_it_was_cancelled(self):
        handle = RunningJob(id=1)
        handle.run = Run(handle, lambda done, total, message: None)
        handle.check_cancelled()
        handle.run.cancel("Ada")
        with self.assertRaisesRegex(JobCancelled, "Cancelled by Ada"):
            handle.check_cancelled()


@tagged("post_install", "-at_install")
class TestLostConnection(JobsCase):
    def test_a_job_is_tried_again_whatever_psycopg2_calls_the_loss_of_its_connection(self):
        transactions = JobTransactions(WorkerInTransaction(self.env))
        for error_class in (psycopg2.OperationalError, psycopg2.InterfaceError, psycopg2.DatabaseError):
            error = error_class("server closed the connection unexpectedly")
            with self.subTest(error_class=error_class), self.assertRaises(RetryableJobError):
                transactions._connection_lost(None, MagicMock(is_committing=False, is_closed_by_job=False), error)

    def test_a_worker_leaves_a_database_whose_registry_odoo_has_forgotten_and_loads_it_not_again(self):
        worker_ = WorkerInTransaction(self.env)
        ends = []
        self.patch(worker_, "end", lambda end: ends.append(end))
        self.patch(Registry, "registries", {})
        with self.assertRaises(LifeEnded):
            JobTransactions(worker_)._connection_lost(
                None,
                MagicMock(is_committing=False, is_closed_by_job=False),
                psycopg2.InterfaceError("connection closed"),
            )
        self.assertEqual((ends, worker_.is_cut_off), ([store.workers.INTERRUPTED], True))

    def test_a_cursor_is_opened_when_connections_in_the_pool_were_closed_by_the_server(self):
        closed = psycopg2.DatabaseError("server closed the connection unexpectedly")
        registry = MagicMock()
        registry.cursor.side_effect = [closed, closed, self.cr]
        self.assertIs(cursor_of(registry), self.cr)

    def test_that_the_server_is_away_is_raised_at_once(self):
        registry = MagicMock()
        registry.cursor.side_effect = psycopg2.OperationalError("could not connect to server")
        with self.assertRaises(psycopg2.OperationalError):
            cursor_of(registry)
        registry.cursor.assert_called_once()


class TestOrder(JobsCase):
    def _delay(self, **options):
        return self.env["res.partner"].with_delay(**options).exists().record(self.env)

    def test_jobs_run_by_priority_then_in_the_order_of_their_delay(self):
        late, first, second, urgent = (self._delay(priority=priority) for priority in (20, 10, 10, 0))
        self.assertEqual(self.run_jobs().ids, (urgent + first + second + late).ids)

    def test_of_the_jobs_with_one_identity_key_one_runs(self):
        first, second = self._delay(identity_key="k"), self._delay(identity_key="k")
        other = self._delay(identity_key="other")
        self.run_jobs()
        self.assertEqual([record.state for record in (first, second, other)], ["done", "cancelled", "done"])
        self.assertEqual(second.message, f"The same as job {first.id}")

    def test_a_job_whose_twin_runs_waits_for_its_end(self):
        worker = store.workers.register(self.cr, "w", "h", 1, "command", 1, (None, None))
        first = self._delay(identity_key="k")
        (lease,) = store.claiming.claim(self.cr, worker, 1, 1)
        second = self._delay(identity_key="k")
        self.assertFalse(store.claiming.claim(self.cr, worker, 1, 1))
        self.env.invalidate_all()
        self.assertEqual(second.state, "wait_dependencies")
        store.leases.start(self.cr, lease)
        store.leases.complete(self.cr, lease, SimpleNamespace(id=worker, name="w"), Ending(None))
        store.keys.release(self.cr, lease)
        self.assertEqual(self.run_jobs(), second)
        self.assertEqual((first.state, second.state), ("done", "done"))

    def test_f10_what_a_claim_holds_has_no_arguments_and_the_start_brings_them(self):
        worker = store.workers.register(self.cr, "w", "h", 1, "command", 9, (None, None))
        record = self.env["res.partner"].with_delay().search([("name", "=", "x" * 1_000_000)]).record(self.env)
        (lease,) = store.claiming.claim(self.cr, worker, 9, 9)
        self.assertLess(len(repr(lease)), 1000)
        self.assertEqual(store.leases.start(self.cr, lease), record.payload)

    def test_f22_a_job_that_is_given_back_unstarted_has_its_old_place(self):
        worker = store.workers.register(self.cr, "w", "h", 1, "command", 9, (None, None))
        first, second, third = (self._delay() for _number in range(3))
        leases = store.claiming.claim(self.cr, worker, 2, 2)
        self.assertEqual(store.leases.release_unstarted(self.cr, leases), {first.id, second.id})
        self.assertEqual(self.run_jobs().ids, (first + second + third).ids)

    def test_f22_a_job_that_has_started_or_was_cancelled_is_not_given_back(self):
        worker = store.workers.register(self.cr, "w", "h", 1, "command", 9, (None, None))
        started, cancelled = self._delay(), self._delay()
        leases = store.claiming.claim(self.cr, worker, 2, 2)
        store.leases.start(self.cr, leases[0])
        store.actions.cancel(self.cr, [cancelled.id], "Cancelled")
        self.assertEqual(store.leases.release_unstarted(self.cr, leases), set())
        self.env.invalidate_all()
        self.assertEqual((started.state, cancelled.state), ("started", "cancelled"))

    def test_f22_a_twin_that_was_leased_in_place_of_another_gets_a_place_when_it_is_given_back(self):
        worker = store.workers.register(self.cr, "w", "h", 1, "command", 9, (None, None))
        self._delay(identity_key="k", identity_policy="replace")
        newest = self._delay(identity_key="k", identity_policy="replace")
        self.cr.execute(
            "UPDATE queue_job SET state = 'wait_dependencies', is_parked = true, ready_seq = NULL WHERE id = %s",
            [newest.id],
        )
        leases = store.claiming.claim(self.cr, worker, 9, 9)
        self.assertEqual([lease.id for lease in leases], [newest.id])
        store.leases.release_unstarted(self.cr, leases)
        self.env.invalidate_all()
        self.assertTrue(newest.ready_seq)
        self.assertEqual(self.run_jobs(), newest)

    def test_a_paused_channel_starts_nothing_until_it_is_resumed(self):
        channel = self.env["queue.job.channel"]._ensure("root.shop")
        job = self._delay(channel="root.shop")
        channel.parent_id.action_pause()
        self.assertFalse(self.run_jobs())
        channel.parent_id.action_resume()
        self.assertEqual(self.run_jobs(), job)

    def test_the_capacity_of_a_channel_counts_the_leases_below_it(self):
        channel = self.env["queue.job.channel"]._ensure("root.shop.import")
        channel.parent_id.capacity = 2
        worker = store.workers.register(self.cr, "w", "h", 1, "command", 9, (None, None))
        for name in ("root.shop", "root.shop.import", "root.shop.import"):
            self._delay(channel=name)
        self.assertEqual(len(store.claiming.claim(self.cr, worker, 9, 9)), 2)
        self.assertEqual(len(store.claiming.claim(self.cr, worker, 9, 9)), 0)

    def test_nothing_is_leased_while_addons_are_being_installed(self):
        self._delay()
        self.env.cr.flush()
        worker = store.workers.register(self.cr, "w", "h", 1, "command", 9, (None, None))
        self.env.cr.execute("UPDATE ir_module_module SET state = 'to install' WHERE name = 'product'")
        self.assertFalse(store.claiming.claim(self.cr, worker, 9, 9))

    def test_a_worker_that_was_declared_dead_gets_no_lease(self):
        self._delay()
        self.env.cr.flush()
        self.assertFalse(store.claiming.claim(self.cr, 0, 1, 1))

    def test_a_job_whose_channel_was_deleted_runs_in_the_root_channel(self):
        channel = self.env["queue.job.channel"]._ensure("root.gone")
        job = self._delay(channel="root.gone")
        self.cr.execute("DELETE FROM queue_job_channel WHERE id = %s", [channel.id])
        self.assertEqual(store.upkeep.adopt_strays(self.cr), 1)
        self.assertEqual(self.run_jobs(), job)

    def test_a_scheduled_job_becomes_runnable_when_its_time_has_come(self):
        job = self._delay(eta=3600)
        self.assertFalse(self.run_jobs())
        self.env.cr.execute("UPDATE queue_job SET eta = eta - interval '2 hours' WHERE id = %s", [job.id])
        self.assertEqual(store.upkeep.schedule_due(self.cr), 1)
        self.assertEqual(self.run_jobs(), job)


@tagged("post_install", "-at_install")
class TestDeadWorker(JobsCase):
    def setUp(self):
        super().setUp()
        self.worker = store.workers.register(self.cr, "w", "host", 1, "command", 2, (None, None))
        self.jobs = self.env["queue.job"].browse(
            [self.env["res.partner"].with_delay().exists().id for _number in range(2)]
        )
        self.leases = store.claiming.claim(self.cr, self.worker, 2, 2)
        store.leases.start(self.cr, self.leases[0])

    def _end_worker(self, **options):
        freed = store.workers.end_worker(self.cr, self.worker, "host:1 gave no sign of life", **options)
        self.env.invalidate_all()
        return freed

    def test_its_jobs_are_freed_and_its_row_is_gone(self):
        self.assertEqual(self._end_worker(), 2)
        self.assertEqual(self.jobs.mapped("state"), ["pending", "pending"])
        self.assertFalse(self.env["queue.worker"].browse(self.worker).exists())

    def test_only_jobs_that_had_started_count_a_try(self):
        self._end_worker()
        self.assertEqual(self.jobs.mapped("retry"), [1, 0])
        self.assertEqual(
            self.jobs.attempt_ids.mapped(lambda a: (a.outcome, a.message)),
            [("lost", "Worker lost: host:1 gave no sign of life")],
        )

    def test_no_try_counts_where_the_end_is_not_their_fault(self):
        self._end_worker(end=store.workers.STOPPED)
        self.assertEqual(self.jobs.mapped("retry"), [0, 0])

    def _interrupt(self):
        self._end_worker(end=store.workers.INTERRUPTED)
        return self.jobs[0].state, self.jobs[0].retry

    def _start_again(self):
        self.cr.execute("UPDATE queue_job SET eta = eta - interval '1 day'")
        store.upkeep.schedule_due(self.cr)
        self.worker = store.workers.register(self.cr, "again", "host", 1, "command", 2, (None, None))
        self.leases = store.claiming.claim(self.cr, self.worker, 2, 2)
        for lease in self.leases:
            store.leases.start(self.cr, lease)

    def test_a_job_that_is_interrupted_runs_again_at_once_and_counts_no_try(self):
        self.assertEqual(self._interrupt(), ("pending", 0))
        self.assertEqual(self.jobs.attempt_ids.mapped("outcome"), ["interrupted"])

    def test_a_job_that_is_interrupted_again_and_again_waits_longer_each_time(self):
        self._interrupt()
        waited = []
        for _number in range(2):
            self._start_again()
            self.assertEqual(self._interrupt(), ("scheduled", 0))
            waited.append((self.jobs[0].eta - datetime.utcnow()).total_seconds())
        self.assertEqual([round(seconds, -1) for seconds in waited], [20, 40])

    def _interrupt_in_a_row(self, times):
        self._interrupt()
        for _number in range(times - 1):
            self._start_again()
            self._interrupt()

    def test_the_tenth_interruption_in_a_row_fails_the_job_and_names_the_cause(self):
        self._interrupt_in_a_row(9)
        self.assertEqual((self.jobs[0].state, self.jobs[0].retry), ("scheduled", 0))
        self._start_again()
        self.assertEqual(self._interrupt(), ("failed", 0))
        self.assertEqual(self.jobs[0].message, "10 times in a row: Interrupted: host:1 gave no sign of life")
        self.assertEqual(self.jobs[0].attempt_ids.mapped("outcome"), ["failed"] + ["interrupted"] * 9)
        self.assertTrue(self.jobs[0].date_done)

    def test_a_job_that_has_failed_by_interruptions_may_be_interrupted_as_often_again_when_it_is_requeued(self):
        self._interrupt_in_a_row(10)
        self.cr.execute("UPDATE queue_job SET state = 'pending', ready_seq = 0 WHERE id = %s", [self.jobs[0].id])
        self._start_again()
        self.assertEqual(self._interrupt(), ("pending", 0))

    def test_an_attempt_that_ended_otherwise_makes_up_for_interruptions(self):
        self._interrupt()
        self._start_again()
        self._end_worker(blamed=dict.fromkeys(lease.lease_token for lease in self.leases))
        self._start_again()
        self.assertEqual(self._interrupt(), ("pending", 1))

    def _attempts_of(self, job):
        return [(attempt.outcome, attempt.message) for attempt in job.attempt_ids.sorted("id")]

    def test_f2_of_several_jobs_of_a_dead_worker_none_counts_a_try_and_each_runs_alone_the_next_time(self):
        store.leases.start(self.cr, self.leases[1])
        self._end_worker()
        self.assertEqual([(job.retry, job.state, job.runs_alone) for job in self.jobs], [(0, "pending", True)] * 2)
        message = ("Interrupted with others, one of which may have ended the process: host:1 gave no sign of life",)
        self.assertEqual(self._attempts_of(self.jobs[0]), [("interrupted", *message)])
        self.worker = store.workers.register(self.cr, "again", "host", 1, "command", 2, (None, None))
        leases = store.claiming.claim(self.cr, self.worker, 2, 2)
        self.assertEqual([lease.runs_alone for lease in leases], [True, True])
        store.leases.start(self.cr, leases[0])
        self.env.invalidate_all()
        self.assertEqual(self.jobs.mapped("runs_alone"), [False, True])

    def test_f2_one_job_is_lost_with_others_unless_its_process_ran_several_in_whatever_databases(self):
        self._end_worker(several=True)
        self.assertEqual([(job.retry, job.state) for job in self.jobs], [(0, "pending")] * 2)

    def test_f2_the_third_loss_with_others_in_a_row_counts_a_try(self):
        store.leases.start(self.cr, self.leases[1])
        for _number in range(3):
            self._end_worker()
            self._start_again()
        self.env.invalidate_all()
        self.assertEqual(self.jobs.mapped("retry"), [1, 1])
        outcomes = [outcome for outcome, _message in self._attempts_of(self.jobs[0])]
        self.assertEqual(outcomes, ["interrupted", "interrupted", "lost"])

    def test_f2_interruptions_for_other_reasons_are_no_losses(self):
        store.leases.start(self.cr, self.leases[1])
        for _number in range(3):
            self._end_worker(end=store.workers.INTERRUPTED)
            self._start_again()
        self._end_worker()
        self.assertEqual(self.jobs.mapped("retry"), [0, 0])

    def test_f2_the_job_that_is_known_to_have_ended_the_process_counts_a_try_and_the_others_none(self):
        store.leases.start(self.cr, self.leases[1])
        self._end_worker(blamed={self.leases[1].lease_token: "it held the interpreter"})
        self.assertEqual([(job.retry, job.runs_alone) for job in self.jobs], [(0, False), (1, True)])
        self.assertEqual(
            [self._attempts_of(job) for job in self.jobs],
            [
                [("interrupted", "Interrupted by another job: host:1 gave no sign of life")],
                [("lost", "Worker lost: it held the interpreter")],
            ],
        )

    def test_f2_no_job_counts_a_try_where_one_of_another_database_has_ended_the_process(self):
        self._end_worker(blamed={})
        self.assertEqual([(job.retry, job.runs_alone) for job in self.jobs], [(0, False)] * 2)

    def test_f25_a_worker_of_another_server_was_interrupted(self):
        self.cr.execute("UPDATE queue_worker SET place = regexp_replace(place, '/0*1/', '/00000002/')")
        self._end_worker()
        self.assertEqual((self.jobs[0].state, self.jobs[0].retry), ("pending", 0))
        self.assertIn("another server has taken over", self.jobs[0].message)

    def test_f25_a_worker_of_the_version_before_which_has_stored_no_place_is_dead_as_ever(self):
        self.cr.execute("UPDATE queue_worker SET place = NULL")
        self._end_worker()
        self.assertEqual(self.jobs[0].retry, 1)

    def test_f25_where_nobody_is_judged_workers_of_another_server_are_found_alone(self):
        self.cr.execute("UPDATE queue_worker SET date_heartbeat = '2020-01-01'")
        elsewhere = store.workers.register(self.cr, "elsewhere", "host", 2, "command", 2, (None, None))
        self.cr.execute(
            "UPDATE queue_worker SET date_heartbeat = '2020-01-01', place = 'elsewhere' WHERE id = %s", [elsewhere]
        )
        me = store.workers.register(self.cr, "me", "host", 3, "command", 2, (None, None))
        self.assertEqual({id_ for id_, _name in store.workers.dead(self.cr)}, {self.worker, elsewhere})
        self.assertEqual(store.workers.dead(self.cr, elsewhere_than=me), [(elsewhere, "host:2")])

    def test_a_worker_that_was_not_seen_since_the_server_came_back_was_interrupted(self):
        self.cr.execute("UPDATE queue_worker SET date_heartbeat = '2020-01-01' WHERE id = %s", [self.worker])
        self._end_worker()
        self.assertEqual((self.jobs[0].state, self.jobs[0].retry), ("pending", 0))
        self.assertEqual(self.jobs[0].message, "Interrupted: the database server was restarted")

    def test_a_job_that_killed_before_waits_before_it_runs_again(self):
        self.cr.execute("UPDATE queue_job SET retry = 2")
        self._end_worker()
        self.assertEqual(self.jobs[0].state, "scheduled")

    def test_a_job_that_killed_thousands_of_times_waits_for_an_hour(self):
        self.cr.execute("UPDATE queue_job SET retry = 5000, max_retries = 0")
        self._end_worker()
        waits = (self.jobs[0].eta - datetime.utcnow()).total_seconds()
        self.assertEqual((self.jobs[0].state, round(waits, -1)), ("scheduled", 3600))

    def test_one_that_has_given_a_sign_of_life_meanwhile_is_not_ended_as_dead(self):
        self.assertIsNone(store.workers.end_dead_worker(self.cr, self.worker, "no sign of life"))
        self.cr.execute("UPDATE queue_worker SET date_heartbeat = date_heartbeat - interval '16 seconds'")
        self.assertEqual(store.workers.end_dead_worker(self.cr, self.worker, "no sign of life"), 2)

    def test_a_job_without_tries_left_fails_with_the_reason(self):
        self.cr.execute("UPDATE queue_job SET retry = 4, max_retries = 5")
        self._end_worker()
        self.assertEqual(
            (self.jobs[0].state, self.jobs[0].message), ("failed", "Worker lost: host:1 gave no sign of life")
        )
        self.assertFalse(self.jobs[0].eta or self.jobs[0].ready_seq)

    def test_it_can_complete_nothing_any_more(self):
        self._end_worker()
        self.assertFalse(store.leases.lock(self.cr, self.leases[0], self.worker))
        self.assertFalse(
            store.leases.fail(self.cr, self.leases[0], SimpleNamespace(id=self.worker, name="w"), Ending("m", "e", "t"))
        )
        self.assertFalse(
            store.leases.retry(
                self.cr, self.leases[0], SimpleNamespace(id=self.worker, name="w"), Ending("m", "e", "t"), 1, True
            )
        )
        self.assertFalse(store.leases.start(self.cr, self.leases[1]))
        self.assertFalse(store.workers.send_heartbeat(self.cr, self.worker))
        # the statement ends the transaction with an error, so that no COMMIT can follow
        self.assertFalse(
            store.leases.complete(self.cr, self.leases[0], SimpleNamespace(id=self.worker, name="w"), Ending(None))
        )

    def test_it_is_dead_when_its_heartbeat_is_old(self):
        self.assertIn(self.worker, store.workers.alive(self.cr))
        self.cr.execute("UPDATE queue_worker SET date_heartbeat = date_heartbeat - interval '16 seconds'")
        self.assertEqual([id_ for id_, _name in store.workers.dead(self.cr)], [self.worker])

    def test_it_is_dead_when_its_connection_is_gone(self):
        self.cr.execute("UPDATE queue_worker SET backend_pid = 1, backend_start = 1")
        self.assertEqual([id_ for id_, _name in store.workers.dead(self.cr)], [self.worker])

    def test_jobs_of_a_worker_without_a_row_are_freed(self):
        self.cr.execute("DELETE FROM queue_worker")
        self.assertEqual(store.workers.free_orphans(self.cr), 2)
        self.env.invalidate_all()
        self.assertEqual(self.jobs.mapped("state"), ["pending", "pending"])

    def test_f4_jobs_of_a_worker_without_a_row_were_interrupted_and_count_no_try(self):
        self.cr.execute("DELETE FROM queue_worker")
        self.cr.execute("UPDATE queue_job SET max_retries = 1")
        store.workers.free_orphans(self.cr)
        self.env.invalidate_all()
        self.assertEqual([(job.state, job.retry) for job in self.jobs], [("pending", 0)] * 2)
        self.assertEqual(self.jobs.attempt_ids.mapped("outcome"), ["interrupted"])


@tagged("post_install", "-at_install")
class TestButtons(JobsCase):
    def setUp(self):
        super().setUp()
        # the operations of the buttons run on a cursor of their own
        self.enterContext(self.enter_registry_test_mode())
        self.job = self.env["res.partner"].with_delay().exists().record(self.env)

    def _set_state(self, state):
        self.cr.execute("UPDATE queue_job SET state = %s, retry = 3 WHERE id = %s", [state, self.job.id])
        self.env.invalidate_all()

    def test_a_failed_job_is_requeued_with_all_its_tries(self):
        self._set_state("failed")
        action = self.job.button_requeue()
        self.assertEqual((self.job.state, self.job.retry), ("pending", 0))
        self.assertEqual(action["params"]["message"], "Jobs requeued: 1 of 1.")

    def test_a_waiting_job_is_cancelled_and_never_runs(self):
        self.job.button_cancel()
        self.assertEqual(self.job.state, "cancelled")
        self.assertFalse(self.run_jobs())

    def test_a_failed_job_is_set_to_done(self):
        self._set_state("failed")
        self.job.button_done()
        self.assertEqual(self.job.state, "done")

    def test_a_running_job_is_left_alone_and_the_user_is_told(self):
        for button in ("button_requeue", "button_done"):
            with self.subTest(button=button):
                self._set_state("started")
                action = getattr(self.job, button)()
                self.assertEqual(self.job.state, "started")
                self.assertIn("0 of 1.", action["params"]["message"])

    def test_to_cancel_a_running_job_asks_its_worker_to_stop_it(self):
        self._set_state("started")
        action = self.job.button_cancel()
        self.assertEqual(self.job.state, "started")
        self.assertEqual(store.leases.cancel_requests(self.cr, self.job.ids), {self.job.id: self.env.user.name})
        self.assertIn("Jobs cancelled, or asked to stop: 1 of 1", action["params"]["message"])

    def test_a_requeued_job_forgets_who_wanted_to_stop_it(self):
        self._set_state("started")
        self.job.button_cancel()
        self._set_state("cancelled")
        self.job.button_requeue()
        self.assertFalse(store.leases.cancel_requests(self.cr, self.job.ids))

    def test_related_opens_the_record_of_the_job(self):
        partner = self.env["res.partner"].create({"name": "Ada"})
        action = partner.with_delay().write({"name": "Lovelace"}).record(self.env).button_related()
        self.assertEqual((action["res_model"], action["res_id"]), ("res.partner", partner.id))

    def test_related_says_so_when_there_is_nothing(self):
        with self.assertRaisesRegex(UserError, "Nothing is related"):
            self.job.button_related()

    def test_old_ended_jobs_are_deleted_with_their_attempts(self):
        self._set_state("pending")
        self.run_jobs()
        self.cr.execute("UPDATE queue_job SET date_done = date_done - interval '31 days' WHERE id = %s", [self.job.id])
        self.env["queue.job"]._gc_jobs()
        self.assertFalse(self.job.exists())
        self.assertFalse(self.env["queue.job.attempt"].search([("job_id", "=", self.job.id)]))


class TestWatcher(TransactionCase):
    @mute_logger("odoo.addons.jobs_queue.worker")
    def test_a_database_whose_addons_cannot_be_loaded_does_not_end_the_service_of_others(self):
        watcher = worker.WorkerWatcher("command", 1, lambda: ["broken"])
        self.addCleanup(watcher._close)
        self.patch(worker.watcher, "connect", MagicMock())
        self.patch(store.database, "reason_not_to_serve", lambda cr: None)
        self.patch(worker.watcher, "Registry", MagicMock(side_effect=SyntaxError("invalid syntax")))
        watcher._discover()
        self.assertFalse(watcher.workers)
        self.assertEqual(watcher._refused["broken"], "its addons cannot be loaded: SyntaxError: invalid syntax")

    @mute_logger("odoo.addons.jobs_queue.worker")
    def test_f25_a_worker_that_loses_its_connection_as_it_begins_begins_again_with_the_next_look(self):
        watcher = worker.WorkerWatcher("command", 1, lambda: ["cut"])
        self.addCleanup(watcher._close)
        self.patch(worker.watcher, "connect", MagicMock())
        self.patch(store.database, "reason_not_to_serve", lambda cr: None)
        self.patch(worker.watcher, "Registry", MagicMock())
        life = MagicMock()
        self.patch(worker.watcher, "Worker", MagicMock(side_effect=[LifeEnded("It has lost its connection"), life]))
        for _look in range(2):
            watcher._next_discovery = 0
            watcher._discover()
        self.assertEqual(watcher.workers, {"cut": life})
        watcher.workers.clear()


@tagged("post_install", "-at_install")
class TestFrozenWorker(TransactionCase):
    """Tests with real transactions: what they commit is deleted at the end."""

    def setUp(self):
        super().setUp()
        self.addCleanup(self.execute, "DELETE FROM queue_worker WHERE uuid = 'frozen'")
        self.frozen = self.enterContext(contextlib.closing(connect(self.env.cr.dbname)))
        with store.sql.own_cursor(self.env) as cr:
            self.worker = store.workers.register(cr, "frozen", "host", 1, "command", 1, (None, None))
            store.workers.note_server_processes(cr, self.worker, [self.frozen.info.backend_pid])

    def execute(self, statement):
        with store.sql.own_cursor(self.env) as cr:
            cr.execute(statement)

    def freeze_in_a_claim(self):
        """Keep the worker's row locked as its claim does, on a connection that does no more."""
        self.frozen.cursor().execute("BEGIN; SELECT FROM queue_worker WHERE uuid = 'frozen' FOR KEY SHARE")

    def sweep(self):
        with store.sql.own_cursor(self.env) as cr:
            return store.workers.end_dead_worker(cr, self.worker, "no sign of life")

    def connections(self):
        with store.sql.own_cursor(self.env) as cr:
            cr.execute("SELECT count(*) FROM pg_stat_activity WHERE pid = %s", [self.frozen.info.backend_pid])
            return cr.fetchone()[0]

    def test_one_that_is_frozen_in_its_claim_is_ended_by_the_next_sweep(self):
        self.freeze_in_a_claim()
        self.execute("UPDATE queue_worker SET date_heartbeat = '2020-01-01' WHERE uuid = 'frozen'")
        first = self.sweep()
        deadline = time.monotonic() + 10
        while self.connections():
            self.assertLess(time.monotonic(), deadline, "its connection is still open")
        self.assertEqual([freed for freed in (first, self.sweep()) if freed is not None], [0])

    def test_f26_connections_to_another_database_are_left_alone(self):
        with contextlib.closing(connect("postgres")) as elsewhere:
            with store.sql.own_cursor(self.env) as cr:
                store.workers.note_server_processes(cr, self.worker, [elsewhere.info.backend_pid])
            self.execute("UPDATE queue_worker SET date_heartbeat = '2020-01-01' WHERE uuid = 'frozen'")
            self.assertEqual(self.sweep(), 0)
            elsewhere.cursor().execute("SELECT pg_sleep(0.2)")

    def test_the_connections_of_one_that_lives_are_left_alone(self):
        self.freeze_in_a_claim()
        self.assertIsNone(self.sweep())
        self.frozen.cursor().execute("SELECT 1")
