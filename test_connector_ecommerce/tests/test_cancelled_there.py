"""Orders that were cancelled in the shop are cancelled here, or somebody decides."""

from unittest.mock import patch

from odoo.exceptions import UserError
from odoo.tests import new_test_user

from .common import CornerCase


class TestCancelledThere(CornerCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.salesman = new_test_user(cls.env, "salesman", "sales_team.group_sale_salesman")
        cls.Checkpoint = cls.env["connector.checkpoint"]

    def confirmed(self, external_id="7"):
        order = self.order_of_shop(external_id, user_id=self.salesman.id).odoo_id
        order.action_confirm()
        return order

    def delivered(self, external_id="7"):
        order = self.confirmed(external_id)
        order.picking_ids.move_ids.write({"quantity": 1, "picked": True})
        order.picking_ids._action_done()
        return order

    def waiting(self, order):
        return self.Checkpoint.search([("record_id", "=", order.id), ("state", "=", "need_review")])

    def to_cancel(self):
        return self.env["sale.order"].search([("need_cancel", "=", True)])

    def test_a_quotation_is_cancelled(self):
        order = self.order_of_shop().odoo_id
        order._cancel_from_shop()
        self.assertEqual((order.state, order.canceled_in_backend, order.need_cancel), ("cancel", True, False))
        self.assertFalse(self.waiting(order))

    def test_a_confirmed_order_is_cancelled_with_its_transfers(self):
        order = self.confirmed()
        order._cancel_from_shop()
        self.assertEqual((order.state, order.picking_ids.state), ("cancel", "cancel"))

    def test_a_delivered_one_is_flagged_on_the_order_its_transfers_and_its_invoices(self):
        order = self.delivered()
        invoice = order._create_invoices()
        order._cancel_from_shop()
        self.assertEqual((order.state, order.need_cancel), ("sale", True))
        self.assertEqual(self.to_cancel(), order)
        for record in (order, order.picking_ids, invoice):
            with self.subTest(record._name):
                self.assertIn("10007 was cancelled in the shop", "".join(record.message_ids.mapped("body")))
        self.assertIn(order.picking_ids.name, self.waiting(order).message)
        self.assertIn(order.picking_ids.name, order.cancellation_refused)

    def test_an_invoiced_one_is_flagged(self):
        order = self.confirmed()
        invoice = order._create_invoices()
        invoice.action_post()
        order._cancel_from_shop()
        self.assertIn(invoice.name, self.waiting(order).message)
        self.assertEqual(order.picking_ids.state, "confirmed")

    def test_a_locked_one_is_flagged_with_what_odoo_says(self):
        order = self.confirmed()
        order.action_lock()
        order._cancel_from_shop()
        self.assertIn("unlock", self.waiting(order).message)
        self.assertEqual(order.picking_ids.state, "confirmed")

    def test_what_odoo_refuses_midway_is_undone_as_a_whole(self):
        order = self.confirmed()
        order._create_invoices()
        message = "The year is closed"

        def refuse(_moves):
            raise UserError(message)

        with patch.object(type(self.env["account.move"]), "button_cancel", refuse):
            order._cancel_from_shop()
        self.assertEqual((order.state, order.picking_ids.state), ("sale", "confirmed"))
        self.assertEqual(order.cancellation_refused, message)

    def test_to_import_the_cancellation_again_says_nothing_twice(self):
        order = self.delivered()
        order._cancel_from_shop()
        messages = len(order.message_ids)
        order._cancel_from_shop()
        self.assertEqual((len(order.message_ids), len(self.waiting(order))), (messages, 1))

    def test_to_import_it_again_cancels_an_order_that_was_unlocked(self):
        order = self.confirmed()
        order.action_lock()
        order._cancel_from_shop()
        order.action_unlock()
        order._cancel_from_shop()
        self.assertEqual(order.state, "cancel")
        self.assertFalse(self.waiting(order))

    def test_the_checkpoint_stays_until_somebody_has_decided(self):
        order = self.delivered()
        order._cancel_from_shop()
        self.waiting(order).action_reviewed()
        self.assertTrue(self.waiting(order))
        with self.assertRaises(UserError):
            order.action_cancellation_reviewed()
        order.action_cancel()
        self.assertFalse(self.waiting(order))
        self.assertFalse(self.to_cancel())

    def test_a_salesman_keeps_his_order_with_a_reason(self):
        order = self.delivered()
        order._cancel_from_shop()
        action = order.with_user(self.salesman).action_keep_order()
        wizard = self.env["connector.order.decision"].with_user(self.salesman).with_context(**action["context"])
        wizard.create({"why": "He has paid"}).action_decide()
        self.assertEqual((order.state, order.cancellation_resolved, order.need_cancel), ("sale", True, False))
        self.assertIn("He has paid", "".join(order.message_ids.mapped("body")))
        self.assertFalse(self.waiting(order))
        order._cancel_from_shop()
        self.assertEqual(order.state, "sale")

    def test_a_newer_version_cancels_the_older_one(self):
        older = self.confirmed("1")
        newer = self.order_of_shop("2", parent_id=older.id).odoo_id
        self.assertEqual(older.state, "cancel")
        newer._renew_shop_reasons()
        newer.action_confirm()

    def test_an_older_version_that_was_cancelled_by_hand_does_not_block(self):
        older = self.confirmed("1")
        older.action_cancel()
        newer = self.order_of_shop("2", parent_id=older.id).odoo_id
        newer._renew_shop_reasons()
        self.assertFalse(newer.is_shop_blocked)

    def test_to_keep_a_delivered_older_version_frees_the_newer_one(self):
        older = self.delivered("1")
        newer = self.order_of_shop("2", parent_id=older.id).odoo_id
        newer._renew_shop_reasons()
        self.assertTrue(newer.is_shop_blocked)
        older._keep("Both were delivered")
        self.assertFalse(newer.is_shop_blocked)

    def test_orders_that_no_shop_has_are_left_alone(self):
        order = self.env["sale.order"].create({"partner_id": self.customer.id})
        order._cancel_from_shop()
        self.assertEqual((order.state, order.canceled_in_backend), ("draft", False))
