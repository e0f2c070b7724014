"""Refusals that a system expresses inside of a successful answer."""

from odoo.addons.connector import Refusal
from odoo.addons.connector.exception import CredentialsRefused, IDMissingInBackend, InvalidDataError
from odoo.addons.connector.testing import Answer
from odoo.addons.connector.unit.backend_adapter.auth import BearerAuth
from odoo.addons.connector.unit.backend_adapter.tokens import ClientCredentialsAuth
from odoo.addons.jobs_queue.exception import FailedJobError, NetworkRetryableError, RetryableJobError

from .test_http_adapter import HttpCase


def graphql(adapter, answer):
    """A method ``refusal`` of an adapter: what the first error of GraphQL says."""
    for error in adapter.json_of(answer).get("errors", ()):
        return Refusal(error["status"], error["message"], error.get("right"))
    return None


class TestRefusals(HttpCase):
    def setUp(self):
        super().setUp()
        self.registry_enter_test_mode()
        self.env.flush_all()

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
        self.env.invalidate_all()
        self.assertEqual(self.backend.state, "needs_attention")

    def test_c20_a_right_that_is_missing_is_named_and_leaves_the_backend_alone(self):
        error = self.refused(403, "Access denied", "read_orders")
        self.assertIs(type(error), FailedJobError)
        self.assertRegex(str(error), "Access denied.* the right read_orders")
        self.env.invalidate_all()
        self.assertEqual(self.backend.state, "ready")

    def test_c20_a_system_that_is_down_or_busy_is_known_to_be(self):
        self.backend.breaker_threshold = 1
        self.env.flush_all()
        self.assertEqual(self.refused(429, headers={"Retry-After": "7"}).seconds, 7)
        self.refused(503)
        self.env.invalidate_all()
        self.assertEqual(self.backend.state, "paused")

    def test_c20_a_token_that_is_refused_is_replaced_once(self):
        tokens = iter(["first", "second", "third"])

        def answer(request):
            if request.path == "/token":
                return Answer({"access_token": next(tokens), "expires_in": 600})
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

    def test_c20_what_is_accepted_is_returned_and_an_unsuccessful_answer_is_not_asked(self):
        self.serve(Answer({"data": 7}))
        self.assertEqual(self.adapter(refusal=graphql).request_json("POST", "/", json={}), {"data": 7})
        self.serve(Answer("<html>", 500))
        with self.assertRaises(NetworkRetryableError):
            self.adapter(refusal=graphql).request("GET", "/")

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
