import json
from datetime import timedelta
from unittest.mock import patch

from psycopg2 import IntegrityError

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import TransactionCase, new_test_user
from odoo.tools import mute_logger

from odoo.addons.connector.models import connector_exchange as exchange_log
from odoo.addons.connector.testing import Answer, ConnectorCase
from odoo.addons.connector.unit.backend_adapter.crud import BackendAdapter
from odoo.addons.connector.unit.backend_adapter.masking import (
    LONGEST,
    LONGEST_LOOKED_AT,
    is_complete,
    masked_body,
    masked_headers,
    masked_url,
)
from odoo.addons.jobs_queue.exception import ConnectorException

from .common import ShopCase


class TestMasking(TransactionCase):
    def test_headers_keep_their_names_and_lose_their_secrets(self):
        headers = {"Authorization": b"Bearer s3cr3t", "X-Api-Key": "k", "Set-Cookie": "a=b", "Accept": "text/s3cr3t"}
        self.assertEqual(
            masked_headers(headers, ["s3cr3t"]),
            "Authorization: ***\nX-Api-Key: ***\nSet-Cookie: ***\nAccept: text/***",
        )

    def test_an_address_loses_its_secret_parameters(self):
        self.assertEqual(masked_url("http://x/a?access_token=abc&q=1", []), "http://x/a?access_token=***&q=1")

    def test_an_address_does_not_tell_who_asks(self):
        for shown in ("https://***@x/a", "https://***@x/a?q=1", "https://***@x?q=a@b"):
            for userinfo in ("user:pa55w", "t0ken", "user:p@ss"):
                self.assertEqual(masked_url(shown.replace("***", userinfo), []), shown.replace("a@b", "a%40b"))
        self.assertEqual(masked_url("https://x/@user/a@b", []), "https://x/@user/a@b")

    def test_json_loses_its_secret_values_at_any_depth(self):
        body = masked_body(b'{"user": {"password": "abc", "name": "Ada"}, "list": [{"api_key": "k"}]}', [])
        self.assertEqual(body, '{"user": {"password": "***", "name": "Ada"}, "list": [{"api_key": "***"}]}')

    def test_a_form_loses_its_secret_values(self):
        self.assertEqual(masked_body("client_secret=abc&scope=all", []), "client_secret=***&scope=all")

    def test_what_holds_no_secret_stays_as_it_was_sent(self):
        for body in ('{"a":  1}', "a=1&b=2", "<xml/>", ""):
            self.assertEqual(masked_body(body, ["s3cr3t"]), body)
            self.assertTrue(is_complete(body))

    def test_a_known_secret_is_masked_wherever_it_stands(self):
        self.assertEqual(masked_body("<key>s3cr3t</key>", ["s3cr3t"]), "<key>***</key>")

    def test_a_known_secret_is_masked_however_it_is_written(self):
        secret = 'a&b"ö/+'
        for spelling in (
            secret,
            "a&amp;b&quot;ö/+",
            'a&amp;b"ö/+',
            "a%26b%22%C3%B6/%2B",
            "a%26b%22%C3%B6%2F%2B",
            r"a&b\"\u00f6/+",
            r"a&b\"ö/+",
            r"a&b\"\u00f6\/+",
        ):
            with self.subTest(spelling):
                self.assertEqual(masked_body(f"<p>{spelling}</p>", [secret]), "<p>***</p>")
        self.assertEqual(masked_url("http://x/?q=a%26b%22%C3%B6%2F%2B", [secret]), "http://x/?q=***")
        self.assertEqual(
            masked_body(json.dumps({"password": "p", "q": secret}), [secret]), '{"password": "***", "q": "***"}'
        )

    def test_a_secret_that_is_part_of_another_leaves_no_rest_of_it(self):
        self.assertEqual(masked_body("<p>abc-def</p>", ["abc", "abc-def"]), "<p>***</p>")

    def test_names_of_secrets_are_told_from_names_that_are_like_them(self):
        for name in (
            *("key", "ws_key", "consumer_key", "access_key", "private_key", "pwd", "pass", "db_pass", "userPass"),
            *("Authorization", "X-Auth", "accessToken", "apikey", "PASSWORD", "oauth_signature", "session_id"),
        ):
            with self.subTest(name):
                self.assertEqual(masked_body(f"a=1&{name}=x", []), f"a=1&{name}=***")
        for name in ("author", "authority", "passenger", "compass", "sort_key", "news_key", "monkey", "pageToken"):
            with self.subTest(name):
                self.assertEqual(masked_body(f"a=1&{name}=x", []), f"a=1&{name}=x")

    def test_the_key_of_a_pair_is_no_secret(self):
        pair, login = '{"key": "color", "value": "red"}', '{"user": "ada", "key": "color"}'
        self.assertEqual(masked_body(pair, []), pair)
        self.assertEqual(masked_body(login, []), '{"user": "ada", "key": "***"}')

    def test_what_is_no_text_or_too_long_is_not_kept(self):
        for content in (b"\xff\xfe" * 10, "x" * (LONGEST + 1)):
            text = masked_body(content, [])
            self.assertFalse(is_complete(text))
            self.assertLess(len(text), LONGEST + 50)


class TestExchange(ConnectorCase, ShopCase):
    def setUp(self):
        super().setUp()
        self.registry_enter_test_mode()
        self.status = 200
        self.server = self.serve(lambda request: Answer({"title": "Home", "id": 7, "token": "t0ken"}, self.status))
        self.backend.write({"location": self.server.url, "exchange_log": "all"})
        self.env.flush_all()

    def call(self, method="create", argument=None):
        with self.backend.work_on("test.shop.page") as environment:
            try:
                return getattr(environment.get_connector_unit(BackendAdapter), method)(argument or {"name": "New"})
            except ConnectorException as error:
                return error

    def exchanges(self):
        return self.env["connector.exchange"].search([("backend_id", "=", f"test.shop.backend,{self.backend.id}")])

    def test_a_request_and_its_response_are_kept_without_secrets(self):
        self.call()
        exchange = self.exchanges()
        self.assertEqual((exchange.method, exchange.url), ("POST", f"{self.server.url}/pages"))
        self.assertEqual((exchange.status, exchange.is_error, exchange.backend_id), (200, False, self.backend))
        self.assertEqual(exchange.request_body, '{"name": "New"}')
        self.assertIn("Authorization: ***", exchange.request_headers)
        self.assertEqual(exchange.response_body, '{"title": "Home", "id": 7, "token": "***"}')
        self.assertNotIn("s3cr3t", str(exchange.read()))

    def test_its_json_is_shown_with_a_line_for_each_value(self):
        self.call()
        exchange = self.exchanges()
        self.assertEqual(exchange.readable_request, '{\n  "name": "New"\n}')
        exchange.request_body = "<name>New</name>"
        self.assertEqual(exchange.readable_request, "<name>New</name>")

    def test_the_backend_says_what_is_kept(self):
        for wanted, kept in (("off", 0), ("errors", 1), ("all", 2)):
            self.exchanges().unlink()
            self.backend.exchange_log = wanted
            for self.status in (200, 404):
                self.call("read", 7)
            self.assertEqual(len(self.exchanges()), kept, wanted)

    def test_a_request_without_an_answer_is_kept_with_the_reason(self):
        self.backend.write({"location": "http://127.0.0.1:1", "exchange_log": "errors"})
        self.call()
        exchange = self.exchanges()
        self.assertEqual((exchange.status, exchange.is_error), (0, True))
        self.assertIn("refused", exchange.error)

    def test_it_is_sent_again_with_the_credentials_of_now(self):
        self.status = 500
        self.call()
        self.status = 200
        action = self.exchanges().action_replay()
        first, second = self.server.requests
        self.assertEqual((second.method, second.path, second.body), (first.method, first.path, first.body))
        self.assertEqual(second.headers["Authorization"], "Bearer s3cr3t")
        self.assertEqual(second.headers["Content-Type"], "application/json")
        self.assertEqual(self.env["connector.exchange"].browse(action["res_id"]).status, 200)

    def test_a_refusal_of_what_is_sent_again_is_shown_not_raised(self):
        self.status = 422
        self.backend.exchange_log = "errors"
        self.call()
        action = self.exchanges().action_replay()
        self.assertEqual(len(self.exchanges()), 2)
        self.assertIn(action["res_id"], self.exchanges().ids)

    def test_what_was_not_kept_as_it_was_sent_cannot_be_sent_again(self):
        self.call("create", {"password": "abc"})
        exchange = self.exchanges()
        self.assertFalse(exchange.is_replayable)
        with self.assertRaisesRegex(UserError, "cannot be sent again"):
            exchange.action_replay()

    def test_s4_of_a_body_too_long_to_be_looked_at_the_length_is_kept(self):
        self.call("create", {"password": "abc", "name": "x" * LONGEST_LOOKED_AT})
        exchange = self.exchanges()
        self.assertRegex(exchange.request_body, r"^\(50000\d\d bytes, too long to be looked at for secrets\)$")
        self.assertFalse(exchange.is_replayable)

    def test_only_managers_see_exchanges(self):
        self.call()
        manager, user = (
            new_test_user(self.env, name, groups=f"connector.group_connector_{name}") for name in ("manager", "user")
        )
        self.assertEqual(self.exchanges().with_user(manager).mapped("status"), [200])
        with self.assertRaises(AccessError):
            self.exchanges().with_user(user).mapped("status")
        with self.assertRaises(AccessError):
            self.exchanges().with_user(manager).write({"url": "http://elsewhere"})

    def test_exchanges_of_other_companies_are_not_seen(self):
        self.backend.company_id = self.env["res.company"].create({"name": "Other"})
        self.call()
        manager = new_test_user(self.env, "manager", groups="connector.group_connector_manager")
        self.assertFalse(self.env["connector.exchange"].with_user(manager).search([("id", "in", self.exchanges().ids)]))

    def test_they_are_deleted_after_so_many_days(self):
        self.backend.exchange_log_days = 3
        self.call()
        self.call()
        old, new = self.exchanges().sorted("id")
        old.date = fields.Datetime.now() - timedelta(days=3, minutes=1)
        new.date = fields.Datetime.now() - timedelta(days=2, hours=23)
        self.env["connector.exchange"]._gc_exchanges()
        self.assertEqual(self.exchanges(), new)

    def test_the_vacuum_says_how_many_it_has_deleted_and_whether_there_may_be_more(self):
        self.call()
        self.call()
        self.exchanges().date = fields.Datetime.now() - timedelta(days=30)
        with patch.object(exchange_log, "_VACUUM_LIMIT", 1):
            passes = [self.env["connector.exchange"]._gc_exchanges() for _pass in range(3)]
        self.assertEqual(passes, [(1, True), (1, True), (0, False)])

    def test_a_number_of_days_that_keeps_nothing_is_refused(self):
        for days in (0, -1):
            with self.subTest(days), self.assertRaises(IntegrityError) as caught, mute_logger("odoo.sql_db"):
                self.backend.exchange_log_days = days
                self.backend.flush_recordset()
            self.assertIn("exchange_log_days_check", str(caught.exception))

    def test_they_go_with_their_backend(self):
        self.call()
        exchange = self.exchanges()
        self.backend.unlink()
        self.assertFalse(exchange.exists())
