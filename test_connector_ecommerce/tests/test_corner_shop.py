"""The corner shop from the order to the delivery: each step as a person there or here does it."""

from odoo.tests import tagged

from odoo.addons.connector import ConnectorSession, ExportMapper, get_environment

from .shop_case import ShopCase


@tagged("post_install", "-at_install")
class TestCornerShop(ShopCase):
    def test_an_order_is_confirmed_with_the_total_of_the_shop(self):
        self.shop.place("P-1", "b-1", [("g-1", 2), ("g-2", 1)], carriage=490)
        self.import_orders()
        order = self.order("P-1")
        self.assertEqual((order.state, order.amount_total), ("sale", 144.88))
        self.assertEqual(order.amount_tax, self.shop.purchases["P-1"]["levy_minor"] / 100)
        self.assertEqual(order.partner_id.name, "Ada Lovelace")
        self.assertEqual(order.order_line.filtered("is_delivery").price_total, 4.90)

    def test_a_voucher_is_taken_off(self):
        self.shop.place("P-1", "b-1", [("g-1", 2)], rebate=500)
        self.import_orders()
        self.assertEqual((self.order("P-1").state, self.order("P-1").amount_total), ("sale", 34.98))

    def test_orders_that_come_again_change_nothing(self):
        self.shop.place("P-1", "b-1", [("g-1", 2)], carriage=490)
        self.import_orders()
        before = self.order("P-1").order_line.read()
        self.import_orders()
        self.assertEqual(self.order("P-1").order_line.read(), before)

    def test_somebody_without_an_account_can_order(self):
        place = {"road": "Side Street 2", "post_code": "20095", "town": "Hamburg", "land": "DE"}
        guest = {"full_name": "Grace Hopper", "mail": "grace@example.com", "place": place}
        self.shop.place("P-1", guest, [("g-1", 1)])
        self.import_orders()
        self.assertEqual(self.order("P-1").state, "sale")
        self.assertEqual(self.order("P-1").partner_shipping_id.city, "Hamburg")

    def test_what_a_buyer_revises_before_it_is_sent_is_changed_here(self):
        self.shop.place("P-1", "b-1", [("g-1", 2), ("g-2", 1)])
        self.import_orders()
        self.shop.revise("P-1", 1, 3)
        self.shop.revise("P-1", 2, 0)
        self.import_orders()
        order = self.order("P-1")
        self.assertEqual(order.amount_total, 59.97)
        self.assertEqual(
            [line.product_uom_qty for line in order.order_line if line.product_uom_qty and not line.is_delivery], [3]
        )

    def test_a_delivery_in_two_parts_is_two_parcels_there(self):
        self.shop.place("P-1", "b-1", [("g-1", 3)])
        self.import_orders()
        order = self.order("P-1")
        self.stock(order)
        self.deliver(order.picking_ids, 2)
        self.assertDone(self.run_jobs())
        self.deliver(order.picking_ids - order.picking_ids.filtered(lambda picking: picking.state == "done"))
        self.assertDone(self.run_jobs())
        parcels = self.shop.purchases["P-1"]["parcels"]
        self.assertEqual([parcel["rows"] for parcel in parcels], [[{"pos": 1, "count": 2}], [{"pos": 1, "count": 1}]])

    def test_a_tracking_number_arrives_once_before_or_after_the_delivery(self):
        for ref in ("P-1", "P-2"):
            self.shop.place(ref, "b-1", [("g-1", 1)])
        self.import_orders()
        before, after = self.order("P-1"), self.order("P-2")
        self.stock(before | after)
        before.picking_ids.carrier_tracking_ref = "T1"
        self.deliver(before.picking_ids)
        self.deliver(after.picking_ids)
        self.run_jobs()
        after.picking_ids.carrier_tracking_ref = "T2"
        self.run_jobs()
        tracks = [self.shop.purchases[ref]["parcels"][0]["track"]["number"] for ref in ("P-1", "P-2")]
        self.assertEqual(tracks, ["T1", "T2"])
        puts = [request for request in self.server.requests if request.method == "PUT"]
        self.assertEqual(len(puts), 1)

    def test_a_delivery_whose_answer_was_lost_is_one_parcel(self):
        self.shop.place("P-1", "b-1", [("g-1", 1)])
        self.import_orders()
        order = self.order("P-1")
        self.stock(order)
        self.deliver(order.picking_ids)
        self.shop.loses_the_answer = True
        [job] = self.run_jobs().filtered(lambda job: job.state == "scheduled")
        self.shop.loses_the_answer = False
        self.run_jobs(at=job.eta)
        self.assertEqual(len(self.shop.purchases["P-1"]["parcels"]), 1)
        binding = self.env["corner.stock.picking"].search([("odoo_id", "=", order.picking_ids.id)])
        self.assertEqual(binding.external_id, "P-1/c-1")

    def test_an_order_that_is_cancelled_here_is_dropped_there_and_its_goods_are_free(self):
        self.shop.place("P-1", "b-1", [("g-1", 2)])
        self.import_orders()
        self.order("P-1").action_cancel()
        self.assertDone(self.run_jobs())
        self.assertEqual((self.shop.purchases["P-1"]["state"], self.shop.goods["g-1"]["count"]), ("dropped", 100))

    def test_an_order_that_the_shop_drops_is_cancelled_here_and_not_told_back(self):
        self.shop.place("P-1", "b-1", [("g-1", 2)])
        self.import_orders()
        self.shop.drop("P-1")
        self.import_orders()
        self.run_jobs()
        self.assertEqual(self.order("P-1").state, "cancel")
        self.assertFalse([request for request in self.server.requests if request.path.endswith("/drop")])

    def test_the_shop_is_told_how_much_there_is_in_one_call(self):
        self.shop.place("P-1", "b-1", [("g-1", 2), ("g-2", 1)])
        self.import_orders()
        self.backend.stock_quantity = "free"
        self.backend.flow("stock").is_on = True
        order = self.order("P-1")
        self.stock(order, 10)
        self.assertDone(self.run_jobs())
        self.assertEqual([self.shop.goods[key]["count"] for key in ("g-1", "g-2")], [8, 9])
        self.assertEqual(len([request for request in self.server.requests if request.method == "PATCH"]), 1)

    def test_a_delivery_says_whether_the_shop_is_to_capture_the_payment(self):
        self.shop.place("P-1", "b-1", [("g-1", 1)])
        self.import_orders()
        order = self.order("P-1")
        self.stock(order)
        self.deliver(order.picking_ids)
        binding = self.env["corner.stock.picking"].search([("odoo_id", "=", order.picking_ids.id)])
        session = ConnectorSession.from_env(self.env)
        with get_environment(session, binding._name, self.backend.id) as environment:
            mapper = environment.get_connector_unit(ExportMapper)
            for capture in (False, True):
                binding._shop_order().payment_rule_id.capture = capture
                self.assertEqual(mapper.map_record(binding).values(for_create=True)["capture"], capture)
