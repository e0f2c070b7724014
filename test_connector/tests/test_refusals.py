"""Refusals that a system expresses by the content of an answer, whatever its status."""

import logging
from unittest.mock import patch
from xml.etree import ElementTree

from psycopg2.errors import SerializationFailure

from odoo.addons.connector import Refusal
from odoo.addons.connector.exception import (
    CredentialsRefused,
    IDMissingInBackend,
    InvalidDataError,
    UnreadableAnswer,
)
from odoo.addons.connector.testing import Answer
from odoo.addons.connector.unit.backend_adapter import http, tokens
from odoo.addons.connector.unit.backend_adapter.auth import BearerAuth
from odoo.addons.connector.unit.backend_adapter.tokens import ClientCredentialsAuth
from odoo.addons.jobs_queue.exception import FailedJobError, NetworkRetryableError, RetryableJobError

from .test_http_adapter import HttpCase


def graphql(adapter, answer):
    """A method ``refusal`` of an adapter: what the first error of GraphQL says."""
    for error in adapter.json_of(answer).get("errors", ()):
        return Refusal(error["status"], error["message"], error.get("right"))
    return None


class RefusalCase(HttpCase):
    def setUp(self):
        super().setUp()
        self.registry_enter_test_mode()
        self.env.flush_all()

    def state(self):
        self.env.invalidate_all()
        return self.backend.state


class TestRefusals(RefusalCase):
    def refused(self, status, message="no", right=None, headers=None, **attributes):
        error = {"status": status, "message": message, "right": right}
        self.serve(Answer({"data": None, "errors": [error]}, headers=headers or {}))
        adapter = self.adapter(**{"refusal": graphql, **attributes})
        return self.error_of(lambda: adapter.request_json("POST", "/", json={}))

    def test_c20_a_refusal_in_an_answer_is_what_its_status_says(self):
        for status, kind in (
            (401, CredentialsRefused),
            (403, FailedJobError),
            (404, IDMissingInBackend),
            (422, InvalidDataError),
            (429, RetryableJobError),
            (503, NetworkRetryableError),
        ):
            with self.subTest(status):
                error = self.refused(status, "not today")
                self.assertIs(type(error), kind)
                self.assertIn("not today", str(error))
        self.assertIs(type(self.refused(409, _exceptions={409: RetryableJobError})), RetryableJobError)

    def test_c20_refused_credentials_hold_the_backend(self):
        self.refused(401)
        self.assertEqual(self.state(), "needs_attention")

    def test_c20_a_right_that_is_missing_is_named_and_leaves_the_backend_alone(self):
        error = self.refused(403, "Access denied", "read_orders")
        self.assertIs(type(error), FailedJobError)
        self.assertRegex(str(error), "Access denied.* the right read_orders")
        self.assertEqual(self.state(), "ready")

    def test_c20_a_system_that_is_down_or_busy_is_known_to_be(self):
        self.backend.breaker_threshold = 1
        self.env.flush_all()
        self.assertEqual(self.refused(429, headers={"Retry-After": "7"}).seconds, 7)
        self.refused(503)
        self.assertEqual(self.state(), "paused")

    def test_c20_a_token_that_is_refused_is_replaced_once(self):
        given = iter(["first", "second", "third"])

        def answer(request):
            if request.path == "/token":
                return Answer({"access_token": next(given), "expires_in": 600})
            is_valid = request.headers["Authorization"] in valid
            return Answer({"data": 7} if is_valid else {"errors": [{"status": 401, "message": "expired"}]})

        valid = {"Bearer second"}
        self.serve(answer)
        adapter = self.adapter(
            refusal=graphql,
            _auth=lambda adapter: ClientCredentialsAuth(adapter, f"{self.server.url}/token", "me", "s3cr3t"),
        )
        self.assertEqual(adapter.request_json("POST", "/graphql", json={}), {"data": 7})
        valid.clear()
        with self.assertRaises(CredentialsRefused):
            adapter.request_json("POST", "/graphql", json={})
        self.assertEqual([request.path for request in self.server.requests].count("/token"), 3)

    def test_c20_a_token_that_cannot_be_renewed_is_not_sent_twice(self):
        self.refused(401, _auth=lambda adapter: BearerAuth("t0ken"))
        self.assertEqual(len(self.server.requests), 1)

    def test_c20_the_message_of_a_refusal_tells_no_secret_and_can_be_stored(self):
        error = self.refused(403, "bad \0 s3cr3t \ud83d", "s3cr3t\0", _secrets=lambda adapter: ["s3cr3t"])
        self.assertNotIn("s3cr3t", str(error))
        self.assertNotIn("\0", str(error))
        str(error).encode()

    def test_c20_what_is_accepted_is_returned(self):
        self.serve(Answer({"data": 7}))
        self.assertEqual(self.adapter(refusal=graphql).request_json("POST", "/", json={}), {"data": 7})

    def test_c20_what_is_no_refusal_is_an_error_that_names_the_adapter(self):
        self.serve(Answer({}))
        with self.assertRaisesRegex(TypeError, r"Adapter.refusal\(\) returned 'no', but must return a Refusal or None"):
            self.adapter(refusal=lambda adapter, answer: "no").request("GET", "/")

    def test_c20_a_refusal_has_the_status_of_one(self):
        for values in ((200, "no"), ("403", "no"), (None, "no"), (600, "no"), (404, "no", "a right")):
            with self.subTest(values), self.assertRaisesRegex(ValueError, "Refusal"):
                Refusal(*values)

    def test_c20_a_token_endpoint_that_refuses_by_a_successful_answer_refuses_our_credentials(self):
        self.serve(Answer({"error": "bad_client", "error_description": "Unknown client"}))
        adapter = self.adapter(
            _auth=lambda adapter: ClientCredentialsAuth(adapter, f"{self.server.url}/token", "me", "s3cr3t")
        )
        with self.assertRaisesRegex(CredentialsRefused, "Unknown client"):
            adapter.request("GET", "/things")


def magento(adapter, answer):
    """A method ``refusal`` of an adapter: by 401 one right is missing, or the token has ended."""
    if answer.status_code == 401:
        error = adapter.json_of(answer)
        right = error["parameters"]["resources"]
        return Refusal(401, error["message"].replace("%resources", right), right)
    return None


MISSING_RIGHT = {
    "message": "The consumer isn't authorized to access %resources.",
    "parameters": {"resources": "Magento_Sales::actions_view"},
}


class TestUnsuccessfulAnswers(RefusalCase):
    """Answers that are unsuccessful by their status, and say more by their content."""

    def refused(self, answer, **attributes):
        self.serve(answer)
        adapter = self.adapter(**attributes)
        return self.error_of(lambda: adapter.request("GET", "/orders"))

    def refused_as(self, status, refusal, headers=None, **attributes):
        """Return what is raised for an answer with this status whose content is this refusal."""
        return self.refused(
            Answer({}, status, headers or {}), **{"refusal": lambda adapter, answer: refusal, **attributes}
        )

    def serve_tokens(self, refusing, accepted):
        """Serve orders to who has the accepted token, and refuse others by an answer."""
        given = iter(["first", "second", "third"])

        def answer(request):
            if request.path == "/token":
                return Answer({"access_token": next(given), "expires_in": 600})
            return Answer({"id": 7}) if request.headers["Authorization"] == f"Bearer {accepted}" else refusing

        self.serve(answer)

    def with_tokens(self, **attributes):
        return self.adapter(
            _auth=lambda adapter: ClientCredentialsAuth(adapter, f"{self.server.url}/token", "me", "s3cr3t"),
            **attributes,
        )

    def asked(self):
        return [request.path for request in self.server.requests]

    def test_a_right_that_is_missing_is_named_and_leaves_the_backend_alone_whatever_the_status(self):
        for status in (200, 400, 401, 403, 404, 500, 503):
            with self.subTest(status):
                error = self.refused_as(status, Refusal(403, "Access denied", "read_orders"))
                self.assertIs(type(error), FailedJobError)
                self.assertRegex(str(error), "Access denied.* the right read_orders")
                self.assertEqual(self.state(), "ready")
                self.assertFalse(self.backend.activity_ids)

    def test_a_401_is_one_missing_right_only_where_the_system_says_so(self):
        error = self.refused(Answer(MISSING_RIGHT, 401), refusal=magento, auth=BearerAuth("t0ken"))
        self.assertIs(type(error), FailedJobError)
        self.assertRegex(str(error), "authorized to access Magento_Sales::actions_view.* the right Magento_Sales::act")
        self.assertEqual(self.state(), "ready")
        error = self.refused(Answer({"message": "The token has been revoked"}, 401), refusal=magento)
        self.assertIs(type(error), CredentialsRefused)
        self.assertIn("The token has been revoked", str(error))
        self.assertEqual(self.state(), "needs_attention")

    def test_a_named_right_is_missing_whatever_the_system_means_by_403(self):
        for kind in (RetryableJobError, CredentialsRefused):
            error = self.refused_as(403, Refusal(403, "no", "read_orders"), _exceptions={403: kind})
            self.assertIs(type(error), FailedJobError)
        self.assertEqual(self.state(), "ready")

    def test_no_token_is_renewed_for_a_right_that_is_missing(self):
        self.serve_tokens(Answer({"errors": [{"status": 403, "message": "no", "right": "read_orders"}]}, 401), None)
        error = self.error_of(lambda: self.with_tokens(refusal=graphql).request("GET", "/orders"))
        self.assertIn("the right read_orders", str(error))
        self.assertEqual(self.asked(), ["/token", "/orders"])

    def test_a_token_that_is_refused_by_another_status_is_replaced_once(self):
        self.serve_tokens(Answer({"errors": [{"status": 401, "message": "expired"}]}, 403), "second")
        self.assertEqual(self.with_tokens(refusal=graphql).request_json("GET", "/orders"), {"id": 7})
        self.assertEqual(self.asked(), ["/token", "/orders", "/token", "/orders"])

    def test_where_a_token_may_have_ended_it_is_replaced_before_a_right_is_said_to_be_missing(self):
        self.serve_tokens(Answer(MISSING_RIGHT, 401), "second")
        adapter = self.with_tokens(refusal=magento)
        self.assertEqual(adapter.request_json("GET", "/orders"), {"id": 7})
        self.serve_tokens(Answer(MISSING_RIGHT, 401), None)
        error = self.error_of(lambda: self.with_tokens(refusal=magento).request("GET", "/orders"))
        self.assertIn("the right Magento_Sales::actions_view there, or our credentials", str(error))
        self.assertEqual(self.asked(), ["/token", "/orders", "/token", "/orders"])
        self.assertEqual(self.state(), "ready")

    def test_a_token_that_was_given_just_now_is_not_replaced_for_a_right_that_is_missing(self):
        self.serve_tokens(Answer(MISSING_RIGHT, 401), None)
        for _job in range(5):
            error = self.error_of(lambda: self.with_tokens(refusal=magento).request("GET", "/orders"))
            self.assertIn("the right Magento_Sales::actions_view", str(error))
        self.assertEqual(self.asked().count("/token"), 2)  # how old the first one is, nobody knows

    def test_a_token_that_another_process_has_replaced_just_now_is_not_replaced_again(self):
        self.serve_tokens(Answer(MISSING_RIGHT, 401), None)

        def ask():
            self.error_of(lambda: self.with_tokens(refusal=magento).request("GET", "/orders"))

        with patch.dict(tokens._known):
            ask()
            key, second = next(reversed(tokens._known.items()))
        tokens._known[key] = second._replace(number=1, replaced=None)  # this process has known the first one
        ask()
        ask()
        self.assertEqual(self.asked().count("/token"), 2)

    def test_a_token_that_was_given_long_ago_is_replaced_for_a_right_that_seems_to_be_missing(self):
        self.serve_tokens(Answer(MISSING_RIGHT, 401), "third")
        with patch.object(tokens, "NEW_SECONDS", 0):
            self.error_of(lambda: self.with_tokens(refusal=magento).request("GET", "/orders"))
            self.assertEqual(self.with_tokens(refusal=magento).request_json("GET", "/orders"), {"id": 7})

    def test_a_token_that_was_given_just_now_is_replaced_if_the_system_says_that_it_has_ended(self):
        self.serve_tokens(Answer({"message": "revoked"}, 401), "second")
        self.with_tokens(refusal=magento).request("GET", "/orders")
        self.serve_tokens(Answer({"message": "revoked"}, 401), "third")
        self.error_of(lambda: self.with_tokens(refusal=magento).request("GET", "/orders"))
        self.assertEqual(self.with_tokens(refusal=magento).request_json("GET", "/orders"), {"id": 7})

    def test_where_nobody_knows_how_old_a_token_is_it_is_replaced(self):
        renewed = []

        class Session(BearerAuth):
            def renew(self):
                renewed.append(self)

        self.serve(Answer(MISSING_RIGHT, 401))
        for _job in range(2):
            self.error_of(lambda: self.adapter(Session("t0ken"), refusal=magento).request("GET", "/orders"))
        self.assertEqual(len(renewed), 2)

    def test_the_status_decides_where_the_content_says_no_more(self):
        for status, kind in ((404, IDMissingInBackend), (429, RetryableJobError), (500, NetworkRetryableError)):
            for refusal in (None, Refusal(422, "no"), Refusal(500, "no")):
                with self.subTest(status=status, refusal=refusal):
                    self.assertIs(type(self.refused_as(status, refusal)), kind)

    def test_the_content_decides_where_it_says_more(self):
        for status, refused_as, kind in (
            (500, 400, InvalidDataError),
            (500, 404, IDMissingInBackend),
            (404, 409, InvalidDataError),
            (400, 429, RetryableJobError),
        ):
            with self.subTest(status=status, refused_as=refused_as):
                self.assertIs(type(self.refused_as(status, Refusal(refused_as, "no"))), kind)

    def test_retry_after_counts_whatever_the_status(self):
        self.assertEqual(self.refused_as(400, Refusal(429, "slowly"), {"Retry-After": "17"}).seconds, 17)

    def test_the_content_says_how_long_to_wait_also_where_the_status_decides(self):
        for status, kind in ((429, RetryableJobError), (503, NetworkRetryableError)):
            for vague in (422, 500):
                with self.subTest(status=status, vague=vague):
                    error = self.refused_as(status, Refusal(vague, "slowly", seconds=17))
                    self.assertEqual((type(error), error.seconds, error.status), (kind, 17, status))

    def test_a_page_of_a_gateway_is_no_error_of_a_refusal_that_reads_something_else(self):
        for read in (
            lambda adapter, answer: adapter.json_of(answer)["errors"],
            lambda adapter, answer: answer.json()["errors"],
            lambda adapter, answer: adapter.json_of(answer).get("errors"),
            lambda adapter, answer: ElementTree.fromstring(answer.content),
            lambda adapter, answer: Refusal(len(answer.content), "no"),
        ):
            for body in ("<h1>Bad<br>Gateway</h1>", "", "[]", "null"):
                with self.subTest(body), self.assertLogs(http.__name__, logging.INFO) as logs:
                    error = self.refused(Answer(body, 502), refusal=read)
                    self.assertIs(type(error), NetworkRetryableError)
                self.assertIn("Adapter.refusal() cannot read an answer 502: ", logs.output[0])

    def test_an_error_of_another_kind_in_a_refusal_is_shown_as_one_of_its_code(self):
        def typo(adapter, answer):
            return Refusal(402, mesage)  # noqa: F821

        def division(adapter, answer):
            return Refusal(400, str(1 / 0))

        for refusal, kind in ((typo, "NameError"), (division, "ZeroDivisionError")):
            with self.subTest(kind), self.assertLogs(http.__name__, logging.WARNING) as logs:
                error = self.refused(Answer({}, 404), refusal=refusal)
                self.assertIs(type(error), IDMissingInBackend)
            self.assertRegex(logs.output[0], rf"WARNING:.*Adapter\.refusal\(\) fails for an answer 404: {kind}: ")

    def test_what_an_unsuccessful_answer_does_not_have_is_no_error_of_the_code(self):
        for body in ({"message": "revoked"}, {"parameters": None}, [], "<h1>Unauthorized</h1>"):
            with self.subTest(body), self.assertNoLogs(http.__name__, logging.WARNING):
                self.assertIs(type(self.refused(Answer(body, 401), refusal=magento)), CredentialsRefused)

    def test_a_system_behind_a_gateway_is_known_to_be_down(self):
        self.backend.breaker_threshold = 1
        self.env.flush_all()
        self.refused(Answer("<h1>Bad Gateway</h1>", 502), refusal=graphql)
        self.assertEqual(self.state(), "paused")

    def test_an_answer_that_is_as_it_was_has_nothing_to_read(self):
        self.serve(Answer(status=304))
        self.assertEqual(self.adapter(refusal=graphql).request("GET", "/").status_code, 304)

    def test_a_successful_answer_that_cannot_be_read_is_not_accepted(self):
        with self.assertRaises(UnreadableAnswer):
            raise self.refused(Answer("<form>Log in</form>"), refusal=graphql)
        with self.assertRaises(AttributeError):
            raise self.refused(Answer([]), refusal=graphql)

    def test_what_stops_a_job_is_not_taken_for_an_answer_that_cannot_be_read(self):
        for stopping in (RetryableJobError("later"), SerializationFailure()):

            def refusal(adapter, answer, stopping=stopping):
                raise stopping

            self.assertIs(self.refused(Answer(status=500), refusal=refusal), stopping)

    def test_what_is_no_refusal_is_an_error_under_each_status(self):
        error = self.refused_as(500, "no")
        self.assertIsInstance(error, TypeError)
