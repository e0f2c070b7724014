"""Values that people, code and other systems give to jobs: texts, keys and waits.

Each kind of value passes through one function.
"""

import hashlib
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from itertools import pairwise
from types import SimpleNamespace
from unittest import TestCase
from unittest.mock import patch

from odoo.exceptions import ValidationError
from odoo.tools import mute_logger
from odoo.tools.translate import LazyTranslate

from odoo.addons.jobs_queue import hooks, store
from odoo.addons.jobs_queue.exception import FailedJobError, NothingToDoJob, RetryableJobError
from odoo.addons.jobs_queue.graph import chain
from odoo.addons.jobs_queue.jobs import RunningJob, buffer, job
from odoo.addons.jobs_queue.jobs.keys import stored_key
from odoo.addons.jobs_queue.jobs.retry import Exponential, Fixed, Pattern, RetryPolicy
from odoo.addons.jobs_queue.jobs.unfinished import keys_of_failed, seconds_waiting
from odoo.addons.jobs_queue.seconds import LATEST, as_seconds
from odoo.addons.jobs_queue.session import ConnectorSession
from odoo.addons.jobs_queue.texts import ERROR, LOG, MESSAGE, TRACEBACK, Log

from .test_keys import KeysCase

_lt = LazyTranslate(__name__, default_lang="en_US")
_act = []


class Unprintable(Exception):
    def __str__(self):
        raise ZeroDivisionError("no text")


@job
def act(session, model_name):
    """Call the function of the test"""
    return _act[0](session.job)


@job
def take(session, model_name, value):
    """Take a value"""


@job(group_size=10)
def act_together(session, model_name, calls):
    """Do nothing, for a batch of calls"""
    return [None] * len(calls)


class GivenCase(KeysCase):
    def setUp(self):
        super().setUp()
        self.session = ConnectorSession.from_env(self.env)
        _act.clear()

    @mute_logger("odoo.addons.jobs_queue.worker")
    def _run(self, what):
        _act.append(what)
        record = act.delay(self.session, "res.partner").record(self.env)
        self.run_jobs()
        return record


def _raise(error):
    raise error


def _chain(length):
    error = ValueError("the innermost")
    for number in range(length):
        outer = ValueError(f"around {number}")
        outer.__cause__ = error
        error = outer
    return error


class TestTexts(GivenCase):
    def test_f4_a_job_may_log_what_is_no_text(self):
        def log(job):
            for line in (5, None, b"bytes", Unprintable(), "half \ud83d", "zero \0"):
                job.log(line)

        record = self._run(log)
        self.assertEqual(record.state, "done")
        self.assertEqual(
            record.attempt_ids.log,
            "5\nNone\nbytes\n[Unprintable without a text: ZeroDivisionError]\nhalf \\ud83d\nzero \N{REPLACEMENT CHARACTER}",
        )

    def test_f10_a_long_error_leaves_a_message_of_some_thousand_characters(self):
        for error in (
            ValueError("x" * 20_000_000),
            FailedJobError("x" * 20_000_000),
            RetryableJobError("x" * 20_000_000),
        ):
            with self.subTest(error=type(error)):
                _act.clear()
                record = self._run(lambda job, error=error: _raise(error))
                self.assertIn(record.state, ("failed", "scheduled"))
                self.assertTrue(ERROR - 100 < len(record.message) <= MESSAGE)
                self.assertEqual(record.message.count("were left out here"), 1)
                self.assertLessEqual(len(record.attempt_ids.exc_info), TRACEBACK)

    def test_f4_an_error_without_a_text_and_one_with_a_long_name_fail_their_job(self):
        for error in (Unprintable(), type("E" * 5000, (Exception,), {})("x"), _chain(1000)):
            with self.subTest(error=type(error).__name__[:20]):
                _act.clear()
                record = self._run(lambda job, error=error: _raise(error))
                self.assertEqual((record.state, record.attempt_ids.outcome), ("failed", "failed"))
                self.assertLessEqual(len(record.attempt_ids.exc_name), 250)

    def test_f10_what_a_job_returns_is_cut_as_message_and_whole_as_result(self):
        record = self._run(lambda job: "x" * 1_000_000)
        self.assertEqual(record.state, "done")
        self.assertLessEqual(len(record.message), MESSAGE)
        self.assertEqual(len(record.result), 1_000_002)

    def test_f10_nothing_to_do_for_a_long_reason_is_done(self):
        self.assertEqual(self._run(lambda job: _raise(NothingToDoJob("x" * 1_000_000))).state, "done")

    def test_f10_the_list_of_jobs_reads_no_arguments_and_results(self):
        partner = self.env["res.partner"].create({"name": "Ada"})
        record = partner.with_delay().write({"name": "x" * 2_000_000}).record(self.env)
        self.env.invalidate_all()
        record.read(["name", "message", "state"])
        self.assertTrue({"payload", "result"}.isdisjoint(record._cache))
        self.assertLessEqual(len(record.arguments), 20_000)

    def test_f17_a_description_that_cannot_be_stored_is_made_storable(self):
        handle = act.delay(self.session, "res.partner", description="cut \ud83d \0" + "x" * 5000)
        description = handle.record(self.env).description
        self.assertTrue(description.startswith("cut \\ud83d \N{REPLACEMENT CHARACTER}"))
        self.assertLessEqual(len(description), 1000)

    def test_f17_progress_takes_any_message_and_refuses_what_is_no_number_by_name(self):
        handle = RunningJob.of_call(act.delay(self.session, "res.partner"))
        written = []
        handle.run = SimpleNamespace(job=handle, report_progress=lambda *values: written.append(values))
        handle.progress(1, 2, "half \ud83d \0")
        self.assertEqual(written, [(1.0, 2.0, "half \\ud83d \N{REPLACEMENT CHARACTER}")])
        for name, values in (("done", ("1",)), ("done", (float("nan"),)), ("total", (1, float("inf"))), ("total", (1, True)),
                             ("done", (Decimal("sNaN"),)), ("done", (-1,)), ("done", (10**400,))):  # fmt: skip
            with self.subTest(values=values), self.assertRaisesRegex(ValueError, f"^{name} is"):
                handle.progress(*values)

    def test_f4_who_cancels_and_why_something_is_held_are_made_storable(self):
        root = self.env.ref("jobs_queue.channel_root")
        store.channels.hold(self.cr, root.id, "test", "why \0" + "x" * 100_000, 60)
        self.assertLessEqual(len(store.channels.held(self.cr, root.id)[0]), 1000)
        record = act.delay(self.session, "res.partner").record(self.env)
        self._set_state(record.id, state="started")
        store.actions.request_cancellation(self.cr, record.ids, "who \ud83d")
        self.assertEqual(store.leases.cancel_requests(self.cr, record.ids), {record.id: "who \\ud83d"})

    def test_f10_a_log_of_a_million_lines_keeps_the_first_and_the_last(self):
        log = Log()
        for number in range(1_000_000):
            log.add(f"line {number}")
        text = str(log)
        self.assertLessEqual(len(text), LOG)
        self.assertTrue(text.startswith("line 0\nline 1\n"))
        self.assertTrue(text.endswith("line 999998\nline 999999"))
        self.assertRegex(text, r"\n\[… 9\d\d,\d{3} lines were left out here …\]\n")


class TestKeys(GivenCase):
    LONG = "é" * 6000

    def test_f1_a_short_key_is_stored_as_it_is_and_a_long_one_with_its_hash(self):
        self.assertEqual(stored_key("a" * 250), "a" * 250)
        self.assertEqual(stored_key("a" * 251), f"{'a' * 186}#{hashlib.sha256(b'a' * 251).hexdigest()}")
        self.assertEqual({len(stored_key("a" * size)) for size in (251, 252, 6000)}, {251})
        self.assertEqual(len({stored_key("a" * size) for size in range(500)}), 500)

    def test_f1_long_keys_are_claimed_and_twins_are_one(self):
        first = act.delay(self.session, "res.partner", identity_key=self.LONG, concurrency_key=self.LONG).record(
            self.env
        )
        second = act.delay(self.session, "res.partner", identity_key=self.LONG, concurrency_key=self.LONG).record(
            self.env
        )
        other = act.delay(self.session, "res.partner", identity_key=self.LONG + "!").record(self.env)
        self.assertEqual(self._ids(self._claim()), [first.id, other.id])
        self.assertEqual(second.state, "cancelled")

    def test_f1_a_long_group_key_that_nobody_has_named_is_claimed(self):
        named = act_together.delay(self.session, "res.partner", 1, group_key=self.LONG).record(self.env)
        unnamed = act_together.delay(self.session, "res.partner", self.LONG).record(self.env)
        self.assertEqual(self._ids(self._claim()), [named.id, unnamed.id])
        self.assertEqual({len(named.group_key), len(unnamed.group_key)}, {251})

    def test_f1_jobs_are_found_by_the_key_that_was_given_and_by_the_one_that_is_stored(self):
        record = act.delay(self.session, "res.partner", identity_key=self.LONG, concurrency_key=self.LONG).record(
            self.env
        )
        search = self.env["queue.job"].search
        for field in ("identity_key", "concurrency_key"):
            for domain in (
                [(field, "=", self.LONG)],
                [(field, "in", ["x", self.LONG])],
                [(field, "=", record[field])],
                ["!", (field, "!=", self.LONG)],
            ):
                with self.subTest(domain=domain):
                    self.assertEqual(search(domain), record)
            for operator, value in (("!=", self.LONG), ("not in", [self.LONG]), ("=", False)):
                with self.subTest(operator=operator):
                    self.assertNotIn(record, search([(field, operator, value)]))
            self.assertEqual(
                search([(field, "like", "é" * 20), "|", (field, "=", False), (field, "!=", "other")]), record
            )

    def test_f1_what_is_unfinished_is_told_by_the_key_that_was_given(self):
        record = act.delay(self.session, "res.partner", identity_key=self.LONG).record(self.env)
        self.assertEqual(list(seconds_waiting(self.env, [self.LONG, "other"])), [self.LONG])
        self.cr.execute(
            "UPDATE queue_job SET state = 'failed', date_done = now() AT TIME ZONE 'UTC' WHERE id = %s", record.ids
        )
        self.assertEqual(keys_of_failed(self.env, iter([self.LONG, "other"])), {self.LONG})

    def test_f17_keys_and_channels_that_cannot_be_stored_are_refused_by_name(self):
        for option in ("identity_key", "concurrency_key", "channel"):
            for value in ("cut \ud83d", "\0"):
                with self.subTest(option=option), self.assertRaisesRegex(ValueError, f"^{option} is"):
                    act.delay(self.session, "res.partner", **{option: value})
        with self.assertRaisesRegex(ValueError, "^group_key is"):
            act_together.delay(self.session, "res.partner", 1, group_key="\ud83d")

    def test_f1_an_update_stores_the_keys_of_waiting_jobs_as_new_ones(self):
        record = act.delay(self.session, "res.partner").record(self.env)
        self._set_state(record.id, identity_key="é" * 300, concurrency_key="k" * 250)
        for _times in range(2):
            hooks.post_init_hook(self.env)
        self.env.invalidate_all()
        self.assertEqual((record.identity_key, record.concurrency_key), (stored_key("é" * 300), "k" * 250))


class TestWaits(GivenCase):
    def test_f16_a_wait_may_have_any_type_of_a_number_and_a_timedelta(self):
        self.assertEqual(
            [as_seconds(value, "x") for value in (2, 2.5, Decimal("2.5"), timedelta(hours=2))], [2, 2.5, 2.5, 7200]
        )

    def test_f16_what_is_no_wait_is_refused_by_name_where_it_is_given(self):
        bad = (True, "10", None, float("nan"), float("inf"), Decimal("sNaN"), Decimal("Infinity"), [1], 1 + 2j)
        for value in (*bad, 1e300, 10**400, timedelta.max, -1e300):
            with self.subTest(value=str(value)[:20]):
                if value is not None:
                    with self.assertRaisesRegex(ValueError, "^eta is"):
                        act.delay(self.session, "res.partner", eta=value)
                for strategy, name in ((Fixed, "every"), (Exponential, "first")):
                    with self.assertRaisesRegex(ValueError, f"^{name} is"):
                        strategy(value)
                with self.assertRaisesRegex(ValueError, "wait after try 1"):
                    RetryPolicy({1: value})
        for value in bad:
            if value is not None:
                with self.subTest(value=value), self.assertRaisesRegex(ValueError, "^seconds is"):
                    RetryableJobError("x", seconds=value)

    def test_f16_a_date_that_some_zone_does_not_see_is_refused_by_name(self):
        for eta in (
            datetime.max,
            datetime.max.replace(tzinfo=timezone(timedelta(hours=-5))),
            datetime.min.replace(tzinfo=timezone(timedelta(hours=5))),
        ):
            with self.subTest(eta=eta), self.assertRaisesRegex(ValueError, "^eta is"):
                act.delay(self.session, "res.partner", eta=eta)
        for eta in (datetime.min, datetime(9998, 12, 31, tzinfo=UTC), -5, timedelta(days=-30)):
            self.assertIn(
                act.delay(self.session, "res.partner", eta=eta).record(self.env).state, ("pending", "scheduled")
            )

    def test_f16_the_wait_that_an_error_asks_for_is_used(self):
        record = self._run(lambda job: _raise(RetryableJobError("later", seconds=timedelta(hours=2))))
        self.assertAlmostEqual(record.eta, datetime.utcnow() + timedelta(hours=2), delta=timedelta(minutes=5))

    def test_f16_a_retry_after_that_is_none_leaves_the_wait_to_the_policy(self):
        for asked in (float("nan"), "soon", True, object(), [], Decimal("NaN")):
            error = RetryableJobError("x")
            error.retry_after = asked
            with self.subTest(asked=asked):
                self.assertEqual(RetryPolicy(Fixed(7)).seconds(error, 1), 7)
        error.retry_after = timedelta(minutes=1)
        self.assertEqual(RetryPolicy(Fixed(7)).seconds(error, 1), 60)
        error.seconds = 1e300
        self.assertEqual(RetryPolicy(Fixed(7)).seconds(error, 1), LATEST)

    def test_f16_options_that_are_no_numbers_are_refused_by_name(self):
        for option in ("priority", "max_retries", "time_limit", "memory_limit"):
            for value in (True, 1.5, 2**31, -1, "1", None.__class__):
                with self.subTest(option=option, value=value), self.assertRaisesRegex(ValueError, f"^{option} is"):
                    act.delay(self.session, "res.partner", **{option: value})
        for value in (True, 0, 2**31, 1.5):
            with self.subTest(limit=value), self.assertRaisesRegex(ValueError, "^limit is"):
                job(limit=value)

    def test_f16_a_pattern_on_the_screen_is_refused_by_name(self):
        function = self.env["queue.job.function"].create({"name": "res.partner.write"})
        for text in (
            '{"1": 1e308}',
            '{"1": NaN}',
            '{"1": [5, 1]}',
            '{"1": [1, 2, 3]}',
            '{"x": 1}',
            "[" * 100_000,
            "{}",
            '{"1": true}',
            '{"1": "5"}',
        ):
            with self.subTest(text=text[:20]), self.assertRaisesRegex(ValidationError, "res.partner.write"):
                function.retry_pattern = text

    def test_f16_a_pattern_that_was_stored_before_there_was_a_check_stops_no_job(self):
        function = self.env["queue.job.function"].create({"name": "res.partner.exists"})
        self.cr.execute("UPDATE queue_job_function SET retry_pattern = %s WHERE id = %s", ['{"1": 1e308}', function.id])
        self.env.invalidate_all()
        self.env.registry.clear_cache()
        with self.assertLogs("odoo.addons.jobs_queue", "WARNING") as logs:
            self.env["res.partner"].with_delay().exists()
        self.assertIn("The retry pattern of res.partner.exists is left out", logs.output[0])
        self.env.registry.clear_cache()

    def test_f19_tries_before_the_first_of_a_pattern_wait_the_default(self):
        policy = RetryPolicy({3: 180})
        self.assertEqual(
            [policy.seconds(RetryableJobError("x"), tries) for tries in (1, 2, 3, 9)], [600, 600, 180, 180]
        )

    def test_f19_a_range_waits_by_chance_within_it(self):
        for waits in ((10, 20), [10, 20]):
            waited = {Pattern({1: waits}).seconds(1) for _time in range(50)}
            self.assertGreater(len(waited), 1)
            self.assertTrue(all(10 <= seconds <= 20 for seconds in waited))
        function = self.env["queue.job.function"].create(
            {"name": "res.partner.exists", "retry_pattern": '{"2": [10, 20]}'}
        )
        policy = self.env["queue.job.function"]._options(function.name).retry
        self.assertEqual(policy.seconds(RetryableJobError("x"), 1), 600)
        self.assertTrue(10 <= policy.seconds(RetryableJobError("x"), 2) <= 20)

    def test_f21_a_scheduled_job_without_a_date_is_due(self):
        job_id = self._delay(eta=3600)
        later = self._delay(eta=7200)
        self._set_state(job_id, eta=None)
        self.assertLess(store.upkeep.seconds_to_next_eta(self.cr), 0)
        self.assertEqual(store.upkeep.schedule_due(self.cr), 1)
        self.assertEqual(self._states(job_id, later), ["pending", "scheduled"])
        self.assertGreater(store.upkeep.seconds_to_next_eta(self.cr), 7000)

    def test_f21_what_is_due_is_found_by_an_index(self):
        self.cr.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        for query in (
            f"SELECT id FROM queue_job WHERE state = 'scheduled' AND {store.sql.DUE_AT} <= now() ORDER BY {store.sql.DUE_AT} LIMIT 1000",
            f"SELECT min({store.sql.DUE_AT}) FROM queue_job WHERE state = 'scheduled'",
        ):
            self.cr.execute("EXPLAIN " + query)
            plan = "\n".join(line for (line,) in self.cr.fetchall())
            self.assertIn("queue_job_scheduled_idx", plan)
            self.assertNotIn("Sort", plan)


class TestPages(GivenCase):
    def test_f27_a_full_page_is_stored_before_the_commit_and_forgotten(self):
        self.patch(buffer, "PAGE", 10)
        handles = [act.delay(self.session, "res.partner", description=str(number)) for number in range(25)]
        self.assertEqual([handle._id is not None for handle in handles], [True] * 20 + [False] * 5)
        records = [handle.record(self.env) for handle in handles]
        self.assertEqual([record.description for record in records], [str(number) for number in range(25)])

    def test_f27_a_page_is_full_too_when_its_arguments_are_large(self):
        self.patch(buffer, "PAGE_SIZE", 3000)
        handles = [take.delay(self.session, "res.partner", "x" * 1000) for _number in range(7)]
        self.assertEqual([handle._id is not None for handle in handles], [True] * 6 + [False])
        self.cr.flush()
        handles = [take.delay(self.session, "res.partner", "x" * 1000) for _number in range(4)]
        self.assertEqual([handle._id is not None for handle in handles], [True] * 3 + [False])

    def test_f27_jobs_that_could_not_be_stored_are_not_lost_for_who_goes_on(self):
        def refuse(model, job):
            raise ZeroDivisionError

        self.patch(buffer, "PAGE", 3)
        model = type(self.env["queue.job"])
        handles = [act.delay(self.session, "res.partner") for _number in range(2)]
        with patch.object(model, "_prepare_job_values", refuse):
            for go_on in (self.cr.flush, lambda: handles.append(act.delay(self.session, "res.partner"))):
                # Odoo's own assertRaises would flush first, and roll back
                TestCase.assertRaises(self, ZeroDivisionError, go_on)
        self.cr.flush()
        self.assertEqual(len({handle._id for handle in handles} - {None}), len(handles))
        self.assertEqual(
            self.env["queue.job"].browse([handle.id for handle in handles]).exists().mapped("state"), ["pending"] * 2
        )

    def test_f27_a_graph_over_several_pages_keeps_its_order(self):
        self.patch(buffer, "PAGE", 3)
        parts = [act.delayable(self.session, "res.partner") for _number in range(8)]
        chain(*parts).delay()
        ids = [part.id for part in parts]
        self.cr.execute("SELECT parent_id, child_id FROM queue_job_dependency WHERE child_id = ANY(%s)", [ids])
        self.assertEqual(sorted(self.cr.fetchall()), list(pairwise(ids)))

    def test_f27_what_a_savepoint_has_stored_in_pages_goes_with_it(self):
        self.patch(buffer, "PAGE", 3)
        before = self.env["queue.job"].search_count([])
        with self.cr.savepoint(flush=False) as savepoint:
            for _number in range(7):
                act.delay(self.session, "res.partner")
            savepoint.rollback()
        self.assertEqual(self.env["queue.job"].search_count([]), before)
