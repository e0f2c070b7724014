"""Events that are common to e-commerce: when each is fired, and when it must not be."""

import contextlib
from unittest.mock import patch

from odoo import Command
from odoo.tests import tagged

from odoo.addons.connector import Event
from odoo.addons.connector_ecommerce import event

from .shop_case import ShopCase

_EVENTS = (
    "on_picking_out_done",
    "on_picking_dropship_done",
    "on_return_done",
    "on_tracking_number_added",
    "on_invoice_validated",
    "on_invoice_paid",
    "on_refund_posted",
    "on_order_canceled",
    "on_product_price_changed",
    "on_pricelist_changed",
)


class EventsCase(ShopCase):
    def setUp(self):
        super().setUp()
        self.fired = []
        for name in _EVENTS:
            one = getattr(event, name)
            count = len(one._subscriptions)
            one.subscribe(self.listener(name, one))
            self.addCleanup(self.forget, one, count)
        self.product = self.env["product.product"].create(
            {"name": "Chair", "is_storable": True, "invoice_policy": "order", "list_price": 10, "taxes_id": False}
        )
        self.customer = self.env["res.partner"].create({"name": "Ada", "country_id": self.env.ref("base.de").id})
        self.env["stock.quant"]._update_available_quantity(self.product, self.warehouse.lot_stock_id, 100)
        self.tell_changes()

    def listener(self, name, one):
        if len(one._arguments) == 1:
            return lambda session, model_name, record_id: self.fired.append((name, record_id))
        return lambda session, model_name, record_id, more: self.fired.append((name, record_id, more))

    def forget(self, one, count):
        """Take back the subscriptions of the test."""
        del one._subscriptions[count:]
        self.env.registry.clear_cache()

    def told(self, *names):
        """Return what was fired of some events since the last call."""
        self.tell_changes()
        self.env.cr.precommit.run()
        fired, self.fired = self.fired, []
        return [(name, *rest) for name, *rest in fired if name in names]

    def sell(self, quantity=3, is_of_shop=False):
        """Return a confirmed order."""
        line = {"product_id": self.product.id, "product_uom_qty": quantity, "price_unit": 10, "tax_ids": False}
        values = {"partner_id": self.customer.id, "order_line": [Command.create(line)]}
        if is_of_shop:
            of_shop = {"external_id": "7", "external_number": "7", "external_total": 10 * quantity}
            order = self.env["corner.sale.order"].create({**values, **of_shop, "backend_id": self.backend.id}).odoo_id
        else:
            order = self.env["sale.order"].create(values)
        order.action_confirm()
        order.picking_ids.action_assign()
        return order

    def back(self, picking):
        """Return the transfer by which a delivery comes back, done."""
        wizard = self.env["stock.return.picking"].create({"picking_id": picking.id})
        for line in wizard.product_return_moves:
            line.quantity = line.move_id.quantity
        [returned] = wizard._create_return()
        self.deliver(returned)
        return returned


@tagged("post_install", "-at_install")
class TestTransferEvents(EventsCase):
    names = ("on_picking_out_done", "on_picking_dropship_done", "on_return_done")

    def test_a_delivery_is_told_once_when_it_is_done(self):
        picking = self.sell().picking_ids
        self.assertFalse(self.told(*self.names))
        self.deliver(picking)
        self.assertEqual(self.told(*self.names), [("on_picking_out_done", picking.id, "complete")])
        picking.write({"note": "done long ago"})
        picking.move_ids.filtered(lambda move: move.state != "done")._action_done()
        self.assertFalse(self.told(*self.names))

    def test_a_delivery_with_a_backorder_is_partial_and_the_backorder_completes_it(self):
        order = self.sell()
        first = order.picking_ids
        self.deliver(first, 2)
        self.assertEqual(self.told(*self.names), [("on_picking_out_done", first.id, "partial")])
        second = order.picking_ids - first
        self.deliver(second)
        self.assertEqual(self.told(*self.names), [("on_picking_out_done", second.id, "complete")])

    def test_a_part_without_a_backorder_is_complete(self):
        picking = self.sell().picking_ids
        picking.move_ids.write({"quantity": 2, "picked": True})
        picking.with_context(skip_backorder=True, picking_ids_not_to_backorder=picking.ids).button_validate()
        self.assertEqual(self.told(*self.names), [("on_picking_out_done", picking.id, "complete")])

    def test_a_delivery_whose_moves_are_done_without_the_button_is_told(self):
        picking = self.sell().picking_ids
        picking.move_ids.write({"quantity": 3, "picked": True})
        picking.move_ids._action_done()
        self.assertEqual(self.told(*self.names), [("on_picking_out_done", picking.id, "complete")])

    def test_two_deliveries_at_once_are_told_one_by_one(self):
        pickings = self.sell().picking_ids | self.sell().picking_ids
        pickings.move_ids.write({"quantity": 3, "picked": True})
        pickings.button_validate()
        told = self.told(*self.names)
        self.assertEqual({record_id for _name, record_id, _method in told}, set(pickings.ids))
        self.assertEqual(len(told), 2)

    def test_only_the_last_step_of_a_delivery_is_told(self):
        self.warehouse.delivery_steps = "pick_ship"
        order = self.sell()
        pick = order.picking_ids.filtered(lambda picking: picking.picking_type_code == "internal")
        self.deliver(pick)
        self.assertFalse(self.told(*self.names))
        ship = order.picking_ids - pick
        self.deliver(ship)
        self.assertEqual(self.told(*self.names), [("on_picking_out_done", ship.id, "complete")])

    def test_what_a_customer_sends_back_is_a_return_and_no_delivery(self):
        picking = self.sell().picking_ids
        self.deliver(picking)
        self.told()
        returned = self.back(picking)
        self.assertEqual(self.told(*self.names), [("on_return_done", returned.id)])

    def test_a_receipt_and_an_internal_transfer_are_not_told(self):
        stock, supplier = self.warehouse.lot_stock_id, self.env.ref("stock.stock_location_suppliers")
        self.transfer(self.warehouse.in_type_id, supplier, stock)
        self.transfer(self.warehouse.int_type_id, stock, stock)
        self.assertFalse(self.told(*self.names))

    def test_a_dropshipment_is_no_delivery_of_ours(self):
        supplier, customer = (
            self.env.ref("stock.stock_location_suppliers"),
            self.env.ref("stock.stock_location_customers"),
        )
        picking = self.transfer(self.warehouse.out_type_id, supplier, customer)
        self.assertEqual(self.told(*self.names), [("on_picking_dropship_done", picking.id, "complete")])

    def transfer(self, type_, source, target):
        picking = self.env["stock.picking"].create(
            {"picking_type_id": type_.id, "location_id": source.id, "location_dest_id": target.id}
        )
        self.env["stock.move"].create(
            {
                "product_id": self.product.id,
                "product_uom_qty": 1,
                "picking_id": picking.id,
                "location_id": source.id,
                "location_dest_id": target.id,
            }
        )
        picking.action_confirm()
        self.deliver(picking)
        return picking

    def test_a_cancelled_delivery_is_not_told(self):
        self.sell().picking_ids.action_cancel()
        self.assertFalse(self.told(*self.names))

    def test_tracking_numbers_are_told_when_they_change_to_another_one(self):
        name = "on_tracking_number_added"
        picking = self.sell().picking_ids
        picking.carrier_tracking_ref = "T1"
        self.assertEqual(self.told(name), [(name, picking.id)])
        picking.carrier_tracking_ref = "T1"
        picking.carrier_tracking_ref = False
        self.assertFalse(self.told(name))
        picking.write({"carrier_tracking_ref": "T2", "note": "second"})
        self.assertEqual(self.told(name), [(name, picking.id)])

    def test_a_transfer_that_is_created_with_a_number_is_told(self):
        name = "on_tracking_number_added"
        values = {"picking_type_id": self.warehouse.out_type_id.id}
        pickings = self.env["stock.picking"].create([{**values, "carrier_tracking_ref": "T1"}, values])
        self.assertEqual(self.told(name), [(name, pickings[0].id)])

    def test_the_number_of_a_receipt_is_not_told(self):
        values = {"picking_type_id": self.warehouse.in_type_id.id, "carrier_tracking_ref": "T1"}
        receipt = self.env["stock.picking"].create(values)
        receipt.carrier_tracking_ref = "T2"
        self.assertFalse(self.told("on_tracking_number_added"))


@tagged("post_install", "-at_install")
class TestInvoiceEvents(EventsCase):
    names = ("on_invoice_validated", "on_refund_posted", "on_invoice_paid")

    def bill(self, move_type="out_invoice", price=10, **values):
        line = {"name": "Chair", "quantity": 1, "price_unit": price, "tax_ids": False}
        return self.env["account.move"].create(
            {
                "move_type": move_type,
                "partner_id": self.customer.id,
                "invoice_date": "2026-02-03",
                "invoice_line_ids": [Command.create(line)],
                **values,
            }
        )

    def pay(self, invoice, amount=None):
        values = {"amount": amount} if amount else {}
        wizard = self.env["account.payment.register"].with_context(active_model="account.move", active_ids=invoice.ids)
        wizard.create(values).action_create_payments()

    def refund(self, invoice):
        reason = {"journal_id": invoice.journal_id.id, "date": "2026-02-03"}
        wizard = self.env["account.move.reversal"].with_context(active_model="account.move", active_ids=invoice.ids)
        action = wizard.create(reason).refund_moves()
        return self.env["account.move"].browse(action["res_id"])

    def test_an_invoice_and_a_credit_note_of_a_customer_are_told_when_they_are_posted(self):
        for move_type in ("out_invoice", "out_refund"):
            move = self.bill(move_type)
            self.assertFalse(self.told(*self.names))
            move.action_post()
            self.assertEqual(self.told(*self.names), [("on_invoice_validated", move.id)])

    def test_a_bill_and_an_entry_are_not_told(self):
        for move_type in ("in_invoice", "in_refund"):
            self.bill(move_type).action_post()
        self.assertFalse(self.told(*self.names))

    def test_an_invoice_that_stays_a_draft_until_its_date_is_not_told(self):
        later = self.bill(invoice_date="2099-01-01", date="2099-01-01")
        later._post(soft=True)
        self.assertEqual(later.state, "draft")
        self.assertFalse(self.told(*self.names))
        later.auto_post = "no"
        later._post(soft=False)
        self.assertEqual(self.told(*self.names), [("on_invoice_validated", later.id)])

    def test_an_invoice_is_told_to_be_paid_once_the_whole_of_it_is(self):
        invoice = self.bill()
        invoice.action_post()
        self.told()
        self.pay(invoice, 4)
        self.assertFalse(self.told(*self.names))
        self.pay(invoice)
        self.assertEqual(self.told(*self.names), [("on_invoice_paid", invoice.id)])
        invoice._invoice_paid_hook()
        self.assertFalse(self.told(*self.names))

    def test_a_free_invoice_is_paid_when_it_is_posted(self):
        invoice = self.bill(price=0)
        invoice.action_post()
        told = self.told(*self.names)
        self.assertEqual(sorted(told), [("on_invoice_paid", invoice.id), ("on_invoice_validated", invoice.id)])

    def test_a_bill_that_is_paid_is_not_told(self):
        bill = self.bill("in_invoice")
        bill.action_post()
        self.pay(bill)
        self.assertFalse(self.told(*self.names))

    def test_a_credit_note_of_an_order_of_a_shop_is_told_as_such(self):
        for is_of_shop in (False, True):
            invoice = self.sell(is_of_shop=is_of_shop)._create_invoices()
            invoice.action_post()
            self.told()
            refund = self.refund(invoice)
            refund.action_post()
            told = self.told("on_invoice_validated", "on_refund_posted")
            expected = [("on_invoice_validated", refund.id), ("on_refund_posted", refund.id)]
            self.assertEqual(sorted(told), expected if is_of_shop else expected[:1])

    def test_a_credit_note_with_lines_of_its_own_belongs_to_the_order_of_its_invoice(self):
        invoice = self.sell(is_of_shop=True)._create_invoices()
        invoice.action_post()
        self.told()
        refund = self.bill("out_refund", reversed_entry_id=invoice.id)
        refund.action_post()
        self.assertEqual(self.told("on_refund_posted"), [("on_refund_posted", refund.id)])


@tagged("post_install", "-at_install")
class TestCancellationEvent(EventsCase):
    name = "on_order_canceled"

    def test_an_order_of_a_shop_is_told_once(self):
        order = self.sell(is_of_shop=True)
        order.action_cancel()
        order.action_cancel()
        self.assertEqual(self.told(self.name), [(self.name, order.id)])

    def test_an_order_that_no_shop_has_is_not_told(self):
        self.sell().action_cancel()
        self.assertFalse(self.told(self.name))

    def test_what_the_shop_has_cancelled_is_not_told(self):
        order = self.sell(is_of_shop=True)
        order._cancel_from_shop()
        self.assertEqual(order.state, "cancel")
        self.assertFalse(self.told(self.name))


@tagged("post_install", "-at_install")
class TestPriceEvents(EventsCase):
    names = ("on_product_price_changed", "on_pricelist_changed")

    def variants(self):
        """Return a template with two variants and the value of one that costs more."""
        attribute = self.env["product.attribute"].create(
            {"name": "Colour", "value_ids": [Command.create({"name": name}) for name in ("red", "blue")]}
        )
        line = {"attribute_id": attribute.id, "value_ids": [Command.set(attribute.value_ids.ids)]}
        template = self.env["product.template"].create(
            {"name": "Lamp", "list_price": 5, "attribute_line_ids": [Command.create(line)]}
        )
        self.told()
        return template

    def test_each_variant_is_told_once_a_transaction(self):
        template = self.variants()
        template.list_price = 6
        template.list_price = 7
        told = self.told(*self.names)
        expected = {("on_product_price_changed", product.id) for product in template.product_variant_ids}
        self.assertEqual((set(told), len(told)), (expected, 2))

    def test_the_cost_of_a_variant_and_the_extra_of_a_value_are_told_of_their_variants(self):
        template = self.variants()
        product = template.product_variant_ids[0]
        product.standard_price = 3
        self.assertEqual(self.told(*self.names), [("on_product_price_changed", product.id)])
        value = product.product_template_attribute_value_ids
        value.price_extra = 1
        self.assertEqual(self.told(*self.names), [("on_product_price_changed", product.id)])

    def test_the_price_that_a_person_writes_on_a_variant_is_told(self):
        self.product.lst_price = 12
        self.assertEqual(self.told(*self.names), [("on_product_price_changed", self.product.id)])

    def test_what_is_no_price_is_not_told(self):
        self.product.write({"name": "Stool", "default_code": "S"})
        self.assertFalse(self.told(*self.names))

    def test_a_product_that_is_deleted_at_once_is_not_told(self):
        product = self.env["product.product"].create({"name": "Short", "list_price": 1})
        self.told()
        product.lst_price = 2
        product.unlink()
        self.assertFalse(self.told(*self.names))

    def test_items_of_a_pricelist_are_told_once_for_each_product(self):
        name = "on_pricelist_changed"
        pricelist = self.env["product.pricelist"].create({"name": "Friends"})
        self.told()
        values = {"pricelist_id": pricelist.id, "compute_price": "fixed", "fixed_price": 5}
        one = {**values, "applied_on": "0_product_variant", "product_id": self.product.id}
        items = self.env["product.pricelist.item"].create([one, {**one, "min_quantity": 10}])
        self.assertEqual(self.told(*self.names), [(name, pricelist.id, self.product.id)])
        items[0].fixed_price = 4
        self.assertEqual(self.told(*self.names), [(name, pricelist.id, self.product.id)])
        items.unlink()
        self.assertEqual(self.told(*self.names), [(name, pricelist.id, self.product.id)])

    def test_an_item_for_a_template_is_told_of_its_variants_and_one_for_all_of_none(self):
        name = "on_pricelist_changed"
        template = self.variants()
        pricelist = self.env["product.pricelist"].create({"name": "Friends"})
        values = {"pricelist_id": pricelist.id, "compute_price": "fixed", "fixed_price": 5}
        items = self.env["product.pricelist.item"]
        items.create({**values, "applied_on": "1_product", "product_tmpl_id": template.id})
        expected = {(name, pricelist.id, product.id) for product in template.product_variant_ids}
        self.assertEqual(set(self.told(*self.names)), expected)
        items.create({**values, "applied_on": "3_global"})
        self.assertEqual(self.told(*self.names), [(name, pricelist.id, False)])

    def test_an_item_that_goes_to_another_product_is_told_of_both(self):
        name = "on_pricelist_changed"
        other = self.env["product.product"].create({"name": "Table"})
        pricelist = self.env["product.pricelist"].create({"name": "Friends"})
        values = {"pricelist_id": pricelist.id, "applied_on": "0_product_variant", "product_id": self.product.id}
        item = self.env["product.pricelist.item"].create(values)
        self.told()
        item.write({"product_id": other.id, "product_tmpl_id": other.product_tmpl_id.id})
        self.assertEqual(
            set(self.told(*self.names)), {(name, pricelist.id, product.id) for product in (self.product, other)}
        )


@tagged("post_install", "-at_install")
class TestWithoutSubscribers(EventsCase):
    """What nobody subscribes to costs no query: our hooks come to Odoo's own method at once."""

    def setUp(self):
        super().setUp()
        self.enterContext(patch.object(Event, "has_consumer_for", lambda *_arguments: False))
        self.enterContext(patch.object(Event, "subscriptions", lambda *_arguments: ()))
        self.order = self.sell()
        self.env.flush_all()

    def assert_costs_nothing(self, model_name, method, act):
        """Assert that a method of Odoo takes as many queries as with our hook on it."""
        counts = []
        hooks = [one for one in type(self.env[model_name]).mro() if method in vars(one)]
        ours = [one for one in hooks if one.__module__.startswith("odoo.addons.connector_ecommerce.")]
        self.assertTrue(ours)
        for with_ours in (True, True, False):  # the first one warms caches up
            with contextlib.ExitStack() as stack:
                for one in () if with_ours else ours:
                    stack.enter_context(patch.object(one, method, _passing_on(one, method)))
                savepoint = stack.enter_context(contextlib.closing(self.cr.savepoint()))
                self.env.invalidate_all()
                before = self.cr.sql_log_count
                act()
                self.env.flush_all()
                counts.append(self.cr.sql_log_count - before)
                savepoint.rollback()
                self.env.invalidate_all()
        self.assertEqual(counts[1], counts[2])

    def test_transfers(self):
        picking = self.order.picking_ids
        picking.move_ids.write({"quantity": 3, "picked": True})
        self.assert_costs_nothing("stock.move", "_action_done", picking._action_done)

    def test_tracking_numbers(self):
        picking = self.order.picking_ids
        self.assert_costs_nothing("stock.picking", "write", lambda: picking.write({"carrier_tracking_ref": "T1"}))

    def test_invoices(self):
        invoice = self.order._create_invoices()
        self.assert_costs_nothing("account.move", "_post", invoice._post)


def _passing_on(of_class, method):
    """Return a method that does what it would without our hook."""

    def pass_on(records, *args, **kwargs):
        return getattr(super(of_class, records), method)(*args, **kwargs)

    return pass_on
