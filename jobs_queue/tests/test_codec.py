import enum
from collections import Counter, OrderedDict, UserDict, UserList, defaultdict, deque, namedtuple
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from types import MappingProxyType
from unittest.mock import patch

from markupsafe import Markup

from odoo.fields import Command, Domain
from odoo.tests import TransactionCase, tagged
from odoo.tools import frozendict, lazy
from odoo.tools.misc import ReadonlyDict
from odoo.tools.translate import LazyTranslate

from odoo.addons.jobs_queue.exception import NotReadableJobError, NotSerializableJobError
from odoo.addons.jobs_queue.jobs import arguments
from odoo.addons.jobs_queue.jobs.arguments import decode, decode_call, encode, encode_call, register_type

_lt = LazyTranslate(__name__, default_lang="en_US")


class Number(enum.IntEnum):
    ONE = 1


class Text(enum.StrEnum):
    A = "a"


class TextOfOld(str, enum.Enum):  # noqa: UP042
    A = "a"


class Colour(enum.Enum):
    RED = 1


class Flag(enum.IntFlag):
    A = 1
    B = 2


class Odd(str):
    """A text whose ``str()`` is another text."""

    def __str__(self):
        return "odd"

    __repr__ = __str__


class Price(float):
    pass


class Exact(Decimal):
    def __str__(self):
        return "exact"


class Bytes(bytes):
    pass


class Point:
    def __init__(self, x, y):
        self.x, self.y = x, y


class Point3D(Point):
    pass


Pair = namedtuple("Pair", "a b")


@tagged("post_install", "-at_install")
class TestCodec(TransactionCase):
    def test_every_listed_type_comes_back_as_it_was(self):
        values = [
            None, True, 0, -3, 2**70, 1.5, "", "é\x00\n", [1, [2]], (1, (2,)), {"a": {"b": ()}}, {1: "x", (2, 3): "y"},
            date(2024, 2, 29), datetime(2024, 2, 29, 12, 30, 1, 5), datetime(2024, 2, 29, tzinfo=UTC), Decimal("1.10"), b"\x00\xff",
            Markup("<p>&amp;\0</p>"), [Markup("x")], {Markup("k"): 1}, 10**5000, -(10**601), "half \ud83d",
            float("inf"), {"$date": "mine"}, {"$unknown": 1}, {"$tuple": [1], "b": 2},
        ]  # fmt: skip
        for value in values:
            with self.subTest(value=value):
                back = decode(encode(value), self.env)
                self.assertEqual(back, value)
                self.assertIs(type(back), type(value))

    def test_not_a_number_comes_back(self):
        back = decode(encode(float("nan")), self.env)
        self.assertNotEqual(back, back)

    def test_records_come_back_in_the_environment_of_the_job(self):
        users = self.env["res.users"].search([], limit=2)
        (back,), _kwargs = decode_call(encode_call((users,), {}), self.env(context={"lang": "fr_FR"}))
        self.assertEqual(back, users)
        self.assertEqual(back.env.context, {"lang": "fr_FR"})

    def test_an_argument_of_another_type_is_refused_by_its_name(self):
        with self.assertRaisesRegex(
            NotSerializableJobError, r"argument 'data'\['when'\], item 1 is of type builtins.object"
        ):
            encode_call((), {"data": {"when": [0, object()]}})

    def test_a_positional_argument_is_refused_by_its_number(self):
        with self.assertRaisesRegex(NotSerializableJobError, "argument 2 is of type builtins.set"):
            encode_call((1, {2}), {})

    def test_a_time_zone_that_would_come_back_as_utc_is_refused(self):
        when = datetime(2024, 2, 29, tzinfo=timezone(timedelta(milliseconds=500)))
        with self.assertRaisesRegex(NotSerializableJobError, "argument 1 is .*by a part of a second: give it in UTC"):
            encode_call((when,), {})

    def test_a_record_that_is_not_saved_is_refused(self):
        with self.assertRaisesRegex(NotSerializableJobError, "not saved yet"):
            encode_call((self.env["res.partner"].new({"name": "x"}),), {})

    def test_a_model_that_does_not_exist_here_is_named(self):
        with self.assertRaisesRegex(NotReadableJobError, "gone.model"):
            decode('{"$records": ["gone.model", [1]]}', self.env)

    def test_what_is_not_json_is_unreadable(self):
        with self.assertRaisesRegex(NotReadableJobError, "not JSON"):
            decode_call("(lp0", self.env)

    def test_json_that_is_not_a_call_is_unreadable(self):
        with self.assertRaisesRegex(NotReadableJobError, "not those of a call"):
            decode_call("[1]", self.env)

    def test_f12_what_is_a_kind_of_a_listed_type_comes_back_as_that(self):
        for value, expected in [
            (
                self.env(context={"lang": "en_US", "allowed_company_ids": [1]}).context,
                {"lang": "en_US", "allowed_company_ids": [1]},
            ),
            (frozendict(a=(1,)), {"a": (1,)}),
            (frozendict({"$records": ["res.users", [1]]}), {"$records": ["res.users", [1]]}),
            (OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
            (defaultdict(list, a=[1]), {"a": [1]}),
            (Counter("aa"), {"a": 2}),
            (UserDict(a=1), {"a": 1}),
            (ReadonlyDict({"a": 1}), {"a": 1}),
            (MappingProxyType({1: 2}), {1: 2}),
            (Number.ONE, 1),
            ({Number.ONE: Number.ONE}, {1: 1}),
            (Flag.A | Flag.B, 3),
            (Text.A, "a"),
            (TextOfOld.A, "a"),
            ({Text.A: 1}, {"a": 1}),
            (Odd("plain"), "plain"),
            (Price(1.5), 1.5),
            (Price("inf"), float("inf")),
            (Exact("1.10"), Decimal("1.10")),
            (Bytes(b"x"), b"x"),
            (bytearray(b"x"), b"x"),
            (memoryview(b"abcd")[::2], b"ac"),
            (Pair(1, [2]), (1, [2])),
            (UserList([1]), [1]),
            (deque([1, 2]), [1, 2]),
            (Domain("id", "in", [1, 2]) & Domain("name", "!=", "x"), ["&", ("id", "in", [1, 2]), ("name", "!=", "x")]),
            (Domain.TRUE, [(1, "=", 1)]),
            ([Command.create({"name": Markup("x")}), Command.set([1])], [(0, 0, {"name": Markup("x")}), (6, 0, [1])]),
            (_lt("Lazy %s", 5), "Lazy 5"),
            (lazy(lambda: [Number.ONE]), [1]),
        ]:
            with self.subTest(value=repr(value)):
                back = decode(encode(value, self.env), self.env)
                self.assertEqual(back, expected)
                self.assertIs(type(back), type(expected))
                self.assertEqual(decode(encode(back), self.env), expected)

    def test_f12_a_lazy_text_is_stored_in_the_language_of_the_caller(self):
        text = _lt("Lazy")
        self.patch(type(text), "_translate", lambda self, lang="": lang)
        payload = encode_call((text,), {"b": [text]}, self.env(context={"lang": "fr_FR"}))
        self.assertEqual(payload, '{"args":["fr_FR"],"kwargs":{"b":["fr_FR"]}}')

    def test_f12_what_is_a_kind_of_nothing_is_refused_by_name(self):
        for value in (Colour.RED, range(3), iter([]), Point(1, 2), int, NotImplemented, {1: {2: object}}):
            with (
                self.subTest(value=value),
                self.assertRaisesRegex(NotSerializableJobError, "argument 'x'.* is of type"),
            ):
                encode_call((), {"x": value})

    def test_f12_what_holds_itself_or_lies_too_deep_is_refused_by_name(self):
        itself, deep = {}, []
        itself["a"] = [itself]
        for _n in range(1000):
            deep = [deep]
        for value in (itself, deep, (1, {2: deep})):
            with self.assertRaisesRegex(NotSerializableJobError, "argument 1 holds itself, or .* more than 100 deep"):
                encode_call((value,), {})

    def test_f12_a_hundred_levels_come_back(self):
        value = 1
        for level in range(100):
            value = ((value,), [value], {level: value})[level % 3]
        self.assertEqual(decode(encode(value), self.env), value)

    def test_f12_a_key_that_would_come_back_as_no_key_is_refused(self):
        for key in (frozendict(a=1), (1, frozendict(a=1)), Domain.TRUE):
            with self.subTest(key=key), self.assertRaisesRegex(NotSerializableJobError, "argument 1, a key is .* key"):
                encode_call(({key: 1},), {})

    def test_f12_what_is_too_large_is_refused(self):
        self.patch(arguments, "_LARGEST", 1000)
        with self.assertRaisesRegex(NotSerializableJobError, "the arguments: .*attachment"):
            encode_call(("x" * 1000,), {})

    def test_f12_an_addon_stores_types_of_its_own(self):
        with patch.dict(arguments._types), patch.dict(arguments._tags):
            register_type(Point, "point", lambda point: (point.x, point.y), lambda stored: Point(*stored))
            text = encode([Point(1, Markup("y"))], self.env)
            (back,) = decode(text, self.env)
            self.assertEqual((type(back), back.x, back.y), (Point, 1, Markup("y")))
            self.assertEqual(text, '[{"$jobs_queue.point":{"$tuple":[1,{"$markup":"y"}]}}]')
            self.assertIsInstance(decode(encode(Point3D(1, 2), self.env), self.env), Point)

    def test_f12_a_type_of_an_addon_that_is_not_installed_is_refused_and_unreadable(self):
        with patch.dict(arguments._types), patch.dict(arguments._tags):
            with patch.object(arguments, "registering_addon", return_value="gone"):
                register_type(Point, "point", lambda point: (point.x, point.y), lambda stored: Point(*stored))
            with self.assertRaisesRegex(NotSerializableJobError, "argument 1 is of type .*Point"):
                encode_call((Point(1, 2),), {}, self.env)
            with self.assertRaisesRegex(NotReadableJobError, r"gone\.point.*addon missing"):
                decode('{"$gone.point": 1}', self.env)

    def test_f12_two_types_cannot_have_one_name(self):
        with patch.dict(arguments._types), patch.dict(arguments._tags):
            register_type(Point, "point", list, list)
            with self.assertRaisesRegex(ValueError, "Point.*'point' before"):
                register_type(Pair, "point", list, list)
