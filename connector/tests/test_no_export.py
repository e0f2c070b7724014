"""Context keys that a client sends: they have no meaning for exports."""

import json
import xmlrpc.client
from unittest.mock import patch

from odoo.service.model import call_kw
from odoo.tests import TransactionCase
from odoo.tools import mute_logger
from odoo.tools.json import json_default

from odoo.addons.jobs_queue.by_code import ByCode, by_code

from ..event.no_export import as_argument, forbids_all, forbids_export, from_argument, without_export

LOGGER = "odoo.addons.jobs_queue.by_code"


class TestNoExport(TransactionCase):
    @mute_logger(LOGGER)
    def test_s6_what_a_client_sends_back_is_not_what_code_has_said(self):
        context = without_export(self.env.user).env.context
        sent = json.loads(json.dumps(context, default=json_default))
        (by_xml,), _method = xmlrpc.client.loads(xmlrpc.client.dumps((sent,)))
        for received in (sent, by_xml):
            self.assertEqual(received.keys(), context.keys())
            for key in context:
                with self.subTest(key):
                    self.assertTrue(by_code(context, key))
                    self.assertIsNone(by_code(received, key))

    @mute_logger(LOGGER)
    def test_s6_over_rpc_the_key_means_nothing(self):
        seen = []

        def look(records):
            seen.append(forbids_all(records.env.context))
            return True

        partners = self.env["res.partner"]
        self.enterContext(patch.object(type(partners), "look", look, create=True))
        call_kw(partners, "look", [[]], {"context": {"no_connector_export": True}})
        self.assertEqual(seen, [False])

    @mute_logger(LOGGER)
    def test_s6_a_change_is_kept_from_export_only_where_code_says_so(self):
        backend = self.env.user  # any record serves
        name = f"{backend._name},{backend.id}"
        for value in (True, name, "all", 1):
            with self.subTest(value):
                context = {"no_connector_export": value}
                self.assertFalse(forbids_export(context, backend))
                self.assertFalse(forbids_all(context))
                self.assertFalse(as_argument(context))
        self.assertTrue(forbids_export(without_export(backend).env.context, backend))
        self.assertTrue(forbids_export(without_export(backend, backend).env.context, backend))

    def test_s6_what_is_forbidden_goes_through_a_job(self):
        for records in (without_export(self.env.user), without_export(self.env.user, self.env.company), self.env.user):
            argument = json.loads(json.dumps(as_argument(records.env.context)))
            self.assertEqual(from_argument(argument), records.env.context.get("no_connector_export", False))
        self.assertIsInstance(from_argument(True), ByCode)
