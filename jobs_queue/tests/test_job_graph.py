from unittest.mock import patch

from lxml import etree

from odoo import api
from odoo.exceptions import AccessError, UserError
from odoo.modules.registry import Registry
from odoo.tests import new_test_user

from odoo.addons.jobs_queue import mass_change, store
from odoo.addons.jobs_queue.exception import FailedJobError, GraphError
from odoo.addons.jobs_queue.graph import chain, group, parent_results
from odoo.addons.jobs_queue.jobs import BY_CODE, job
from odoo.addons.jobs_queue.models import queue_job_count, queue_job_graph
from odoo.addons.jobs_queue.session import ConnectorSession
from odoo.addons.jobs_queue.testing import JobsCase

_broken = set()


@job
def collect(session, model_name, name):
    """Collect the results of the parents"""
    if name in _broken:
        raise FailedJobError(f"{name} is broken")
    results = session.job.parent_results
    return f"{name}({', '.join(str(result) for result in results)})" if results else name


class GraphCase(JobsCase):
    def setUp(self):
        super().setUp()
        self.session = ConnectorSession.from_env(self.env)
        _broken.clear()

    def _job(self, name, **options):
        return collect.delayable(self.session, "res.partner", name, description=name, **options)

    def _jobs(self, names):
        return [self._job(name) for name in names.split()]

    def _states(self, graph):
        self.env.invalidate_all()
        return {job.description: job.record(self.env).state for job in graph.jobs if job.description}

    def _message(self, job):
        self.env.invalidate_all()
        return job.record(self.env).message


class TestGraph(GraphCase):
    def test_nothing_is_delayed_before_delay_is_called(self):
        chain(*self._jobs("a b"))
        self.assertFalse(self.env["queue.job"].search([("function", "=", collect.job_options.name)]))

    def test_the_jobs_of_a_chain_run_one_after_the_other_with_the_results_of_the_one_before(self):
        a, b, c = self._jobs("a b c")
        graph = chain(a, b, c).delay()
        self.assertEqual(self._states(graph), {"a": "pending", "b": "wait_dependencies", "c": "wait_dependencies"})
        self.assertEqual(self.run_jobs().ids, [a.id, b.id, c.id])
        self.assertEqual(self._message(c), "c(b(a))")

    def test_a_group_waits_for_what_is_before_it_and_what_is_after_it_for_all_of_the_group(self):
        start, one, two, end = self._jobs("start one two end")
        chain(start, group(one, two), end).delay()
        self.run_jobs()
        self.assertEqual(self._message(end), "end(one(start), two(start))")

    def test_the_results_of_a_group_reach_the_next_group_through_the_border(self):
        one, two, three, four = self._jobs("one two three four")
        chain(group(one, two), group(three, four)).delay()
        self.run_jobs()
        self.assertEqual(self._message(three), "three(one, two)")
        self.assertEqual(self._message(four), "four(one, two)")

    def test_results_pass_a_barrier_that_was_delayed_under_its_former_name(self):
        one, two, three, four = self._jobs("1 2 3 4")
        chain(group(one, two), group(three, four)).delay()
        self.env.cr.flush()
        self.env.cr.execute(
            "UPDATE queue_job SET function = 'odoo.addons.connector.queue.graph.barrier' WHERE function ~ 'barrier'"
        )
        self.assertEqual(self.env.cr.rowcount, 1)
        self.run_jobs()
        self.assertEqual([job.record(self.env).result for job in (three, four)], ['"3(1, 2)"', '"4(1, 2)"'])

    def test_a_group_before_a_group_makes_an_edge_for_each_job_not_for_each_pair(self):
        graph = chain(group(*self._jobs("a b c d")), group(*self._jobs("e f g h i"))).delay()
        jobs = self.env["queue.job"].browse([job.id for job in graph.jobs])
        self.assertEqual(len(jobs), 4 + 5 + 1)
        self.assertEqual(self.env["queue.job.dependency"].search_count([("child_id", "in", jobs.ids)]), 4 + 5)

    def test_one_job_at_two_places_runs_once_after_all_that_come_before_it(self):
        a, b, c, d = self._jobs("a b c d")
        graph = group(chain(a, b, d), chain(a, c, d)).delay()
        self.run_jobs()
        self.assertEqual(len(graph.jobs), 4)
        self.assertEqual(self._message(d), "d(b(a), c(a))")

    def test_an_empty_part_counts_for_nothing(self):
        a, b = self._jobs("a b")
        chain(a, group(), b).delay()
        self.run_jobs()
        self.assertEqual(self._message(b), "b(a)")
        self.assertEqual(group().delay().jobs, [])

    def test_methods_of_records_are_parts_too(self):
        partner = self.env["res.partner"].create({"name": "Ada"})
        rename = partner.delayable(description="rename").write({"name": "Lovelace"})
        last = self._job("last")
        chain(rename, last).delay()
        self.run_jobs()
        self.assertEqual((partner.name, self._message(last)), ("Lovelace", "last(True)"))

    def test_a_method_finds_the_results_by_its_environment(self):
        found = []
        self.patch(
            type(self.env["res.partner"]), "open_commercial_entity", lambda self: found.append(parent_results(self.env))
        )
        chain(self._job("a"), self.env["res.partner"].delayable().open_commercial_entity()).delay()
        self.run_jobs()
        self.assertEqual(found, [["a"]])

    def test_the_date_of_a_job_holds_after_its_parents_have_ended(self):
        later = self._job("later", eta=3600)
        graph = chain(self._job("now"), later).delay()
        self.run_jobs()
        self.assertEqual(self._states(graph), {"now": "done", "later": "scheduled"})

    def test_without_delay_the_jobs_run_at_once_in_their_order(self):
        self.session = ConnectorSession.from_env(self.env(context={"connector_no_delay": BY_CODE}))
        one, two, three, four = self._jobs("one two three four")
        chain(group(one, two), group(three, four)).delay()
        self.assertEqual(four.message, "four(one, two)")

    def test_a_thousand_jobs_before_a_thousand_are_stored_by_two_statements(self):
        cr = Registry(self.env.cr.dbname).cursor()
        self.addCleanup(cr.close)
        self.session = ConnectorSession.from_env(api.Environment(cr, api.SUPERUSER_ID, {}))
        fills_the_caches = chain(group(*self._jobs("a b")), group(*self._jobs("c d"))).delay()
        self.assertTrue(fills_the_caches.jobs[0].id)
        queries = cr.sql_log_count
        graph = chain(group(*self._jobs("a " * 1000)), group(*self._jobs("b " * 1000))).delay()
        cr.flush()
        self.assertEqual(len(graph.jobs), 2001)
        self.assertEqual(cr.sql_log_count - queries, 2)

    def test_stored_jobs_before_new_ones_cost_one_more_statement(self):
        stored = self.env["queue.job"].browse([job.id for job in group(*self._jobs("a b c")).delay().jobs])
        fills_the_caches = chain(stored, group(*self._jobs("d e f"))).delay()
        self.assertTrue(fills_the_caches.jobs[0].id)
        queries = self.cr.sql_log_count
        chain(stored, group(*self._jobs("d e f"))).delay()
        self.env.cr.flush()
        self.assertEqual(self.cr.sql_log_count - queries, 3)


class TestBadGraphs(GraphCase):
    def test_a_circle_is_refused_when_it_is_built_by_name(self):
        a, b, c = self._jobs("a b c")
        forth = chain(a, b, c)
        with self.assertRaisesRegex(GraphError, "in a circle: (a → b → c → a|b → c → a → b|c → a → b → c)"):
            group(forth, chain(c, a))

    def test_a_job_before_itself_is_refused(self):
        (a,) = self._jobs("a")
        with self.assertRaisesRegex(GraphError, "a → a"):
            chain(a, a)

    def test_a_part_that_is_no_job_is_refused(self):
        with self.assertRaisesRegex(GraphError, "'b' is no part of a graph.*delayable"):
            chain(self._job("a"), "b")

    def test_a_job_with_an_identity_key_is_refused(self):
        with self.assertRaisesRegex(GraphError, "the identity key 'k'"):
            chain(self._job("a", identity_key="k"), self._job("b"))

    def test_an_unknown_policy_is_refused(self):
        with self.assertRaisesRegex(GraphError, "'ignore'.*stop, continue"):
            chain(*self._jobs("a b"), on_failure="ignore")

    def test_a_job_is_delayed_once(self):
        a, b = self._jobs("a b")
        chain(a, b).delay()
        with self.assertRaisesRegex(GraphError, "delayed before"):
            chain(a, b).delay()
        with self.assertRaisesRegex(ValueError, "delayed before"):
            a.delay()

    def test_jobs_of_two_transactions_make_no_graph(self):
        cr = Registry(self.env.cr.dbname).cursor()
        self.addCleanup(cr.close)
        other = self.env["res.partner"].with_env(api.Environment(cr, api.SUPERUSER_ID, {})).delayable().exists()
        with self.assertRaisesRegex(GraphError, "another transaction"):
            chain(self._job("a"), other).delay()

    def test_preparing_is_not_for_remote_callers(self):
        self.assertTrue(getattr(type(self.env["base"]).delayable, "_api_private", False))


class ButtonsCase(GraphCase):
    def setUp(self):
        super().setUp()
        # the buttons work on a cursor of their own
        self.enterContext(self.enter_registry_test_mode())

    def _record(self, job):
        self.env.invalidate_all()
        return job.record(self.env)


class TestFailure(ButtonsCase):
    def test_after_a_failure_the_jobs_below_wait_and_say_for_whom(self):
        _broken.add("a")
        a, b, c = self._jobs("a b c")
        graph = chain(a, b, c).delay()
        self.run_jobs()
        self.assertEqual(self._states(graph), {"a": "failed", "b": "wait_dependencies", "c": "wait_dependencies"})
        self.assertIn(f"(a, {a.id})", self._record(b).wait_reason)

    def test_once_the_failed_job_is_requeued_and_done_the_jobs_below_run(self):
        _broken.add("a")
        a, b = self._jobs("a b")
        graph = chain(a, b).delay()
        self.run_jobs()
        _broken.clear()
        self._record(a).button_requeue()
        self.run_jobs()
        self.assertEqual(self._states(graph), {"a": "done", "b": "done"})

    def test_once_the_failed_job_is_set_to_done_the_jobs_below_run(self):
        _broken.add("a")
        a, b = self._jobs("a b")
        graph = chain(a, b).delay()
        self.run_jobs()
        self._record(a).button_done()
        self.assertEqual(self._states(graph), {"a": "done", "b": "pending"})
        self.run_jobs()
        self.assertEqual(self._states(graph), {"a": "done", "b": "done"})

    def test_where_the_edge_says_so_a_failure_does_not_stop_the_jobs_below(self):
        _broken.add("a")
        a, b, c = self._jobs("a b c")
        graph = chain(group(a, b), c, on_failure="continue").delay()
        self.run_jobs()
        self.assertEqual(self._states(graph), {"a": "failed", "b": "done", "c": "done"})
        self.assertEqual(self._message(c), "c(None, b)")

    def test_the_policy_is_that_of_the_chain_which_makes_the_edge(self):
        _broken.update("ab")
        a, b, c = self._jobs("a b c")
        graph = chain(chain(a, b, on_failure="continue"), c).delay()
        self.run_jobs()
        self.assertEqual(self._states(graph), {"a": "failed", "b": "failed", "c": "wait_dependencies"})

    def test_cancelling_the_graph_cancels_what_has_not_ended(self):
        _broken.add("b")
        a, b, c, d = self._jobs("a b c d")
        graph = chain(a, b, c, d).delay()
        self.run_jobs()
        self._record(c).button_cancel_graph()
        self.assertEqual(self._states(graph), {"a": "done", "b": "cancelled", "c": "cancelled", "d": "cancelled"})

    def test_a_cancelled_graph_that_is_requeued_runs_in_its_order_and_repeats_nothing_that_is_done(self):
        _broken.add("b")
        a, b, c, d = self._jobs("a b c d")
        graph = chain(a, b, c, d).delay()
        self.run_jobs()
        self._record(c).button_cancel_graph()
        _broken.clear()
        self._record(c).button_requeue_graph()
        self.assertEqual(
            self._states(graph), {"a": "done", "b": "pending", "c": "wait_dependencies", "d": "wait_dependencies"}
        )
        self.assertEqual(self.run_jobs().ids, [b.id, c.id, d.id])
        self.assertEqual(self._message(d), "d(c(b(a)))")

    def test_a_whole_graph_that_is_done_can_be_run_once_more_in_its_order(self):
        graph = chain(*self._jobs("a b c")).delay()
        done = self.run_jobs()
        done.button_requeue()
        self.assertEqual(self._states(graph), {"a": "pending", "b": "wait_dependencies", "c": "wait_dependencies"})
        self.assertEqual(self.run_jobs().ids, done.ids)

    def test_a_graph_without_failures_has_nothing_to_requeue(self):
        graph = chain(*self._jobs("a b")).delay()
        with self.assertRaisesRegex(UserError, "No job of this graph has failed"):
            self._record(graph.jobs[0]).button_requeue_graph()

    def test_old_jobs_are_kept_while_others_wait_for_their_results(self):
        _broken.add("b")
        a, b, c = self._jobs("a b c")
        graph = chain(a, b, c).delay()
        self.run_jobs()
        self.cr.execute("UPDATE queue_job SET date_done = date_done - interval '31 days' WHERE graph_uuid IS NOT NULL")
        self.env["queue.job"]._gc_jobs()
        self.assertEqual(len(self._states(graph)), 3)
        self._record(b).button_cancel_graph()
        self.cr.execute("UPDATE queue_job SET date_done = date_done - interval '31 days' WHERE graph_uuid IS NOT NULL")
        while self.env["queue.job"]._gc_jobs()[0]:
            pass
        self.assertFalse(self.env["queue.job"].browse([job.id for job in graph.jobs]).exists())
        self.assertFalse(self.env["queue.job.dependency"].search([("child_id", "=", c.id)]))


class TestLargeGraph(ButtonsCase):
    """Large graph, of which no more is counted, shown or named than is needed."""

    def setUp(self):
        super().setUp()
        self.start, self.end = self._jobs("start end")
        self.middle = self._jobs("a b c d e")
        self.graph = chain(self.start, group(*self.middle), self.end).delay()

    def test_u1_its_jobs_are_counted_up_to_the_bound(self):
        record = self._record(self.start)
        self.assertEqual(record.graph_job_count, 7)
        with patch.object(queue_job_count, "BOUND", 3):
            self.assertEqual(self._record(self.start).graph_job_count, 4)
        form = etree.fromstring(record.get_view(view_type="form")["arch"])
        (field,) = form.xpath("//field[@name='graph_job_count']")
        self.assertEqual(field.get("widget"), "jobs_queue_bounded")

    def test_u1_a_job_without_a_graph_counts_none(self):
        alone = self._job("alone")
        alone.delay()
        self.assertEqual(self._record(alone).graph_job_count, 0)

    def test_u6_the_first_jobs_before_and_after_one_are_shown_and_whether_there_are_more(self):
        first, last = self._record(self.start), self._record(self.end)
        self.assertEqual((len(first.child_ids), len(last.parent_ids)), (5, 5))
        self.assertFalse(first.has_more_neighbours or last.has_more_neighbours)
        self.enterContext(patch.object(queue_job_graph, "NEIGHBOURS_SHOWN", 2))
        first, last = self._record(self.start), self._record(self.end)
        self.assertEqual(first.child_ids.ids, [job.id for job in self.middle[:2]])
        self.assertEqual(last.parent_ids.ids, [job.id for job in self.middle[:2]])
        self.assertTrue(first.has_more_neighbours and last.has_more_neighbours)
        self.assertFalse(self._record(self.middle[0]).has_more_neighbours)

    def test_u1_what_a_button_has_not_done_at_once_goes_on_with_the_graph_and_not_with_a_list_of_its_jobs(self):
        self.enterContext(patch("odoo.addons.jobs_queue.models.queue_job.SECONDS_AT_ONCE", -1))
        uuid = self._record(self.end).graph_uuid
        for button in ("button_cancel_graph", "button_requeue_graph"):
            with self.subTest(button=button):
                told = getattr(self._record(self.end), button)()["params"]
                rest = self.delayed_jobs("change_jobs")
                self.assertIn("of 7.", told["message"])
                self.assertIn(uuid, rest.payload)
                self.assertNotIn('["id"', rest.payload)
                self.run_jobs()
                self.assertEqual(rest.state, "done", rest.message)
        self.assertEqual(set(self._states(self.graph).values()), {"done"})

    def test_u1_while_chunks_of_it_are_ended_or_requeued_none_of_its_jobs_runs_out_of_turn(self):
        self.enterContext(patch.object(mass_change, "FIRST_CHUNK", 2))
        self.enterContext(patch.object(mass_change, "LARGEST_CHUNK", 2))
        first, last = self._jobs("first last")
        graph = chain(first, group(*self._jobs("a b c d e")), last, on_failure="continue").delay()
        in_turn = self._states(graph)
        seen = []
        wake = mass_change.wakeup.wake
        self.patch(mass_change.wakeup, "wake", lambda dbname: (seen.append(self._states(graph)), wake(dbname)))
        jobs = self.env["queue.job"].browse([job.id for job in graph.jobs])
        for press, end in (
            (lambda: self._record(last).button_cancel_graph(), "cancelled"),
            (lambda: jobs.button_done(), "done"),
            (lambda: jobs.button_cancel(), "cancelled"),
        ):
            with self.subTest(end=end):
                seen.clear()
                press()
                self.assertGreater(len(seen), 2)
                for states in seen:
                    changed = {name for name in in_turn if states[name] != in_turn[name]}
                    self.assertEqual({states[name] for name in changed}, {end})
                seen.clear()
                jobs.button_requeue()
                self.assertEqual(self._states(graph), in_turn)
                self.assertGreater(len(seen), 2)
                for states in seen:
                    self.assertEqual({name for name, state in states.items() if state == "pending"}, {"first"})

    def test_u1_what_is_selected_in_a_list_does_not_change_what_the_buttons_of_a_graph_do(self):
        other = self._job("other")
        other.delay()
        self.env["ir.config_parameter"].set_param("web.active_ids_limit", 1)
        record = self._record(self.end).with_context(active_domain=[], active_model="queue.job")
        record.button_cancel_graph()
        self.assertEqual(set(self._states(self.graph).values()), {"cancelled"})
        self.assertEqual(self._record(other).state, "pending")

    def test_u1_jobs_of_the_graph_that_the_user_does_not_see_are_not_changed(self):
        manager = new_test_user(self.env, "jobs manager", "jobs_queue.group_jobs_manager")
        hidden = self.middle[0]
        self.env.flush_all()
        self.cr.execute(
            "UPDATE queue_job SET company_id = %s WHERE id = %s",
            (self.env["res.company"].create({"name": "Other company"}).id, hidden.id),
        )
        record = self._record(self.end).with_user(manager)
        self.assertEqual(record.graph_job_count, 6)
        record.button_cancel_graph()
        states = self._states(self.graph)
        self.assertEqual(states.pop("a"), "wait_dependencies")
        self.assertEqual(set(states.values()), {"cancelled"})

    def test_u1_who_is_no_manager_changes_no_graph(self):
        user = new_test_user(self.env, "jobs user", "jobs_queue.group_jobs_user")
        for button in ("button_cancel_graph", "button_requeue_graph"):
            with self.assertRaises(AccessError):
                getattr(self._record(self.end).with_user(user), button)()


class TestForgottenRelease(GraphCase):
    def test_children_whose_parents_worker_died_before_their_release_are_released_by_the_sweep(self):
        a, b = self._jobs("a b")
        graph = chain(a, b).delay()
        with self._dying_before_the_release():
            self.run_jobs()
        self.assertEqual(self._states(graph), {"a": "done", "b": "wait_dependencies"})
        self.assertEqual(store.dependencies.release_forgotten(self.cr), 1)
        self.assertEqual(self._states(graph), {"a": "done", "b": "pending"})

    def test_what_was_released_is_not_looked_at_again(self):
        chain(*self._jobs("a b")).delay()
        self.run_jobs()
        self.cr.execute("SELECT count(*) FROM queue_job WHERE graph_uuid IS NOT NULL AND children_released IS NULL")
        self.assertEqual(self.cr.fetchone(), (0,))

    def test_a_second_release_changes_nothing(self):
        a, b = self._jobs("a b")
        chain(a, b).delay()
        with self._dying_before_the_release():
            self.run_jobs()
        self.assertEqual([store.dependencies.release_children(self.cr, [a.id]) for _time in range(2)], [1, 0])

    def _dying_before_the_release(self):
        return patch.object(store.dependencies, "release_children", lambda cr, ids: 0)


class TestStoredParents(ButtonsCase):
    """New jobs that wait for jobs that are stored already."""

    def _stored(self, *jobs):
        """Delay jobs as parts of one graph, and return their records."""
        group(*jobs).delay()
        return self.env["queue.job"].browse([job.id for job in jobs])

    def test_a_new_job_waits_for_stored_ones_and_has_their_results(self):
        pages = self._stored(*self._jobs("one two"))
        report = self._job("report")
        chain(pages, report).delay()
        self.assertEqual(self._record(report).state, "wait_dependencies")
        self.assertEqual(self._record(report).parent_ids, pages)
        self.run_jobs()
        self.assertEqual(self._message(report), "report(one, two)")

    def test_a_new_job_starts_though_the_stored_ones_have_ended_before(self):
        pages = self._stored(*self._jobs("one two"))
        self.run_jobs()
        report = self._job("report")
        chain(pages, report).delay()
        self.assertEqual(self.run_jobs().ids, [report.id])
        self.assertEqual(self._message(report), "report(one, two)")

    def test_a_job_that_runs_delays_another_one_that_waits_for_it(self):
        next_job = self._job("next")

        def delay_next(partners):
            chain(self.env["queue.job"].browse(first.id), next_job).delay()
            self.assertEqual(self._record(next_job).state, "wait_dependencies")

        self.patch(type(self.env["res.partner"]), "open_commercial_entity", delay_next)
        first = self.env["res.partner"].delayable().open_commercial_entity()
        group(first).delay()
        self.assertEqual(self.run_jobs().ids, [first.id, next_job.id])

    def test_after_a_failure_of_the_stored_job_the_policy_decides(self):
        _broken.add("a")
        stored = self._stored(self._job("a"))
        self.run_jobs()
        stop, go_on = self._jobs("stop go_on")
        group(chain(stored, stop), chain(stored, go_on, on_failure="continue")).delay()
        self.run_jobs()
        self.assertEqual(self._record(stop).state, "wait_dependencies")
        self.assertIn(f"(a, {stored.id})", self._record(stop).wait_reason)
        self.assertEqual(self._message(go_on), "go_on(None)")
        _broken.clear()
        stored.button_requeue()
        self.run_jobs()
        self.assertEqual(self._message(stop), "stop(a)")

    def test_each_edge_to_one_job_has_the_policy_of_its_own_chain(self):
        _broken.update(("page", "barrier"))
        page, barrier = self._stored(*self._jobs("page barrier"))
        self.run_jobs()
        end = self._job("end")
        group(chain(page, end, on_failure="continue"), chain(barrier, end)).delay()
        self.run_jobs()
        self.assertEqual(self._record(end).state, "wait_dependencies")
        self.assertIn(f"(barrier, {barrier.id})", self._record(end).wait_reason)
        self.assertNotIn("page", self._record(end).wait_reason)

    def test_the_segments_of_a_list_follow_each_other(self):
        last = self.env["queue.job"]
        for segment in "12":
            pages = self._jobs(f"{segment}a {segment}b")
            end, following = self._jobs(f"end{segment} next{segment}")
            group(
                chain(group(*pages), end), chain(last, end), chain(group(*pages), following, on_failure="continue")
            ).delay()
            last = end.record(self.env)
        self.assertEqual(
            self.run_jobs().mapped("description"), ["1a", "1b", "2a", "2b", "end1", "next1", "next2", "end2"]
        )
        self.assertEqual(last.message, "end2(2a, 2b, end1(1a, 1b))")
        self.assertEqual(len(set(self.env["queue.job"].search([]).mapped("graph_uuid")) - {False}), 1)

    def test_many_stored_jobs_before_many_new_ones_have_a_barrier_between_them(self):
        pages = self._stored(*self._jobs("a b c"))
        new = self._jobs("d e f")
        graph = chain(pages, group(*new), on_failure="continue").delay()
        self.assertEqual(len(graph.jobs), 4)
        self.run_jobs()
        self.assertEqual(self._message(new[2]), "f(a, b, c)")

    def test_a_deleted_job_counts_as_done(self):
        gone, kept = self._stored(*self._jobs("gone kept"))
        self.cr.execute("DELETE FROM queue_job WHERE id = %s", [gone.id])
        report = self._job("report")
        chain(gone + kept, report).delay()
        self.run_jobs()
        self.assertEqual(self._message(report), "report(None, kept)")

    def test_new_jobs_join_the_graph_of_the_first_stored_one_and_are_cancelled_with_it(self):
        first, second = self._stored(self._job("a")), self._stored(self._job("b"))
        graph = chain(first + second, self._job("c"), self._job("d")).delay()
        self.assertEqual({self._record(job).graph_uuid for job in graph.jobs}, {first.graph_uuid})
        first.button_cancel_graph()
        self.assertEqual(self._states(graph), {"c": "cancelled", "d": "cancelled"})

    def test_old_jobs_are_kept_while_a_new_one_waits_for_them(self):
        _broken.add("stopped")
        stored = self._stored(*self._jobs("old stopped"))
        self.run_jobs()
        chain(stored, self._job("new")).delay()
        self.env.cr.flush()
        self.cr.execute("UPDATE queue_job SET date_done = date_done - interval '31 days' WHERE graph_uuid IS NOT NULL")
        self.env["queue.job"]._gc_jobs()
        self.assertEqual(stored.exists(), stored)

    def test_nobody_checks_an_edge_twice(self):
        chain(self._stored(self._job("a")), self._job("b")).delay()
        self.env.cr.flush()
        store.dependencies.release_all_unchecked(self.cr)
        self.cr.execute("SELECT count(*) FROM queue_job_dependency WHERE is_unchecked")
        self.assertEqual(self.cr.fetchone(), (0,))

    def test_no_records_are_an_empty_part(self):
        a = self._job("a")
        self.assertEqual(chain(self.env["queue.job"], a).jobs, [a])

    def test_a_stored_job_cannot_be_made_to_wait(self):
        stored = self._stored(self._job("a"))
        b = self._job("b")
        for build in (
            lambda: chain(b, stored),
            lambda: chain(b, chain(stored, self._job("c"))),
            lambda: chain(stored, stored),
        ):
            with self.assertRaisesRegex(
                GraphError, f"<stored Job {stored.id}> is stored already, so it cannot wait for "
            ):
                build()

    def test_a_stored_job_without_a_graph_is_refused_with_the_way_out(self):
        alone = self._job("alone")
        alone.delay()
        for uuid in (None, "a graph of one's own"):
            graph = chain(alone.record(self.env), self._job("b"))
            message = rf"<stored Job {alone.id}> is not part of a graph.*group\(job\).delay\(\)"
            with self.subTest(uuid), self.assertRaisesRegex(GraphError, message):
                graph.delay(uuid)

    def test_a_job_that_runs_at_once_cannot_wait_for_a_stored_one(self):
        stored = self._stored(self._job("a"))
        self.session = ConnectorSession.from_env(self.env(context={"connector_no_delay": BY_CODE}))
        with self.assertRaisesRegex(GraphError, f"runs at once.*<stored Job {stored.id}>"):
            chain(stored, self._job("b")).delay()

    def test_records_of_other_models_are_no_parts(self):
        with self.assertRaisesRegex(GraphError, r"res.partner.*is no part of a graph.*records of queue.job"):
            chain(self.env.user.partner_id, self._job("a"))
