"""The check list of a new backend says what is done, what is to do, and what is wrong."""

from unittest.mock import patch

from psycopg2.errors import SerializationFailure

from odoo.exceptions import AccessError
from odoo.tests import new_test_user
from odoo.tools import mute_logger

from odoo.addons.connector import FirstRunStep, ImportFlow
from odoo.addons.connector.testing import Answer
from odoo.addons.connector.testing.registration import registering
from odoo.addons.connector.unit.connection_test.finding import Finding

from ..units import webshop_2
from .common import ShopCase
from .test_connection_test import ConnectionCase, DeclaredShop
from .test_flow import PARTNER, FlowCase


class FirstRunCase(FlowCase):
    def setUp(self):
        super().setUp()
        self.serve_jobs()

    def serve_jobs(self, reason=False):
        """Have a worker that runs jobs, or a reason why none does."""
        workers = type(self.env["queue.worker"])
        self.enterContext(patch.object(workers, "_reason_no_job_runs", lambda self: reason))
        self.enterContext(patch.object(workers, "_runs_in_cron", lambda self: False))

    def steps(self, user=None):
        """Return the steps that the form shows, a dict, code to step."""
        backend = self.backend.with_user(user) if user else self.backend
        backend.invalidate_recordset()
        self.env["connector.flow"].invalidate_model()
        return {step["code"]: step for step in backend.read_first_run()["steps"]}

    def assertStep(self, code, state, text, button=None):
        step = self.steps()[code]
        self.assertEqual(step["state"], state, step["text"])
        self.assertRegex(step["text"], text)
        if button is not None:
            self.assertEqual(step["button"], button)

    def run_each(self):
        """Run all flows once, as people do."""
        self.there(2)
        for flow in self.backend.flow_ids:
            if not flow.is_on:
                flow.action_switch_on()
            flow.action_run()
            self.run_jobs()


class TestShown(FirstRunCase):
    def test_a_new_backend_shows_it_with_one_step_for_each_flow_in_their_order(self):
        self.assertTrue(self.backend.in_first_run)
        self.assertEqual(
            list(self.steps()),
            ["connection", "rights", "records", "decisions", "worker"]
            + ["flow_tags", "flow_partners", "flow_partners_out", "flow_points"],
        )

    def test_a_copy_is_a_new_backend(self):
        self.backend.action_hide_first_run()
        self.assertTrue(self.backend.copy().in_first_run)

    def test_a_backend_from_before_the_update_shows_none(self):
        # the update adds the column without a value
        self.assertIsNone(self.env["test.shop.backend"]._fields["in_first_run"].default)
        self.env.flush_all()
        self.env.cr.execute("UPDATE test_shop_backend SET in_first_run = NULL WHERE id = %s", [self.backend.id])
        self.backend.invalidate_recordset()
        self.assertEqual((self.backend.in_first_run, self.backend.first_run_state), (False, "over"))

    def test_a_manager_hides_it_and_opens_it_again(self):
        manager = new_test_user(self.env, "manager", "connector.group_connector_manager")
        backend = self.backend.with_user(manager)
        backend.action_hide_first_run()
        self.assertEqual((backend.in_first_run, backend.first_run_state), (False, "over"))
        backend.action_open_first_run()
        self.assertEqual((backend.in_first_run, backend.first_run_state), (True, "to_do"))

    def test_a_user_reads_it_and_presses_nothing(self):
        user = new_test_user(self.env, "user", "connector.group_connector_user")
        self.assertEqual({step["button"] for step in self.steps(user).values()}, {""})
        with self.assertRaises(AccessError):
            self.backend.with_user(user).action_hide_first_run()

    def test_a_plain_employee_does_not_read_it(self):
        employee = new_test_user(self.env, "employee", "base.group_user")
        with self.assertRaises(AccessError):
            self.backend.with_user(employee).read_first_run()

    def test_a_manager_of_another_company_does_not_read_it(self):
        other = self.env["res.company"].create({"name": "Other"})
        manager = new_test_user(
            self.env, "other", "connector.group_connector_manager", company_id=other.id, company_ids=[other.id]
        )
        with self.assertRaises(AccessError):
            self.backend.with_user(manager).read_first_run()

    def test_nobody_writes_it_by_hand(self):
        manager = new_test_user(self.env, "manager", "connector.group_connector_manager")
        for name, value in (("in_first_run", False), ("connection_findings", []), ("connection_tested", False)):
            with self.assertRaises(AccessError):
                self.backend.with_user(manager).write({name: value})

    def test_a_list_of_backends_reads_nothing_of_those_whose_first_run_is_over(self):
        self.backend.action_hide_first_run()
        self.env.flush_all()
        self.env.invalidate_all()
        self.backend.name  # noqa: B018
        with self.assertQueryCount(0):
            self.assertEqual(self.backend.first_run_state, "over")

    def test_an_addon_adds_a_step_in_its_place(self):
        former = type(self.backend)._first_run_steps

        def steps(self):
            step = FirstRunStep("date", "Old Orders", "to_do", "Say from when on.", 45, button="Say", field="name")
            return [*former(self), step]

        with patch.object(type(self.backend), "_first_run_steps", steps):
            found = self.steps()
        self.assertEqual(list(found)[3:5], ["decisions", "date"])
        self.assertEqual((found["date"]["button"], found["date"]["field"]), ("Say", "name"))


class TestFlows(FirstRunCase):
    def test_a_flow_that_has_not_run_is_to_do_and_says_what_comes_first(self):
        self.assertStep("flow_tags", "to_do", r"^It has not run yet\.$", "Run Now")
        self.assertStep("flow_partners", "to_do", r"First: Tags\.$", "Run Now")
        self.assertStep("flow_points", "to_do", "nothing is sent until you switch it on", "Switch On")

    def test_a_flow_that_runs_has_no_button_until_it_has_ended(self):
        self.flow("tags").action_run()
        self.assertStep("flow_tags", "to_do", "It runs now", "")
        self.run_jobs()
        self.assertStep("flow_tags", "done", "It has run", "")

    def test_a_failed_job_is_told(self):
        self.flow("tags").action_run()
        self.delayed_jobs().sudo().write({"state": "failed", "message": "The shop says no"})
        self.assertStep("flow_tags", "trouble", "The last job that has failed says: The shop says no", "Jobs")

    def test_a_flow_that_is_paused_is_in_trouble_and_resumed_by_its_button(self):
        self.flow("tags").action_pause()
        self.assertStep("flow_tags", "trouble", "paused", "Resume")
        step = self.steps()["flow_tags"]
        getattr(self.env[step["model"]].browse(step["id"]), step["method"])()
        self.assertStep("flow_tags", "to_do", "has not run yet")

    def test_the_flows_of_an_archived_backend_wait(self):
        self.backend.active = False
        self.assertStep("flow_tags", "trouble", "archived")

    def test_what_has_to_be_decided_is_told(self):
        self.declare(ImportFlow, PARTNER, "stock", not_ready=lambda flow: "Choose the warehouse first.")
        self.env["connector.flow"]._sync(self.backend)
        self.assertStep("decisions", "to_do", "^Choose the warehouse first\\.$")

    def test_it_is_over_when_all_flows_have_run_and_is_shown_a_last_time(self):
        self.run_each()
        self.assertEqual(self.backend.first_run_state, "over")
        shown = self.backend.read_first_run()
        self.assertTrue(shown["is_over"])
        self.assertTrue(shown["steps"])
        self.assertFalse(self.backend.in_first_run)

    def test_it_is_not_over_while_something_is_wrong(self):
        self.run_each()
        self.serve_jobs("There is no worker.")
        self.assertFalse(self.backend.read_first_run()["is_over"])
        self.assertTrue(self.backend.in_first_run)
        self.assertEqual(self.backend.first_run_state, "trouble")

    def test_it_is_over_for_a_user_who_may_only_read(self):
        self.run_each()
        self.steps(new_test_user(self.env, "user", "connector.group_connector_user"))
        self.assertFalse(self.backend.in_first_run)

    def test_the_first_step_with_a_button_that_is_not_done_is_the_next_one(self):
        self.assertEqual(self.backend.read_first_run()["next"], "connection")


class TestOthers(FirstRunCase):
    def test_without_a_worker_it_says_how_to_start_one(self):
        self.serve_jobs("No job runs now. Start a worker: odoo jobs_worker -d shop")
        self.assertStep("worker", "trouble", "odoo jobs_worker -d shop$", "Workers")

    def test_a_language_is_chosen_where_there_are_several(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        self.assertStep("records", "to_do", "Choose the language", "Choose")
        self.backend.default_lang_id = self.env.ref("base.lang_fr")
        self.assertStep("records", "done", "French.*" + self.env.company.name)

    def test_a_company_is_chosen_where_there_are_several(self):
        self.env["res.company"].create({"name": "Other"})
        self.backend.write({"company_id": False, "default_lang_id": self.env.ref("base.lang_en").id})
        self.assertStep("records", "to_do", "Choose the company", "Choose")


class TestConnection(ConnectionCase):
    """What the last connection test has found."""

    def test_the_connection_is_never_right_before_it_was_tested(self):
        for code in ("connection", "rights"):
            self.assertEqual(self.step(code), ("to_do", "Not tested yet.", "Test Connection"))

    def test_a_test_that_finds_all_right_does_both_steps(self):
        self.press_with(DeclaredShop)
        self.assertEqual(self.step("connection")[0], "done")
        self.assertRegex(self.step("connection")[1], "Address and login are right, tested .*[0-9]")
        self.assertEqual(self.step("rights")[0], "done")
        self.assertIn("Test Shop Partner", self.step("rights")[1])
        self.assertIn("Whether it may write there is not known", self.step("rights")[1])

    def test_opening_the_list_asks_the_other_system_nothing(self):
        self.backend.read_first_run()
        self.assertEqual(self.server.requests, [])

    def test_refused_credentials_are_told(self):
        self.answers[None] = Answer("no", status=401)
        self.press_with(DeclaredShop)
        state, text, button = self.step("connection")
        self.assertEqual((state, button), ("trouble", "Test Again"))
        self.assertRegex(text, "^Login: ")
        self.assertEqual(
            self.step("rights"), ("to_do", "Not asked, as something else is wrong: see the connection.", "")
        )

    def test_a_right_that_is_missing_is_told(self):
        self.answers["/tag"] = Answer("no", status=403)
        self.press_with(DeclaredShop)
        self.assertEqual(self.step("connection")[0], "done")
        state, text, _button = self.step("rights")
        self.assertEqual(state, "trouble")
        self.assertRegex(text, "^Test Shop Tag: ")

    def test_what_the_test_does_not_know_is_not_done(self):
        for outcomes in (("ok", "unknown"), ("not_asked", "ok"), ("ok", "ok", "ok", "unknown"), ()):
            checks = [Finding("A", outcome, "B", ("address", "login")[n % 2]) for n, outcome in enumerate(outcomes)]
            self.backend._note_findings([*checks, Finding("Version", "ok", "It is 7.", "version")])
            self.assertEqual(self.step("connection")[0], "unknown")
        self.backend._note_findings([Finding("Partners", "unknown", "Who knows", "rights")])
        self.assertEqual(self.step("rights")[:2], ("unknown", "Whether our user may read them is not known: Partners."))

    def test_other_credentials_or_another_address_make_it_old(self):
        for values in ({"token": "another"}, {"location": self.server.url + "/v2"}, {"verify_ssl": False}):
            with self.subTest(values):
                self.press_with(DeclaredShop)
                self.backend.write(values)
                state, text, _button = self.step("connection")
                self.assertEqual(state, "to_do")
                self.assertIn("were changed since the test of", text)

    def test_credentials_that_were_forgotten_make_it_old(self):
        self.press_with(DeclaredShop)
        self.backend.action_forget_credentials()
        self.assertEqual(self.step("connection")[0], "to_do")

    def test_another_name_or_an_empty_secret_of_a_form_do_not(self):
        self.press_with(DeclaredShop)
        manager = new_test_user(self.env, "manager", "connector.group_connector_manager")
        self.backend.with_user(manager).write({"name": "Another", "token": ""})
        self.assertEqual(self.step("connection")[0], "done")

    def test_a_backend_whose_jobs_wait_is_in_trouble_whatever_was_tested(self):
        self.press_with(DeclaredShop)
        self.env["connector.backend.status"]._locked(self.backend).write({"state": "paused", "reason": "It is down"})
        state, text, button = self.step("connection")
        self.assertEqual((state, button), ("trouble", "Resume"))
        self.assertIn("It is down", text)

    def press_with(self, adapter_class):
        """Test the connection while an adapter serves."""
        with registering(webshop_2):
            webshop_2(type(adapter_class.__name__, (adapter_class,), {}))
            self.pressed()

    def step(self, code):
        self.backend.invalidate_recordset()
        steps = {step["code"]: step for step in self.backend.read_first_run()["steps"]}
        return tuple(steps[code][name] for name in ("state", "text", "button"))


class TestChangedMeanwhile(ShopCase):
    def test_a_result_is_not_noted_for_an_address_that_was_not_tested(self):
        shared = self.committed_backend()
        with self.transaction() as tests, self.transaction() as changes:
            tested = tests[shared._name].browse(shared.id)
            self.assertFalse(tested.location)  # the transaction has begun
            changes[shared._name].browse(shared.id).location = "http://elsewhere"
            changes.cr.commit()
            # Odoo begins the request anew on that: the new address is tested
            with self.assertRaises(SerializationFailure), mute_logger("odoo.sql_db"):
                tested._note_findings([Finding("Address", "ok", "It answers.", "address")])
                tests.flush_all()
