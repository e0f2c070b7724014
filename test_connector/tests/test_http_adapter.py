import hashlib
import hmac
import logging
import os
import socket
import threading
import traceback
from base64 import b64decode
from unittest.mock import patch

from odoo.tests.common import _super_send

from odoo.addons.connector.exception import (
    CredentialsRefused,
    IDMissingInBackend,
    InvalidDataError,
    ManyIDSInBackend,
    UnreadableAnswer,
)
from odoo.addons.connector.testing import Answer, ConnectorCase
from odoo.addons.connector.unit.backend_adapter.auth import BasicAuth, BearerAuth, HmacAuth
from odoo.addons.connector.unit.backend_adapter.http import HttpAdapter
from odoo.addons.connector.unit.backend_adapter.tokens import ClientCredentialsAuth
from odoo.addons.jobs_queue.exception import FailedJobError, NetworkRetryableError, RetryableJobError

from .common import ShopCase


class HttpCase(ConnectorCase, ShopCase):
    def serve(self, answer):
        """Start a server that answers so: an :class:`Answer`, or a function of the request."""
        self.server = super().serve(answer if callable(answer) else lambda request: answer)
        return self.server

    def adapter(self, auth=None, url=None, **attributes):
        class Adapter(HttpAdapter):
            _base_url = url or self.server.url

            def _auth(self):
                return auth

        for name, value in attributes.items():
            setattr(Adapter, name, value)
        return Adapter(self.environment())

    def error_of(self, call):
        """Return what a call raises; unlike by assertRaises, what was noted before stays."""
        try:
            call()
        except Exception as error:
            return error
        self.fail("Nothing was raised")


class TestRequest(HttpCase):
    def test_a_request_carries_parameters_body_and_headers(self):
        self.serve(Answer({"id": 7}))
        adapter = self.adapter()
        answer = adapter.request_json(
            "POST", "/things", params={"a": 1}, json={"name": "x"}, headers={"X-Mode": "test"}
        )
        (request,) = self.server.requests
        self.assertEqual(answer, {"id": 7})
        self.assertEqual((request.method, request.path, request.params), ("POST", "/things", {"a": "1"}))
        self.assertEqual((request.body, request.headers["X-Mode"]), (b'{"name": "x"}', "test"))

    def test_all_adapters_of_an_environment_share_one_connection(self):
        self.serve(Answer([]))
        adapter = self.adapter()
        adapter.request("GET", "/a")
        type(adapter)(adapter.environment.for_model("test.shop.tag")).request("GET", "/b")
        self.assertEqual(len(self.server.connections), 1)

    def test_the_clock_of_the_other_side_is_known_after_a_request(self):
        self.serve(Answer([]))
        adapter = self.adapter()
        self.assertIsNone(adapter.clock)
        adapter.request("GET", "/")
        self.assertLess(abs((adapter.clock - self.env.cr.now()).total_seconds()), 60)

    def test_an_idempotent_request_whose_connection_is_lost_is_sent_once_more(self):
        self.serve(lambda request: Answer(status=200 if len(self.server.requests) == 2 else None))
        self.adapter().request("GET", "/")
        self.assertEqual(len(self.server.requests), 2)

    def test_a_request_that_is_not_idempotent_is_sent_once(self):
        self.serve(Answer(status=None))
        with self.assertRaises(NetworkRetryableError):
            self.adapter().request("POST", "/", json={})
        self.assertEqual(len(self.server.requests), 1)

    def test_a_post_that_is_said_to_be_idempotent_is_sent_once_more(self):
        self.serve(lambda request: Answer(status=200 if len(self.server.requests) == 2 else None))
        self.adapter().request("POST", "/search", json={}, idempotent=True)
        self.assertEqual(len(self.server.requests), 2)

    def test_an_address_on_another_server_is_not_asked(self):
        self.serve(Answer([]))
        with self.assertRaisesRegex(InvalidDataError, "another server"):
            self.adapter().request("GET", "https://elsewhere.example.com/products")

    def test_without_a_base_url_the_adapter_says_what_it_lacks(self):
        with self.assertRaisesRegex(NotImplementedError, "does not define _base_url"):
            HttpAdapter(self.environment()).request("GET", "/")

    def test_a_base_url_that_is_no_text_is_refused_with_what_may_be_the_reason(self):
        for url, reason in ((lambda adapter: "http://127.0.0.1", "@property"), (False, "entered in the backend")):
            with self.assertRaisesRegex(FailedJobError, f"Adapter, _base_url is .*{reason}"):
                self.adapter(url="/", _base_url=url).request("GET", "/")

    def test_credentials_that_are_no_auth_object_are_refused(self):
        with self.assertRaisesRegex(TypeError, r"Adapter, _auth\(\) must return .* BearerAuth\(token\)"):
            self.adapter("t0ken", url="http://127.0.0.1").request("GET", "/")

    def test_an_empty_token_is_refused_before_anything_is_sent(self):
        self.serve(Answer([]))
        with self.assertRaisesRegex(CredentialsRefused, "The token for Test Shop .* is empty"):
            self.adapter(BearerAuth(False)).request("GET", "/")
        self.assertFalse(self.server.requests)


class TestErrors(HttpCase):
    def refusal(self, status, body="", headers=None, **attributes):
        """Return the exception for a status."""
        self.serve(Answer(body, status, headers or {}))
        with self.assertRaises(Exception) as caught:
            self.adapter(**attributes).request("GET", "/things/7")
        return caught.exception

    def test_http_4xx_is_not_treated_as_a_network_error(self):
        for status in (400, 402, 404, 409, 410, 415, 422):
            with self.subTest(status=status):
                self.assertNotIsInstance(self.refusal(status), RetryableJobError)

    def test_each_status_has_an_exception(self):
        for status, exception in {
            300: ManyIDSInBackend,
            302: FailedJobError,
            400: InvalidDataError,
            401: CredentialsRefused,
            403: FailedJobError,
            404: IDMissingInBackend,
            408: NetworkRetryableError,
            410: IDMissingInBackend,
            422: InvalidDataError,
            429: RetryableJobError,
            500: NetworkRetryableError,
            501: FailedJobError,
            503: NetworkRetryableError,
        }.items():
            with self.subTest(status=status):
                self.assertIs(type(self.refusal(status)), exception)

    def test_a_system_may_mean_something_else_by_a_status(self):
        self.assertIs(type(self.refusal(409, _exceptions={409: RetryableJobError})), RetryableJobError)

    def test_retry_after_is_honoured_as_seconds_and_as_a_date(self):
        for status in (429, 503):
            self.assertEqual(self.refusal(status, headers={"Retry-After": "17"}).seconds, 17)
            date = {"Retry-After": "Fri, 01 Jan 2100 00:00:00 GMT"}
            self.assertGreater(self.refusal(status, headers=date).seconds, 3600)

    def test_without_retry_after_the_policy_of_the_job_decides(self):
        for headers in ({}, {"Retry-After": "soon"}):
            self.assertIsNone(self.refusal(429, headers=headers).seconds)

    def test_the_message_is_what_the_system_says(self):
        for body in ({"message": "no stock"}, {"error": "no stock"}, {"error": {"a": 1}, "detail": "no stock"}):
            self.assertIn("no stock", str(self.refusal(422, body)))
        self.assertIn("Unprocessable", str(self.refusal(422, "<html>")))

    def test_refused_credentials_name_the_fields_in_which_to_enter_others(self):
        self.assertRegex(str(self.refusal(401)), r"Enter valid ones in the backend \(.*Token.*\), then its jobs go on")
        without = self.refusal(401, _login_fields=lambda adapter: ())
        self.assertIn("Enter valid ones in the backend, then its jobs go on", str(without))

    def test_a_right_that_is_not_named_names_the_way_out(self):
        self.assertRegex(str(self.refusal(403)), "refuses access: .* or give its user there the rights")
        other = self.refusal(403, _exceptions={403: InvalidDataError})
        self.assertNotIn("give its user", str(other))

    def test_what_is_not_expected_names_what_to_check(self):
        self.serve(Answer("<html>"))
        fields = ("name", "token", "location")
        with patch.object(type(self.backend), "_credential_fields", fields, create=True):
            error = self.error_of(lambda: self.adapter().request_json("GET", "/things"))
        self.assertRegex(str(error), rf"Check in the backend: Location, Name \({self.backend.name}\)\.$")

    def test_a_redirection_is_not_followed_and_names_the_address(self):
        error = self.refusal(301, headers={"Location": "https://new.example.com"})
        self.assertRegex(str(error), "redirects to https://new.example.com")

    def test_a_system_that_cannot_be_reached_is_tried_again_later(self):
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            adapter = self.adapter(url=f"http://127.0.0.1:{closed.getsockname()[1]}")
            with self.assertRaisesRegex(NetworkRetryableError, r"\) cannot be reached: Connection refused$"):
                adapter.request("GET", "/")

    def test_no_message_tells_the_user_and_password_of_an_address(self):
        self.serve(Answer({}, 301, {"Location": "https://user:pa55w@new.example.com"}))
        adapter = self.adapter(url=self.server.url.replace("://", "://user:pa55w@"))
        with self.assertRaisesRegex(FailedJobError, r"\(http://\*\*\*@.* redirects to https://\*\*\*@new"):
            adapter.request("GET", "/")
        with self.assertRaisesRegex(InvalidDataError, r"another server.*: https://\*\*\*@new"):
            adapter.request("GET", "https://user:pa55w@new.example.com")

    def test_no_request_is_without_a_time_out(self):
        over = threading.Event()
        self.addCleanup(over.set)
        self.serve(lambda request: over.wait() and Answer())
        with self.assertRaisesRegex(NetworkRetryableError, "has not answered for 0.2 s$"):
            self.adapter(_timeout=(1, 0.2)).request("GET", "/")
        self.assertTrue(all(HttpAdapter._timeout))

    def test_an_address_that_is_none_fails_at_once(self):
        with self.assertRaisesRegex(FailedJobError, "cannot be asked"):
            self.adapter(url="http://[").request("GET", "/")

    def test_an_answer_that_is_not_json_is_unreadable(self):
        self.serve(Answer("<html>Welcome</html>"))
        with self.assertRaises(UnreadableAnswer):
            self.adapter().request_json("GET", "/")

    def test_verify_ssl_is_obeyed_whatever_the_environment_says(self):
        for verify in (True, False):
            self.backend.verify_ssl = verify
            self.serve(Answer())
            with (
                patch.dict(os.environ, {"REQUESTS_CA_BUNDLE": "/etc/ssl/other.pem"}),
                patch("requests.Session.send", side_effect=_super_send, autospec=True) as send,
            ):
                self.adapter().request("GET", "/")
            self.assertEqual(bool(send.call_args.kwargs["verify"]), verify)


class TestAuth(HttpCase):
    def asked_with(self, auth, **options):
        self.serve(Answer())
        self.adapter(auth).request("POST", "/", **options)
        return self.server.requests[-1].headers

    def test_basic_sends_user_and_password_in_any_script(self):
        header = self.asked_with(BasicAuth("Zoë", "пароль"))["Authorization"]
        self.assertEqual(b64decode(header.removeprefix("Basic ")).decode(), "Zoë:пароль")

    def test_bearer_sends_the_token(self):
        self.assertEqual(self.asked_with(BearerAuth("t0ken"))["Authorization"], "Bearer t0ken")

    def test_hmac_signs_the_body(self):
        header = self.asked_with(HmacAuth("key", "X-Shop-Signature", prefix="sha256="), data="body")["X-Shop-Signature"]
        self.assertEqual(header, "sha256=" + hmac.new(b"key", b"body", hashlib.sha256).hexdigest())

    def serve_tokens(self, valid):
        """Start a server that hands out the tokens of a list in turn and accepts those of a set."""
        tokens = iter(["first", "second"])

        def answer(request):
            if request.path == "/token":
                return Answer({"access_token": next(tokens), "expires_in": 600})
            return Answer(status=200 if request.headers["Authorization"] in valid else 401)

        self.serve(answer)

    @property
    def client_credentials(self):
        """A method ``_auth`` of an adapter."""
        return lambda adapter: ClientCredentialsAuth(adapter, f"{self.server.url}/token", "me", "s3cret")

    def paths(self):
        return [request.path for request in self.server.requests]

    def test_a_token_of_oauth2_is_asked_for_once_and_kept(self):
        self.serve_tokens({"Bearer first"})
        for _environment in range(2):
            self.adapter(_auth=self.client_credentials).request("GET", "/things")
        self.assertEqual(self.paths(), ["/token", "/things", "/things"])
        self.assertIn(b"grant_type=client_credentials", self.server.requests[0].body)

    def test_a_token_that_does_not_say_how_long_it_is_good_is_kept_until_it_is_refused(self):
        for number, answer in enumerate(({}, {"expires_in": None}, {"expires_in": "soon"})):
            with self.subTest(answer):
                token = {"access_token": f"kept {number}", **answer}
                self.serve(lambda request, token=token: Answer(token if request.path == "/token" else {}))
                for _environment in range(2):
                    self.adapter(_auth=self.client_credentials).request("GET", "/things")
                self.assertEqual(self.paths(), ["/token", "/things", "/things"])

    def test_a_token_that_is_refused_is_replaced_once(self):
        self.serve_tokens({"Bearer second"})
        self.adapter(_auth=self.client_credentials).request("GET", "/things")
        self.assertEqual(self.paths(), ["/token", "/things", "/token", "/things"])

    def test_a_client_that_is_refused_fails_at_once(self):
        self.serve(Answer({"error": "invalid_client"}, 400))
        with self.assertRaisesRegex(CredentialsRefused, "invalid_client"):
            self.adapter(_auth=self.client_credentials).request("GET", "/things")

    def test_no_message_and_no_log_tells_a_secret(self):
        secret = "s3cr3t-t0ken"
        for status in (301, 400, 401, 422, 429, 500):
            self.serve(Answer({"message": f"bad {secret}"}, status, {"Location": f"http://x/{secret}"}))
            with (
                self.subTest(status=status),
                self.assertLogs(level=logging.DEBUG) as logs,
                self.assertRaises(Exception) as caught,
            ):
                self.adapter(BearerAuth(secret)).request("GET", "/")
            self.assertNotIn(secret, "".join(traceback.format_exception(caught.exception)))
            self.assertNotIn(secret, "".join(logs.output))


class TestPaging(HttpCase):
    records = [{"id": number} for number in range(5)]

    def ids(self, pages):
        return [[record["id"] for record in page] for page in pages]

    def serve_slices(self, start, size):
        def answer(request):
            first = start(request.params)
            return Answer({"items": self.records[first : first + int(request.params[size])]})

        self.serve(answer)

    def test_pages_by_number_end_with_the_first_that_is_empty(self):
        self.serve_slices(lambda params: (int(params["page"]) - 1) * 2, "per_page")
        pages = self.adapter().pages_by_number("/things", {"q": "x"}, records=lambda body: body["items"], size=2)
        self.assertEqual(self.ids(pages), [[0, 1], [2, 3], [4]])
        self.assertEqual({request.params["q"] for request in self.server.requests}, {"x"})

    def test_pages_by_offset_end_with_the_first_that_is_empty(self):
        self.serve_slices(lambda params: int(params["offset"]), "limit")
        pages = self.adapter().pages_by_offset("/things", records=lambda body: body["items"], size=2)
        self.assertEqual(self.ids(pages), [[0, 1], [2, 3], [4]])

    def test_pages_by_cursor_end_where_no_next_one_is_named(self):
        following = {"": "b", "b": None}
        self.serve(
            lambda request: Answer(
                {
                    "items": [{"id": request.params.get("after", "a")}],
                    "next": following[request.params.get("after", "")],
                }
            )
        )
        pages = self.adapter().pages_by_cursor(
            "/things", cursor="after", next_cursor=lambda body: body["next"], records=lambda body: body["items"]
        )
        self.assertEqual(self.ids(pages), [["a"], ["b"]])

    def test_pages_by_link_follow_the_header_relative_ones_too(self):
        self.serve(
            lambda request: (
                Answer([{"id": 2}])
                if request.params.get("page") == "2"
                else Answer([{"id": 1}], headers={"Link": '</things?page=2>; rel="next"'})
            )
        )
        self.assertEqual(self.ids(self.adapter().pages_by_link("/things", {"q": "x"})), [[1], [2]])

    def test_a_server_that_gives_the_same_page_for_ever_is_noticed(self):
        self.serve(Answer(self.records[:2]))
        with self.assertRaisesRegex(InvalidDataError, "again and again"):
            list(self.adapter().pages_by_number("/things", size=2))

    def test_a_page_that_is_no_list_is_invalid_data(self):
        self.serve(Answer({"items": []}))
        with self.assertRaisesRegex(InvalidDataError, "not a list of records"):
            list(self.adapter().pages_by_offset("/things"))
