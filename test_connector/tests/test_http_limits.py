"""What a system answers that would fill the memory, never end, or cannot be read."""

import gzip
import socket
import threading
import time
import tracemalloc
from contextlib import contextmanager

from odoo.tools import mute_logger

from odoo.addons.connector.exception import NetworkRetryableError, RetryableJobError, UnreadableAnswer
from odoo.addons.connector.http import masking
from odoo.addons.connector.http.auth import _USUAL, _seconds_of
from odoo.addons.connector.http.errors import parse_date
from odoo.addons.connector.http.masking import masked_body
from odoo.addons.connector.queue.fingerprint import Places, names_and_words, title
from odoo.addons.connector.queue.seconds import LATEST
from odoo.addons.connector.queue.store.failure import FailedJob
from odoo.addons.connector.tests.local_server import Answer

from .test_http_adapter import HttpCase

MEGABYTE = 1_000_000


class TestLength(HttpCase):
    def asked(self, body, **headers):
        self.serve(Answer(body, headers=headers))
        return self.adapter(_longest_answer=2 * MEGABYTE).request("GET", "/")

    def assertTooLong(self, body, **headers):
        with self.assertRaisesRegex(UnreadableAnswer, "more than 2000000 bytes"):
            self.asked(body, **headers)

    def test_s4_an_answer_is_read_up_to_the_limit(self):
        self.assertEqual(len(self.asked(b"x" * 2 * MEGABYTE).content), 2 * MEGABYTE)
        self.assertEqual(self.asked(gzip.compress(b"a text"), **{"Content-Encoding": "gzip"}).text, "a text")

    def test_s4_one_that_is_longer_is_not(self):
        self.assertTooLong(b"x" * (2 * MEGABYTE + 1))

    def test_s4_nor_one_that_is_longer_after_decompression_and_memory_is_not_filled_by_it(self):
        compressed = gzip.compress(b"\0" * 200 * MEGABYTE)
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        self.assertTooLong(compressed, **{"Content-Encoding": "gzip"})
        self.assertLess(tracemalloc.get_traced_memory()[1], 40 * MEGABYTE)

    def test_s4_nor_one_that_is_compressed_twice(self):
        twice = gzip.compress(gzip.compress(b"\0" * 50 * MEGABYTE))
        self.assertTooLong(twice, **{"Content-Encoding": "gzip, gzip"})

    def test_s4_what_is_not_compressed_as_it_says_cannot_be_read(self):
        with self.assertRaises(UnreadableAnswer):
            self.asked(b"no gzip", **{"Content-Encoding": "gzip"})

    def test_s4_an_error_and_the_answer_to_a_token_have_the_same_limit(self):
        self.serve(Answer(b"x" * 3 * MEGABYTE, status=422))
        adapter = self.adapter(_longest_answer=2 * MEGABYTE)
        for ask in (lambda: adapter.request("POST", "/"), lambda: adapter.request_token(self.server.url, {}, None)):
            with self.assertRaisesRegex(UnreadableAnswer, "more than 2000000 bytes"):
                ask()

    def test_s4_it_says_nothing_of_whether_the_system_can_be_reached(self):
        self.backend.breaker_threshold = 1
        self.assertTooLong(b"x" * 3 * MEGABYTE)
        self.assertEqual(self.backend.state, "ready")
        self.assertTrue(self.adapter(_longest_answer=2 * MEGABYTE).probe())


class TestTime(HttpCase):
    @contextmanager
    def dripping(self, head):
        """Serve an answer that comes byte by byte and never ends; give its address."""
        stopped = threading.Event()

        def drip():
            connection, _address = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(head)
                while not stopped.wait(0.02):
                    try:
                        connection.sendall(b"x")
                    except OSError:
                        return

        with socket.create_server(("127.0.0.1", 0)) as listener:
            thread = threading.Thread(target=drip)
            thread.start()
            try:
                yield f"http://127.0.0.1:{listener.getsockname()[1]}"
            finally:
                stopped.set()
                thread.join()

    def test_s4_an_answer_that_never_ends_is_given_up(self):
        for head in (
            b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n",
            b"HTTP/1.1 200 OK\r\n\r\n",
            b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 1000000\r\n\r\n",
        ):
            with self.subTest(head), self.dripping(head) as url:
                began = time.monotonic()
                with self.assertRaisesRegex(NetworkRetryableError, "has not ended after 0.3 seconds"):
                    self.adapter(url=url, _longest_reading=0.3).request("POST", "/")
                self.assertLess(time.monotonic() - began, 30)


class TestReading(HttpCase):
    def test_s4_json_that_is_nested_too_deep_cannot_be_read(self):
        for body in (b"[" * 100_000, b'{"a":' * 100_000, b"[" * 5_000 + b"]" * 5_000):
            with self.subTest(body[:10]):
                self.serve(Answer(body))
                with self.assertRaises(UnreadableAnswer):
                    self.adapter().request_json("GET", "/")

    def test_s4_nor_does_an_error_that_is_so_hide_its_status(self):
        self.serve(Answer(b"[" * 100_000, status=429, headers={"Retry-After": "7"}))
        with self.assertRaises(RetryableJobError) as caught:
            self.adapter().request("GET", "/")
        self.assertEqual(caught.exception.seconds, 7)

    def test_s4_a_number_of_many_digits_cannot_be_read(self):
        self.serve(Answer(b'{"id": ' + b"9" * 5_000 + b"}"))
        with self.assertRaises(UnreadableAnswer):
            self.adapter().request_json("GET", "/")

    def test_s4_a_date_that_is_none_is_left_out(self):
        for date in (
            "Fri, 31 Dec 9999 23:59:59 -2300",
            "Fri, 31 Dec 99999999999999 23:59:59 GMT",
            "Fri, 31 Dec 2026 99:99:99 GMT",
            "Fri, 31 Dec 2026 23:59:59 +99999999999999999999",
            "9" * 5000,
            "",
            " ",
        ):
            with self.subTest(date):
                self.assertIsNone(parse_date(date))
                self.serve(Answer(b"{}", headers={"Date": date}))
                adapter = self.adapter()
                self.assertEqual(adapter.request_json("GET", "/"), {})

    def test_s4_a_wait_of_many_digits_is_a_long_one(self):
        for value in ("9" * 5000, "9" * 15, "Fri, 31 Dec 9999 23:59:59 GMT"):
            with self.subTest(value[:20]):
                self.serve(Answer(b"{}", status=429, headers={"Retry-After": value}))
                with self.assertRaises(RetryableJobError) as caught:
                    self.adapter().request("GET", "/")
                self.assertEqual(caught.exception.seconds, LATEST)

    def test_s4_a_token_may_say_anything_of_how_long_it_is_good(self):
        for expires_in in (10**400, None, "soon", [], {}):
            with self.subTest(expires_in):
                self.assertEqual(_seconds_of({"expires_in": expires_in}), _USUAL)

    def test_s4_what_is_nested_too_deep_is_not_kept_in_the_log_of_exchanges(self):
        for depth in (600, 100_000):
            body = b'{"password": "s3cr3t", "a": ' + b"[" * depth + b"]" * depth + b"}"
            self.assertNotIn("s3cr3t", masked_body(body, []), depth)

    @mute_logger("odoo.addons.connector.http.traffic")
    def test_s4_a_redirection_is_not_followed_to_one_that_never_ends(self):
        self.serve(Answer(b"", status=302, headers={"Location": "http://127.0.0.1:1/" + "x" * 30_000}))
        with self.assertRaisesRegex(Exception, "redirects to") as caught:
            self.adapter().request("GET", "/")
        self.assertLess(len(str(caught.exception)), 1000)
        self.assertEqual(len(self.server.requests), 1)


class TestExpressions(HttpCase):
    """What looks into texts of other systems by patterns takes a time that grows as the text does."""

    LONG = 80_000

    def texts(self):
        long = self.LONG
        openings = "\u201c \" ' \u201d 0x 1. 1,2 a- :// ://a@ ://\u201c &a= a=& a% [ x@"
        for opening in (*openings.split(), " '"):
            yield opening * (long // len(opening))
        yield "password=" + "&" * long
        yield "a" * long + "="
        yield "https://" + "u" * long
        yield "0" * 8 + "-" + "0000-" * (long // 5)

    def test_s3_messages_take_milliseconds(self):
        for text in self.texts():
            for function in (
                title,
                lambda text: names_and_words(FailedJob(message=text)),
                Places({}).of,
                lambda text: Places({}).of('  File "' + text + '", line 1, in x'),
            ):
                with self.subTest(text[:10]):
                    self.assertQuick(function, text)

    def test_s3_what_is_masked_takes_no_longer_than_it_must(self):
        for text in self.texts():
            for function in (
                masking.without_userinfo,
                lambda text: masking.masked_url("http://x/?" + text, ["s"]),
                lambda text: masking.masked_body(text.encode(), ["s"]),
                lambda text: masking.masked_headers({"X": text}, ["s"]),
                masking.is_secret,
                masking.is_complete,
            ):
                with self.subTest(text[:10]):
                    self.assertQuick(function, text)

    def assertQuick(self, function, text):
        began = time.process_time()
        function(text)
        self.assertLess(time.process_time() - began, 1.5)
