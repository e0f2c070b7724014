"""Context keys that a client sends: they have no meaning for jobs."""

import json
import xmlrpc.client
from unittest.mock import patch

from odoo.service.model import call_kw
from odoo.tools import mute_logger
from odoo.tools.json import json_default

from odoo.addons.jobs_queue import store
from odoo.addons.jobs_queue.by_code import BY_CODE, JOB, IdByCode, _tell, by_code
from odoo.addons.jobs_queue.graph import parent_results
from odoo.addons.jobs_queue.jobs import job
from odoo.addons.jobs_queue.session import ConnectorSession
from odoo.addons.jobs_queue.testing import JobsCase

LOGGER = "odoo.addons.jobs_queue.by_code"


@job
def note(session, model_name):
    """Make a note"""
    return "noted"


class TestByCode(JobsCase):
    def delay_in(self, context):
        before = self.env["queue.job"].search_count([])
        note.delay(ConnectorSession.from_env(self.env(context=context)), "res.partner")
        return self.env["queue.job"].search_count([]) - before

    @mute_logger(LOGGER)
    def test_s6_a_job_runs_at_once_only_where_code_says_so(self):
        for value in (True, 1, "by code", "true", ["by code"], {"by code": 1}):
            with self.subTest(value):
                self.assertEqual(self.delay_in({"connector_no_delay": value}), 1)
        self.assertEqual(self.delay_in({"connector_no_delay": BY_CODE}), 0)

    @mute_logger(LOGGER)
    def test_s6_what_a_client_sends_back_is_not_what_code_has_said(self):
        context = {"connector_no_delay": BY_CODE, JOB: IdByCode(7)}
        sent = json.loads(json.dumps(context, default=json_default))
        (by_xml,), _method = xmlrpc.client.loads(xmlrpc.client.dumps((sent,)))
        for received in (sent, by_xml):
            self.assertEqual(received.keys(), context.keys())
            for key in context:
                with self.subTest(key):
                    self.assertTrue(by_code(context, key))
                    self.assertIsNone(by_code(received, key))

    def test_s6_an_environment_of_a_client_is_not_taken_for_one_of_code(self):
        for value in (BY_CODE, IdByCode(7)):
            sent = type(value).__base__(value)
            received = self.env(context={"connector_no_delay": sent})
            said = self.env(context={"connector_no_delay": value})
            self.assertIsNot(received, said)
            self.assertTrue(by_code(said.context, "connector_no_delay"))
            self.assertNotEqual(sent, value)

    @mute_logger(LOGGER)
    def test_s6_over_rpc_the_keys_mean_nothing(self):
        seen = []

        def look(records):
            env = records.env
            seen.append((by_code(env.context, "connector_no_delay"), by_code(env.context, JOB)))
            return True

        partners = self.env["res.partner"]
        self.enterContext(patch.object(type(partners), "look", look, create=True))
        context = {"connector_no_delay": True, "job_id": 7, JOB: 7}
        call_kw(partners, "look", [[]], {"context": context})
        self.assertEqual(seen, [(None, None)])

    @mute_logger(LOGGER)
    def test_s6_results_of_other_jobs_are_not_made_up(self):
        forged = [["x", '"forged"']]
        for key, value in (
            ("job_parent_results", forged),
            ("job_parent_results", tuple(forged)),
            ("job_id", 1),
            (JOB, 1),
        ):
            with self.subTest(key):
                self.assertEqual(parent_results(self.env(context={key: value})), [])

    @mute_logger(LOGGER)
    def test_s6_a_server_action_that_runs_as_a_job_does_so_whatever_the_client_says(self):
        action = self.env["ir.actions.server"].create(
            {
                "name": "Note",
                "model_id": self.env["ir.model"]._get_id("res.partner"),
                "state": "code",
                "code": "raise ZeroDivisionError",
                "run_as_job": True,
            }
        )
        partner = self.env["res.partner"].create({"name": "Ada"})
        context = {
            "connector_server_action_in_job": action.id,
            "active_model": "res.partner",
            "active_id": partner.id,
            "active_ids": partner.ids,
        }
        store.workers.register(self.env.cr, "uuid", "host", 1, "command", 1, (None, None))
        self.assertIn("background", action.with_context(**context).run()["params"]["message"])
        # Odoo puts the record of an onchange there; no client can send a record
        for sent in (True, 1, "res.partner(1,)", partner.ids, {"id": partner.id}):
            with self.subTest(onchange_self=sent):
                answer = action.with_context(**context, onchange_self=sent)._run(partner, {"env": self.env})
                self.assertIn("background", answer["params"]["message"])

    def test_s6_a_plain_value_is_told_of_once(self):
        _tell.cache_clear()
        with self.assertLogs(LOGGER, "WARNING") as logs:
            by_code({"connector_no_delay": True}, "connector_no_delay")
            by_code({"connector_no_delay": True}, "connector_no_delay")
        self.assertEqual(len(logs.output), 1)
