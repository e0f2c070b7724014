from types import SimpleNamespace

from psycopg2.errors import SerializationFailure

from odoo.exceptions import UserError
from odoo.tests import TransactionCase
from odoo.tools import mute_logger

from odoo.addons.jobs_queue import store
from odoo.addons.jobs_queue.exception import NothingToDoJob, RetryableJobError
from odoo.addons.jobs_queue.graph import chain, group
from odoo.addons.jobs_queue.jobs import BY_CODE, RunningJob, job
from odoo.addons.jobs_queue.jobs.many import delay_many
from odoo.addons.jobs_queue.session import ConnectorSession
from odoo.addons.jobs_queue.store.ending import Ending
from odoo.addons.jobs_queue.testing import JobsCase

_calls = []
_raise = {}


@job(group_size=5)
def send(session, model_name, calls):
    """Send levels"""
    names = [name for _backend_id, name in calls]
    _calls.append(names)
    session.env["res.partner"].create([{"name": f"sent {name}"} for name in names])
    for name in names:
        if name in _raise:
            raise _raise[name]
    if "too few" in names:
        return names[1:]
    if "no list" in names:
        return None
    return [f"{name} was sent" for name in names]


@job(group_size=5)
def log_much(session, model_name, calls):
    """Write a long log"""
    for _line in range(9):
        session.job.log("x" * 5000)
    return [None]


@job(group_size=5)
def commit(session, model_name, calls):
    """Commit if the transaction is the job's"""
    _calls.append((len(calls), session.owns_transaction))
    if session.owns_transaction:
        session.job.progress(1, 2)
        session.commit()
    elif len(calls) > 1:
        raise UserError(session.env._("One by one"))
    return [None] * len(calls)


@job(group_size=5)
def send_named(session, model_name, calls):
    """Send levels, given by name"""
    _calls.append([call.kwargs["name"] for call in calls])
    return [None] * len(calls)


@job
def send_one(session, model_name, backend_id, name):
    """Send a level"""
    return name


class GroupedCase(JobsCase):
    def setUp(self):
        super().setUp()
        self.session = ConnectorSession.from_env(self.env)
        _calls.clear()
        _raise.clear()

    def _delay(self, names, backend_id=1, **options):
        jobs = [send.delay(self.session, "res.partner", backend_id, name, **options) for name in names.split()]
        return self.env["queue.job"].browse([job.id for job in jobs])

    def _sent(self):
        partners = self.env["res.partner"].search([("name", "=like", "sent %")], order="id")
        return " ".join(name.removeprefix("sent ") for name in partners.mapped("name"))


class TestGrouped(GroupedCase):
    def test_jobs_of_one_function_and_key_run_as_one_call(self):
        jobs = self._delay("a b c")
        self.run_jobs()
        self.assertEqual(_calls, [["a", "b", "c"]])
        self.assertEqual(jobs.mapped("state"), ["done"] * 3)

    def test_each_job_keeps_its_own_result_and_attempt(self):
        jobs = self._delay("a b")
        self.run_jobs()
        self.assertEqual(jobs.mapped("message"), ["a was sent", "b was sent"])
        self.assertEqual(jobs.mapped("result"), ['"a was sent"', '"b was sent"'])
        self.assertEqual([len(job.attempt_ids) for job in jobs], [1, 1])

    def test_f10_the_log_of_a_job_in_a_batch_is_as_long_as_that_of_any_other(self):
        record = log_much.delay(self.session, "res.partner").record(self.env)
        self.run_jobs()
        self.assertDone(record)
        self.assertEqual(len(record.attempt_ids.log), 9 * 5001 - 1)

    def test_no_call_gets_more_jobs_than_the_size_of_its_batch(self):
        self._delay("a b c d e f g")
        self.run_jobs()
        self.assertEqual([len(names) for names in _calls], [5, 2])

    def test_jobs_of_two_backends_run_as_two_calls(self):
        self._delay("a b", backend_id=1)
        self._delay("c", backend_id=2)
        self._delay("d", backend_id=1)
        self.run_jobs()
        self.assertEqual(sorted(_calls), [["a", "b", "d"], ["c"]])

    def test_a_key_of_the_call_says_which_run_together(self):
        self._delay("a", backend_id=1, group_key="k")
        self._delay("b", backend_id=2, group_key="k")
        self.run_jobs()
        self.assertEqual(_calls, [["a", "b"]])

    def test_jobs_of_two_users_run_as_two_calls(self):
        self._delay("a")
        self.session = ConnectorSession.from_env(self.env(user=self.env.ref("base.user_admin")))
        self._delay("b")
        self.run_jobs()
        self.assertEqual(sorted(_calls), [["a"], ["b"]])

    def test_jobs_that_the_worker_holds_already_run_together_with_those_that_are_not_leased(self):
        worker = store.workers.register(self.cr, "w", "h", 1, "command", 1, (None, None))
        self._delay("a b c")
        held = store.claiming.claim(self.cr, worker, 2, 2)
        self.assertEqual(set(store.batches.start(self.cr, held)), {job.id for job in held})
        ((joined, _payload),) = store.batches.join(self.cr, worker, held[0], 3)
        self.assertEqual(joined.lease_token, held[0].lease_token)

    def test_f2_a_job_that_is_to_run_alone_joins_no_other_and_none_joins_it(self):
        jobs = self._delay("a b c d")
        self.env.flush_all()
        self.cr.execute("UPDATE queue_job SET runs_alone = true WHERE id = ANY(%s)", [[jobs[0].id, jobs[2].id]])
        self.run_jobs()
        self.assertEqual(_calls, [["a"], ["b", "d"], ["c"]])

    def test_a_batch_takes_one_place_of_a_limited_channel(self):
        channel = self.env["queue.job.channel"]._ensure("root.shop")
        channel.capacity = 1
        self._delay("a b c", channel="root.shop")
        self.run_jobs()
        self.assertEqual(_calls, [["a", "b", "c"]])

    def test_a_batch_that_runs_leaves_the_other_places_of_its_channel_free(self):
        self.env["queue.job.channel"]._ensure("root.shop").capacity = 2
        worker = store.workers.register(self.cr, "w", "h", 1, "command", 2, (None, None))
        self._delay("a b c", channel="root.shop")
        held = store.claiming.claim(self.cr, worker, 1, 1)
        store.batches.start(self.cr, held)
        self.assertEqual(len(store.batches.join(self.cr, worker, held[0], 4)), 2)
        self._delay("d e", channel="root.shop", backend_id=2)
        self.assertEqual(len(store.claiming.claim(self.cr, worker, 9, 9)), 1)

    def _join_after(self, event):
        worker = store.workers.register(self.cr, "w", "h", 1, "command", 2, (None, None))
        channel = self.env["queue.job.channel"]._ensure("root.shop")
        self._delay("a b c", channel="root.shop")
        held = store.claiming.claim(self.cr, worker, 1, 1)
        store.batches.start(self.cr, held)
        event(channel)
        self.env.flush_all()
        return store.batches.join(self.cr, worker, held[0], 4)

    def test_no_job_joins_where_the_channel_was_paused_meanwhile(self):
        self.assertFalse(self._join_after(lambda channel: channel.parent_id.write({"is_paused": True})))

    def test_no_job_joins_where_the_channel_was_held_meanwhile(self):
        self.assertFalse(
            self._join_after(lambda channel: store.channels.hold(self.cr, channel.id, "shop", "it is down", 60))
        )

    def test_no_job_joins_while_addons_are_installed(self):
        addon = self.env.ref("base.module_jobs_queue")
        self.assertFalse(self._join_after(lambda channel: addon.write({"state": "to upgrade"})))

    def test_jobs_join_where_nothing_keeps_them_from_it(self):
        self.assertEqual(len(self._join_after(lambda channel: None)), 2)

    def test_the_children_of_a_batch_are_released_one_parent_at_a_time(self):
        released, release_children = [], store.dependencies.release_children
        self.patch(
            store.dependencies,
            "release_children",
            lambda cr, ids: released.append(len(ids)) or release_children(cr, ids),
        )
        calls = [send.delayable(self.session, "res.partner", 1, name) for name in "abc"]
        chain(group(*calls), send_one.delayable(self.session, "res.partner", 1, "last")).delay()
        self.assertEqual(set(self.run_jobs().mapped("state")), {"done"})
        self.assertIn(["a", "b", "c"], _calls)
        self.assertEqual(set(released), {1})

    def test_in_a_sequential_channel_each_job_runs_for_itself_in_its_turn(self):
        channel = self.env["queue.job.channel"]._ensure("root.shop")
        channel.is_sequential = True
        self._delay("a b c", channel="root.shop")
        self.run_jobs()
        self.assertEqual(_calls, [["a"], ["b"], ["c"]])

    def test_arguments_may_be_given_by_name(self):
        for name in ("a", "b"):
            send_named.delay(self.session, "res.partner", 1, name=name)
        self.run_jobs()
        self.assertEqual(_calls, [["a", "b"]])

    def test_of_the_jobs_with_one_identity_key_one_is_in_the_call(self):
        jobs = self._delay("a", identity_key="a") | self._delay("a", identity_key="a") | self._delay("b c")
        jobs |= self._delay("b", identity_key="b")
        self.run_jobs()
        self.assertEqual([sorted(names) for names in _calls], [["a", "b", "b", "c"]])
        self.assertEqual(jobs.sorted("id").mapped("state"), ["done", "cancelled", "done", "done", "done"])

    def test_a_job_whose_twin_runs_elsewhere_does_not_join_but_runs_afterwards(self):
        elsewhere = store.workers.register(self.cr, "elsewhere", "h", 1, "command", 1, (None, None))
        twin = self._delay("a", identity_key="a")
        (lease,) = store.claiming.claim(self.cr, elsewhere, 1, 1)
        store.leases.start(self.cr, lease)
        jobs = self._delay("b") | self._delay("a", identity_key="a")
        self.run_jobs()
        self.assertEqual((_calls, jobs.sorted("id").mapped("state")), ([["b"]], ["done", "wait_dependencies"]))
        store.leases.complete(self.cr, lease, SimpleNamespace(id=elsewhere, name="w"), Ending(None))
        store.keys.release(self.cr, lease)
        self.run_jobs()
        self.assertEqual((twin.state, jobs.mapped("state")), ("done", ["done", "done"]))

    def test_the_newest_twin_does_not_join_jobs_of_another_user(self):
        jobs = self._delay("a") | self._delay("old", identity_key="k", identity_policy="replace")
        self.session = ConnectorSession.from_env(self.env(user=self.env.ref("base.user_admin")))
        jobs |= self._delay("new", identity_key="k", identity_policy="replace")
        self.run_jobs()
        self.assertEqual(_calls, [["a"], ["new"]])

    def test_nothing_to_do_is_done_for_all(self):
        jobs = self._delay("a b")
        _raise["a"] = NothingToDoJob("The shop is asleep")
        self.run_jobs()
        self.assertEqual(jobs.mapped("state") + jobs.mapped("message"), ["done", "done"] + ["The shop is asleep"] * 2)

    def test_without_delay_the_function_is_called_with_one_call(self):
        self.session = ConnectorSession.from_env(self.env(context={"connector_no_delay": BY_CODE}))
        done = send.delay(self.session, "res.partner", 1, "a")
        self.assertEqual((_calls, done.message), ([["a"]], "a was sent"))

    def test_the_session_of_a_call_that_is_alone_has_its_job_and_may_commit(self):
        for number in (1, 2):
            commit.delay(self.session, "res.partner", 1, number)
        jobs = self.run_jobs()
        self.assertDone(jobs)
        self.assertEqual(_calls, [(2, False), (1, True), (1, True)])

    def test_jobs_of_a_batch_may_be_parts_of_a_graph(self):
        names = "abcdefg"
        last = send_one.delayable(self.session, "res.partner", 1, "last")
        chain(group(*(send.delayable(self.session, "res.partner", 1, name) for name in names)), last).delay()
        self.run_jobs()
        self.assertEqual([len(names) for names in _calls], [5, 2])
        self.env.invalidate_all()
        self.assertEqual(last.record(self.env).state, "done")


class TestErrors(GroupedCase):
    @mute_logger("odoo.addons.jobs_queue.worker")
    def test_only_the_guilty_job_fails_and_the_others_are_done_once(self):
        jobs = self._delay("a b c d e")
        _raise["d"] = ValueError("d is unknown")
        self.run_jobs()
        self.assertEqual(jobs.mapped("state"), ["done", "done", "done", "failed", "done"])
        self.assertEqual(jobs[3].message, "ValueError: d is unknown")
        self.assertEqual(sorted(self._sent().split()), ["a", "b", "c", "e"])

    @mute_logger("odoo.addons.jobs_queue.worker")
    def test_the_traceback_of_a_guilty_job_is_its_own(self):
        jobs = self._delay("a b c d e")
        _raise["d"] = ValueError("d is unknown")
        self.run_jobs()
        self.assertEqual(jobs[3].attempt_ids.exc_info.count("Traceback"), 1)

    def test_an_error_for_users_halves_the_batch_too(self):
        jobs = self._delay("a b")
        _raise["b"] = UserError("b is archived")
        self.run_jobs()
        self.assertEqual(jobs.mapped("state"), ["done", "failed"])

    def test_a_retryable_error_retries_the_whole_batch_at_one_time(self):
        jobs = self._delay("a b c")
        _raise["c"] = RetryableJobError("The shop is closed", seconds=120)
        self.run_jobs()
        self.assertEqual((jobs.mapped("state"), jobs.mapped("retry")), (["scheduled"] * 3, [1, 1, 1]))
        self.assertEqual(len(_calls), 1)
        self.assertEqual(self._sent(), "")

    def test_a_serialization_failure_runs_the_whole_batch_again_at_once(self):
        jobs = self._delay("a b c")
        _raise["c"] = SerializationFailure("could not serialize access")
        self.run_jobs()
        self.assertEqual(_calls, [["a", "b", "c"]] * 4)
        self.assertEqual(jobs.mapped("state"), ["scheduled"] * 3)

    @mute_logger("odoo.addons.jobs_queue.worker")
    def test_a_wrong_number_of_results_fails_all_at_once_and_is_named(self):
        jobs = self.env["queue.job"].browse(
            [send.delay(self.session, "res.partner", 2, name).id for name in ("a", "too few", "c")]
        )
        self.run_jobs()
        self.assertEqual(jobs.mapped("state"), ["failed"] * 3)
        self.assertIn("send returned 2 results for 3 calls: it must return one for each", jobs[0].message)
        self.assertEqual(_calls.count(["a", "too few", "c"]), 1)

    @mute_logger("odoo.addons.jobs_queue.worker")
    def test_a_function_that_returns_no_list_fails_with_the_way_out(self):
        record = send.delay(self.session, "res.partner", 1, "no list").record(self.env)
        self.run_jobs()
        self.assertIn("returned NoneType for 1 calls: it must return a list", record.message)

    @mute_logger("odoo.addons.jobs_queue.worker")
    def test_arguments_that_cannot_be_read_fail_their_own_job_only(self):
        jobs = self._delay("a b c")
        self.cr.execute("UPDATE queue_job SET payload = '(lp0' WHERE id = %s", [jobs[1].id])
        self.run_jobs()
        self.assertEqual(jobs.mapped("state"), ["done", "failed", "done"])

    def test_a_member_that_was_cancelled_before_the_call_is_dropped(self):
        jobs = self._delay("a b c")
        start_batch = store.batches.start

        def cancel_and_start(cr, leases):
            store.actions.cancel(cr, [jobs[0].id], "Cancelled")
            return start_batch(cr, leases)

        self.patch(store.batches, "start", cancel_and_start)
        self.run_jobs()
        self.assertEqual(_calls, [["b", "c"]])
        self.assertEqual(jobs.mapped("state"), ["cancelled", "done", "done"])

    def test_a_batch_with_a_member_that_was_taken_away_is_rolled_back_and_runs_without_it(self):
        jobs = self._delay("a b c")
        complete_batch, still_leased = store.batches.complete, store.batches.still_leased

        def find_one_missing(cr, members, *args):
            return len(members) < 3 and complete_batch(cr, members, *args)

        def take_away_and_look(cr, *args):
            cr.execute("UPDATE queue_job SET state = 'failed', worker_id = NULL WHERE id = %s", [jobs[1].id])
            return still_leased(cr, *args)

        self.patch(store.batches, "complete", find_one_missing)
        self.patch(store.batches, "still_leased", take_away_and_look)
        self.run_jobs()
        self.assertEqual(_calls, [["a", "b", "c"], ["a", "c"]])
        self.assertEqual(jobs.mapped("state"), ["done", "failed", "done"])
        self.assertEqual(self._sent(), "a c")

    def test_each_job_keeps_its_own_result_in_whichever_order_they_come(self):
        worker = store.workers.register(self.cr, "w", "h", 1, "command", 1, (None, None))
        records = self._delay("a b")
        leases = store.claiming.claim(self.cr, worker, 2, 2)
        store.batches.start(self.cr, leases)
        jobs = [RunningJob(id=lease.id, lease_token=lease.lease_token) for lease in reversed(leases)]
        for each in jobs:
            each.message, each.result = f"of {each.id}", str(each.id)
        self.assertTrue(store.batches.complete(self.cr, jobs, SimpleNamespace(id=worker, name="w")))
        self.env.invalidate_all()
        self.assertEqual(
            records.mapped(lambda job: (job.message, job.result)), [(f"of {id_}", str(id_)) for id_ in records.ids]
        )

    def test_one_missing_lease_is_noticed_before_the_commit(self):
        worker = store.workers.register(self.cr, "w", "h", 1, "command", 1, (None, None))
        self._delay("a b")
        leases = store.claiming.claim(self.cr, worker, 2, 2)
        store.batches.start(self.cr, leases)
        self.cr.execute(
            "UPDATE queue_job SET lease_token = nextval('queue_job_lease_token_seq') WHERE id = %s", [leases[1].id]
        )
        jobs = [RunningJob(id=lease.id, lease_token=lease.lease_token) for lease in leases]
        self.assertFalse(store.batches.lock(self.cr, jobs, worker))
        self.assertEqual(store.batches.still_leased(self.cr, jobs, worker), {leases[0].id})
        self.assertFalse(store.batches.complete(self.cr, jobs, SimpleNamespace(id=worker, name="w")))


class TestBadGroups(TransactionCase):
    def setUp(self):
        super().setUp()
        self.session = ConnectorSession.from_env(self.env)

    def test_a_concurrency_key_is_refused(self):
        with self.assertRaisesRegex(ValueError, "send takes a list of calls.*cannot have a concurrency key"):
            send.delay(self.session, "res.partner", 1, "a", concurrency_key="k")

    def test_a_group_key_that_is_no_text_is_refused(self):
        with self.assertRaisesRegex(ValueError, "group_key is 42: it must be text"):
            send.delay(self.session, "res.partner", 1, "a", group_key=42)

    def test_a_group_key_for_a_function_of_one_call_is_refused(self):
        with self.assertRaisesRegex(ValueError, r"send_one takes one call.*group_size"):
            send_one.delay(self.session, "res.partner", 1, "a", group_key="k")

    def test_a_method_cannot_take_a_list_of_calls(self):
        def method(self, calls):
            pass

        with self.assertRaisesRegex(ValueError, "method.*only a function at the top level"):
            job(group_size=2)(method)


class TestDelayMany(JobsCase):
    def setUp(self):
        super().setUp()
        self.session = ConnectorSession.from_env(self.env)

    def test_each_item_becomes_a_job_with_the_options_of_all(self):
        jobs = delay_many(self.session, send_one, "res.partner", [(1, "a"), {"backend_id": 1, "name": "b"}], priority=3)
        records = self.run_jobs()
        self.assertEqual(records.ids, [job.id for job in jobs])
        self.assertEqual((records.mapped("message"), records.mapped("priority")), (["a", "b"], [3, 3]))

    def test_all_become_rows_by_one_statement(self):
        self.assertTrue(delay_many(self.session, send_one, "res.partner", [(1, "fills the caches")])[0].id)
        with self.assertQueryCount(1):
            delay_many(self.session, send_one, "res.partner", [(1, str(number)) for number in range(1000)])
            self.cr.flush()

    def test_an_argument_that_cannot_be_stored_is_refused_with_its_call_and_nothing_is_delayed(self):
        with self.assertRaisesRegex(TypeError, "Call 2, argument 2 is of type builtins.object"):
            delay_many(self.session, send_one, "res.partner", [(1, "a"), (1, object())])
        self.assertFalse(self.env["queue.job"].search([("function", "=", send_one.job_options.name)]))

    def test_an_item_that_is_no_tuple_is_refused(self):
        with self.assertRaisesRegex(ValueError, "Call 1 is 42: it must be a tuple"):
            delay_many(self.session, send_one, "res.partner", [42])

    def test_a_function_without_the_decorator_is_refused(self):
        with self.assertRaisesRegex(ValueError, "no job function: mark it with @job"):
            delay_many(self.session, len, "res.partner", [(1,)])

    def test_what_is_no_session_is_refused(self):
        with self.assertRaisesRegex(TypeError, "is a ConnectorSession"):
            delay_many(self.env, send_one, "res.partner", [(1, "a")])
