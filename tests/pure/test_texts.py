"""Conversion of any value to a text that can be stored."""

import time
from unittest import TestCase

from markupsafe import Markup

from odoo.tools.translate import LazyTranslate

from odoo.addons.jobs_queue.exception import FailedJobError
from odoo.addons.jobs_queue.models.fingerprint import Places, names_and_words
from odoo.addons.jobs_queue.store.failures import FailedJob
from odoo.addons.jobs_queue.texts import MESSAGE, TRACEBACK, storable, storable_or_none
from odoo.addons.jobs_queue.worker.errors import first_line, traceback_of

_lt = LazyTranslate(__name__, default_lang="en_US")


class Unprintable(Exception):
    def __str__(self):
        raise ZeroDivisionError("no text")


class Doubtful:
    def __bool__(self):
        raise ValueError("neither")

    def __str__(self):
        return "in doubt"


def _chain(length):
    error = ValueError("the innermost")
    for number in range(length):
        outer = ValueError(f"around {number}")
        outer.__cause__ = error
        error = outer
    return error


class TestStorable(TestCase):
    def test_f4_whatever_it_is_becomes_text(self):
        for value, text in (
            (5, "5"), ("a\0b", "a\N{REPLACEMENT CHARACTER}b"), ("cut \ud83d", "cut \\ud83d"), (b"caf\xc3\xa9 \xff", "café \ufffd"),
            (Markup("<p>"), "<p>"), (_lt("text"), "text"), (FailedJobError("why"), "why"), ("", ""),
        ):  # fmt: skip
            with self.subTest(value=value):
                self.assertEqual((storable(value), type(storable(value))), (text, str))
        self.assertIsNone(storable(None))

    def test_f4_nothing_stays_nothing_and_what_is_not_asked_for_its_truth_becomes_text(self):
        self.assertEqual([storable_or_none(nothing) for nothing in (None, False, "")], [None] * 3)
        self.assertEqual(storable_or_none(Doubtful()), "in doubt")

    def test_f4_what_has_no_text_says_so(self):
        self.assertEqual(storable(Unprintable()), "[Unprintable without a text: ZeroDivisionError]")
        self.assertEqual(storable(10**5000), "[int without a text: ValueError]")

    def test_f10_a_long_text_keeps_its_ends_and_says_how_much_is_missing(self):
        text = storable("begin" + "x" * 20_000_000 + "end")
        self.assertLessEqual(len(text), MESSAGE)
        self.assertRegex(text, r"(?s)^beginx+\n\[… 19,995,068 characters were left out here …\]\nx+end$")

    def test_f10_a_text_at_its_limit_is_whole(self):
        self.assertEqual(storable("x" * MESSAGE), "x" * MESSAGE)

    def test_f10_halves_of_characters_do_not_make_it_longer_than_its_limit(self):
        self.assertLessEqual(len(storable("\ud83d" * 10_000)), MESSAGE)

    def test_f10_the_traceback_of_any_error_is_made_and_has_a_limit(self):
        for error in (
            ValueError("x" * 20_000_000),
            Unprintable(),
            _chain(1000),
            ValueError("\0"),
            ExceptionGroup("g", [ValueError()] * 1000),
        ):
            with self.subTest(error=type(error)):
                try:
                    raise error
                except Exception as raised:
                    text = traceback_of(raised)
                self.assertLessEqual(len(text), TRACEBACK)
                self.assertIn(type(error).__name__, text)

    def test_f4_an_error_whose_text_is_empty_has_its_name_as_first_line(self):
        self.assertEqual(first_line(ValueError(" \n ")), "ValueError")

    def test_s3_a_message_of_many_opening_quotes_is_grouped_in_milliseconds(self):
        began = time.process_time()
        for quote in "\"'“":
            names_and_words(FailedJob(message=f"x{quote} " * 80_000))
            Places({}).of('  File "' + f"x{quote}, line 1 in " * 80_000)
        self.assertLess(time.process_time() - began, 1)
