from odoo import Command

from odoo.addons.connector.exception import InvalidDataError, MappingError, NoConnectorUnitError
from odoo.addons.connector.testing import extending
from odoo.addons.connector.testing.registration import registering
from odoo.addons.connector.unit.binding.binder import Binder
from odoo.addons.connector.unit.binding.clock import database_now
from odoo.addons.connector.unit.importer.bulk import BulkImporter
from odoo.addons.connector.unit.importer.record import RecordImporter
from odoo.addons.connector.unit.mapper.mapper import (
    ImportMapChild,
    ImportMapper,
    external_to_m2o,
    mapping,
    only_create,
)
from odoo.addons.jobs_queue.registration import registration_changed

from ..units import webshop
from .common import ShopCase


class ChildrenCase(ShopCase):
    """Orders with lines; a subclass says in which field of the order the lines are."""

    lines = ("lines", "shop_line_ids", "test.shop.order.line")

    def setUp(self):
        super().setUp()
        self.enterContext(registering(webshop))

        class OrderMapper(ImportMapper):
            _model_name = "test.shop.order"
            direct = [("number", "name")]
            children = [self.lines]

        class LineMapper(ImportMapper):
            _model_name = ["test.shop.order.line", "test.order.line"]
            direct = [
                ("product", "name"),
                ("quantity", "quantity"),
                ("date", "date"),
                (external_to_m2o("tag", binding="test.shop.tag"), "tag_id"),
            ]

        self.line_mapper = webshop(LineMapper)
        webshop(OrderMapper)
        self.mapper = self.unit(ImportMapper, "test.shop.order")

    def order(self, *lines):
        """Return the order's record of the shop; a line is given as (id, product, quantity)."""
        keys = ("id", "product", "quantity")
        return {"id": 1, "number": "S1", "lines": [dict(zip(keys, line, strict=True)) for line in lines]}

    def create(self, record):
        """Import a new order and return its binding."""
        values = self.mapper.map_record(record).values(for_create=True)
        binding = self.env["test.shop.order"].create({**values, "backend_id": self.backend.id, "external_id": "1"})
        self.env.flush_all()
        self.env.invalidate_all()
        return binding

    def commands(self, record, binding):
        return self.mapper.map_record(record, binding=binding).values()[self.lines[1]]

    def update(self, record, binding):
        """Import an order again and return the commands for its lines."""
        commands = self.commands(record, binding)
        binding.write({self.lines[1]: commands})
        self.env.flush_all()
        self.env.invalidate_all()
        return commands

    def content(self, binding):
        return [(line.name, line.quantity) for line in binding.line_ids]


class TestLinesThatAreBindings(ChildrenCase):
    def test_lines_that_a_system_leaves_out_are_deleted_where_the_mapper_says_so(self):
        binding = self.create(self.order((11, "apple", 1)))
        without_lines = {"id": 1, "number": "S1"}
        self.update(without_lines, binding)
        self.assertEqual(self.content(binding), [("apple", 1)])
        type(self.mapper)._leaves_out_empty = True
        self.update(without_lines, binding)
        self.assertEqual(self.content(binding), [])

    def test_what_a_line_leaves_out_is_empty_where_its_mapper_says_so(self):
        binding = self.create(self.order((11, "apple", 1)))
        self.line_mapper._leaves_out_empty = True
        self.update({"id": 1, "number": "S1", "lines": [{"id": 11, "product": "apple"}]}, binding)
        self.assertEqual(self.content(binding), [("apple", 0)])

    def test_two_lines_with_one_id_are_refused(self):
        with self.assertRaisesRegex(InvalidDataError, r"several test\.shop\.order\.line with the external id 1"):
            self.create(self.order((1, "Tea", 1), ("1", "Milk", 2)))

    def test_lines_that_are_no_list_of_records_are_refused(self):
        for wrong in ({"1": {}}, "1", [1], {}, "", False, 0):
            with self.assertRaisesRegex(MappingError, "OrderMapper, lines: a list of dicts is expected, not"):
                self.create({"id": 1, "number": "S1", "lines": wrong})

    def test_lines_of_a_new_order_are_created_and_bound(self):
        binding = self.create(self.order((11, "apple", 1), (0, "pear", 2)))
        self.assertEqual(self.content(binding), [("apple", 1), ("pear", 2)])
        lines = binding.shop_line_ids
        self.assertEqual(lines.mapped("external_id"), ["11", "0"])
        self.assertEqual((lines.backend_id, set(lines.mapped("sync_state"))), (self.backend, {"in_sync"}))

    def test_reimporting_an_order_does_not_duplicate_its_lines(self):
        record = self.order((11, "apple", 1), (12, "pear", 2))
        binding = self.create(record)
        self.assertEqual(self.update(record, binding), [])
        self.assertEqual(self.content(binding), [("apple", 1), ("pear", 2)])

    def test_a_line_that_changed_is_updated_by_what_changed(self):
        binding = self.create(self.order((11, "apple", 1), (12, "pear", 2)))
        line = binding.shop_line_ids[1]
        commands = self.update(self.order((11, "apple", 1), (12, "pear", 5)), binding)
        self.assertEqual(commands, [Command.update(line.id, {"quantity": 5})])
        self.assertEqual(self.content(binding), [("apple", 1), ("pear", 5)])

    def test_a_line_that_is_gone_there_is_deleted(self):
        binding = self.create(self.order((11, "apple", 1), (12, "pear", 2)))
        line = binding.shop_line_ids[0]
        record_here = line.odoo_id
        self.assertEqual(self.update(self.order((12, "pear", 2)), binding), [Command.delete(line.id)])
        self.assertEqual((self.content(binding), record_here.exists()), ([("pear", 2)], record_here.browse()))

    def test_all_lines_gone_there_are_deleted(self):
        for lines in ([], None):
            binding = self.create(self.order((11, "apple", 1)))
            self.update({**self.order(), "lines": lines}, binding)
            self.assertEqual(self.content(binding), [])
            binding.odoo_id.unlink()

    def test_what_is_no_list_deletes_no_lines(self):
        binding = self.create(self.order((11, "apple", 1)))
        for wrong in (False, "", 0, {}):
            with self.subTest(wrong), self.assertRaisesRegex(MappingError, "lines: a list of dicts is expected"):
                self.update({**self.order(), "lines": wrong}, binding)
        self.assertEqual(self.content(binding), [("apple", 1)])

    def test_a_record_that_says_nothing_about_lines_leaves_them(self):
        binding = self.create(self.order((11, "apple", 1)))
        self.assertEqual(self.commands({"id": 1, "number": "S1"}, binding), [])

    def test_a_new_line_at_the_end_is_created_there(self):
        binding = self.create(self.order((11, "apple", 1)))
        commands = self.update(self.order((11, "apple", 1), (12, "pear", 2)), binding)
        self.assertEqual([command[0] for command in commands], [Command.CREATE])
        self.assertEqual(self.content(binding), [("apple", 1), ("pear", 2)])

    def test_a_new_line_in_between_is_created_there(self):
        binding = self.create(self.order((11, "apple", 1), (12, "pear", 2)))
        record = self.order((11, "apple", 1), (13, "fig", 3), (12, "pear", 2))
        self.update(record, binding)
        self.assertEqual(self.content(binding), [("apple", 1), ("fig", 3), ("pear", 2)])
        self.assertEqual(self.update(record, binding), [])

    def test_lines_in_another_order_are_reordered(self):
        binding = self.create(self.order((11, "apple", 1), (12, "pear", 2)))
        record = self.order((12, "pear", 2), (11, "apple", 1))
        commands = self.update(record, binding)
        self.assertEqual({command[0] for command in commands}, {Command.UPDATE})
        self.assertEqual(self.content(binding), [("pear", 2), ("apple", 1)])
        self.assertEqual(self.update(record, binding), [])

    def test_after_a_reordering_a_new_line_comes_last(self):
        binding = self.create(self.order(*((number, f"p{number}", 1) for number in range(12))))
        lines = [(number, f"p{number}", 1) for number in reversed(range(12))]
        self.update(self.order(*lines), binding)
        self.update(self.order(*lines, (99, "last", 1)), binding)
        self.assertEqual([name for name, _quantity in self.content(binding)][-2:], ["p0", "last"])

    def test_a_mapping_that_says_the_sequence_has_its_way(self):
        self.line_mapper.direct = [*self.line_mapper.direct, ("position", "sequence")]
        record = self.order((11, "apple", 1), (12, "pear", 2))
        record["lines"][0]["position"], record["lines"][1]["position"] = 9, 3
        binding = self.create(record)
        self.assertEqual(self.content(binding), [("pear", 2), ("apple", 1)])
        self.assertEqual(self.update(record, binding), [])

    def test_an_archived_line_is_not_created_again(self):
        record = self.order((11, "apple", 1))
        binding = self.create(record)
        binding.shop_line_ids.active = False
        self.assertEqual(self.update(record, binding), [])

    def test_only_create_mappings_are_for_new_lines(self):
        self.line_mapper.gift = mapping(only_create(lambda mapper, record: {"name": "gift"}))
        binding = self.create(self.order((11, "apple", 1)))
        self.update(self.order((11, "apple", 1), (12, "pear", 2)), binding)
        self.assertEqual(self.content(binding), [("apple", 1), ("gift", 2)])

    def test_how_a_line_is_found_and_removed_is_said_by_a_unit(self):
        @webshop
        class LineChild(ImportMapChild):
            _model_name = "test.shop.order.line"
            _external_id_key = "product"

            def remove_item(self, record):
                return Command.update(record.id, {"quantity": 0})

        binding = self.create(self.order((1, "apple", 1), (2, "pear", 2)))
        self.assertEqual(binding.shop_line_ids.mapped("external_id"), ["apple", "pear"])
        self.update(self.order((9, "pear", 2)), binding)
        self.assertEqual(self.content(binding), [("apple", 0), ("pear", 2)])

    def test_lines_of_a_record_that_may_be_here_are_refused(self):
        with self.assertRaisesRegex(MappingError, r"shop_line_ids: .*map_record\(record, binding=...\)"):
            self.mapper.map_record(self.order((11, "apple", 1))).values()

    def test_children_go_into_a_relation_to_many(self):
        with self.assertRaisesRegex(MappingError, "test.shop.order has no one2many or many2many called 'name'"):
            type("M", (ImportMapper,), {"children": [("lines", "name", "x")]})(self.environment("test.shop.order"))


class TestPlainLines(ChildrenCase):
    lines = ("lines", "line_ids", "test.order.line")

    def test_without_a_key_a_line_is_found_by_all_that_is_mapped(self):
        record = self.order((None, "apple", 1), (None, "apple", 1), (None, "pear", 2))
        binding = self.create(record)
        self.assertEqual(self.update(record, binding), [])

    def test_without_a_key_a_line_that_changed_is_replaced(self):
        binding = self.create(self.order((None, "apple", 1), (None, "pear", 2)))
        lines = binding.line_ids
        self.update(self.order((None, "apple", 1), (None, "pear", 5)), binding)
        self.assertEqual(self.content(binding), [("apple", 1), ("pear", 5)])
        self.assertEqual((binding.line_ids[0], lines[1].exists()), (lines[0], lines[1].browse()))

    def test_values_are_compared_as_the_field_keeps_them(self):
        record = self.order((None, "apple", 0.1 + 0.2))
        record["lines"][0]["date"] = "2030-01-02"
        binding = self.create(record)
        self.assertEqual(self.update(record, binding), [])

    def test_with_key_fields_a_line_that_changed_is_updated(self):
        webshop(type("LineChild", (ImportMapChild,), {"_model_name": "test.order.line", "_key_fields": ("name",)}))
        binding = self.create(self.order((None, "apple", 1), (None, "pear", 2)))
        line = binding.line_ids[1]
        record = self.order((None, "pear", 5), (None, "fig", 3))
        self.update(record, binding)
        self.assertEqual(self.content(binding), [("pear", 5), ("fig", 3)])
        self.assertEqual(binding.line_ids[0], line)
        self.assertEqual(self.update(record, binding), [])

    def test_a_key_field_has_to_be_mapped(self):
        webshop(type("LineChild", (ImportMapChild,), {"_model_name": "test.order.line", "_key_fields": ("tag_ids",)}))
        binding = self.create(self.order((None, "apple", 1)))
        with self.assertRaisesRegex(MappingError, "LineChild, _key_fields: tag_ids is not mapped"):
            self.commands(self.order((None, "apple", 1)), binding)

    def test_records_in_a_relation_to_many_are_compared(self):
        tag, other = self.tag("1"), self.tag("2")
        commands = [Command.set([tag.odoo_id.id])]
        self.line_mapper.tags = mapping(lambda mapper, record: {"tag_ids": commands})
        record = self.order((None, "apple", 1))
        binding = self.create(record)
        for same in ([(6, 0, [tag.odoo_id.id])], [(5,), (4, tag.odoo_id.id)], [(3, other.odoo_id.id)], []):
            commands = same
            self.assertEqual(self.update(record, binding), [])
        commands = [Command.link(other.odoo_id.id)]
        self.assertTrue(self.update(record, binding))


class TestPageOfOrders(ChildrenCase):
    def test_the_lines_of_a_page_are_matched_by_as_many_queries_as_those_of_one_order(self):
        records, bindings = [], []
        for number in range(5):
            record = self.order((f"{number}a", "apple", 1), (f"{number}b", "pear", 2))
            values = self.mapper.map_record(record).values(for_create=True)
            binding = self.env["test.shop.order"].create({**values, "backend_id": self.backend.id})
            records.append(record)
            bindings.append(binding.id)

        def queries(number):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            page = self.mapper.map_records(
                records[:number], bindings=self.env["test.shop.order"].browse(bindings[:number])
            )
            for values in page.values():
                self.assertEqual(values, {"name": "S1", "shop_line_ids": []})
            return self.env.cr.sql_log_count - before

        self.assertEqual(queries(5), queries(1))

    def test_what_lines_point_to_is_looked_up_by_one_query(self):
        tags = [self.tag(str(number)) for number in range(4)]
        records = []
        for number in range(4):
            record = self.order((number, "apple", 1))
            record["lines"][0]["tag"] = number
            records.append(record)
        self.env.flush_all()
        self.env.invalidate_all()
        database_now(self.mapper.environment)
        with self.assertQueryCount(1):
            values_list = self.mapper.map_records(records).values(for_create=True)
        found = [values["shop_line_ids"][0][2]["tag_id"] for values in values_list]
        self.assertEqual(found, [tag.odoo_id.id for tag in tags])


class TestImportOfOrders(ChildrenCase):
    def test_importing_an_order_again_does_not_duplicate_its_lines(self):
        importer = self.unit(RecordImporter, "test.shop.order")
        self.shop.table("test.shop.order")[1] = self.order((11, "apple", 1), (12, "pear", 2))
        importer.run(1)
        lines = self.env["test.order.line"].search([])
        importer.run(1, force=True)
        self.shop.table("test.shop.order")[1] = self.order((11, "apple", 3), (12, "pear", 2))
        importer.run(1)
        self.assertEqual(self.env["test.order.line"].search([]), lines)
        self.assertEqual(lines.mapped("quantity"), [3, 2])

    def test_a_page_of_orders_looks_up_what_their_lines_point_to_by_one_query(self):
        tags = [self.tag(str(number)) for number in range(4)]
        for number in range(4):
            order = self.order((number, "apple", 1))
            order["lines"][0]["tag"] = number
            self.shop.table("test.shop.order")[number] = {**order, "id": number}
        looked_up = []

        class CountingBinder(Binder):
            def _search(self, field_name, values):
                looked_up.append((self.model._name, len(values)))
                return super()._search(field_name, values)

        with extending(webshop, CountingBinder):
            self.unit(BulkImporter, "test.shop.order").run(list(self.shop.table("test.shop.order").values()))
        self.assertEqual([entry for entry in looked_up if entry[0] == "test.shop.tag"], [("test.shop.tag", 4)])
        self.assertEqual(self.env["test.order.line"].search([]).tag_id.ids, [tag.odoo_id.id for tag in tags])


class TestChildrenWithoutMapper(ChildrenCase):
    """Lines for which no mapper is registered."""

    def setUp(self):
        super().setUp()
        self.binding = self.create(self.order((1, "Ball", 2)))
        webshop._registrations[:] = [
            registration for registration in webshop._registrations if registration.unit_class is not self.line_mapper
        ]
        registration_changed()
        self.mapper = self.unit(ImportMapper, "test.shop.order")

    def map_without_lines(self):
        return self.mapper.map_record({"id": 1, "number": "S2"}, binding=self.binding).values()

    def test_a_class_that_makes_the_lines_itself_needs_none_to_leave_them(self):
        class OwnLines(ImportMapChild):
            _model_name = "test.shop.order.line"

            def get_items(self, items, parent, target, options):
                return [Command.create({"name": item["product"]}) for item in items]

        webshop(OwnLines)
        self.assertEqual(self.map_without_lines(), {"name": "S2", "shop_line_ids": []})

    def test_all_others_are_told_that_it_is_missing(self):
        with self.assertRaisesRegex(NoConnectorUnitError, "test.shop.order.line"):
            self.map_without_lines()


class TestLinesOfMappingMethods(ShopCase):
    """Lines for which a mapping method returns commands of its own."""

    def setUp(self):
        super().setUp()
        self.enterContext(registering(webshop))
        self.commands = [Command.create({"name": "apple"})]

        class OrderMapper(ImportMapper):
            _model_name = "test.shop.order"
            direct = [("number", "name")]

        self.mapper = webshop(OrderMapper)
        self.mapper.lines = mapping(lambda mapper, record: {"line_ids": self.commands})

    def run_import(self, *, lines=None):
        """Import the order, and return the names of its lines."""
        data = {"id": 1, "number": "S1", **({} if lines is None else {"lines": lines})}
        self.unit(RecordImporter, "test.shop.order").run(1, data=data, force=True)
        return self.unit(Binder, "test.shop.order").to_internal(1, unwrap=True).line_ids.mapped("name")

    def test_lines_that_each_import_would_add_again_are_refused(self):
        self.run_import()
        with self.assertRaisesRegex(MappingError, r"OrderMapper, line_ids: Command\.create adds these lines again"):
            self.run_import()
        self.assertEqual(self.env["test.order.line"].search_count([]), 1)

    def test_lines_that_the_record_does_not_have_are_added(self):
        self.run_import()
        self.commands = [Command.create({"name": "pear"})]
        self.assertEqual(self.run_import(), ["apple", "pear"])

    def test_lines_that_a_binding_has_itself_are_refused_too(self):
        self.mapper.direct = []
        line = {"name": "apple", "backend_id": self.backend.id}
        self.mapper.lines = mapping(lambda mapper, record: {"shop_line_ids": [Command.create(line)]})
        self.run_import()
        with self.assertRaisesRegex(MappingError, "OrderMapper, shop_line_ids"):
            self.run_import()

    def test_records_of_a_many2many_that_each_import_would_add_again_are_refused(self):
        class LineMapper(ImportMapper):
            _model_name = "test.shop.order.line"
            direct = [("product", "name")]

            @mapping
            def tags(self, record):
                return {"tag_ids": [Command.create({"name": "Fruit"})]}

        webshop(LineMapper)
        self.mapper.lines = None
        self.mapper.children = [("lines", "shop_line_ids", "test.shop.order.line")]
        self.run_import(lines=[{"id": 11, "product": "apple"}])
        with self.assertRaisesRegex(MappingError, "LineMapper, tag_ids"):
            self.run_import(lines=[{"id": 11, "product": "apple"}])

    def test_lines_are_added_where_there_are_none(self):
        self.commands = []
        self.run_import()
        self.commands = [Command.create({"name": "apple"})]
        self.assertEqual(self.run_import(), ["apple"])

    def test_commands_that_replace_or_name_the_lines_are_written(self):
        self.run_import()
        self.commands = [Command.clear(), Command.create({"name": "pear"})]
        self.assertEqual((self.run_import(), self.run_import()), (["pear"], ["pear"]))
        line = self.env["test.order.line"].search([])
        self.commands = [Command.link(line.id), Command.create({"name": "fig"})]
        self.assertEqual(self.run_import(), ["pear", "fig"])

    def test_lines_that_are_given_only_at_the_creation_are_given_once(self):
        self.mapper.lines = only_create(self.mapper.lines)
        self.assertEqual((self.run_import(), self.run_import()), (["apple"], ["apple"]))
