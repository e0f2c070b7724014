from datetime import timedelta
from types import SimpleNamespace

from psycopg2 import IntegrityError

from odoo.exceptions import ValidationError
from odoo.tools import mute_logger

from odoo.addons.jobs_queue import store
from odoo.addons.jobs_queue.store.ending import Ending
from odoo.addons.jobs_queue.store.sql import BRIEFLY
from odoo.addons.jobs_queue.testing import JobsCase


class ChannelsCase(JobsCase):
    def setUp(self):
        super().setUp()
        self.worker = self._register_worker()
        self.channel = self.env["queue.job.channel"]._ensure("root.shop")

    def _register_worker(self):
        return store.workers.register(self.cr, f"w {self.id()}", "h", 1, "command", 99, (None, None))

    def _delay(self, channel="root.shop", **options):
        return self.env["res.partner"].with_delay(channel=channel, **options).exists().id

    def _claim(self, limit=99, free=99):
        self.env.flush_all()
        return store.claiming.claim(self.cr, self.worker, limit, free)

    def _ids(self, leases):
        return [lease.id for lease in leases]

    def _set_state(self, job_id, **columns):
        assignments = ", ".join(f"{column} = %({column})s" for column in columns)
        self.cr.execute(f"UPDATE queue_job SET {assignments} WHERE id = %(id)s", {**columns, "id": job_id})
        self.env.invalidate_all()

    def _complete(self, lease):
        store.leases.start(self.cr, lease)
        self.assertTrue(store.leases.complete(self.cr, lease, SimpleNamespace(id=self.worker, name="w"), Ending(None)))
        store.keys.release(self.cr, lease)


class TestFairness(ChannelsCase):
    def setUp(self):
        super().setUp()
        self.full, self.other = (self.env["queue.job.channel"]._ensure(name) for name in ("root.full", "root.other"))
        self.cr.execute("SELECT setseed(0.5)")

    def _fill(self, channel, jobs, **options):
        return [self._delay(channel.complete_name, **options) for _number in range(jobs)]

    def test_a_full_channel_does_not_keep_the_first_job_of_another_waiting(self):
        self._fill(self.full, 50)
        first = self._fill(self.other, 1)
        self.assertIn(first[0], self._ids(self._claim(4)))

    def test_one_place_goes_to_each_channel_in_its_turn(self):
        self._fill(self.full, 30)
        (first,) = self._fill(self.other, 1)
        claims = 1
        while self._ids(self._claim(1)) != [first]:
            claims += 1
        self.assertLess(claims, 10)

    def test_channels_take_turns_by_their_weights(self):
        self.full.weight = 3
        self._fill(self.full, 100)
        self._fill(self.other, 100)
        served = [lease.channel_id for lease in self._claim(80)]
        self.assertAlmostEqual(served.count(self.full.id), 60, delta=8)

    def test_over_many_claims_of_one_job_the_weights_hold(self):
        self.full.weight = 3
        self._fill(self.full, 100)
        self._fill(self.other, 100)
        served = [self._claim(1)[0].channel_id for _number in range(100)]
        self.assertAlmostEqual(served.count(self.full.id), 75, delta=15)

    def test_priority_orders_the_jobs_of_a_channel(self):
        late, first = self._fill(self.full, 1, priority=20), self._fill(self.full, 1, priority=5)
        self._fill(self.other, 1)
        served = [lease.id for lease in self._claim(3) if lease.channel_id == self.full.id]
        self.assertEqual(served, first + late)

    def test_a_limited_channel_is_not_starved_by_one_without_limit(self):
        self.other.capacity = 1
        self._fill(self.full, 30)
        (first,) = self._fill(self.other, 1)
        claims = 1
        while self._ids(self._claim(1, 1)) != [first]:
            claims += 1
        self.assertLess(claims, 10)

    def test_limited_channels_that_compete_for_one_thread_take_turns_too(self):
        self.full.capacity = self.other.capacity = 100
        for channel in (self.full, self.other):
            self._fill(channel, 30)
        served = [self._claim(20, 1)[0].channel_id for _number in range(30)]
        self.assertAlmostEqual(served.count(self.full.id), 15, delta=10)

    def test_what_one_channel_does_not_need_goes_to_the_others(self):
        self._fill(self.full, 10)
        self._fill(self.other, 1)
        self.assertEqual(len(self._claim(8)), 8)

    def test_nothing_is_prefetched_from_a_limited_channel(self):
        self.full.capacity = 10
        self._fill(self.full, 10)
        self.assertEqual(len(self._claim(10, 2)), 2)


class TestSequential(ChannelsCase):
    def setUp(self):
        super().setUp()
        self.channel.is_sequential = True

    def test_one_job_runs_at_a_time_in_the_order_of_creation_whatever_its_priority(self):
        jobs = [self._delay(priority=priority) for priority in (30, 10, 20)]
        served = []
        while leases := self._claim():
            self.assertEqual(len(leases), 1)
            self.assertFalse(self._claim())
            served += self._ids(leases)
            self._complete(leases[0])
        self.assertEqual(served, jobs)

    def _fail(self):
        (lease,) = self._claim()
        store.leases.start(self.cr, lease)
        store.leases.fail(self.cr, lease, SimpleNamespace(id=self.worker, name="w"), Ending("m", "e", "t"))
        return lease.id

    def test_a_failed_job_holds_the_channel_until_a_person_decides(self):
        for decide in (
            lambda job: store.actions.set_done(self.cr, [job], "done"),
            lambda job: store.actions.cancel(self.cr, [job], "cancelled"),
        ):
            with self.subTest(decide=decide):
                self._delay()
                following = self._delay()
                failed = self._fail()
                self.assertFalse(self._claim())
                decide(failed)
                (lease,) = self._claim()
                self.assertEqual(lease.id, following)
                self._complete(lease)

    def test_a_job_says_which_one_it_waits_for(self):
        self._delay()
        following = self._delay()
        failed = self._fail()
        self.assertIn(f"job {failed} comes first", self.env["queue.job"].browse(following).wait_reason)

    def test_a_failed_job_that_is_requeued_runs_before_the_others(self):
        self._delay()
        self._delay()
        failed = self._fail()
        store.actions.requeue(self.cr, [failed])
        self.assertEqual(self._ids(self._claim()), [failed])

    def test_a_job_between_two_tries_holds_the_channel(self):
        first = self._delay()
        self._delay()
        (lease,) = self._claim()
        store.leases.start(self.cr, lease)
        store.leases.retry(self.cr, lease, SimpleNamespace(id=self.worker, name="w"), Ending("m", "e", "t"), 60, False)
        self.assertFalse(self._claim())
        self.cr.execute("UPDATE queue_job SET eta = eta - interval '1 hour' WHERE id = %s", [first])
        store.upkeep.schedule_due(self.cr)
        self.assertEqual(self._ids(self._claim()), [first])

    def test_a_job_whose_date_has_not_come_holds_nothing(self):
        self._delay(eta=timedelta(hours=1))
        second = self._delay()
        self.assertEqual(self._ids(self._claim()), [second])

    def test_the_order_holds_over_the_channels_below(self):
        self.env["queue.job.channel"]._ensure("root.shop.import")
        first, second = self._delay("root.shop.import"), self._delay("root.shop")
        (lease,) = self._claim()
        self.assertEqual(lease.id, first)
        self._complete(lease)
        self.assertEqual(self._ids(self._claim()), [second])

    def test_a_held_channel_takes_no_turn_from_others(self):
        self._delay()
        self._fail()
        self._delay()
        others = [self._delay("root") for _number in range(10)]
        self.assertEqual([self._ids(self._claim(1)) for _number in range(10)], [[job] for job in others])

    def test_a_job_that_waits_for_its_key_is_not_overtaken(self):
        self._delay("root", concurrency_key="k")
        (holder,) = self._claim()
        first = self._delay(concurrency_key="k")
        self._delay()
        self.assertFalse(self._claim())
        self._complete(holder)
        self.assertEqual(self._ids(self._claim()), [first])


class TestHold(ChannelsCase):
    def setUp(self):
        super().setUp()
        self.env["queue.job.channel"]._ensure("root.shop.import")
        self.below = self._delay("root.shop.import")
        self.other = self._delay("root")

    def _hold(self, holder="breaker", seconds=None):
        store.channels.hold(self.cr, self.channel.id, holder, "the shop is down", seconds)

    def test_the_jobs_of_a_held_channel_and_those_below_wait_and_others_do_not(self):
        self._hold()
        self.assertEqual(self._ids(self._claim()), [self.other])

    def test_a_hold_ends_by_itself_when_its_time_has_come(self):
        self._hold(seconds=60)
        self.assertEqual(self._ids(self._claim()), [self.other])
        self.cr.execute("UPDATE queue_job_channel_hold SET date_until = date_until - interval '61 s'")
        self.assertEqual(self._ids(self._claim()), [self.below])

    def test_a_channel_is_held_as_long_as_one_holder_holds_it(self):
        self._hold("breaker", seconds=-1)
        self._hold("credentials")
        self.assertEqual(self._ids(self._claim()), [self.other])

    def test_a_released_channel_goes_on(self):
        self._hold("breaker", seconds=60)
        self._hold("credentials")
        self.channel._release_holds()
        self.assertEqual(sorted(self._ids(self._claim())), sorted([self.below, self.other]))

    def test_a_job_and_its_channel_say_why_they_wait(self):
        self._hold()
        self.assertIn("“root.shop” is held: the shop is down", self.env["queue.job"].browse(self.below).wait_reason)
        self.assertEqual(self.channel.hold_reason, "the shop is down")


class TestRate(ChannelsCase):
    def setUp(self):
        super().setUp()
        self.channel.write({"rate": 3, "rate_period": 60})
        for _number in range(10):
            self._delay()

    def _wait(self, seconds):
        self.cr.execute(
            "UPDATE queue_job_channel_bucket SET date_filled = date_filled - make_interval(secs => %s)", [seconds]
        )

    def test_no_more_jobs_start_than_the_rate_allows(self):
        self.assertEqual(len(self._claim()), 3)
        self.assertEqual(len(self._claim()), 0)

    def test_the_bucket_fills_evenly(self):
        self._claim()
        self._wait(20)
        self.assertEqual(len(self._claim()), 1)
        self._wait(19)
        self.assertEqual(len(self._claim()), 0)
        self._wait(1)
        self.assertEqual(len(self._claim()), 1)

    def test_the_bucket_holds_no_more_than_a_period(self):
        self._claim()
        self._wait(3600)
        self.assertEqual(len(self._claim()), 3)

    def test_the_rate_of_a_channel_counts_for_those_below(self):
        self.env["queue.job.channel"]._ensure("root.shop.import")
        self._delay("root.shop.import")
        while leases := self._claim(1):
            self._complete(leases[0])
        self.cr.execute("SELECT count(*) FROM queue_job WHERE state = 'done'")
        self.assertEqual(self.cr.fetchone(), (3,))

    def test_workers_look_again_when_the_next_job_may_start_and_no_token_is_lost(self):
        self.assertIsNone(store.channels.seconds_to_next_token(self.cr))
        self._claim()
        self.assertAlmostEqual(store.channels.seconds_to_next_token(self.cr), 20, delta=1)
        self.channel.write({"rate": 1000, "rate_period": 1})
        self.env.flush_all()
        self.cr.execute(
            "UPDATE queue_job_channel_bucket SET tokens = 0, date_filled = clock_timestamp() AT TIME ZONE 'UTC' + '1 s'"
        )
        self.assertEqual(store.channels.seconds_to_next_token(self.cr), 0.2)

    def test_nobody_waits_for_a_rate_that_no_job_needs(self):
        while leases := self._claim():
            for lease in leases:
                self._complete(lease)
            self._wait(60)
        self.cr.execute("UPDATE queue_job_channel_bucket SET tokens = 0")
        self.assertIsNone(store.channels.seconds_to_next_token(self.cr))

    def test_f2_jobs_that_are_given_back_before_they_start_give_back_their_tokens(self):
        leases = self._claim()
        self.assertEqual(len(leases), 3)
        self.assertEqual(store.leases.release_unstarted(self.cr, leases[:2]), {lease.id for lease in leases[:2]})
        self.assertEqual(len(self._claim()), 2)
        self.assertEqual(store.leases.release_unstarted(self.cr, leases[:2]), set(), "their leases are gone")
        self.assertEqual(len(self._claim()), 0)

    def test_a_rate_that_is_changed_counts_at_once(self):
        self._claim()
        self.channel.write({"rate": 0})
        self.assertEqual(len(self._claim()), 7)

    def test_a_job_that_waits_for_its_key_costs_nothing(self):
        self.cr.execute("UPDATE queue_job SET concurrency_key = 'k', concurrency_limit = 1")
        self.assertEqual(len(self._claim()), 1)
        self.cr.execute("SELECT tokens FROM queue_job_channel_bucket WHERE channel_id = %s", [self.channel.id])
        self.assertAlmostEqual(self.cr.fetchone()[0], 2, delta=0.1)


class TestPlans(ChannelsCase):
    """Query plans of PostgreSQL for a claim among 10,000 jobs."""

    def setUp(self):
        super().setUp()
        self.sequential = self.env["queue.job.channel"]._ensure("root.sequential")
        self.sequential.is_sequential = True
        self.channel.capacity = 5
        self.env.flush_all()
        template = self._delay()
        self.cr.execute(
            "SELECT array_agg(id) FROM queue_job_channel WHERE id = ANY(%s)",
            [[self.channel.id, self.sequential.id, self.env.ref("jobs_queue.channel_root").id]],
        )
        channels = self.cr.fetchone()[0]
        self.cr.execute(
            """
            INSERT INTO queue_job (function, model_name, payload, channel_id, priority, max_retries, retry, user_id, company_id,
                                   su, date_created, state, ready_seq)
            SELECT function, model_name, payload, (%(channels)s)[1 + number %% 3], number %% 7, 5, 0, user_id, company_id,
                   su, date_created, CASE WHEN number > 5000 THEN state ELSE 'done' END, nextval('queue_job_ready_seq')
            FROM queue_job, generate_series(1, 10000) AS number WHERE id = %(template)s
            """,
            {"channels": channels, "template": template},
        )

    def _plans(self, limit):
        """Return the nodes of the plans of all statements of a claim, as they were executed."""
        nodes = []
        execute = self.cr.execute

        def walk(node):
            nodes.append(node)
            for child in node.get("Plans", ()):
                walk(child)

        def explain(query, params=None, **options):
            execute("SAVEPOINT before")
            execute("EXPLAIN (ANALYZE, FORMAT JSON) " + query.replace(BRIEFLY, ""), params)
            walk(self.cr.fetchone()[0][0]["Plan"])
            execute("ROLLBACK TO SAVEPOINT before")
            return execute(query, params, **options)

        self.env.flush_all()
        self.patch(self.cr, "execute", explain)
        self.assertTrue(store.claiming.claim(self.cr, self.worker, limit, limit))
        return nodes

    def _assert_plans(self, limit):
        nodes = self._plans(limit)
        jobs = [node for node in nodes if node.get("Relation Name") == "queue_job"]
        self.assertIn("queue_job_ready_idx", {node.get("Index Name") for node in jobs})
        for node in jobs:
            self.assertNotEqual(node["Node Type"], "Seq Scan", node)
        for node in nodes:
            if node["Node Type"] == "Bitmap Index Scan":
                continue  # it counts what tests before this one have left in the index; the scan of the table above it does not
            read = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
            self.assertLessEqual(read, 3 * limit, f"{node['Node Type']} reads more than what is claimed: {node}")

    def test_a_claim_reads_the_head_of_the_ready_index_only(self):
        self.cr.execute("ANALYZE queue_job")
        self._assert_plans(20)

    def test_so_it_does_before_the_first_statistics(self):
        self._assert_plans(20)


class TestBadInput(JobsCase):
    def test_a_negative_limit_of_a_channel_is_refused_with_its_meaning(self):
        for values, message in (
            ({"capacity": -1}, "capacity of a channel cannot be negative"),
            ({"rate": -1}, "rate of a channel cannot be negative"),
            ({"rate": 1, "rate_period": 0}, "at least one second"),
            ({"weight": 0}, "weight of a channel is at least 1"),
        ):
            with (
                self.subTest(values=values),
                mute_logger("odoo.sql_db"),
                self.assertRaises(IntegrityError) as caught,
                self.cr.savepoint(),
            ):
                self.env["queue.job.channel"]._ensure("root.shop").write(values)
                self.env.flush_all()
            self.assertIn(message, self.env["queue.job.channel"]._sql_error_to_message(caught.exception))

    def test_a_cycle_of_channels_is_refused(self):
        below = self.env["queue.job.channel"]._ensure("root.shop.import")
        with self.assertRaisesRegex(ValidationError, "“root.shop” cannot be below “root.shop.import”"):
            below.parent_id.parent_id = below
