"""Orders of a shop are not confirmed as long as something is wrong, and say what."""

from unittest.mock import patch

from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user

from .common import CornerCase


class TestReasons(CornerCase):
    def test_nothing_blocks_an_order_that_is_as_the_shop_says(self):
        order = self.order_of_shop()
        self.assertEqual(self.codes_of(order), [])
        order.odoo_id.action_confirm()
        self.assertEqual(order.state, "sale")

    def test_another_total_than_in_the_shop_blocks(self):
        order = self.order_of_shop(external_total=12)
        self.assertEqual(self.codes_of(order), ["total"])
        self.assertIn("12.00", order.odoo_id.shop_reasons)

    def test_a_difference_within_the_tolerance_does_not_block(self):
        cent = self.env.company.currency_id.rounding
        self.assertEqual(self.codes_of(self.order_of_shop(external_total=10 + cent)), [])
        self.assertEqual(self.codes_of(self.order_of_shop("8", external_total=10 + 2 * cent)), ["total"])

    def test_the_backend_says_the_tolerance(self):
        self.backend.total_tolerance = 3
        self.assertEqual(self.codes_of(self.order_of_shop(external_total=13)), [])
        self.assertEqual(self.codes_of(self.order_of_shop("8", external_total=13.01)), ["total"])

    def test_another_tax_than_in_the_shop_blocks(self):
        self.assertEqual(self.codes_of(self.order_of_shop(external_tax=1.9)), ["tax"])

    def test_a_product_that_waits_for_a_review_blocks_until_its_checkpoint_is_closed(self):
        bound = self.env["corner.product.product"].create(
            {"backend_id": self.backend.id, "external_id": "1", "odoo_id": self.product.id}
        )
        for number, record in enumerate((self.product, self.product.product_tmpl_id, bound)):
            with self.subTest(record._name):
                checkpoint = self.checkpoint_about(record)
                order = self.order_of_shop(f"{number}")
                self.assertEqual(self.codes_of(order), ["checkpoint"])
                checkpoint.action_reviewed()
                self.assertFalse(order.is_shop_blocked)

    def test_an_order_that_was_cancelled_in_the_shop_is_blocked(self):
        order = self.order_of_shop()
        order.odoo_id._cancel_from_shop()
        order.odoo_id.action_draft()
        self.assertEqual(self.codes_of(order), ["canceled"])

    def test_an_older_version_that_is_not_cancelled_blocks_all_newer_ones_until_it_is(self):
        oldest = self.order_of_shop("1")
        oldest.odoo_id.action_confirm()
        self.deliver(oldest.odoo_id)
        older = self.order_of_shop("2", parent_id=oldest.odoo_id.id)
        newest = self.order_of_shop("3", parent_id=older.odoo_id.id)
        self.assertTrue(oldest.need_cancel)
        self.assertEqual(self.codes_of(newest), ["parent"])
        self.assertIn(oldest.odoo_id.name, newest.odoo_id.shop_reasons)
        oldest.odoo_id.action_cancel()
        self.assertFalse(newest.is_shop_blocked)

    def deliver(self, order):
        order.picking_ids.move_ids.write({"quantity": 1, "picked": True})
        order.picking_ids._action_done()

    def test_a_line_without_a_product_blocks(self):
        order = self.order_of_shop()
        note = {"product_id": False, "display_type": "line_note", "name": "Old chair (X1)"}
        self.line_of_shop(order, price=0, **note)
        self.assertEqual(self.codes_of(order), ["line"])
        self.assertIn("Old chair (X1)", order.odoo_id.shop_reasons)

    def test_a_tax_that_matches_nothing_blocks_and_names_rate_and_line(self):
        order = self.order_of_shop()
        self.line_of_shop(order, price=0, external_rates="19.0", name="Lamp")
        self.assertEqual(self.codes_of(order), ["unmatched_tax"])
        self.assertIn("“Lamp” is 19 % in the shop and 0 % here", order.odoo_id.shop_reasons)

    def test_taxes_of_the_same_rate_do_not_block(self):
        order = self.order_of_shop(external_total=10 + 1.9, external_tax=1.9)
        order.shop_line_ids.write({"external_rates": "19.0", "tax_ids": self.tax.ids})
        self.assertEqual(self.codes_of(order), [])

    def test_a_currency_without_a_rate_blocks_until_one_is_entered(self):
        currency = self.env["res.currency"].create({"name": "ZZA", "symbol": "Z"})
        pricelist = self.env["product.pricelist"].create({"name": "Z", "currency_id": currency.id})
        order = self.order_of_shop(external_currency="ZZA", pricelist_id=pricelist.id)
        self.assertEqual(self.codes_of(order), ["currency"])
        self.env["res.currency.rate"].create({"currency_id": currency.id, "rate": 2, "name": "2020-01-01"})
        self.assertFalse(order.is_shop_blocked)

    def test_an_inactive_currency_blocks_until_it_is_active(self):
        currency = self.env["res.currency"].create({"name": "ZZB", "symbol": "Z", "active": False})
        self.env["res.currency.rate"].create({"currency_id": currency.id, "rate": 2, "name": "2020-01-01"})
        order = self.order_of_shop(external_currency="ZZB")
        self.assertEqual(self.codes_of(order), ["currency"])
        self.assertIn("not active", order.odoo_id.shop_reasons)
        pricelist = self.env["product.pricelist"].create({"name": "Z", "currency_id": currency.id})
        order.odoo_id.write({"pricelist_id": pricelist.id, "currency_id": currency.id})
        currency.active = True
        self.assertFalse(order.is_shop_blocked)

    def test_another_currency_than_in_the_shop_blocks(self):
        other = self.env["res.currency"].create({"name": "ZZC", "symbol": "Z"})
        self.assertEqual(self.codes_of(self.order_of_shop(external_currency=other.name)), ["currency"])

    def test_a_payment_that_the_rule_waits_for_blocks_until_it_has_come(self):
        backend = f"{self.backend._name},{self.backend.id}"
        rule = self.env["connector.payment.rule"].create(
            {"backend_id": backend, "code": "bank", "name": "Bank", "import_when": "paid"}
        )
        order = self.order_of_shop(is_authorised=True, payment_code="bank")
        self.assertEqual(self.codes_of(order), ["payment"])
        order.paid_amount = 10
        self.assertFalse(order.is_shop_blocked)
        rule.import_when = "authorised"
        order.paid_amount = 0
        self.assertEqual(self.codes_of(order), [])
        order.is_authorised = False
        self.assertEqual(self.codes_of(order), ["payment"])

    def test_an_address_without_a_country_blocks(self):
        self.customer.country_id = False
        self.assertEqual(self.codes_of(self.order_of_shop()), ["address"])

    def test_an_addon_adds_a_reason_by_a_method(self):
        orders = type(self.env["sale.order"])
        order = self.order_of_shop()
        with (
            patch.object(orders, "_shop_reason_codes", lambda self: ("fraud",)),
            patch.object(orders, "_shop_reason_fraud", lambda self: ["Look", "at it"], create=True),
        ):
            self.assertEqual(self.codes_of(order), ["fraud"])
            self.assertEqual(order.odoo_id.shop_reasons, "• Look\n• at it")


class TestConfirmation(CornerCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.sales_manager = new_test_user(cls.env, "sales manager", "sales_team.group_sale_manager")
        cls.salesman = new_test_user(cls.env, "salesman", "sales_team.group_sale_salesman")

    def blocked(self, **values):
        order = self.order_of_shop(external_total=12, external_tax=1, user_id=self.salesman.id, **values)
        order.odoo_id._renew_shop_reasons()
        return order.odoo_id

    def decide(self, order, why="The customer agrees"):
        action = order.action_confirm_anyway()
        wizard = self.env["connector.order.decision"].with_user(order.env.user).with_context(**action["context"])
        wizard.create({"why": why}).action_decide()

    def test_the_confirmation_names_all_reasons_and_the_number_of_the_shop(self):
        with self.assertRaisesRegex(UserError, r"(?s)10007.*total.*tax.*Confirm Anyway"):
            self.blocked().action_confirm()

    def test_what_odoo_says_comes_first(self):
        order = self.blocked()
        order.state = "cancel"
        with self.assertRaisesRegex(UserError, "not in a state requiring confirmation"):
            order.action_confirm()

    def test_what_has_become_wrong_here_blocks_too(self):
        order = self.order_of_shop().odoo_id
        order._renew_shop_reasons()
        order.order_line.price_unit = 11
        with self.assertRaisesRegex(UserError, "total"):
            order.action_confirm()

    def test_what_was_put_right_here_does_not_block_any_more(self):
        order = self.blocked()
        order.order_line.write({"price_unit": 11, "tax_ids": False})
        order._shop_orders()[0].external_tax = 0
        order._shop_orders()[0].external_total = 11
        order.action_confirm()
        self.assertFalse(order.shop_reason_ids)

    def test_a_sales_manager_confirms_anyway_and_it_stays_to_be_seen_who_and_why(self):
        order = self.blocked()
        self.decide(order.with_user(self.sales_manager))
        self.assertEqual(order.state, "sale")
        self.assertFalse(order.is_shop_blocked)
        self.assertEqual(order.shop_reason_ids.mapped("code"), ["total", "tax"])
        self.assertEqual(order.shop_reason_ids.waived_by_id, self.sales_manager)
        self.assertEqual(set(order.shop_reason_ids.mapped("why")), {"The customer agrees"})
        self.assertIn(
            "The customer agrees", order.message_ids.mapped("body")[-1] + "".join(order.message_ids.mapped("body"))
        )

    def test_a_salesman_does_not_confirm_anyway(self):
        order = self.blocked().with_user(self.salesman)
        with self.assertRaises(AccessError):
            order.action_confirm_anyway()
        wizard = self.env["connector.order.decision"].with_user(self.salesman)
        with self.assertRaises(AccessError):
            wizard.create({"order_id": order.id, "kind": "confirm", "why": "x"}).action_decide()

    def test_who_may_write_orders_does_not_unblock_one_by_a_value(self):
        order = self.blocked().with_user(self.salesman)
        for name in ("is_shop_blocked", "is_shop_order", "cancellation_resolved"):
            with self.subTest(name), self.assertRaises(AccessError):
                order.write({name: False})
        with self.assertRaises(AccessError):
            order.shop_reason_ids.write({"is_waived": True})

    def test_a_new_reason_blocks_again(self):
        order = self.blocked()
        self.decide(order.with_user(self.sales_manager))
        order._action_cancel()
        order.action_draft()
        self.checkpoint_about(self.product)
        with self.assertRaisesRegex(UserError, "waits for a review") as caught:
            order.action_confirm()
        self.assertNotIn("total", str(caught.exception))

    def test_a_reason_that_went_away_and_comes_back_is_a_new_one(self):
        order, binding = self.blocked(), self.Order.search([])
        order.with_user(self.sales_manager)._confirm_anyway("once")
        order._action_cancel()
        order.action_draft()
        binding.external_total = 10
        order._renew_shop_reasons()
        binding.external_total = 12
        self.assertEqual(self.codes_of(binding), ["total"])
        self.assertEqual(len(order.shop_reason_ids), 3)

    def test_check_again_lets_the_steps_go_on_once_nothing_blocks(self):
        order, delayed = self.blocked().with_user(self.salesman), []
        with patch.object(type(self.Order), "_delay_workflow", lambda orders: delayed.append(orders)):
            order.action_check_shop_again()
            self.assertFalse(delayed)
            order.sudo()._shop_orders()[0].write({"external_total": 10, "external_tax": 0})
            order.action_check_shop_again()
        self.assertFalse(order.is_shop_blocked)
        self.assertEqual(delayed, order.sudo()._shop_orders())

    def test_a_confirmed_order_that_differs_in_the_shop_is_seen_and_accepted(self):
        binding = self.order_of_shop()
        order = binding.odoo_id
        order.action_confirm()
        binding.external_total = 30
        self.assertEqual(self.codes_of(binding), ["total"])
        order.with_user(self.sales_manager)._confirm_anyway("Told the shop")
        self.assertEqual((order.state, order.is_shop_blocked), ("sale", False))

    def test_a_blocked_order_does_not_stop_the_next_one(self):
        blocked, order = self.blocked(), self.order_of_shop("8").odoo_id
        (blocked + order)._renew_shop_reasons()
        order.action_confirm()
        domain = [("is_shop_blocked", "=", True), ("state", "in", ("draft", "sent"))]
        self.assertEqual(self.env["sale.order"].search(domain), blocked)


class TestCost(CornerCase):
    def test_orders_that_no_shop_has_cost_no_query(self):
        order = self.env["sale.order"].create({"partner_id": self.customer.id})
        order.mapped("is_shop_order")
        with self.assertQueryCount(0):
            order._renew_shop_reasons()
            order._check_shop_reasons_again()
            order._confirmation_error_message()
            self.assertEqual(order._shop_orders(), [])
            order._cancel_from_shop()

    def test_an_order_that_nothing_blocks_costs_few(self):
        order = self.order_of_shop()
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        order.odoo_id._renew_shop_reasons()
        self.assertLessEqual(self.env.cr.sql_log_count - before, 22)

    def test_orders_that_were_bound_before_are_marked_at_the_update(self):
        order = self.order_of_shop()
        order.odoo_id.is_shop_order = False
        self.env.flush_all()
        self.Order.init()
        self.env.invalidate_all()
        self.assertTrue(order.is_shop_order)
