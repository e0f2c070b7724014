"""The import of orders that are not as they should be, or that have changed since."""

from decimal import Decimal

from odoo.tests import tagged

from odoo.addons.connector import ConnectorSession, RecordImporter, get_environment
from odoo.addons.connector.exception import InvalidDataError
from odoo.addons.connector_ecommerce import Charge

from .given_orders import GivenOrdersCase, line


@tagged("post_install", "-at_install")
class TestImportedOrders(GivenOrdersCase):
    def test_a_line_of_which_the_shop_says_only_the_sku_gets_the_product_with_it(self):
        table = self.product("TABLE-1")
        order = self.import_order("10", "1.60", [(1, "10", "10", 19, 0, True, None)], number="P-1")
        self.assertEqual((order.state, order.order_line.product_id), ("draft", self.env["product.product"]))
        lines = [line(1, 1, "10", "10", included=True, product=None, sku="TABLE-1")]
        order = self.import_said("P-2", "10", "1.60", lines)
        self.assertEqual((order.state, order.order_line.product_id), ("sale", table))

    def test_two_products_with_the_sku_are_none(self):
        self.product("TABLE-1")
        self.product("TABLE-1")
        order = self.import_said("P-1", "10", "1.60", [line(1, 1, "10", "10", product=None, sku="TABLE-1")])
        self.assertIn("TABLE-1", order.shop_reasons)

    def test_a_product_that_the_shop_has_deleted_is_found_by_its_sku(self):
        table = self.product("TABLE-1")
        lines = [line(1, 1, "10", "10", included=True, product="deleted", sku="TABLE-1")]
        self.assertEqual(self.import_said("P-1", "10", "1.60", lines).order_line.product_id, table)

    def test_a_line_gets_its_product_once_that_is_here(self):
        lines = [line(1, 1, "10", "10", included=True, product=None, sku="TABLE-1")]
        order = self.import_said("P-1", "10", "1.60", lines)
        self.assertEqual((order.state, order.order_line.display_type), ("draft", "line_note"))
        table = self.product("TABLE-1")
        self.import_said("P-1", "10", "1.60", lines)
        self.assertEqual((order.state, order.shop_reasons), ("sale", ""))
        self.assertEqual((order.order_line.product_id, order.order_line.price_unit), (table, 10))

    def test_a_line_keeps_its_product_when_the_shop_has_deleted_it_meanwhile(self):
        order = self.import_order("19.99", "3.19", [(1, "19.99", "19.99", 19, 0, True)], number="P-1")
        product = order.order_line.product_id
        lines = [(2, "19.99", "39.98", 19, 0, True, None)]
        self.import_order("39.98", "6.38", lines, number="P-1")
        self.assertEqual((order.order_line.product_id, order.order_line.product_uom_qty), (product, 2))

    def test_a_kind_of_charge_that_nobody_builds_is_named(self):
        self.give("P-1", "10", "1.60", [], charges=[Charge("insurance", Decimal(10))])
        session = ConnectorSession.from_env(self.env)
        with get_environment(session, "corner.sale.order", self.backend.id) as environment:
            importer = environment.get_connector_unit(RecordImporter)
            with self.assertRaisesRegex(InvalidDataError, "P-1.*insurance.*_line_builders"):
                importer.run("P-1", data={"ref": "P-1"})

    def test_two_vouchers_without_a_code_are_two_lines_that_stay(self):
        vouchers = [Charge("discount", Decimal(amount), [Decimal(19)], tax_included=True) for amount in (1, 2)]
        lines = [line(1, 1, "10", "10", included=True)]
        order = self.import_said("P-1", "7", "1.12", lines, charges=vouchers)
        self.assertEqual((order.state, order.amount_total), ("sale", 7))
        before = order.order_line
        self.import_said("P-1", "7", "1.12", lines, charges=vouchers)
        self.assertEqual((order.order_line, order.order_line.mapped("price_unit")), (before, [10, -1, -2]))

    def test_a_negative_total_waits_for_a_person(self):
        vouchers = [Charge("discount", Decimal(15), [Decimal(19)], tax_included=True)]
        order = self.import_said("P-1", "-5", "-0.80", [line(1, 1, "10", "10", included=True)], charges=vouchers)
        self.assertEqual((order.state, order.amount_total), ("draft", -5))
        self.assertIn("negative", order.shop_reasons)
        order._confirm_anyway("Its voucher is paid back")
        self.assertEqual(order.state, "sale")

    def test_orders_in_a_currency_that_is_not_used_here_are_here_and_blocked(self):
        for currency, why in (("CHF", "not active"), ("XTS", "XTS")):
            order = self.import_order("10", "1.60", [(1, "10", "10", 19, 0, True)], number=currency, currency=currency)
            self.assertEqual((order.state, order.amount_total), ("draft", 10))
            self.assertIn(why, order.shop_reasons)

    def test_an_order_goes_on_once_its_currency_has_a_rate(self):
        chf = self.env.ref("base.CHF")
        self.env["res.currency.rate"].search([("currency_id", "=", chf.id)]).unlink()
        order = self.import_order("10", "1.60", [(1, "10", "10", 19, 0, True)], currency="CHF")
        chf.active = True
        self.assertIn("no rate", order.shop_reasons)
        self.env["res.currency.rate"].create({"currency_id": chf.id, "company_id": self.company.id, "rate": 0.9})
        self.assertDone(self.run_jobs())
        self.assertEqual((order.state, order.currency_id), ("sale", chf))

    def test_the_note_of_the_customer_is_a_text(self):
        order = self.import_order("10", "1.60", [(1, "10", "10", 19, 0, True)], note="Ring <twice>\nThen wait")
        self.assertIn("Ring &lt;twice&gt;<br", order.note)

    def product(self, sku):
        return self.env["product.product"].create({"name": sku, "default_code": sku, "type": "service"})


@tagged("post_install", "-at_install")
class TestOrdersThatChange(GivenOrdersCase):
    """Orders that are changed in the shop after their import."""

    def setUp(self):
        super().setUp()
        lines = [(2, "10", "20", 19, 0, True), (1, "5", "5", 19, 0, True, "g-2")]
        self.shop_order = self.import_order("25", "3.99", lines, number="P-1")

    def change(self, total, tax, lines):
        return self.import_order(total, tax, lines, number="P-1")

    def quantities(self):
        lines = self.shop_order.order_line
        return [(line.product_id.default_code, line.product_uom_qty) for line in lines]

    def test_lines_of_a_quotation_change_come_and_go(self):
        self.shop_order.action_cancel()
        self.shop_order.action_draft()
        first = self.shop_order.order_line[0]
        self.give("P-1", "40", "6.39", [line(0, 3, "10", "30", included=True), line(7, 1, "10", "10", included=True)])
        session = ConnectorSession.from_env(self.env)
        with get_environment(session, "corner.sale.order", self.backend.id) as environment:
            environment.get_connector_unit(RecordImporter).run("P-1", force=True, data={"ref": "P-1"})
        self.assertEqual(self.quantities(), [("CHAIR", 3), ("CHAIR", 1)])
        self.assertEqual(self.shop_order.order_line[0], first)

    def test_lines_that_a_confirmed_order_has_lost_get_the_quantity_0(self):
        self.change("30", "4.79", [(3, "10", "30", 19, 0, True)])
        self.assertEqual(self.quantities(), [("CHAIR", 3), ("TABLE", 0)])
        self.assertEqual((self.shop_order.state, self.shop_order.is_shop_blocked), ("sale", False))
        moves = self.shop_order.picking_ids.move_ids.filtered(lambda move: move.state != "cancel")
        self.assertEqual([(move.product_id.default_code, move.product_uom_qty) for move in moves], [("CHAIR", 3)])

    def test_an_order_that_is_locked_is_left_and_shows_the_difference_while_there_is_one(self):
        self.shop_order.action_lock()
        self.change("30", "4.79", [(3, "10", "30", 19, 0, True)])
        self.assertEqual(self.quantities(), [("CHAIR", 2), ("TABLE", 1)])
        self.assertIn("30.00", self.shop_order.shop_reasons)
        lines = [(2, "10", "20", 19, 0, True), (1, "5", "5", 19, 0, True, "g-2")]
        self.change("24.99", "3.99", lines)  # a cent, for which there would be a rounding line
        self.assertEqual(self.quantities(), [("CHAIR", 2), ("TABLE", 1)])
        self.assertFalse(self.shop_order.is_shop_blocked)

    def test_a_locked_order_stops_no_other_order_of_its_page(self):
        self.shop_order.action_lock()
        given = [line(0, 3, "10", "30", included=True)]
        self.give("P-1", "30", "4.79", given)
        self.give("P-2", "30", "4.79", given)
        session = ConnectorSession.from_env(self.env)
        with get_environment(session, "corner.sale.order", self.backend.id) as environment:
            importer = environment.get_connector_unit(RecordImporter)
            page = importer.page_of({ref: {"ref": ref} for ref in ("P-1", "P-2")})
            importer.import_page(page, force=True)
        self.assertEqual([incoming.outcome for incoming in page], ["updated", "created"])
        self.assertEqual(self.order("P-2").amount_total, 30)
