"""Orders that the shop changes after they are here."""

from odoo.tests import tagged

from .shop_case import ShopCase


@tagged("post_install", "-at_install")
class TestChangedOrders(ShopCase):
    def test_the_order_of_a_firm_keeps_its_addresses_when_it_comes_again(self):
        self.shop.add_buyer("b-2", "Grace Hopper", "grace@example.com", firm="Navy Ltd")
        self.shop.place("P-1", "b-2", [("g-1", 1)])
        self.import_orders()
        before = self.order("P-1").partner_invoice_id
        self.shop.revise("P-1", 1, 2)
        self.import_orders()
        self.assertEqual(self.order("P-1").partner_invoice_id, before)
        self.assertIn("Navy Ltd", before.name)

    def test_a_line_whose_product_is_known_later_becomes_a_line_of_it(self):
        purchase = self.shop.place("P-1", "b-1", [("g-1", 2)])
        purchase["positions"][0]["good"] = None
        self.import_orders()
        order = self.order("P-1")
        self.assertEqual((order.state, order.order_line[0].display_type), ("draft", "line_note"))
        purchase["positions"][0]["good"] = "g-1"
        purchase["revised"] = self.shop._now()
        self.import_orders()
        self.assertEqual((order.state, order.order_line.product_id.mapped("name")[0]), ("sale", "Chair"))

    def test_less_than_was_delivered_is_not_ordered_here_and_the_difference_shows(self):
        self.shop.place("P-1", "b-1", [("g-1", 3)])
        self.import_orders()
        order = self.order("P-1")
        self.stock(order)
        self.deliver(order.picking_ids)
        self.run_jobs()
        self.shop.revise("P-1", 1, 1)
        self.import_orders()
        line = order.order_line.filtered(lambda line: line.product_id.name == "Chair")
        self.assertEqual(line.product_uom_qty, 3)
        self.assertIn("in the shop", order.shop_reasons)

    def test_a_delivery_is_not_the_last_while_another_transfer_of_the_order_waits(self):
        self.shop.place("P-1", "b-1", [("g-1", 1), ("g-2", 1)])
        self.import_orders()
        order = self.order("P-1")
        self.stock(order)
        first = order.picking_ids
        other = first.copy({"move_ids": []})
        first.move_ids[1].write({"picking_id": other.id})
        self.deliver(first)
        self.assertFalse(first.backorder_ids)
        binding = self.env["corner.stock.picking"].search([("odoo_id", "=", first.id)])
        self.assertFalse(binding._is_last())
        self.deliver(other)
        self.assertTrue(binding._is_last())

    def test_an_order_that_the_shop_reopens_waits_for_a_person(self):
        self.shop.place("P-1", "b-1", [("g-1", 1)])
        self.import_orders()
        self.shop.drop("P-1")
        self.import_orders()
        order = self.order("P-1")
        self.shop.purchases["P-1"] |= {"state": "open", "revised": self.shop._now()}
        self.import_orders()
        self.assertEqual((order.state, order.canceled_in_backend), ("cancel", False))
        asked = [("model", "=", "sale.order"), ("record_id", "=", order.id), ("state", "=", "need_review")]
        self.assertIn("not cancelled in the shop", self.env["connector.checkpoint"].search(asked).message)

    def test_of_an_order_and_the_one_that_replaces_it_only_the_newer_is_confirmed(self):
        self.shop.place("P-1", "b-1", [("g-1", 1)])
        self.shop.place("P-1-1", "b-1", [("g-1", 2)], replaces="P-1")
        self.import_orders()
        self.assertEqual((self.order("P-1").state, self.order("P-1-1").state), ("cancel", "sale"))
        self.assertEqual(self.order("P-1-1").parent_id, self.order("P-1"))

    def test_an_older_version_that_comes_after_the_newer_one_is_cancelled(self):
        self.shop.place("P-1-1", "b-1", [("g-1", 2)], replaces="P-1")
        self.import_orders()
        self.shop.place("P-1", "b-1", [("g-1", 1)])
        self.import_orders()
        self.assertEqual((self.order("P-1").state, self.order("P-1-1").state), ("cancel", "sale"))

    def test_a_discount_is_not_invoiced_before_the_goods(self):
        self.shop.place("P-1", "b-1", [("g-1", 1)], rebate=500)
        self.import_orders()
        order = self.order("P-1")
        order.order_line.product_id.filtered("is_storable").invoice_policy = "delivery"
        self.assertFalse(any(line._can_be_invoiced_alone() for line in order.order_line if line.price_unit < 0))
