"""Bytes of a system become the text that it meant, and no text of it breaks anything."""

import json
import time

from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from odoo.addons.connector.exception import CredentialsRefused, InvalidDataError, UnreadableAnswer
from odoo.addons.connector.testing import Answer, recording
from odoo.addons.connector.unit.backend_adapter.decoding import form_values
from odoo.addons.connector.unit.backend_adapter.http import HttpAdapter
from odoo.addons.connector.unit.backend_adapter.masking import is_complete, masked_body, masked_headers
from odoo.addons.jobs_queue.exception import NetworkRetryableError, RetryableJobError

from .test_http_adapter import HttpCase as AdapterCase
from .test_webhook import WebhookCase, sign


class TestAnswers(AdapterCase):
    def asked(self, body, content_type):
        self.serve(Answer(body, headers={"Content-Type": content_type} if content_type else {}))
        return self.adapter().request_json("GET", "/")

    def test_c5_json_is_utf_8_unless_it_says_otherwise(self):
        text = '{"name": "Café"}'
        for content, content_type in (
            (text.encode(), "text/html"),
            (text.encode(), "application/json"),
            (text.encode(), "text/html; charset=ISO-8859-1"),  # as many servers say of all they send
            (text.encode(), None),
            (text.encode("utf-8-sig"), "application/json"),
            (text.encode("utf-8-sig"), "application/json; charset=gbk"),
            (text.encode("utf-16"), "application/json"),
            (text.encode("utf-16-le"), "text/plain"),
            (text.encode("utf-32"), "application/json; charset=utf-8"),
            (text.encode("latin-1"), "application/json; charset=ISO-8859-1"),
            (text.encode("latin-1"), "application/json;charset='latin1'"),
            (text.encode("cp1252"), 'application/json; charset="windows-1252"'),
        ):
            with self.subTest(content, content_type=content_type):
                self.assertEqual(self.asked(content, content_type), {"name": "Café"})

    def test_c5_a_charset_is_believed_where_its_bytes_might_be_utf_8_by_chance(self):
        self.assertEqual(self.asked('["专"]'.encode("gbk"), "application/json; charset=gbk"), ["专"])
        self.assertEqual(self.asked('["Её"]'.encode("cp1251"), "application/json; charset=windows-1251"), ["Её"])

    def test_c5_what_is_neither_is_no_text_and_is_not_guessed(self):
        for content, content_type in (
            (b'["Caf\xe9"]', "application/json"),
            (b'["Caf\xe9"]', "application/json; charset=us-ascii"),
            (b'["Caf\xe9"]', "application/json; charset=no-such"),
            (b'["Caf\xe9"]', "application/json; charset=unicode_escape"),
        ):
            with self.subTest(content_type), self.assertRaises(UnreadableAnswer):
                self.asked(content, content_type)

    def test_c5_a_message_is_read_by_the_same_rule(self):
        for content, content_type in (
            ('{"message": "Größe"}'.encode("utf-8-sig"), "text/html"),
            ('{"message": "Größe"}'.encode("latin-1"), "application/json; charset=iso-8859-1"),
        ):
            self.serve(Answer(content, 422, {"Content-Type": content_type}))
            with self.assertRaisesRegex(InvalidDataError, "Größe"):
                self.adapter().request("GET", "/")
        self.serve(Answer("", 302, {"Location": "http://shop/Größe".encode().decode("latin-1")}))
        with self.assertRaisesRegex(Exception, "redirects to http://shop/Größe"):
            self.adapter().request("GET", "/")

    def test_c5_the_log_shows_what_was_sent_and_keeps_the_other_bytes(self):
        latin = "größe=groß".encode("latin-1")
        self.assertEqual(masked_body(latin, [], "text/plain; charset=iso-8859-1"), "größe=groß")
        self.assertEqual(masked_body("{}".encode("utf-8-sig"), []), "{}")
        shown = masked_body(latin + b"&password=s3cr3t", [])
        self.assertRegex(shown, r"^gr\\xf6\\xdfe=gro\\xdf&password=\*\*\*… \(3 bytes are no text")
        self.assertFalse(is_complete(shown))
        self.assertFalse(is_complete(masked_body(b"caf\xe9", [])))
        self.assertEqual(masked_body(b"\x89PNG\r\n\x1a\n\0\0", []), "(10 bytes)")
        self.assertEqual(masked_headers({"X-Name": "Größe".encode().decode("latin-1")}, []), "X-Name: Größe")

    def test_c5_a_request_in_another_encoding_is_sent_again_in_it(self):
        self.registry_enter_test_mode()
        self.serve(Answer({}))
        self.backend.write({"location": self.server.url, "exchange_log": "all"})
        self.env.flush_all()
        content = "name=Café 9 €".encode("cp1252")
        self.unit(HttpAdapter, "test.shop.page").request(
            "POST", "/", data=content, headers={"Content-Type": "text/plain; charset=iso-8859-1"}
        )
        exchange = self.env["connector.exchange"].search([], limit=1)
        self.assertEqual(exchange.request_body, "name=Café 9 €")
        exchange.action_replay()
        self.assertEqual([request.body for request in self.server.requests], [content, content])

    def test_c5_recordings_lose_secrets_in_any_encoding_and_nothing_else(self):
        for encoding in ("utf-8", "latin-1", "utf-16"):
            head = {"Content-Type": [f"application/json; charset={encoding}"]}
            response = {"headers": head, "body": {"string": '{"a": "é s3cr3t", "token": "t0ken"}'.encode(encoding)}}
            masked = recording._mask_response(response, ["s3cr3t"])["body"]["string"]
            self.assertEqual(masked.decode(encoding), '{"a": "é ***", "token": "***"}')
        response = {"headers": {}, "body": {"string": b'{"a": "\xff\xe9 s3cr3t \\ud83d"}'}}
        masked = recording._mask_response(response, ["s3cr3t"])["body"]["string"]
        self.assertEqual(masked, b'{"a": "\xff\xe9 *** \\ud83d"}')

    def test_c5_the_values_of_a_form_are_read_by_the_same_rule(self):
        for text, content_type, name in (
            ("name=Caf%C3%A9", None, "Café"),
            ("name=Caf%E9", "application/x-www-form-urlencoded; charset=ISO-8859-1", "Café"),
            ("name=Caf%C3%A9", "application/x-www-form-urlencoded; charset=ISO-8859-1", "Café"),
            ("name=Caf%E9", None, r"Caf\xe9"),
        ):
            self.assertEqual(form_values(text, content_type), [("name", name)])


class TestTexts(AdapterCase):
    SAID = '{"message": "bad \\u0000 \\ud83d <b>"}'

    def refused(self, status, **headers):
        self.serve(Answer(self.SAID, status, headers))
        error = self.error_of(lambda: self.adapter().request("GET", "/"))
        str(error).encode()
        self.assertNotIn("\0", str(error))
        return error

    @mute_logger("odoo.addons.connector.models.connector_backend_breaker")
    def test_c8_a_message_that_cannot_be_stored_changes_nothing_of_what_the_status_says(self):
        for status, kind in (
            (401, CredentialsRefused),
            (422, InvalidDataError),
            (429, RetryableJobError),
            (500, NetworkRetryableError),
            (503, NetworkRetryableError),
        ):
            with self.subTest(status):
                self.assertIs(type(self.refused(status, **{"Retry-After": "7"})), kind)

    @mute_logger("odoo.addons.connector.models.connector_backend_breaker")
    def test_c8_nor_does_one_in_the_log_of_exchanges(self):
        self.registry_enter_test_mode()
        self.backend.exchange_log = "all"
        self.env.flush_all()
        self.refused(422, **{"X-Said": "a\x01\xff"})
        self.serve(Answer(b'{"token": "t0ken", "a": "\\ud83d", "b": "\\u0000"}'))
        self.adapter().request("GET", "/")
        first, second = self.env["connector.exchange"].search([], order="id")
        self.assertEqual(first.response_body, self.SAID)
        self.assertEqual(second.response_body, '{"token": "***", "a": "\\ud83d", "b": "\\u0000"}')
        self.assertTrue(second.readable_response)

    def test_c8_no_secret_is_left_at_the_end_of_a_cut_message(self):
        secret = "s3cr3t" * 1000
        self.serve(Answer({"message": f"{secret} {secret}"}, 422))
        with self.assertRaises(InvalidDataError) as caught:
            self.adapter(_secrets=lambda adapter: [secret]).request("GET", "/")
        self.assertNotIn("s3cr3t", str(caught.exception))

    def test_c9_a_wait_is_read_however_it_is_written(self):
        for value, seconds in (
            ("2.0", 2),
            (" 2.5 ", 2.5),
            ("0", 0),
            ("10, 120", 120),
            ("-5", None),
            ("1e3", None),
            ("nan", None),
            ("soon", None),
            ("2 s", None),
            ("", None),
            ("Fri, 01 Jan 1999 00:00:00 GMT", 0),
        ):
            with self.subTest(value):
                self.assertEqual(self.refused(429, **{"Retry-After": value}).seconds, seconds)

    def test_c9_a_date_is_meant_by_the_clock_of_the_system(self):
        self.serve(
            Answer(
                status=429,
                headers={"Date": "Fri, 01 Jan 2010 00:00:00 GMT", "Retry-After": "Fri, 01 Jan 2010 00:01:00 GMT"},
            )
        )
        with self.assertRaises(RetryableJobError) as caught:
            self.adapter().request("GET", "/")
        self.assertIn(caught.exception.seconds, (0, 60))


@tagged("post_install", "-at_install")
class TestWebhooks(WebhookCase, HttpCase):
    def delivered(self, body, content_type, topic="page/changed"):
        """Send a webhook, run its job and return the job and the delivery."""
        sent = str(int(time.time()))
        headers = {
            "Content-Type": content_type,
            "X-Shop-Time": sent,
            "X-Shop-Topic": topic,
            "X-Shop-Signature": "sha256=" + sign("s3cr3t", f"{sent}.".encode() + body).hexdigest(),
        }
        path = "/" + self.backend.webhook_url.split("/", 3)[3]
        self.assertEqual(self.url_open(path, data=body, headers=headers).status_code, 200)
        return self.run_jobs(), self.deliveries()[0]

    def test_c5_a_webhook_is_read_in_the_encoding_that_it_names(self):
        text = '{"title": "Café"}'
        for encoding, content_type in (
            ("latin-1", "application/json; charset=ISO-8859-1"),
            ("utf-8-sig", "application/json"),
            ("utf-8", "text/html"),
            ("utf-16", "application/json"),
        ):
            with self.subTest(encoding):
                job, delivery = self.delivered(text.encode(encoding), content_type)
                self.assertEqual((job.message, delivery.body), ("page/changed: Café", text))

    def test_c5_so_is_a_form(self):
        job, delivery = self.delivered(b"title=Caf%E9", "application/x-www-form-urlencoded; charset=iso-8859-1")
        self.assertEqual((job.message, delivery.readable_body), ("page/changed: Café", "title = Café"))

    def test_a_form_that_is_not_in_its_encoding_is_not_processed(self):
        for body in (b"title=Caf%E9", b"title=Caf\xe9"):
            job, delivery = self.delivered(body, "application/x-www-form-urlencoded")
            self.assertFailed(job, "form is not in its encoding")
            self.assertEqual((delivery.body.upper(), delivery.readable_body), ("TITLE=CAF%E9", r"title = Caf\xe9"))

    def test_what_is_called_latin_1_may_have_a_euro(self):
        for body, content_type in (
            ('{"title": "9 €"}'.encode("cp1252"), "application/json; charset=ISO-8859-1"),
            (b"title=9+%80", "application/x-www-form-urlencoded; charset=ISO-8859-1"),
        ):
            job, _delivery = self.delivered(body, content_type)
            self.assertEqual(job.message, "page/changed: 9 €")

    def test_c5_bytes_that_are_no_text_are_kept(self):
        job, delivery = self.delivered(b'{"title": "Caf\xe9"}', "application/json")
        self.assertEqual(delivery.body, '{"title": "Caf\\xe9"}')
        self.assertFailed(job, "is not JSON")

    def test_c5_a_topic_is_text_too(self):
        _job, delivery = self.delivered(b'{"title": "x"}', "application/json", "größe".encode())
        self.assertEqual(delivery.topic, "größe")

    def test_c5_values_of_a_form_that_is_json_are_read(self):
        body = b"title=" + json.dumps("é").encode()
        job, _delivery = self.delivered(body, "application/x-www-form-urlencoded")
        self.assertIn("page/changed", job.message)
