"""What a system answers that would fill the memory, never end, or cannot be read."""

import gzip
import json
import socket
import ssl
import threading
import time
import tracemalloc
import warnings
from contextlib import contextmanager, suppress
from types import SimpleNamespace
from unittest.mock import patch

from urllib3.exceptions import InsecureRequestWarning

from odoo.tools import mute_logger

from odoo.addons.connector.exception import UnreadableAnswer
from odoo.addons.connector.testing import Answer
from odoo.addons.connector.unit.backend_adapter import masking
from odoo.addons.connector.unit.backend_adapter.answer import AnswerTooSlow, _Deadline
from odoo.addons.connector.unit.backend_adapter.errors import parse_date
from odoo.addons.connector.unit.backend_adapter.masking import (
    LONGEST_LOOKED_AT,
    MOST_LOOKED_AT,
    is_complete,
    masked_body,
)
from odoo.addons.connector.unit.backend_adapter.tokens import ClientCredentialsAuth, _seconds_of
from odoo.addons.jobs_queue.exception import NetworkRetryableError, RetryableJobError
from odoo.addons.jobs_queue.models.fingerprint import Places, names_and_words, title
from odoo.addons.jobs_queue.seconds import LATEST
from odoo.addons.jobs_queue.store.failures import FailedJob

from .certificate import own_certificate
from .test_http_adapter import HttpCase

MEGABYTE = 1_000_000
#: Seconds after which an answer that should be given up ends all the same, so that the test fails
PATIENCE = 30


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
    def dripping(self, head=b"", drop=b"x", before=(), certificate=None):
        """Serve an answer that comes drop by drop and ends too late; give its address.

        :param before: answers that come first, to a request each on the same connection
        :param certificate: path of the one with which TLS is spoken
        """
        stopped = threading.Event()

        def drip():
            connection, _address = listener.accept()
            with (
                suppress(OSError),
                self.spoken(connection, certificate) as connection,
            ):  # who has asked may go at any time
                for answer in before:
                    connection.recv(65536)
                    connection.sendall(answer)
                connection.recv(65536)
                connection.sendall(head)
                end = time.monotonic() + PATIENCE
                while time.monotonic() < end and not stopped.wait(0.02):
                    connection.sendall(drop)

        with socket.create_server(("127.0.0.1", 0)) as listener:
            thread = threading.Thread(target=drip)
            thread.start()
            try:
                yield f"http{'s' if certificate else ''}://127.0.0.1:{listener.getsockname()[1]}"
            finally:
                stopped.set()
                thread.join()

    def spoken(self, connection, certificate):
        if not certificate:
            return connection
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        return context.wrap_socket(connection, server_side=True)

    def assertTooSlow(self, ask):
        began = time.monotonic()
        with self.assertRaisesRegex(NetworkRetryableError, "has not ended after 0.3 s$"):
            ask()
        self.assertLess(time.monotonic() - began, PATIENCE)

    def test_s4_an_answer_that_never_ends_is_given_up(self):
        for head in (
            b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n",
            b"HTTP/1.1 200 OK\r\n\r\n",
            b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 1000000\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffff\r\n",
        ):
            with self.subTest(head), self.dripping(head) as url:
                self.assertTooSlow(lambda url=url: self.adapter(url=url, _longest_reading=0.3).request("POST", "/"))

    def test_s4_nor_is_one_waited_for_whose_head_never_ends(self):
        for head, drop in (
            (b"", b"x"),
            (b"HTTP/1.1 200 O", b"K"),
            (b"HTTP/1.1 200 OK\r\n", b"x"),
            (b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x"),
            (b"HTTP/1.1 200 OK\r\nConnection: close\r\nX-Slow: ", b"x"),
            (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        ):
            for method in ("POST", "GET"):  # GET is sent once more where the connection is lost, but not so
                with self.subTest(head=head, drop=drop, method=method), self.dripping(head, drop) as url:
                    adapter = self.adapter(url=url, _longest_reading=0.3)
                    self.assertTooSlow(lambda adapter=adapter, method=method: adapter.request(method, "/"))

    def test_s4_nor_on_a_connection_that_was_used_before(self):
        with self.dripping(before=[b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"]) as url:
            adapter = self.adapter(url=url)
            adapter.request("POST", "/")
            type(adapter)._longest_reading = 0.3
            self.assertTooSlow(lambda: adapter.request("POST", "/"))

    def test_s4_nor_over_tls(self):
        self.backend.verify_ssl = False
        certificate = self.enterContext(own_certificate())
        self.enterContext(warnings.catch_warnings())
        warnings.simplefilter("ignore", InsecureRequestWarning)
        for head in (b"HTTP/1.1 200 OK\r\nX-Slow: ", b"HTTP/1.1 200 OK\r\n\r\n"):
            with self.subTest(head), self.dripping(head, certificate=certificate) as url:
                self.assertTooSlow(lambda url=url: self.adapter(url=url, _longest_reading=0.3).request("POST", "/"))

    def test_s4_nor_at_the_address_that_gives_tokens(self):
        self.serve(Answer({}))
        with self.dripping(b"HTTP/1.1 200 OK\r\nX-Slow: ") as url:
            adapter = self.adapter(_longest_reading=0.3)
            adapter._auth = lambda: ClientCredentialsAuth(adapter, url, "client", "s3cr3t")
            self.assertTooSlow(lambda: adapter.request("POST", "/"))
        self.assertFalse(self.server.requests)

    def test_s4_a_connector_that_waits_longer_for_bytes_has_as_long_for_the_answer(self):
        for timeout, seconds in (((10, 60), 300), ((10, 900), 910), ((400, None), 400)):
            self.assertEqual(self.adapter(url="http://shop", _timeout=timeout)._longest_reading, seconds)
        self.assertEqual(self.adapter(url="http://shop", _timeout=(10, 900), _longest_reading=20)._longest_reading, 20)

    def test_s4_once_the_request_has_ended_its_connection_is_not_shut_any_more(self):
        ours, theirs = map(self.enterContext, socket.socketpair())
        deadline = _Deadline(PATIENCE)
        deadline.connection = SimpleNamespace(sock=ours)
        deadline._ended.set()
        # the time was over just before
        with patch.object(deadline._ended, "wait", side_effect=[False, True]):
            deadline._watch()
        ours.sendall(b"x")
        self.assertEqual(theirs.recv(1), b"x")

    def test_s4_a_request_does_not_end_while_its_connection_is_being_shut(self):
        began, has_ended, at_the_end = threading.Event(), threading.Event(), []
        deadline = _Deadline(0)
        deadline.response = SimpleNamespace(request=None)

        def shut():
            began.set()
            at_the_end.append(has_ended.wait(0.2))

        with patch.object(deadline, "_shut", shut), self.assertRaises(AnswerTooSlow):
            try:
                with deadline:
                    began.wait(PATIENCE)
            finally:
                has_ended.set()
        self.assertEqual(at_the_end, [False])

    def test_s4_an_answer_in_time_is_read_and_the_connection_is_used_again(self):
        self.serve(Answer({"id": 7}))
        adapter = self.adapter(_longest_reading=30)
        for _request in range(3):
            self.assertEqual(adapter.request_json("GET", "/"), {"id": 7})
        self.assertEqual(len(self.server.connections), 1)


class TestReading(HttpCase):
    def test_s4_json_that_is_nested_too_deep_cannot_be_read(self):
        for body in (b"[" * 100_000, b'{"a":' * 100_000, b"[" * 5_000 + b"]" * 5_000):
            with self.subTest(body[:10]):
                self.serve(Answer(body))
                with self.assertRaises(UnreadableAnswer):
                    self.adapter().request_json("GET", "/")

    def test_s4_json_of_few_bytes_that_becomes_many_values_is_not_read(self):
        for element in (b"{}", b"[]", b"1", b'"ab"', b'{"a":1}', b"[[[]]]"):
            for encoding in ("utf-8", "utf-16", "utf-32-le", "utf-8-sig"):
                with self.subTest(element, encoding=encoding):
                    body = b"[" + b",".join([element] * 1000) + b"]"
                    self.serve(Answer(body.decode().encode(encoding)))
                    with self.assertRaisesRegex(UnreadableAnswer, "more than 999 values"):
                        self.adapter(_most_values=999).request_json("GET", "/")
                    self.assertEqual(len(self.adapter(_most_values=10_000).request_json("GET", "/")), 1000)

    def test_s4_by_default_they_fill_no_memory(self):
        self.serve(Answer(b"[" + b"{}," * 1_500_000 + b"{}]"))
        response = self.adapter().request("GET", "/")
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        with self.assertRaisesRegex(UnreadableAnswer, "more than 2000000 values"):
            self.adapter().json_of(response)
        self.assertLess(tracemalloc.get_traced_memory()[1], 40 * MEGABYTE)

    def test_s4_nor_does_an_error_or_the_answer_to_a_token_become_more(self):
        self.serve(Answer(b'{"message": "It is full", "all": [' + b"{}," * 1000 + b"{}]}", status=429))
        adapter = self.adapter(_most_values=999)
        with self.assertRaises(RetryableJobError) as caught:
            adapter.request("GET", "/")
        self.assertNotIn("It is full", str(caught.exception))
        self.serve(Answer(b'{"access_token": "t", "all": [' + b"{}," * 1000 + b"{}]}"))
        with self.assertRaisesRegex(UnreadableAnswer, "more than 999 values"):
            adapter.request_token(self.server.url, {}, None)

    def test_s4_text_that_is_not_utf_is_read_as_its_head_says(self):
        for head, encoding in (
            ("application/json; charset=windows-1252", "windows-1252"),
            ("text/plain; charset=shift_jis", "shift_jis"),
            ("text/plain; charset=no-such-encoding", "utf-8"),
            ("text/html", "utf-8"),
            ("application/json; charset=utf-16", "utf-16"),
        ):
            with self.subTest(head):
                text = "\u65e5\u672c" if encoding == "shift_jis" else "\xe9t\xe9"
                self.serve(
                    Answer(json.dumps([text], ensure_ascii=False).encode(encoding), headers={"Content-Type": head})
                )
                self.assertEqual(self.adapter().request_json("GET", "/"), [text])

    def test_c5_json_that_is_no_utf_and_whose_head_names_no_encoding_is_not_guessed(self):
        for head in ("application/json", "application/problem+json", "text/html", "application/json; charset=", ""):
            with self.subTest(head):
                self.serve(Answer(b'[{"name":"Caf\xe9"}]', headers={"Content-Type": head}))
                with self.assertRaises(UnreadableAnswer):
                    self.adapter().request_json("GET", "/")

    def test_s4_but_not_where_a_character_of_utf_8_was_cut(self):
        for head in ("application/json", "text/html", "application/json; charset=utf-8"):
            with self.subTest(head):
                self.serve(Answer('["Café", "Caf'.encode() + b'\xc3"]', headers={"Content-Type": head}))
                with self.assertRaises(UnreadableAnswer):
                    self.adapter().request_json("GET", "/")

    def test_s4_text_of_no_encoding_cannot_be_read_and_takes_no_time(self):
        for head in (
            "application/json; charset=utf-8",
            "text/plain; charset=zlib",
            "text/plain; charset=punycode",
            "x; charset=utf-7",
        ):
            with self.subTest(head):
                self.serve(Answer(b'"' + b"\xff\xfe-ab\x80" * 500_000 + b'"', headers={"Content-Type": head}))
                response = self.adapter().request("GET", "/")
                began = time.process_time()
                with self.assertRaises(UnreadableAnswer):
                    self.adapter().json_of(response)
                self.assertLess(time.process_time() - began, 1.5)

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
                self.assertIsNone(_seconds_of({"expires_in": expires_in}))

    def test_s4_what_is_nested_too_deep_is_not_kept_in_the_log_of_exchanges(self):
        for depth in (600, 100_000):
            body = b'{"password": "s3cr3t", "a": ' + b"[" * depth + b"]" * depth + b"}"
            self.assertNotIn("s3cr3t", masked_body(body, []), depth)

    def test_s4_of_a_long_body_its_length_is_kept_as_it_is_not_looked_at(self):
        secret = b'{"password": "s3cr3t", "a": "'
        for length in (LONGEST_LOOKED_AT + 1, 50 * MEGABYTE):
            body = (secret + b"{}," * (length // 3 + 1))[:length]
            for content in (body, body.decode()):
                with self.subTest(length=length, type=type(content)):
                    began = time.process_time()
                    kept = masked_body(content, ["s3cr3t"])
                    self.assertLess(time.process_time() - began, 1)
                    self.assertEqual(kept, f"({length} bytes, too long to be looked at for secrets)")
                    self.assertFalse(is_complete(kept))

    def test_s4_of_a_body_of_many_values_the_length_is_kept_and_memory_is_not_filled_by_them(self):
        secret = b'{"password": "s3cr3t", "a": ['
        number = LONGEST_LOOKED_AT // 4
        for body in (
            secret + b"{}," * number + b"{}]}",
            b" \n" + secret + b"[]," * number + b"[]]}",
            secret + b"1," * number,
            secret[:-1] + b'{"a":' * (number // 2),
            b"password=s3cr3t" + b"&a=" * number,
        ):
            for content in (body, body.decode()):
                with self.subTest(body[-5:], type=type(content)):
                    tracemalloc.start()
                    self.addCleanup(tracemalloc.stop)
                    kept = masked_body(content, ["s3cr3t"])
                    self.assertLess(tracemalloc.get_traced_memory()[1], 20 * MEGABYTE)
                    tracemalloc.stop()
                    self.assertEqual(kept, f"({len(body)} bytes, too long to be looked at for secrets)")

    def test_s4_a_body_of_fewer_values_is_masked(self):
        items = b",".join([b"{}"] * (MOST_LOOKED_AT // 2 - 10))
        kept = masked_body(b'{"password": "s3cr3t", "a": [' + items + b"]}", [])
        self.assertTrue(kept.startswith('{"password": "***", "a": [{},{}'))

    def test_s4_of_what_is_no_json_and_no_form_the_start_is_kept_however_many_commas_it_has(self):
        table = "name,price\n" + "lamp,1\n" * 300_000
        self.assertTrue(masked_body(table, []).startswith("name,price\nlamp,1\n"))

    def test_s4_up_to_that_length_it_is_masked_and_cut(self):
        start = b'{"password": "s3cr3t", "a": "'
        kept = masked_body(start + b"x" * (LONGEST_LOOKED_AT - len(start) - 2) + b'"}', [])
        self.assertTrue(kept.startswith('{"password": "***", "a": "xx'))
        self.assertIn("more characters)", kept[-30:])

    @mute_logger("odoo.addons.connector.unit.backend_adapter.traffic")
    def test_s4_a_redirection_is_not_followed_to_one_that_never_ends(self):
        self.serve(Answer(b"", status=302, headers={"Location": "http://127.0.0.1:1/" + "x" * 30_000}))
        with self.assertRaisesRegex(Exception, "redirects to") as caught:
            self.adapter().request("GET", "/")
        self.assertLess(len(str(caught.exception)), 1000)
        self.assertEqual(len(self.server.requests), 1)


class TestExpressions(HttpCase):
    """What looks into texts by patterns takes a time that grows as the text does."""

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
