"""What we send is made before we ask; what the network does to an answer is the network's."""

import json
import socket
import threading
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum
from uuid import UUID

from markupsafe import Markup

from odoo.fields import Domain
from odoo.tools import frozendict, lazy
from odoo.tools.translate import LazyTranslate

from odoo.addons.connector.exception import InvalidDataError, UnreadableAnswer
from odoo.addons.connector.testing import Answer
from odoo.addons.jobs_queue.exception import FailedJobError, NetworkRetryableError

from .test_http_adapter import HttpCase

_lt = LazyTranslate(__name__, default_lang="en_US")


class Number(IntEnum):
    ONE = 1


class Color(Enum):
    RED = "red"


class TestBodies(HttpCase):
    def sent(self, **content):
        self.serve(Answer({}))
        self.adapter().request("POST", "/", **content)
        return self.server.requests[0]

    def test_c6_values_of_odoo_have_a_form_in_json(self):
        for value, form in (
            (date(2026, 1, 31), "2026-01-31"),
            (datetime(2026, 1, 31, 8, 15), "2026-01-31T08:15:00Z"),
            (datetime(2026, 1, 31, 8, 15, 0, 5, tzinfo=UTC), "2026-01-31T08:15:00.000005Z"),
            (datetime(2026, 1, 31, 8, 15, tzinfo=timezone(timedelta(hours=5, minutes=30))), "2026-01-31T02:45:00Z"),
            (time(8, 15), "08:15:00"),
            (Decimal("1.10"), 1.1),
            (Decimal("5"), 5),
            (Decimal("1e3"), 1000),
            (Markup("<p>x</p>"), "<p>x</p>"),
            (_lt("Name"), "Name"),
            (b"\x00\xff", "AP8="),
            (UUID(int=7), "00000000-0000-0000-0000-000000000007"),
            ((1, 2), [1, 2]),
            ({3, 1, 2}, [1, 2, 3]),
            (frozenset("ba"), ["a", "b"]),
            ({"a": 1}.values(), [1]),
            (range(2), [0, 1]),
            (Domain("a", "=", 1), [["a", "=", 1]]),
            (lazy(lambda: Decimal("0.1")), 0.1),
            (Number.ONE, 1),
            (frozendict({1: None}), {"1": None}),
            ([True, False, None, 0, -0.0, "é"], [True, False, None, 0, 0, "é"]),
        ):
            with self.subTest(value):
                request = self.sent(json={"a": value})
                self.assertEqual(json.loads(request.body), {"a": form})
                self.assertEqual(request.headers["Content-Type"], "application/json")

    def refused(self, place, value):
        error = self.error_of(lambda: self.adapter().request_json("POST", "/", **value))
        self.assertIs(type(error), InvalidDataError)
        self.assertTrue(str(error).startswith(f"{place} "), error)

    def test_c6_what_has_none_names_its_place_and_nothing_is_asked_and_the_backend_is_not_paused(self):
        self.serve(Answer({}))
        self.registry_enter_test_mode()
        self.backend.breaker_threshold = 1
        self.env.flush_all()
        nan, circle = float("nan"), []
        circle.append(circle)
        for place, value in (
            ("price", {"price": nan}),
            ("price", {"price": float("inf")}),
            ("price", {"price": Decimal("NaN")}),
            ("price", {"price": Decimal("0.12345678901234567890")}),
            ("price", {"price": Decimal("1e999999")}),
            ("lines[2].qty", {"lines": [{"qty": 1}, {}, {"qty": nan}]}),
            ("[1]", [1, nan]),
            ("[1].a[0]", [1, {"a": (nan,)}]),
            ("a['b c']", {"a": {"b c": nan}}),
            ("[None]", {None: 1}),
            ("[True]", {True: 1}),
            ("[1.5]", {1.5: 1}),
            ("['1']", {1: 1, "1": 2}),
            ("partner", {"partner": self.env.user}),
            ("color", {"color": Color.RED}),
            ("wait", {"wait": timedelta(1)}),
            ("items", {"items": iter([1])}),
            ("name", {"name": "cut \ud83d"}),
            ("when", {"when": datetime.max.replace(tzinfo=timezone(timedelta(hours=-1)))}),
            ("number", {"number": 10**5000}),
            ("error", {"error": ValueError("x")}),
            ("The value", nan),
        ):
            for _attempt in range(3):
                with self.subTest(place):
                    self.refused(place, {"json": value})
        with self.assertRaisesRegex(InvalidDataError, "nested too deep"):
            self.adapter().request("POST", "/", json=circle)
        self.assertFalse(self.server.requests)
        self.env.invalidate_all()
        self.assertEqual(self.backend.state, "ready")

    def test_c6_parameters_and_forms_are_written_alike(self):
        values = {
            "day": date(2026, 1, 31),
            "at": datetime(2026, 1, 31, 8),
            "price": Decimal("1.10"),
            "rate": 1.5,
            "active": True,
            "none": None,
            "ids": [1, 2],
            "name": Markup("é&"),
        }
        text = "day=2026-01-31&at=2026-01-31T08%3A00%3A00Z&price=1.10&rate=1.5&active=true&ids=1&ids=2&name=%C3%A9%26"
        request = self.sent(data=values)
        self.assertEqual(request.body.decode(), text)
        self.assertEqual(request.headers["Content-Type"], "application/x-www-form-urlencoded")
        self.assertEqual(
            self.sent(params=values).params,
            {
                "day": "2026-01-31",
                "at": "2026-01-31T08:00:00Z",
                "price": "1.10",
                "rate": "1.5",
                "active": "true",
                "ids": "2",
                "name": "é&",
            },
        )

    def test_c6_and_refused_alike(self):
        self.serve(Answer({}))
        for place, value in (
            ("since", {"since": float("nan")}),
            ("filter", {"filter": {"a": 1}}),
            ("ids[1]", {"ids": [1, float("inf")]}),
            ("name", {"name": "cut \ud83d"}),
            ("partner", {"partner": self.env.user}),
            ("[None]", {None: 1}),
        ):
            for content in ("params", "data"):
                with self.subTest(place, content=content):
                    self.refused(place, {content: value})
        self.assertFalse(self.server.requests)

    def test_c6_other_bodies_are_sent_as_they_are(self):
        for data, body in (
            ("é", "é".encode()),
            (b"\xff", b"\xff"),
            (bytearray(b"x"), b"x"),
            (iter([b"a", "b"]), b"ab"),
            ([("a", 1), ("a", 2)], b"a=1&a=2"),
        ):
            self.assertEqual(self.sent(data=data).body, body)
        head = {"Content-Type": "application/vnd.api+json", "X-Name": "é", "X-Number": 7}
        request = self.sent(json={}, headers=head)
        self.assertEqual((request.headers["Content-Type"], request.headers["X-Number"]), (head["Content-Type"], "7"))
        self.assertEqual(request.headers["X-Name"].encode("latin-1").decode(), "é")

    def test_c6_a_body_of_pieces_that_is_sent_twice_is_whole_both_times(self):
        self.serve(lambda request: Answer(status=200 if len(self.server.requests) == 2 else None))
        self.adapter().request("PUT", "/", data=iter([b"a", b"b"]))
        self.assertEqual([request.body for request in self.server.requests], [b"ab", b"ab"])

    def test_c6_what_is_wrong_with_a_request_says_nothing_about_the_network(self):
        self.serve(Answer({}))
        self.registry_enter_test_mode()
        self.backend.breaker_threshold = 1
        self.env.flush_all()
        error = self.error_of(lambda: self.adapter().request("GET", "/", headers={"X-A": "a\nb"}))
        self.assertIs(type(error), FailedJobError)
        self.env.invalidate_all()
        self.assertEqual(self.backend.state, "ready")


class TestWithoutContent(HttpCase):
    def test_c7_a_write_that_is_answered_without_content_has_no_value(self):
        for status, body in ((204, b""), (205, b""), (200, b""), (201, b" \r\n"), (202, b"")):
            for method in ("POST", "PUT", "PATCH", "DELETE"):
                with self.subTest(status, method=method):
                    self.serve(Answer(body, status))
                    self.assertIsNone(self.adapter().request_json(method, "/", json={}))

    def test_c7_nor_has_a_question_whose_answer_says_so(self):
        self.serve(Answer(status=204))
        self.assertIsNone(self.adapter().request_json("GET", "/"))

    def test_c7_an_empty_answer_to_a_question_cannot_be_read(self):
        for body in (b"", b"\n"):
            self.serve(Answer(body))
            with self.assertRaises(UnreadableAnswer):
                self.adapter().request_json("GET", "/")

    def test_c7_nor_can_one_to_a_write_that_is_not_json(self):
        self.serve(Answer("<html>"))
        with self.assertRaises(UnreadableAnswer):
            self.adapter().request_json("POST", "/", json={})


class TestCutAnswers(HttpCase):
    @contextmanager
    def cut(self, *answers):
        """Serve bytes, each to one request, after which the connection ends; give the address."""

        def serve():
            for answer in answers:
                connection, _address = listener.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(answer)

        with socket.create_server(("127.0.0.1", 0)) as listener:
            thread = threading.Thread(target=serve, daemon=True)
            thread.start()
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"

    CUT = (
        b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"a": 1}',
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\nConnection: close\r\n\r\n",
        b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n{"a": 1}\r\n',
        b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{"a": 1}',
        b"HTTP/1.1 500 Oops\r\nContent-Length: 100\r\n\r\n{",
    )

    def test_c6_a_cut_answer_is_tried_again_later_and_counts_for_the_breaker(self):
        self.registry_enter_test_mode()
        self.backend.breaker_threshold = 100
        self.env.flush_all()
        for answer in self.CUT:
            with self.subTest(answer), self.cut(answer) as url:
                adapter = self.adapter(url=url)
                error = self.error_of(lambda adapter=adapter: adapter.request_json("POST", "/", json={}))
                self.assertIs(type(error), NetworkRetryableError)
                self.assertIn("was cut", str(error))
        self.env.invalidate_all()
        self.assertEqual(self.backend._status().failures, len(self.CUT))

    def test_c6_and_is_asked_for_once_more_at_once_where_that_does_no_harm(self):
        whole = b'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n{"a": 1}'
        for answer in self.CUT:
            with self.subTest(answer), self.cut(answer, whole) as url:
                self.assertEqual(self.adapter(url=url).request_json("GET", "/"), {"a": 1})
