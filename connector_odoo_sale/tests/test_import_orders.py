from unittest.mock import patch

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.connector.testing import extending
from odoo.addons.connector_odoo.backend import odoo
from odoo.addons.connector_odoo.tests.common import NewestRecordsImporter, OdooCase
from odoo.addons.connector_odoo.tests.other_odoo import other_odoo_with_orders


class OrderCase(OdooCase):
    other_odoo = staticmethod(other_odoo_with_orders)

    def setUp(self):
        super().setUp()
        now = fields.Datetime.to_string(fields.Datetime.now())
        self.env["connector.watermark"].move(self.backend, "odoo.sale.order", now)
        self.enterContext(extending(odoo, NewestRecordsImporter))
        self.customer = self.shop.create("res.partner", name="Ada")
        self.chair, self.table = (
            self.shop.create("product.product", name=name, list_price=price, taxes_id=[[5]])
            for name, price in (("Chair", 19.99), ("Table", 100))
        )
        # products here have no taxes either, unless a test says so
        self.env.company.account_sale_tax_id = False

    def create_order(self, *lines):
        """Create and confirm an order there; a line is (product, quantity, perhaps values)."""
        order_id = self.shop.create(
            "sale.order", partner_id=self.customer, order_line=[self.new_line(*line) for line in lines]
        )
        self.shop.call("sale.order", "action_confirm", [order_id])
        return order_id

    def new_line(self, product_id, quantity, **values):
        return [0, 0, {"product_id": product_id, "product_uom_qty": quantity, **values}]

    def lines_there(self, order_id):
        return self.shop.read("sale.order", order_id, ["order_line"])["order_line"]

    def import_orders(self):
        """Press the button, run the jobs; return those that imported a page or a record."""
        self.backend.flow("orders").action_run()
        return self.run_jobs().filtered(lambda job: job.function.endswith(("import_page", "import_record")))

    def order(self, external_id):
        domain = [("backend_id", "=", self.backend.id), ("external_id", "=", str(external_id))]
        return self.env["odoo.sale.order"].search(domain).odoo_id

    def content(self, order):
        return [(line.product_id.name, line.product_uom_qty, line.price_unit) for line in order.order_line]

    def checkpoints(self, order):
        return self.env["connector.checkpoint"].search([("model", "=", "sale.order"), ("record_id", "=", order.id)])


class OrderTests:
    """What holds for both protocols."""

    allow_inherited_tests_method = True  # else Odoo's loader passes over the tests of a base class

    def test_an_order_brings_its_customer_and_its_products(self):
        order_id = self.create_order((self.chair, 2), (self.table, 1))
        (job,) = self.import_orders()
        order = self.order(order_id)
        self.assertEqual((job.state, order.partner_id.name), ("done", "Ada"))
        self.assertEqual(self.content(order), [("Chair", 2, 19.99), ("Table", 1, 100)])
        self.assertEqual(order.origin, self.shop.read("sale.order", order_id, ["name"])["name"])

    def test_an_order_is_fetched_by_its_number_with_what_belongs_to_it(self):
        order_id = self.create_order((self.chair, 2))
        number = self.shop.read("sale.order", order_id, ["name"])["name"]
        find = self.env["connector.find"].create({"backend_id": f"odoo.backend,{self.backend.id}", "number": number})
        find.action_find()
        [answer] = find.answer_ids.filtered(lambda answer: answer.outcome != "absent")
        self.assertEqual((answer.outcome, answer.external_id), ("imported", str(order_id)), answer.text)
        self.assertEqual(self.content(self.order(order_id)), [("Chair", 2, 19.99)])
        self.assertEqual(self.order(order_id).partner_id.name, "Ada")

    def test_an_order_whose_total_is_equal_is_confirmed(self):
        order_id = self.create_order((self.chair, 3))
        self.import_orders()
        order = self.order(order_id)
        self.assertEqual((order.state, order.amount_total), ("sale", 59.97))
        self.assertFalse(self.checkpoints(order))


@tagged("post_install", "-at_install")
class TestOrdersOverJson2(OrderTests, OrderCase):
    version = "19.0"


@tagged("post_install", "-at_install")
class TestOrdersOverXmlRpc(OrderTests, OrderCase):
    version = "legacy"


@tagged("post_install", "-at_install")
class TestOrders(OrderCase):
    def test_importing_an_order_again_does_not_duplicate_its_lines(self):
        order_id = self.create_order((self.chair, 1), (self.table, 1))
        self.import_orders()
        order = self.order(order_id)
        lines = order.order_line
        self.backend.watermark_ids.value = False
        self.import_orders()
        self.assertEqual(order.order_line, lines)
        (line_id, _other) = self.lines_there(order_id)
        self.shop.call("sale.order.line", "write", [line_id], vals={"product_uom_qty": 5})
        self.import_orders()
        self.assertEqual(order.order_line, lines)
        self.assertEqual(self.content(order), [("Chair", 5, 19.99), ("Table", 1, 100)])

    def test_a_line_that_is_added_there_is_added_here(self):
        order_id = self.create_order((self.chair, 1))
        self.import_orders()
        self.shop.call("sale.order", "write", [order_id], vals={"order_line": [self.new_line(self.table, 2)]})
        self.import_orders()
        self.assertEqual(self.content(self.order(order_id)), [("Chair", 1, 19.99), ("Table", 2, 100)])

    def test_a_line_that_is_deleted_there_is_deleted_here(self):
        order_id = self.create_order((self.chair, 1), (self.table, 1))
        self.import_products_with_tax(0.05)  # the order is not confirmed
        self.import_orders()
        self.delete_line_there(order_id)
        self.import_orders()
        order = self.order(order_id)
        self.assertEqual((order.state, self.content(order)), ("draft", [("Table", 1, 100)]))

    def test_a_line_of_a_confirmed_order_that_is_deleted_there_is_not_ordered_any_more(self):
        order_id = self.create_order((self.chair, 1), (self.table, 1))
        self.import_orders()
        order = self.order(order_id)
        self.delete_line_there(order_id)
        self.assertEqual(self.import_orders().state, "done")
        self.assertEqual(self.content(order), [("Chair", 0, 19.99), ("Table", 1, 100)])
        self.backend.watermark_ids.value = False
        with patch.object(type(order.order_line), "write") as write:
            self.import_orders()
        write.assert_not_called()

    def delete_line_there(self, order_id):
        line_id = self.lines_there(order_id)[0]
        self.shop.call("sale.order", "write", [order_id], vals={"state": "draft"})
        self.shop.call("sale.order.line", "unlink", [line_id])
        self.shop.call("sale.order", "action_confirm", [order_id])

    def test_what_is_changed_in_a_confirmed_order_here_is_changed_back_with_the_next_change_there(self):
        order_id = self.create_order((self.chair, 1))
        self.import_orders()
        order = self.order(order_id)
        order.order_line.product_uom_qty = 7
        self.import_orders()
        self.assertEqual(self.content(order), [("Chair", 7, 19.99)])
        self.shop.call("sale.order", "write", [order_id], vals={"client_order_ref": "changed"})
        self.import_orders()
        self.assertEqual(self.content(order), [("Chair", 1, 19.99)])

    def test_a_confirmed_order_whose_total_differs_after_a_change_there_is_left_to_a_person(self):
        order_id = self.create_order((self.chair, 1))
        self.import_orders()
        order = self.order(order_id)
        self.import_products_with_tax(50)
        self.shop.call("sale.order", "write", [order_id], vals={"order_line": [self.new_line(self.table, 1)]})
        self.import_orders()
        checkpoint = self.checkpoints(order)
        self.assertRegex(checkpoint.message, r"The total is .*169\.99.* here and 119\.99 \w+ there")
        self.assertIsNone(checkpoint.action_reviewed())
        self.assertEqual((checkpoint.state, order.state), ("reviewed", "sale"))

    def test_an_order_is_confirmed_as_a_user_confirms_it(self):
        """What follows from it is exported, and told to its followers."""
        self.backend.company_id = self.env["res.company"].create({"name": "Ours", "account_sale_tax_id": False})
        order_id = self.create_order((self.chair, 1))
        orders = type(self.env["sale.order"])
        with patch.object(orders, "action_confirm", autospec=True, side_effect=orders.action_confirm) as confirm:
            self.import_orders()
        (order,) = confirm.call_args.args
        self.assertEqual(order, self.order(order_id))
        self.assertFalse({"no_connector_export", "tracking_disable"} & order.env.context.keys())
        self.assertEqual(order.env.company, self.backend.company_id)

    def test_an_order_that_odoo_refuses_to_confirm_is_imported_and_left_to_a_person(self):
        order_id = self.create_order((self.chair, 1))
        orders = type(self.env["sale.order"])
        with patch.object(orders, "action_confirm", side_effect=UserError("Ask the boss")):
            self.assertEqual(self.import_orders().state, "done")
        order = self.order(order_id)
        checkpoint = self.checkpoints(order)
        self.assertEqual(order.state, "draft")
        self.assertRegex(checkpoint.message, "It cannot be confirmed: Ask the boss")
        checkpoint.action_reviewed()
        self.assertEqual((checkpoint.state, order.state), ("reviewed", "sale"))

    def test_sections_and_notes_come_too(self):
        section = [0, 0, {"display_type": "line_section", "name": "For the garden"}]
        order_id = self.shop.create(
            "sale.order", partner_id=self.customer, order_line=[section, self.new_line(self.chair, 1)]
        )
        self.shop.call("sale.order", "action_confirm", [order_id])
        self.import_orders()
        lines = self.order(order_id).order_line
        self.assertEqual(lines.mapped("display_type"), ["line_section", False])
        self.assertEqual(lines[0].name, "For the garden")

    def test_a_quotation_is_not_imported(self):
        order_id = self.shop.create("sale.order", partner_id=self.customer, order_line=[self.new_line(self.chair, 1)])
        self.import_orders()
        self.assertFalse(self.order(order_id))

    def test_an_order_that_costs_a_cent_more_is_left_to_a_person_who_confirms_it(self):
        order_id = self.create_order((self.chair, 1))
        self.import_products_with_tax(0.05)
        self.import_orders()
        order = self.order(order_id)
        checkpoint = self.checkpoints(order)
        self.assertEqual(order.state, "draft")
        self.assertRegex(checkpoint.message, r"The total is .*20\.00.* here and 19\.99 \w+ there")
        checkpoint.action_reviewed()
        self.assertEqual(order.state, "sale")

    def test_an_order_that_was_settled_here_since_has_its_checkpoint_closed(self):
        self.import_products_with_tax(0.05)
        settle = {"Sales Order": "action_confirm", "Cancelled": "action_cancel"}
        for state, method in settle.items():
            with self.subTest(state=state):
                order_id = self.create_order((self.chair, 1))
                self.import_orders()
                order = self.order(order_id)
                getattr(order, method)()
                self.assert_closed_without_doing_anything(self.checkpoints(order), state)

    def test_an_order_that_was_deleted_here_since_has_its_checkpoint_closed(self):
        order_id = self.create_order((self.chair, 1))
        self.import_products_with_tax(0.05)
        self.import_orders()
        order = self.order(order_id)
        checkpoint = self.checkpoints(order)
        order.unlink()
        told = checkpoint.action_reviewed()["params"]
        self.assertEqual((checkpoint.state, told["type"]), ("reviewed", "info"))

    def import_products_with_tax(self, percent):
        """Import the products, and have them cost a tax here."""
        (self.backend.flow("categories") | self.backend.flow("products")).action_run()
        self.run_jobs()
        self.env.company.country_id = self.env.ref("base.be")
        tax = self.env["account.tax"].create({"name": "Tiny", "amount": percent, "type_tax_use": "sale"})
        self.env["odoo.product.product"].search([("backend_id", "=", self.backend.id)]).taxes_id = tax

    def test_an_order_in_another_currency_is_left_to_a_person(self):
        order_id = self.create_order((self.chair, 1))
        other = self.env["res.currency"].search([("id", "!=", self.env.company.currency_id.id)], limit=1)
        currency = self.shop.read("sale.order", order_id, ["currency_id"])["currency_id"]
        name = self.shop.read("res.currency", currency, ["name"])["name"]
        self.env.company.currency_id.name, other.name = "XXX", name
        self.import_orders()
        self.assertRegex(self.checkpoints(self.order(order_id)).message, f"there 19.99 {name}|and 19.99 {name} there")

    def test_an_order_that_is_cancelled_there_is_cancelled_here_after_a_review(self):
        order_id = self.create_order((self.chair, 1))
        self.import_orders()
        self.shop.call("sale.order", "write", [order_id], vals={"state": "cancel"})
        self.import_orders()
        order = self.order(order_id)
        self.assertEqual(order.state, "sale")
        self.assertIsNone(self.checkpoints(order).action_reviewed())
        self.assertEqual(order.state, "cancel")

    def test_an_order_that_was_cancelled_here_since_has_its_checkpoint_closed(self):
        order_id = self.create_order((self.chair, 1))
        self.import_orders()
        self.shop.call("sale.order", "write", [order_id], vals={"state": "cancel"})
        self.import_orders()
        order = self.order(order_id)
        order.action_cancel()
        self.assert_closed_without_doing_anything(self.checkpoints(order), "Cancelled")

    def assert_closed_without_doing_anything(self, checkpoint, state):
        order = self.env["sale.order"].browse(checkpoint.record_id)
        told = checkpoint.action_reviewed()["params"]
        message = f"{order.display_name}: It is in the state “{state}” already, so nothing was done."
        self.assertEqual((checkpoint.state, told["type"], told["message"]), ("reviewed", "info", message))

    def test_an_order_that_was_cancelled_before_is_not_imported(self):
        order_id = self.create_order((self.chair, 1))
        self.shop.call("sale.order", "write", [order_id], vals={"state": "cancel"})
        self.assertRegex(self.import_orders().message, r"\d skipped")
        self.assertFalse(self.order(order_id))

    def test_an_order_that_fails_does_not_keep_the_others(self):
        good, bad = self.create_order((self.chair, 1)), self.create_order((self.table, 1))
        lines = self.lines_there(bad)
        self.import_orders()
        self.shop.call("sale.order", "write", [good], vals={"client_order_ref": "good"})
        self.shop.call("sale.order", "write", [bad], vals={"client_order_ref": "bad"})
        self.shop.call("sale.order.line", "write", lines, vals={"product_uom_qty": 2})
        self.order(bad).action_lock()
        with mute_logger("odoo.addons.connector.unit.importer.bulk"):
            jobs = self.import_orders()
        self.assertEqual(sorted(jobs.mapped("state")), ["done", "failed"])
        self.assertEqual((self.order(good).client_order_ref, self.order(bad).client_order_ref), ("good", False))

    def test_the_orders_of_a_backend_are_counted(self):
        self.create_order((self.chair, 1))
        self.import_orders()
        bindings = self.env["odoo.sale.order"].search([("backend_id", "=", self.backend.id)])
        self.assertTrue(bindings)
        self.assertEqual(self.backend.flow("orders").bound_count, len(bindings))
