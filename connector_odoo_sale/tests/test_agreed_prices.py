from odoo.tests import tagged

from .test_import_orders import OrderCase


@tagged("post_install", "-at_install")
class TestAgreedPrices(OrderCase):
    """An order whose prices are others than those of the products here and there."""

    def setUp(self):
        super().setUp()
        self.order_id = self.create_order((self.chair, 3), (self.table, 1))
        self.line, self.other_line = self.lines_there(self.order_id)
        self.change_there(self.line, price_unit=50, discount=10)
        self.import_orders()
        self.imported = self.order(self.order_id)

    def change_there(self, line_id, **values):
        self.shop.call("sale.order.line", "write", [line_id], vals=values)

    def content_there(self):
        fields = ["product_uom_qty", "price_unit", "discount", "name"]
        return [
            tuple(self.shop.read("sale.order.line", line_id, fields)[name] for name in fields)
            for line_id in self.lines_there(self.order_id)
        ]

    def content_here(self):
        return [(line.product_uom_qty, line.price_unit, line.discount, line.name) for line in self.imported.order_line]

    def test_c16_the_import_brings_the_agreed_price(self):
        self.assertEqual(self.content_here()[0][:3], (3, 50, 10))
        self.assertEqual(self.content_here(), self.content_there())

    def test_c16_a_quantity_that_changes_there_leaves_price_and_discount(self):
        self.change_there(self.line, product_uom_qty=5, price_unit=50, discount=10)
        self.import_orders()
        self.assertEqual(self.content_here()[0][:3], (5, 50, 10))
        self.assertEqual(self.content_here(), self.content_there())

    def test_c16_a_quantity_that_a_user_changes_here_leaves_the_price(self):
        line = self.imported.order_line[0]
        line.product_uom_qty = 7
        self.assertEqual((line.price_unit, self.imported.order_line[1].price_unit), (50, 100))

    def test_c16_a_price_of_zero_stays_when_a_user_changes_the_quantity(self):
        self.change_there(self.line, price_unit=0, discount=0)
        self.import_orders()
        line = self.imported.order_line[0]
        line.product_uom_qty = 7
        self.assertEqual(line.price_unit, 0)

    def test_c16_a_price_that_changes_there_is_an_agreed_one_too(self):
        self.change_there(self.line, price_unit=1050)
        self.import_orders()
        line = self.imported.order_line[0]
        self.assertEqual(line.price_unit, 1050)
        line.product_uom_qty = 7
        self.assertEqual(line.price_unit, 1050)

    def test_c16_a_line_that_odoo_would_price_is_mended_by_the_next_import(self):
        line = self.imported.order_line[0]
        line.write({"price_unit": 50, "technical_price_unit": 50})
        self.change_there(self.other_line, name="Another table")
        self.import_orders()
        line.product_uom_qty = 7
        self.assertEqual(line.price_unit, 50)

    def test_c16_a_line_that_has_not_changed_is_not_written(self):
        before = self.imported.order_line[1].write_date
        self.env.cr.execute("UPDATE sale_order_line SET write_date = write_date - interval '1 day'")
        self.env.invalidate_all()
        before = self.imported.order_line[1].write_date
        self.change_there(self.line, product_uom_qty=5, price_unit=50, discount=10)
        self.import_orders()
        self.assertNotEqual(self.imported.order_line[0].write_date, before)
        self.assertEqual(self.imported.order_line[1].write_date, before)
