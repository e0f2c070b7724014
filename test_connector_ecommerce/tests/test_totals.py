"""Totals of orders that a real shop has made: ours are equal to the cent."""

from odoo.tests import tagged

from .given_orders import GivenOrdersCase


@tagged("post_install", "-at_install")
class TestTotals(GivenOrdersCase):
    def setUp(self):
        super().setUp()
        for tax in self.tax_7 | self.tax_19:
            tax.copy({"price_include_override": "tax_excluded", "name": f"{tax.amount:.0f} % on top"})

    def assert_confirmed(self, order, total, tax):
        self.assertEqual((order.state, order.shop_reasons), ("sale", ""))
        self.assertEqual((f"{order.amount_total:.2f}", f"{order.amount_tax:.2f}"), (total, tax))
        self.assertFalse(order.order_line.filtered(lambda line: line.product_id == self.rounding))

    def test_two_rates_and_shipping(self):
        order = self.import_order("153.20", "22.90", [(2, "49.90", "99.80"), (1, "15.50", "15.50", 7)], "15.00")
        self.assert_confirmed(order, "153.20", "22.90")

    def test_a_discount_of_ten_percent_on_each_line(self):
        lines = [(1, "333.33", "300.00", 19, 10), (1, "9.99", "8.99", 19, 10)]
        self.assert_confirmed(self.import_order("373.65", "59.66", lines, "5.00"), "373.65", "59.66")

    def test_rows_that_are_rounded_otherwise_than_their_pieces(self):
        lines = [(3, "49.90", "149.70"), (2, "333.33", "666.66")]
        self.assert_confirmed(self.import_order("1001.22", "159.86", lines, "25.00"), "1001.22", "159.86")

    def test_products_with_tax_and_shipping_without_it(self):
        lines = [(3, "49.90", "134.73", 19, 0, True), (7, "1.03", "6.49", 19, 0, True)]
        self.assert_confirmed(self.import_order("193.64", "30.92", lines, "44.05"), "193.64", "30.92")

    def test_an_order_in_another_currency(self):
        usd = self.env.ref("base.USD")
        usd.active = True
        self.env["res.currency.rate"].create(
            {"currency_id": usd.id, "company_id": self.company.id, "name": "2026-01-01", "rate": 1.1}
        )
        order = self.import_order("706.86", "112.86", [(12, "44.00", "528.00")], "66.00", currency="USD")
        self.assert_confirmed(order, "706.86", "112.86")
        self.assertEqual(order.currency_id, usd)

    def test_cents_that_the_shop_carries_from_row_to_row(self):
        order = self.import_order("6.13", "0.98", [(1, "1.03", "1.03")] * 5)
        self.assert_confirmed(order, "6.13", "0.98")

    def test_what_is_rounded_by_line_gets_a_rounding_line(self):
        self.company.tax_calculation_rounding_method = "round_per_line"
        order = self.import_order("6.13", "0.98", [(1, "1.03", "1.03")] * 5)
        self.assertEqual((order.state, f"{order.amount_total:.2f}"), ("sale", "6.13"))
        [line] = order.order_line.filtered(lambda line: line.product_id == self.rounding)
        self.assertEqual(f"{line.price_total:.2f}", "-0.02")

    def test_a_total_that_differs_by_more_blocks_the_order(self):
        order = self.import_order("20.00", "1.90", [(1, "10.00", "10.00")])
        self.assertEqual(order.state, "draft")
        self.assertIn("20.00", order.shop_reasons)

    def test_a_free_order_is_confirmed(self):
        order = self.import_order("0.00", "0.00", [(1, "0.00", "0.00")])
        self.assert_confirmed(order, "0.00", "0.00")

    def test_a_rate_that_no_tax_here_has_blocks_the_order(self):
        order = self.import_order("10.50", "0.50", [(1, "10.00", "10.00", 5)])
        self.assertEqual(order.state, "draft")
        self.assertIn("5 %", order.shop_reasons)

    def test_a_product_that_is_deleted_there_blocks_the_order_and_is_named(self):
        lines = [(1, "10.00", "10.00", 19, 0, False, None)]
        order = self.import_order("11.90", "1.90", lines)
        self.assertEqual(order.state, "draft")
        self.assertIn("SKU-1", order.shop_reasons)

    def test_an_order_of_four_hundred_lines(self):
        order = self.import_order("4760.00", "760.00", [(1, "10.00", "10.00")] * 400)
        self.assert_confirmed(order, "4760.00", "760.00")
