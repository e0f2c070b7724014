from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

from odoo.addons.jobs_queue import store
from odoo.addons.jobs_queue.jobs import job
from odoo.addons.jobs_queue.jobs.unfinished import keys_of_failed, seconds_waiting
from odoo.addons.jobs_queue.session import ConnectorSession
from odoo.addons.jobs_queue.store.ending import Ending

from .test_channels import ChannelsCase


@job(concurrency_key=lambda args: f"order {args['order_id']}", limit=2)
def ship(session, model_name, order_id, carrier="post"):
    return f"{order_id} by {carrier}"


class KeysCase(ChannelsCase):
    def _state(self, job_id):
        self.cr.execute("SELECT state FROM queue_job WHERE id = %s", [job_id])
        return self.cr.fetchone()[0]

    def _states(self, *job_ids):
        self.env.flush_all()
        return [self._state(job_id) for job_id in job_ids]


class TestConcurrencyKey(KeysCase):
    def test_of_a_key_only_so_many_jobs_are_leased(self):
        jobs = [self._delay(concurrency_key="k") for _number in range(3)]
        other = self._delay(concurrency_key="other")
        self.assertEqual(self._ids(self._claim()), [jobs[0], other])
        self.assertEqual(self._states(*jobs), ["enqueued", "wait_dependencies", "wait_dependencies"])

    def test_the_end_of_a_job_releases_the_next_one_only(self):
        jobs = [self._delay(concurrency_key="k") for _number in range(3)]
        (lease,) = self._claim()
        self._complete(lease)
        self.assertEqual(self._states(*jobs), ["done", "pending", "wait_dependencies"])

    def test_jobs_of_a_key_all_run_one_after_the_other(self):
        jobs = [self._delay(concurrency_key="k") for _number in range(3)]
        self.assertEqual(self.run_jobs().ids, jobs)
        self.assertEqual(self._states(*jobs), ["done"] * 3)

    def test_the_key_of_a_job_function_comes_from_its_arguments(self):
        session = ConnectorSession.from_env(self.env)
        records = [ship.delay(session, "res.partner", 7).record(self.env) for _number in range(3)]
        self.assertEqual([(r.concurrency_key, r.concurrency_limit) for r in records], [("order 7", 2)] * 3)
        self.assertEqual(len(self._claim()), 2)

    def test_the_key_of_the_call_wins(self):
        session = ConnectorSession.from_env(self.env)
        record = ship.delay(session, "res.partner", 7, concurrency_key="mine").record(self.env)
        self.assertEqual(record.concurrency_key, "mine")

    def test_the_limit_of_the_record_wins_over_that_of_the_code(self):
        self.env["queue.job.function"]._synchronize()
        self.env["queue.job.function"].search([("name", "=", ship.job_options.name)]).concurrency_limit = 1
        session = ConnectorSession.from_env(self.env)
        for _number in range(2):
            ship.delay(session, "res.partner", 7)
        self.cr.flush()
        self.assertEqual(len(self._claim()), 1)

    def test_the_key_is_for_all_channels_limited_or_not(self):
        self.channel.capacity = 5
        jobs = [self._delay(name, concurrency_key="k") for name in ("root.shop", "root")]
        self.assertEqual(len(self._claim()), 1)
        self.assertEqual(sorted(self._states(*jobs)), ["enqueued", "wait_dependencies"])

    def test_the_cancellation_of_a_job_that_has_not_started_releases_the_next_one_at_once(self):
        jobs = [self._delay(concurrency_key="k") for _number in range(3)]
        self._claim()
        with self.enter_registry_test_mode():
            self.env["queue.job"].browse(jobs[0]).button_cancel()
        self.assertEqual(self._states(*jobs), ["cancelled", "pending", "wait_dependencies"])

    def test_a_key_that_was_forgotten_is_released_by_the_sweep(self):
        jobs = [self._delay(concurrency_key="k") for _number in range(2)]
        (lease,) = self._claim()
        store.keys.release_forgotten(self.cr)
        self.assertEqual(self._state(jobs[1]), "wait_dependencies")
        store.leases.start(self.cr, lease)
        store.leases.complete(self.cr, lease, SimpleNamespace(id=self.worker, name="w"), Ending(None))
        store.keys.release_forgotten(self.cr)
        self.assertEqual(self._state(jobs[1]), "pending")

    def test_what_waits_for_something_else_is_not_released(self):
        waiting = self._delay(concurrency_key="k", identity_key="i")
        self._set_state(waiting, state="wait_dependencies", ready_seq=None)
        lease = self._claim_another_with_the_keys_of(waiting)
        self._complete(lease)
        store.keys.release_forgotten(self.cr)
        self.assertEqual(self._state(waiting), "wait_dependencies")

    def _claim_another_with_the_keys_of(self, job_id):
        other = self._delay(concurrency_key="k", identity_key="i")
        (lease,) = self._claim()
        self.assertEqual(lease.id, other)
        return lease

    def test_a_limit_below_one_is_refused(self):
        with self.assertRaisesRegex(ValueError, "limit is 0"):
            job(ship, limit=0)

    def test_a_key_that_is_no_function_is_refused(self):
        with self.assertRaisesRegex(ValueError, "concurrency_key is 'order'"):
            job(ship, concurrency_key="order")


class TestIdentityPolicy(KeysCase):
    def _delay(self, **options):
        return super()._delay(**{"identity_key": "k", **options})

    def test_skip_runs_the_first(self):
        jobs = [self._delay() for _number in range(3)]
        self.assertEqual(self._ids(self._claim()), [jobs[0]])
        self.assertEqual(self._states(*jobs), ["enqueued", "cancelled", "cancelled"])

    def test_replace_runs_the_newest_in_the_place_of_the_oldest(self):
        oldest = self._delay(identity_policy="replace")
        other = self._delay(identity_key="other")
        newest = self._delay(identity_policy="replace")
        self.assertEqual(self._ids(self._claim(1)), [newest])
        self.assertEqual(self._states(oldest, other, newest), ["cancelled", "pending", "enqueued"])

    def test_replace_keeps_older_arguments_from_running_after_newer_ones(self):
        first = self._delay(identity_policy="replace")
        (lease,) = self._claim()
        store.leases.start(self.cr, lease)
        store.leases.retry(self.cr, lease, SimpleNamespace(id=self.worker, name="w"), Ending("m", "e", "t"), 60, True)
        newest = self._delay(identity_policy="replace")
        self.assertEqual(self._ids(self._claim()), [newest])
        self.assertEqual(self._state(first), "cancelled")

    def test_replace_leaves_the_newest_to_its_own_channel(self):
        self.env["queue.job.channel"]._ensure("root.limited").capacity = 1
        oldest = self._delay(identity_policy="replace")
        newest = self._delay(identity_policy="replace", channel="root.limited")
        self._delay(channel="root.limited", identity_key="other", priority=0)
        self._claim()
        self._claim()
        self.assertIn(self._states(oldest, newest), (["cancelled", "pending"], ["cancelled", "enqueued"]))

    def test_debounce_waits_for_the_latest_date(self):
        first, second = (self._delay(identity_policy="debounce", eta=timedelta(seconds=s)) for s in (30, 60))
        self._set_state(first, state="pending", eta=None, ready_seq=1)
        self.assertFalse(self._claim())
        self.assertEqual(self._states(first, second), ["cancelled", "scheduled"])

    def test_debounce_runs_the_last_one_when_nothing_is_left_to_wait_for(self):
        jobs = [self._delay(identity_policy="debounce") for _number in range(3)]
        self.assertEqual(self._ids(self._claim()), [jobs[2]])

    def test_a_cancelled_twin_names_the_job_that_runs(self):
        jobs = [self._delay() for _number in range(2)]
        self._claim()
        self.assertEqual(self.env["queue.job"].browse(jobs[1]).message, f"The same as job {jobs[0]}")

    def test_twins_of_one_claim_with_and_without_other_keys_are_told_apart(self):
        twins = [self._delay() for _number in range(2)]
        keyed = [self._delay(identity_key=False, concurrency_key="c") for _number in range(2)]
        plain = self._delay(identity_key=False)
        self.assertEqual(sorted(self._ids(self._claim())), [twins[0], keyed[0], plain])
        self.assertEqual(self._states(twins[1], keyed[1]), ["cancelled", "wait_dependencies"])

    def test_a_key_that_reads_like_the_id_of_a_job_without_one_makes_them_no_twins(self):
        plain = self._delay(identity_key=False, concurrency_key="c")
        keyed = self._delay(identity_key=str(plain))
        self.assertEqual(sorted(self._ids(self._claim())), [plain, keyed])

    def test_an_unknown_policy_is_refused_with_the_known_ones(self):
        with self.assertRaisesRegex(ValueError, "'latest'.*skip, replace, debounce"):
            self._delay(identity_policy="latest")


class TestUnfinished(KeysCase):
    """Unfinished work, which is looked up by identity keys."""

    def test_a_key_is_unfinished_as_long_as_its_job_waits_runs_or_has_failed(self):
        for state in ("pending", "scheduled", "wait_dependencies", "enqueued", "started"):
            self._set_state(self._delay(identity_key=state), state=state)
        for state in ("failed", "done", "cancelled"):
            self._end(self._delay(identity_key=state), state, timedelta())
        keys = [
            "pending",
            "scheduled",
            "wait_dependencies",
            "enqueued",
            "started",
            "failed",
            "done",
            "cancelled",
            "none",
        ]
        self.assertEqual(sorted(seconds_waiting(self.env, keys)), sorted(keys[:6]))

    def test_a_job_that_has_failed_counts_until_a_later_one_with_its_key_was_done(self):
        for key, state, ended in (
            ("earlier", "done", timedelta(minutes=-1)),
            ("later", "done", timedelta(minutes=1)),
            ("cancelled", "cancelled", timedelta(minutes=1)),
        ):
            self._end(self._delay(identity_key=key), "failed", timedelta(hours=-1))
            self._end(self._delay(identity_key=key), state, timedelta(hours=-1) + ended)
        keys = ["earlier", "later", "cancelled"]
        self.assertEqual(set(seconds_waiting(self.env, keys)), {"earlier", "cancelled"})
        self.assertEqual(keys_of_failed(self.env, keys), {"earlier", "cancelled"})

    def test_it_counts_no_longer_than_the_jobs_that_were_done_are_kept(self):
        self.env["ir.config_parameter"].set_param("jobs_queue.job_retention_days", "3")
        for days in (2, 4):
            self._end(self._delay(identity_key=str(days)), "failed", timedelta(days=-days))
        self.assertEqual(list(seconds_waiting(self.env, ["2", "4"])), ["2"])
        self.assertEqual(keys_of_failed(self.env, ["2", "4"]), {"2"})

    def test_f16_days_that_are_no_number_are_told_in_the_log_and_do_no_harm(self):
        self._end(self._delay(identity_key="k"), "failed", timedelta(days=-1))
        for days in ("\N{SUPERSCRIPT TWO}", "-1", "nan", "1e300", "a month"):
            self.env["ir.config_parameter"].set_param("jobs_queue.job_retention_days", days)
            with self.subTest(days), self.assertLogs("odoo.addons.jobs_queue", "WARNING") as logs:
                self.assertEqual(keys_of_failed(self.env, ["k"]), {"k"})
            self.assertIn(f"{days!r}, not a number of days: 30 is used", logs.output[0])

    def test_f16_days_may_be_parts_of_a_day(self):
        self._end(self._delay(identity_key="k"), "failed", timedelta(hours=-7))
        for days, keys in (("0.25", set()), ("0.5", {"k"}), ("100000", {"k"})):
            self.env["ir.config_parameter"].set_param("jobs_queue.job_retention_days", days)
            self.assertEqual(keys_of_failed(self.env, ["k"]), keys)
        self.env["queue.job.failure"]._gc_failures()

    def test_jobs_that_wait_have_not_failed(self):
        self._delay(identity_key="k")
        self.assertFalse(keys_of_failed(self.env, ["k"]))

    def test_the_oldest_job_of_a_key_says_for_how_long(self):
        self._delay(identity_key="k")
        self.cr.execute("UPDATE queue_job SET date_created = date_created - interval '1 hour'")
        self._delay(identity_key="k")
        self.assertAlmostEqual(seconds_waiting(self.env, ["k"])["k"], 3600, delta=60)

    def test_what_this_transaction_has_delayed_counts(self):
        ship.delay(ConnectorSession.from_env(self.env), "res.partner", 7, identity_key="mine")
        self.assertIn("mine", seconds_waiting(self.env, ["mine"]))

    def _end(self, job_id, state, since_now):
        self._set_state(job_id, state=state, date_done=datetime.now(UTC).replace(tzinfo=None) + since_now)
