import math
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

from markupsafe import Markup

from odoo.addons.connector import external_to_m2o
from odoo.addons.connector.exception import MappingError
from odoo.addons.connector.unit.binding.binder import Binder
from odoo.addons.connector.unit.mapper.mapper import ImportMapper, as_boolean, convert, none_if

from ..external import shop
from ..units import PartnerImporter
from .test_mapper import MapperCase

NOT_FINITE = (math.nan, math.inf, -math.inf, Decimal("NaN"))
CONTAINERS = ({"en_US": "Ada"}, ["Ada"], ("Ada",), object())


class TestCheckedValues(MapperCase):
    """What `direct` takes for a field of each type, and what it refuses."""

    def taken(self, field, value, model_name="test.shop.partner"):
        return self.imported({"x": value}, model_name=model_name, direct=[("x", field)])[field]

    def assert_taken(self, field, *pairs, **options):
        for value, expected in pairs:
            with self.subTest(field=field, value=value):
                taken = self.taken(field, value, **options)
                self.assertEqual((taken, type(taken)), (expected, type(expected)))

    def assert_refused(self, field, *values, way_out="expected", **options):
        for value in values:
            with (
                self.subTest(field=field, value=value),
                self.assertRaisesRegex(MappingError, f", {field}: .*{way_out}"),
            ):
                self.taken(field, value, **options)

    def test_c13_a_boolean_takes_true_false_1_and_0(self):
        self.assert_taken("newsletter", (True, True), (False, False), (1, True), (0, False), (None, False))
        self.assert_refused(
            "newsletter", "0", "1", "false", "true", "", 2, -1, 1.0, *CONTAINERS, way_out=r"as_boolean\(\)"
        )

    def test_c13_a_text_takes_texts_and_whole_numbers(self):
        for field in ("nickname", "comment", "name"):
            self.assert_taken(field, ("Ada", "Ada"), ("", ""), (4711, "4711"), (None, False), (False, False))
            self.assert_refused(field, True, 1.5, b"Ada", *NOT_FINITE, *CONTAINERS, way_out=r"convert\(\)")
        self.assertEqual(self.taken("comment", Markup("<p>Hi</p>")), Markup("<p>Hi</p>"))

    def test_c13_an_integer_takes_whole_numbers_also_as_texts(self):
        self.assert_taken(
            "points",
            (7, 7),
            (0, 0),
            (7.0, 7),
            ("7", 7),
            ("-7", -7),
            ("7.0000", 7),
            (Decimal("7"), 7),
            (None, False),
            (False, False),
        )
        self.assert_refused(
            "points", True, "", " 7", "7,0", "1_000", "\N{ARABIC-INDIC DIGIT SEVEN}", b"7", *NOT_FINITE, *CONTAINERS
        )
        self.assert_refused("points", 7.5, "7.5", way_out=r"convert\(\) rounds it")

    def test_c13_a_float_takes_finite_numbers_also_as_texts(self):
        self.assert_taken(
            "discount",
            (19.99, 19.99),
            (20, 20),
            ("19.99", 19.99),
            ("-0.5", -0.5),
            (".5", 0.5),
            ("19.9900000000000000000", 19.99),
            ("1.0E-5", 0.00001),
            (Decimal("19.99"), 19.99),
            (None, False),
        )
        self.assert_refused("discount", True, "", "19,99", "1.234,50", "1,234.50", "19.99 EUR", "nan", "inf", "0x10")
        self.assert_refused("discount", *NOT_FINITE, *CONTAINERS, b"1", 10**400, "1e999", way_out="number")
        self.assert_refused("discount", "12345678901234567.891", way_out=r"convert\(\) rounds it")

    def test_c13_a_date_takes_dates(self):
        model = {"model_name": "test.shop.order.line"}
        day = date(2026, 1, 31)
        self.assert_taken(
            "date",
            ("2026-01-31", day),
            (day, day),
            ("2026-01-31 00:00:00", day),
            (None, False),
            (False, False),
            **model,
        )
        self.assert_refused(
            "date",
            "",
            "0000-00-00",
            "31.01.2026",
            "2026-02-30",
            "2026-01-31 23:30:00",
            "2026-01-31T00:00:00+02:00",
            datetime(2026, 1, 31, 8),
            1769846400,
            True,
            *CONTAINERS,
            **model,
        )

    def test_c13_a_datetime_takes_moments_in_utc_or_with_their_zone(self):
        moment = datetime(2026, 1, 31, 8, 15)
        zone = timezone(timedelta(hours=2))
        self.assert_taken(
            "sync_date",
            ("2026-01-31 08:15:00", moment),
            ("2026-01-31T08:15:00Z", moment),
            ("2026-01-31T10:15:00+02:00", moment),
            ("2026-01-31T10:15:00+0200", moment),
            ("2026-01-31T08:15:00.123Z", moment),
            ("2026-01-31 08:15:00.123456", moment),
            (moment.replace(microsecond=5), moment),
            (datetime(2026, 1, 31, 10, 15, tzinfo=zone), moment),
            ("2026-01-31", datetime(2026, 1, 31)),
            (None, False),
            (False, False),
        )
        self.assert_refused(
            "sync_date",
            "",
            "now",
            "0000-00-00 00:00:00",
            "2026-13-01 00:00:00",
            "0001-01-01T00:00:00+01:00",
            1769846400,
            True,
            *CONTAINERS,
        )

    def test_c13_a_selection_takes_the_key_of_an_option(self):
        self.assert_taken("type", ("invoice", "invoice"), (None, False), (False, False))
        self.assert_refused("type", 0, 1, True, *CONTAINERS)

    def test_c13_a_binary_takes_base64(self):
        self.assert_taken("image_1920", ("aGk=", "aGk="), (b"aGk=", b"aGk="), (None, False), (False, False))
        self.assert_refused("image_1920", 5, True, *CONTAINERS)

    def test_c13_a_many2one_takes_an_id_from_a_modifier(self):
        def give(value):
            return self.imported({"x": value}, direct=[(convert("x", lambda x: x), "base_tag_id")])["base_tag_id"]

        self.assertEqual((give(7), give(None), give(False)), (7, False, False))
        for value in ("7", True, 7.0, {"id": 7}, [7]):
            with self.subTest(value=value), self.assertRaisesRegex(MappingError, r"base_tag_id: .*external_to_m2o\(\)"):
                give(value)

    def test_c13_what_a_modifier_gives_is_checked_too(self):
        with self.assertRaisesRegex(MappingError, "discount: nan is not written into a field of the type float"):
            self.imported({"x": "nan"}, direct=[(convert("x", float), "discount")])

    def test_c13_the_error_names_field_and_value_and_cuts_the_value(self):
        with self.assertRaisesRegex(
            MappingError, r"SomeMapper, nickname: \{'en_US': 'Ada'\} is not written into .* char"
        ) as caught:
            self.taken("nickname", {"en_US": "Ada"})
        with self.assertRaises(MappingError) as caught:
            self.taken("nickname", ["x" * 10_000] * 100)
        self.assertLess(len(str(caught.exception)), 1000)

    def test_c13_the_error_has_no_secret(self):
        for value in ({"password": "hunter2"}, [{"api_key": "hunter2"}]):
            with self.assertRaises(MappingError) as caught:
                self.taken("nickname", value)
            self.assertNotIn("hunter2", str(caught.exception))


class TestBooleans(MapperCase):
    def give(self, value):
        return self.imported({"x": value}, direct=[(as_boolean("x"), "newsletter")])["newsletter"]

    def test_c13_what_shops_send_for_a_boolean(self):
        for value in ("1", 1, True, "true", "True", "YES", "y", "on", " t "):
            self.assertIs(self.give(value), True, value)
        for value in ("0", 0, False, "false", "FALSE", "no", "N", "off", "f", None):
            self.assertIs(self.give(value), False, value)

    def test_c13_anything_else_is_refused_by_name(self):
        for value in ("", "maybe", 2, 0.0, [], {}):
            with (
                self.subTest(value=value),
                self.assertRaisesRegex(MappingError, "newsletter: .* is neither true nor false"),
            ):
                self.give(value)

    def test_c13_it_composes(self):
        direct = [(as_boolean(none_if("x", "")), "newsletter")]
        self.assertEqual(self.imported({"x": ""}, direct=direct), {"newsletter": False})


class TestNoneIf(MapperCase):
    def test_c27_a_value_that_means_none(self):
        direct = [(external_to_m2o(none_if("parent", 0, "0"), binding="test.shop.partner"), "parent_id")]
        parent = self.partner("7")
        for value in (0, "0", None):
            self.assertEqual(self.imported({"parent": value}, direct=direct), {"parent_id": False})
        self.assertEqual(self.imported({"parent": 7}, direct=direct), {"parent_id": parent.odoo_id.id})
        self.assertEqual(self.imported({}, direct=direct), {})

    def test_c27_a_page_looks_nothing_up_for_none(self):
        direct = [(external_to_m2o(none_if("parent", 0), binding="test.shop.partner"), "parent_id")]
        mapper = self.mapper(direct=direct)
        self.assertEqual(
            [values["parent_id"] for values in mapper.map_records([{"parent": 0}] * 2).values()], [False] * 2
        )

    def mapper(self, **attributes):
        return type("SomeMapper", (ImportMapper,), attributes)(self.environment("test.shop.partner"))

    def test_c27_zero_false_and_their_texts_are_not_the_same(self):
        for value in ("0", False, "", 1):
            values = self.imported({"x": value}, direct=[(convert(none_if("x", 0), repr), "nickname")])
            self.assertEqual(values, {"nickname": repr(value)})

    def test_c27_a_none_of_no_value_is_refused(self):
        with self.assertRaisesRegex(TypeError, r"none_if\(\) is told the values"):
            none_if("parent")

    def test_c27_a_dependency_that_means_none(self):
        class Importer(PartnerImporter):
            def _import_dependencies(self):
                self._import_dependency(self.external_record["invoice_to"], "test.shop.partner", none_if=(0, "0"))

        for nobody in (0, "0", None):
            message = Importer(self.environment()).run(1, True, {"id": 1, "name": "Ada", "invoice_to": nobody})
            self.assertRegex(message, "from record 1")
        shop.table("test.shop.partner")[7] = {"id": 7, "name": "Bob"}
        Importer(self.environment()).run(1, True, {"id": 1, "name": "Ada", "invoice_to": 7})
        self.assertTrue(self.unit(Binder).to_internal(7))
