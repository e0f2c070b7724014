from contextlib import contextmanager
from unittest.mock import patch

from odoo import Command

from odoo.addons.connector.event import on_record_change, on_record_write
from odoo.addons.connector.exception import MappingError
from odoo.addons.connector.testing.registration import registering
from odoo.addons.connector.unit.binding import kept
from odoo.addons.connector.unit.binding.binder import Binder
from odoo.addons.connector.unit.binding.kept import Together
from odoo.addons.connector.unit.importer.record import RecordImporter
from odoo.addons.connector.unit.mapper.mapper import ImportMapChild, ImportMapper, mapping, only_create
from odoo.addons.jobs_queue.registration import registration_changed

from ..units import webshop
from .common import ShopCase


class KeptCase(ShopCase):
    """Partners and orders whose mappers map what Odoo computes from other mapped fields."""

    def setUp(self):
        super().setUp()
        self.enterContext(registering(webshop))

        class OrderMapper(ImportMapper):
            _model_name = "test.shop.order"
            direct = [("number", "name"), ("urgency", "urgency")]
            children = [("lines", "shop_line_ids", "test.shop.order.line")]

        class LineMapper(ImportMapper):
            _model_name = "test.shop.order.line"
            direct = [("product", "name"), ("quantity", "quantity"), ("price", "price"), ("rank", "rank")]

        self.order_mapper, self.line_mapper = OrderMapper, LineMapper
        webshop(OrderMapper)
        webshop(LineMapper)
        self.record = {
            "id": 1,
            "number": "S1",
            "urgency": 1,
            "lines": [
                {"id": 11, "product": "apple", "quantity": 1, "price": 50, "rank": 7},
                {"id": 12, "product": "pear", "quantity": 2, "price": 60, "rank": 8},
            ],
        }

    def run_import(self):
        with self.written() as written:
            self.unit(RecordImporter, "test.shop.order").run(1, force=True, data=self.record)
            self.env.flush_all()
        self.env.invalidate_all()
        return written

    @contextmanager
    def written(self):
        """Give a list of (model, id, field names): each write to an order or line in the block."""
        found = []

        def noting(model_name):
            write = type(self.env[model_name]).write

            def noting_write(records, vals):
                found.extend((model_name, record.id, set(vals)) for record in records)
                return write(records, vals)

            return patch.object(type(self.env[model_name]), "write", noting_write)

        with noting("test.order"), noting("test.order.line"):
            yield found

    @property
    def order(self):
        return self.unit(Binder, "test.shop.order").to_internal(1, unwrap=True)

    def content(self):
        return [(line.name, line.quantity, line.price, line.rank) for line in self.order.line_ids]


class TestKeptValues(KeptCase):
    def test_c16_a_price_stays_when_the_quantity_changes(self):
        self.run_import()
        apple = self.order.line_ids[0]
        self.record["lines"][0]["quantity"] = 5
        written = self.run_import()
        self.assertEqual(self.content(), [("apple", 5, 50, 7), ("pear", 2, 60, 8)])
        self.assertEqual(written, [("test.order.line", apple.id, {"quantity", "price"})])

    def test_c16_what_the_order_brings_is_kept_in_all_lines(self):
        self.run_import()
        self.record["urgency"] = 3
        written = self.run_import()
        self.assertEqual(self.content(), [("apple", 1, 50, 7), ("pear", 2, 60, 8)])
        self.assertEqual(written[1:], [("test.order.line", line.id, {"rank"}) for line in self.order.line_ids])

    def test_c16_an_order_and_a_line_that_change_together(self):
        self.run_import()
        self.record["urgency"] = 3
        self.record["lines"][0].update(quantity=5)
        self.record["lines"][1].update(price=61, rank=9)
        self.record["lines"].append({"id": 13, "product": "fig", "quantity": 3, "price": 1, "rank": 2})
        self.run_import()
        self.assertEqual(self.content(), [("apple", 5, 50, 7), ("pear", 2, 61, 9), ("fig", 3, 1, 2)])
        self.assertEqual(self.run_import(), [])

    def test_a_record_with_only_what_has_changed_leaves_the_other_fields_as_they_are(self):
        self.run_import()
        self.record = {"id": 1, "lines": [{"id": 11, "quantity": 5}, {"id": 12, "quantity": 9}]}
        self.run_import()
        self.assertEqual(self.content(), [("apple", 5, 50, 7), ("pear", 9, 60, 8)])
        self.record = {"id": 1, "urgency": 3, "lines": [{"id": 11}, {"id": 12, "quantity": 7}]}
        self.run_import()
        self.assertEqual(self.content(), [("apple", 5, 50, 7), ("pear", 7, 60, 8)])

    def test_a_record_that_says_nothing_of_its_lines_leaves_them_as_they_are(self):
        self.run_import()
        self.record = {"id": 1, "urgency": 3}
        self.run_import()
        self.assertEqual(self.content(), [("apple", 1, 50, 7), ("pear", 2, 60, 8)])

    def test_the_lines_that_a_record_does_not_name_are_not_read_without_need(self):
        self.run_import()
        self.record = {"id": 1, "number": "S2"}
        with patch.object(ImportMapChild, "get_existing", side_effect=AssertionError("read")):
            self.run_import()
        self.assertEqual(self.order.name, "S2")

    def test_an_amount_is_compared_in_the_currency_that_comes_with_it(self):
        def currency(mapper, record):
            return {"currency_id": mapper.env.ref(f"base.{record['currency']}").id}

        class CurrencyMapper(ImportMapper):
            direct = [("total", "total")]
            currency_id = mapping(currency)

        self.order_mapper.__bases__ = (CurrencyMapper,)
        self.line_mapper.direct = [("product", "name"), ("amount", "amount")]
        registration_changed()
        self.record.update(currency="JPY", total=20)
        for line in self.record["lines"]:
            line.update(amount=30)
        self.run_import()
        self.record.update(currency="EUR", total=19.99)
        self.record["lines"][0].update(amount=29.99)
        self.run_import()
        self.assertEqual((self.order.total, self.order.line_ids.mapped("amount")), (19.99, [29.99, 30]))
        self.assertEqual(self.run_import(), [])

    def test_c16_without_a_change_nothing_is_written(self):
        self.run_import()
        self.assertEqual(self.run_import(), [])

    def test_c16_a_field_that_is_not_mapped_is_computed(self):
        self.line_mapper.direct = [("product", "name"), ("quantity", "quantity")]
        registration_changed()
        self.run_import()
        self.assertEqual(self.content()[0], ("apple", 1, 10, 10))
        self.record["lines"][0]["quantity"] = 5
        self.record["urgency"] = 3
        self.run_import()
        self.assertEqual(self.content()[0], ("apple", 5, 50, 30))

    def test_c16_a_value_that_is_given_only_at_the_creation_is_kept_where_the_mapper_says_so(self):
        self.line_mapper.direct = [("product", "name"), ("quantity", "quantity")]
        self.line_mapper.price = only_create(mapping(lambda mapper, record: {"price": record["price"]}))
        self.line_mapper._written_with = {"quantity": ("price",)}
        registration_changed()
        self.run_import()
        self.record["lines"][0]["quantity"] = 5
        self.order.line_ids[1].price = 61  # by a user
        self.record["lines"][1]["quantity"] = 4
        self.run_import()
        self.assertEqual(self.order.line_ids.mapped(lambda line: (line.quantity, line.price)), [(5, 50), (4, 61)])

    def test_c16_a_field_that_code_changes_is_written_with_the_field_that_leads_there(self):
        lines = type(self.env["test.order.line"])
        write = lines.write

        def write_name(line, vals):
            return write(line, {"date": "2026-01-31", **vals} if "name" in vals else vals)

        self.line_mapper.direct = [*self.line_mapper.direct, ("day", "date")]
        self.line_mapper._written_with = {"name": ("date",)}
        for line in self.record["lines"]:
            line["day"] = "2026-02-01"
        self.run_import()
        self.record["lines"][0]["product"] = "Apple"
        with patch.object(lines, "write", write_name):
            self.run_import()
        self.assertEqual(self.order.line_ids.mapped(lambda line: str(line.date)), ["2026-02-01"] * 2)

    def test_c16_written_with_names_fields(self):
        for wrong, reason in (
            ({"nmae": ("date",)}, "has no field 'nmae'"),
            ({"name": "date"}, "'date' is not a tuple"),
        ):
            with self.subTest(reason), self.assertRaisesRegex(MappingError, f"_written_with: .*{reason}"):
                type("Mapper", (ImportMapper,), {"_written_with": wrong})(self.environment("test.shop.order.line"))

    def test_c16_written_with_adds_to_that_of_the_base_class(self):
        class Base(ImportMapper):
            _written_with = {"name": ("date",)}

        class Mapper(Base):
            _written_with = {"name": ("price",), "price": ("rank",)}

        mapper = Mapper(self.environment("test.shop.order.line"))
        self.assertEqual(mapper.written_with, {"name": ("date", "price"), "price": ("rank",)})

    def test_c16_consumers_are_told_of_what_changes_only(self):
        self.run_import()
        told = []

        def note(session, model_name, record_id, vals):
            told.append((record_id, set(getattr(vals, "fields", vals))))

        for event in (on_record_write, on_record_change):
            event.subscribe(note, model_names=["test.order.line"])
            self.addCleanup(lambda event=event: event.unsubscribe(note, model_names=["test.order.line"]))
        apple = self.order.line_ids[0]
        self.record["lines"][0]["quantity"] = 5
        self.record["urgency"] = 3
        self.run_import()
        self.assertEqual(told, [(apple.id, {"quantity"})])

    def test_c16_what_is_computed_is_looked_up_once(self):
        self.run_import()
        self.record["lines"][0]["quantity"] = 5
        self.run_import()
        with patch.object(kept, "_is_protected", side_effect=AssertionError("looked up again")):
            for quantity in (6, 7):
                self.record["lines"][0]["quantity"] = quantity
                self.run_import()
        self.assertEqual(self.content()[0], ("apple", 7, 50, 7))

    def test_c16_a_command_says_what_is_kept(self):
        self.run_import()
        self.record["lines"][0]["quantity"] = 5
        binding = self.env["test.shop.order"].search([("odoo_id", "=", self.order.id)])
        mapper = self.unit(ImportMapper, "test.shop.order")
        (command,) = mapper.map_record(self.record, binding=binding).values()["shop_line_ids"]
        self.assertEqual(command, Command.update(binding.shop_line_ids[0].id, {"quantity": 5, "price": 50}))
        self.assertIsInstance(command[2], Together)
        self.assertEqual(command[2].kept, {"price"})


class TestKeptValuesOfPlainLines(KeptCase):
    """The same for lines that are no bindings, which Odoo writes together with the order."""

    def setUp(self):
        super().setUp()

        class PlainLineMapper(ImportMapper):
            _model_name = "test.order.line"
            direct = [("product", "name"), ("quantity", "quantity"), ("price", "price"), ("rank", "rank")]

        class PlainOrderMapper(ImportMapper):
            _model_name = "test.shop.order"
            direct = [("number", "name"), ("urgency", "urgency")]
            children = [("lines", "line_ids", "test.order.line")]

        webshop._registrations[:] = [
            registration for registration in webshop._registrations if registration.unit_class.__name__ != "OrderMapper"
        ]
        webshop(PlainLineMapper)
        webshop(PlainOrderMapper)

        class PlainLineChild(ImportMapChild):
            _model_name = "test.order.line"
            _key_fields = ("name",)

        webshop(PlainLineChild)

    def test_c16_a_price_stays_when_the_quantity_changes(self):
        self.run_import()
        self.record["lines"][0]["quantity"] = 5
        self.run_import()
        self.assertEqual(self.content(), [("apple", 5, 50, 7), ("pear", 2, 60, 8)])

    def test_c16_what_the_order_brings_is_kept_in_all_lines(self):
        self.run_import()
        self.record["urgency"] = 3
        self.record["lines"][1]["rank"] = 9
        self.record["lines"].append({"id": 13, "product": "fig", "quantity": 3, "price": 1, "rank": 2})
        self.run_import()
        self.assertEqual(self.content(), [("apple", 1, 50, 7), ("pear", 2, 60, 9), ("fig", 3, 1, 2)])
        self.assertEqual(self.run_import(), [])

    def test_a_record_with_only_what_has_changed_leaves_the_other_fields_as_they_are(self):
        self.run_import()
        self.record = {
            "id": 1,
            "urgency": 3,
            "lines": [{"product": "apple", "quantity": 6}, {"product": "pear", "quantity": 9}],
        }
        self.run_import()
        self.assertEqual(self.content(), [("apple", 6, 50, 7), ("pear", 9, 60, 8)])
        self.record = {"id": 1, "urgency": 4}
        self.run_import()
        self.assertEqual(self.content(), [("apple", 6, 50, 7), ("pear", 9, 60, 8)])
