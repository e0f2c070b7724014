"""What people do on the form of an order of a shop."""

from odoo.tests import HttpCase, new_test_user, tagged

from .common import CornerCase


@tagged("post_install", "-at_install")
class TestOrderTours(CornerCase, HttpCase):
    def test_a_sales_manager_confirms_a_blocked_order_anyway(self):
        boss = new_test_user(self.env, "boss", "sales_team.group_sale_manager")
        order = self.order_of_shop(external_total=12).odoo_id
        order._renew_shop_reasons()
        self.start_tour(f"/odoo/sale.order/{order.id}", "connector_blocked_order", login="boss")
        self.assertEqual((order.state, order.shop_reason_ids.waived_by_id), ("sale", boss))

    def test_a_salesman_keeps_an_order_that_was_cancelled_in_the_shop(self):
        salesman = new_test_user(self.env, "salesman", "sales_team.group_sale_salesman")
        order = self.order_of_shop(user_id=salesman.id).odoo_id
        order.action_confirm()
        order.picking_ids.move_ids.write({"quantity": 1, "picked": True})
        order.picking_ids._action_done()
        order._cancel_from_shop()
        self.start_tour(f"/odoo/sale.order/{order.id}", "connector_kept_order", login="salesman")
        self.assertTrue(order.cancellation_resolved)
