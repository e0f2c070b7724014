from datetime import UTC, date, datetime
from decimal import Decimal

from odoo.tests import TransactionCase, tagged

from odoo.addons.connector.exception import NotReadableJobError, NotSerializableJobError
from odoo.addons.connector.queue.codec import decode, decode_call, encode, encode_call


@tagged("post_install", "-at_install")
class TestCodec(TransactionCase):
    def test_every_listed_type_comes_back_as_it_was(self):
        values = [
            None, True, 0, -3, 2**70, 1.5, "", "é\x00\n", [1, [2]], (1, (2,)), {"a": {"b": ()}}, {1: "x", (2, 3): "y"},
            date(2024, 2, 29), datetime(2024, 2, 29, 12, 30, 1, 5), datetime(2024, 2, 29, tzinfo=UTC), Decimal("1.10"), b"\x00\xff",
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
