"""Thousands of requests to the door of the webhooks, each with a signature that is wrong."""

import base64
import hashlib
import hmac
import itertools
import random
import time
from contextlib import contextmanager

from werkzeug.exceptions import Unauthorized
from werkzeug.test import EnvironBuilder

from odoo.http import HTTPRequest, Request, _request_stack
from odoo.tools import mute_logger

from odoo.addons.connector.controllers.webhook import WebhookController
from odoo.addons.connector.testing import extending

from ..units import ShopWebhook, webshop
from .test_webhook import CONTROLLER, WebhookCase

KEY = "s3cr3t"
PREFIX = "sha256="
BODIES = (b"", b'{"title": "Home"}', b"title=Caf%C3%A9", b"\xff\xfe\0", b"[" * 1_000)
TOPICS = (None, "page/changed", "", "caf\xe9")
IDS = (None, "7")


class SignedTime(ShopWebhook):
    """The time and the content are signed."""


class SignedContent(ShopWebhook):
    """The content alone is signed."""

    _timestamp_header = None
    _delivery_header = "X-Shop-Id"


RECEIVERS = (SignedTime, SignedContent)


def digest(key, content, name="sha256"):
    return hmac.new(key.encode(), content, name)


def wrong_signatures(content, dice):
    """Yield headers that do not sign a content; None: no header."""
    right = digest(KEY, content)
    hexadecimal, in_base64 = right.hexdigest(), base64.b64encode(right.digest()).decode()
    place = dice.randrange(64)
    other_digit = "0" if hexadecimal[place] != "0" else "1"
    yield from (None, "", PREFIX, " ", "None", "true", "*", "%", "sha256", PREFIX * 2 + hexadecimal)
    yield from (hexadecimal, in_base64, "sha1=" + hexadecimal, PREFIX.upper() + hexadecimal, " " + PREFIX + hexadecimal)
    for signature in (
        digest("", content).hexdigest(),
        digest("guessed", content).hexdigest(),
        digest(KEY.upper(), content).hexdigest(),
        digest(KEY + " ", content).hexdigest(),
        digest(KEY, content + b" ").hexdigest(),
        digest(KEY, b"." + content).hexdigest(),
        digest(KEY, content, "sha1").hexdigest(),
        digest(KEY, content, "md5").hexdigest(),
        digest(KEY, content, "sha512").hexdigest(),
        hashlib.sha256(content).hexdigest(),
        hashlib.sha256(KEY.encode() + content).hexdigest(),
        hexadecimal[:place] + other_digit + hexadecimal[place + 1 :],
        hexadecimal[:-1],
        hexadecimal[:32],
        hexadecimal + "0",
        hexadecimal * 2,
        hexadecimal[::-1],
        in_base64[:-1],
        in_base64.swapcase(),
        base64.b64encode(hexadecimal.encode()).decode(),
        "0" * 64,
        "\xb2" * 64,
        dice.randbytes(32).hex(),
        base64.b64encode(dice.randbytes(32)).decode(),
    ):
        yield PREFIX + signature


class TestWrongSignatures(WebhookCase):
    def setUp(self):
        super().setUp()
        self.visitor = self.env.ref("base.public_user")

    def requests(self, receiver):
        """Yield ``(headers, body)`` of requests whose signature is wrong for a receiver."""
        dice = random.Random(7)
        now = int(time.time())
        for body, topic, delivery in itertools.product(BODIES, TOPICS, IDS):
            sent = str(dice.randrange(now - 200, now))
            headers = {"X-Shop-Time": sent, "X-Shop-Topic": topic, "X-Shop-Id": delivery}
            body += dice.randbytes(dice.randrange(4))
            for signature in wrong_signatures(self.signed(receiver, sent, body), dice):
                yield {**headers, "X-Shop-Signature": signature}, body

    def signed(self, receiver, sent, body):
        return sent.encode() + b"." + body if receiver._timestamp_header else body

    @mute_logger(CONTROLLER)
    def test_s7_of_thousands_of_requests_none_with_a_wrong_signature_is_taken(self):
        requests = 0
        for receiver in RECEIVERS:
            with extending(webshop, receiver):
                for headers, body in self.requests(receiver):
                    requests += 1
                    self.assertTrue(self.is_refused(headers, body), (headers, body))
        self.assertGreaterEqual(requests, 3_060)
        self.assertFalse(self.deliveries())
        self.assertFalse(self.delayed_jobs())

    def test_the_same_request_with_the_right_signature_is_taken(self):
        for receiver in RECEIVERS:
            headers, body = next(self.requests(receiver))
            right = digest(KEY, self.signed(receiver, headers["X-Shop-Time"], body)).hexdigest()
            with extending(webshop, receiver):
                self.receive({**headers, "X-Shop-Signature": PREFIX + right}, body)
        self.assertEqual(len(self.deliveries()), len(RECEIVERS))
        self.assertEqual(len(self.delayed_jobs()), len(RECEIVERS))

    def is_refused(self, headers, body):
        # assertRaises sets a savepoint at each call
        try:
            self.receive(headers, body)
        except Unauthorized:
            return True
        return False

    def receive(self, headers, body):
        """Let a request come in at the webhook's address, without a server; None: no header."""
        headers = {name: value for name, value in headers.items() if value is not None}
        with self.request(headers, body):
            return WebhookController().receive(
                f"{self.backend._name}-{self.backend.id}", self.backend.stored_webhook_token
            )

    @contextmanager
    def request(self, headers, body):
        builder = EnvironBuilder(method="POST", headers=headers, data=body, content_type="application/json")
        request = Request(HTTPRequest(builder.get_environ()))
        request.env = self.env(user=self.visitor)
        _request_stack.push(request)
        try:
            yield
        finally:
            _request_stack.pop()
