"""What follows the import of an order: confirm, invoice, post, pay."""

from datetime import date, datetime, timedelta
from unittest.mock import patch

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

from odoo.addons.connector.testing import JobsCase
from odoo.addons.connector_ecommerce.event import on_invoice_validated, on_picking_out_done
from odoo.addons.jobs_queue.session import ConnectorSession

SINCE = datetime(2026, 1, 1)


class WorkflowCase(JobsCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company = cls.env["res.company"].create({"name": "Corner"})
        cls.env["account.chart.template"].try_loading("generic_coa", cls.company, install_demo=False)
        cls.env.user.company_ids |= cls.company
        cls.env = cls.env["base"].with_company(cls.company).env
        cls.backend = cls.env["corner.backend"].create(
            {"name": "Corner", "company_id": cls.company.id, "confirm_since": SINCE}
        )
        cls.journal = cls.env["account.journal"].search(
            [("type", "=", "bank"), ("company_id", "=", cls.company.id)], limit=1
        )
        cls.rule = cls.env["connector.payment.rule"].create(
            {
                "backend_id": f"corner.backend,{cls.backend.id}",
                "company_id": cls.company.id,
                "code": "card",
                "name": "Card",
                "confirm": True,
                "invoice": "confirmation",
                "post_invoice": True,
                "register_payment": True,
                "journal_id": cls.journal.id,
            }
        )
        cls.customer = cls.env["res.partner"].create({"name": "Ada", "country_id": cls.env.ref("base.be").id})
        cls.product = cls.env["product.product"].create(
            {"name": "Chair", "is_storable": True, "invoice_policy": "order", "list_price": 10, "taxes_id": False}
        )

    def create_order(self, number, quantity=2, **values):
        """Create an order of the shop as an import does."""
        line = {"product_id": self.product.id, "product_uom_qty": quantity, "price_unit": 10, "tax_ids": False}
        return (
            self.env["corner.sale.order"]
            .with_context(tracking_disable=True)
            .create(
                {
                    "backend_id": self.backend.id,
                    "external_id": number,
                    "external_number": f"C-{number}",
                    "external_total": 10 * quantity,
                    "external_currency": self.company.currency_id.name,
                    "partner_id": self.customer.id,
                    "date_order": datetime(2026, 2, 3, 4, 5),
                    "payment_code": "card",
                    "paid_amount": 10 * quantity,
                    "payment_date": datetime(2026, 2, 4, 12, 0),
                    "order_line": [Command.create(line)],
                    "company_id": self.company.id,
                    **values,
                }
            )
        )

    def follow(self, *orders):
        """Let the steps of orders go on; return the jobs."""
        for order in orders:
            order._delay_workflow()
        return self.run_jobs().filtered(lambda job: job.function.endswith("run_order_workflow"))

    def checkpoints(self, order):
        domain = [("model", "=", "sale.order"), ("record_id", "=", order.odoo_id.id), ("state", "=", "need_review")]
        return self.env["connector.checkpoint"].search(domain)

    def deliver(self, order, quantity):
        """Deliver a quantity of an order, and tell so."""
        picking = order.picking_ids.filtered(lambda picking: picking.state not in ("done", "cancel"))
        picking.move_ids.quantity = quantity
        picking.move_ids.picked = True
        picking.with_context(skip_backorder=True).button_validate()
        self.assertEqual(picking.state, "done")
        session = ConnectorSession.from_env(self.env)
        on_picking_out_done.fire(session, "stock.picking", picking.id, "partial")


@tagged("post_install", "-at_install")
class TestOrderWorkflow(WorkflowCase):
    def test_an_order_is_confirmed_invoiced_posted_and_paid(self):
        order = self.create_order("1")
        [job] = self.follow(order)
        invoice = order.invoice_ids
        self.assertIn("1 confirmed, 1 invoiced, 1 posted, 1 paid", job.result)
        self.assertEqual((order.state, invoice.state, invoice.amount_total), ("sale", "posted", 20))
        self.assertIn(invoice.payment_state, ("paid", "in_payment"))
        payment = self.env["account.payment"].search([("partner_id", "=", self.customer.id)])
        self.assertEqual((payment.amount, payment.date, payment.journal_id), (20, date(2026, 2, 4), self.journal))
        self.assertFalse(order.shop_workflow)

    def test_the_date_of_a_confirmed_order_is_the_shops(self):
        order, by_hand = self.create_order("1"), self.create_order("2")
        self.follow(order)
        by_hand.odoo_id.action_confirm()
        self.assertEqual((order.state, by_hand.state), ("sale", "sale"))
        self.assertEqual(set((order + by_hand).mapped("date_order")), {datetime(2026, 2, 3, 4, 5)})

    def test_nothing_is_done_twice(self):
        order = self.create_order("1")
        self.follow(order)
        [job] = self.follow(order)
        self.assertIn("Nothing to do.", job.result)
        self.assertEqual(len(order.invoice_ids), 1)
        self.assertEqual(self.env["account.payment"].search_count([("partner_id", "=", self.customer.id)]), 1)

    def test_a_rule_may_end_at_any_step(self):
        ends = {
            "nothing": ({"confirm": False}, ("draft", [], [])),
            "confirmed": ({"invoice": "none"}, ("sale", [], [])),
            "draft": ({"post_invoice": False}, ("sale", ["draft"], ["not_paid"])),
            "unpaid": ({"register_payment": False}, ("sale", ["posted"], ["not_paid"])),
        }
        for name, (values, end) in ends.items():
            with self.subTest(name):
                self.rule.copy({"code": name, **values})
                order = self.create_order(name, payment_code=name)
                self.follow(order)
                invoices = order.invoice_ids
                self.assertEqual(
                    (order.state, invoices.mapped("state"), invoices.mapped("payment_state")), end, order.shop_workflow
                )

    def test_orders_of_a_page_are_few_jobs(self):
        orders = [self.create_order(str(number)) for number in range(60)]
        jobs = self.follow(*orders)
        self.assertEqual(len(jobs), 2)
        self.assertEqual({order.state for order in orders}, {"sale"})
        self.assertEqual({len(order.invoice_ids) for order in orders}, {1}, "one invoice an order")

    def test_without_steps_there_is_no_job(self):
        self.rule.write({"confirm": False, "invoice": "none", "register_payment": False})
        self.assertFalse(self.follow(self.create_order("1"), self.create_order("2", payment_code="unknown")))

    def test_what_a_person_does_by_hand_is_followed_by_the_rest(self):
        self.rule.confirm = False
        order = self.create_order("1")
        self.follow(order)
        self.assertEqual(order.state, "draft")
        order.odoo_id.action_confirm()
        self.run_jobs()
        self.assertIn(order.invoice_ids.payment_state, ("paid", "in_payment"))

    def test_an_invoice_that_a_person_posts_is_paid(self):
        self.rule.post_invoice = False
        order = self.create_order("1")
        self.follow(order)
        order.invoice_ids.action_post()
        on_invoice_validated.fire(ConnectorSession.from_env(self.env), "account.move", order.invoice_ids.id)
        self.run_jobs()
        self.assertIn(order.invoice_ids.payment_state, ("paid", "in_payment"))

    def test_a_draft_invoice_of_a_person_is_left_to_them(self):
        self.rule.invoice = "none"
        order = self.create_order("1")
        self.follow(order)
        order.odoo_id._create_invoices()
        self.follow(order)
        self.assertEqual(order.invoice_ids.state, "draft")

    def test_what_the_shop_was_not_paid_is_not_paid_here(self):
        order = self.create_order("1", paid_amount=5)
        self.follow(order)
        self.assertEqual((order.invoice_ids.amount_residual, order.invoice_ids._paid_so_far()), (15, 5))
        self.follow(order)
        self.assertEqual(order.invoice_ids._paid_so_far(), 5)
        order.paid_amount = 20
        self.follow(order)
        self.assertEqual(order.invoice_ids._paid_so_far(), 20)

    def test_a_payment_without_an_entry_is_registered_once(self):
        order = self.create_order("1")
        # as where Odoo's accounting app is installed, which brings payments without an entry
        moves = type(self.env["account.move"])
        with patch.object(moves, "_get_invoice_in_payment_state", lambda move: "in_payment"):
            self.follow(order)
            self.follow(order)
        payment = order.invoice_ids.matched_payment_ids
        self.assertEqual((len(payment), payment.amount, bool(payment.move_id)), (1, 20, False))

    def test_a_free_order_is_paid_without_a_payment(self):
        order = self.create_order("1", paid_amount=0, external_total=0)
        order.order_line.price_unit = 0
        self.follow(order)
        self.assertEqual((order.invoice_ids.state, order.invoice_ids.payment_state), ("posted", "paid"))
        self.assertFalse(order.shop_workflow)


@tagged("post_install", "-at_install")
class TestDelivery(WorkflowCase):
    def setUp(self):
        super().setUp()
        self.rule.invoice = "delivery"
        self.product.invoice_policy = "delivery"

    def test_each_delivery_is_invoiced_and_paid(self):
        order = self.create_order("1", quantity=5)
        self.follow(order)
        self.assertEqual((order.state, order.invoice_ids.ids), ("sale", []))
        self.deliver(order, 2)
        self.run_jobs()
        self.assertEqual(order.invoice_ids.mapped("amount_total"), [20])
        self.deliver(order, 3)
        self.run_jobs()
        self.assertEqual(sorted(order.invoice_ids.mapped("amount_total")), [20, 30])
        self.assertLessEqual(set(order.invoice_ids.mapped("payment_state")), {"paid", "in_payment"})

    def test_what_needs_no_delivery_is_invoiced_at_once(self):
        self.product.write({"is_storable": False, "type": "service", "invoice_policy": "order"})
        order = self.create_order("1")
        self.follow(order)
        self.assertEqual(order.invoice_ids.mapped("state"), ["posted"])

    def test_who_delivers_needs_no_right_to_invoice(self):
        order = self.create_order("1")
        self.follow(order)
        clerk = new_test_user(
            self.env,
            "clerk",
            "stock.group_stock_user",
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )
        env, self.env = self.env, self.env(user=clerk)
        self.deliver(order.with_user(clerk).sudo(), 2)
        self.env = env
        [job] = self.run_jobs()
        self.assertEqual((job.state, job.user_id), ("done", clerk), job.message)
        self.assertEqual(order.invoice_ids.mapped("state"), ["posted"])


@tagged("post_install", "-at_install")
class TestRefused(WorkflowCase):
    def refuse(self, model, method, *numbers, why="No."):
        """Let Odoo refuse a method for the orders of these numbers, when nearly all is done."""
        original = getattr(type(self.env[model]), method)

        def of_invoices(invoices):
            return invoices.line_ids.sale_line_ids.order_id

        def refused(records, *args, **options):
            orders = records if model == "sale.order" else of_invoices(records.line_ids.move_id)
            result = original(records, *args, **options)
            if set(orders.mapped("client_order_ref")) & set(numbers):
                raise UserError(why)
            return result

        return patch.object(type(self.env[model]), method, refused)

    def test_a_refused_order_stays_where_it_is_and_stops_no_other(self):
        orders = [self.create_order(str(number), client_order_ref=str(number)) for number in range(5)]
        with self.refuse("sale.order", "action_confirm", "3"):
            [job] = self.follow(*orders)
        self.assertEqual([order.state for order in orders], ["sale", "sale", "sale", "draft", "sale"])
        self.assertIn("4 confirmed, 4 invoiced, 4 posted, 4 paid, 1 refused: C-3", job.result)
        self.assertEqual(orders[3].shop_workflow, "confirmation refused: No.")
        self.assertIn("C-3", self.checkpoints(orders[3]).message)

    def test_each_step_says_where_an_order_stays(self):
        steps = {
            "invoice": ("sale.order", "_create_invoices", ("sale", [])),
            "post": ("account.move", "action_post", ("sale", ["draft"])),
            "pay": ("account.payment.register", "action_create_payments", ("sale", ["posted"])),
        }
        for step, (model, method, end) in steps.items():
            with self.subTest(step):
                order = self.create_order(step, client_order_ref=step)
                with self.refuse(model, method, step):
                    self.follow(order)
                self.assertEqual((order.state, order.invoice_ids.mapped("state")), end)
                self.assertEqual(order.shop_workflow_step, step)
                self.assertRegex(order.shop_workflow, "refused: No.$")
                self.assertTrue(self.checkpoints(order))
                self.follow(order)
                self.assertIn(order.invoice_ids.payment_state, ("paid", "in_payment"))
                self.assertFalse(order.shop_workflow or self.checkpoints(order))

    def test_an_error_of_the_code_is_told_as_well(self):
        orders = [self.create_order(str(number), client_order_ref=str(number)) for number in range(2)]
        with self.refuse("sale.order", "action_confirm", "1"), patch(f"{__name__}.UserError", KeyError):
            self.follow(*orders)
        self.assertEqual([order.state for order in orders], ["sale", "draft"])
        self.assertIn("KeyError", orders[1].shop_workflow)

    def test_reviewed_it_is_tried_again(self):
        order = self.create_order("1", client_order_ref="1")
        with self.refuse("sale.order", "action_confirm", "1"):
            self.follow(order)
            self.checkpoints(order).action_reviewed()
            self.run_jobs()
        self.assertEqual(len(self.checkpoints(order)), 1, "refused again")
        self.assertIn("background", self.checkpoints(order).action_reviewed()["params"]["message"])
        self.run_jobs()
        self.assertEqual(order.state, "sale")
        self.assertFalse(self.checkpoints(order))

    def test_who_may_not_change_the_order_does_not_try_again(self):
        order = self.create_order("1").odoo_id
        companies = {"company_id": self.company.id, "company_ids": [Command.set(self.company.ids)]}
        clerk = new_test_user(self.env, "clerk", "base.group_user", **companies)
        with self.assertRaises(AccessError):
            order.with_user(clerk).action_try_shop_workflow_again()

    def test_a_refusal_is_asked_about_once(self):
        order = self.create_order("1", client_order_ref="1")
        with self.refuse("sale.order", "action_confirm", "1"):
            self.follow(order)
            self.follow(order)
        self.assertEqual(len(self.checkpoints(order)), 1)
        self.assertIn(order.odoo_id, self.env["sale.order"].search([("shop_workflow_step", "!=", False)]))


@tagged("post_install", "-at_install")
class TestOldOrders(WorkflowCase):
    def test_an_old_order_is_neither_confirmed_nor_reserved_nor_mailed(self):
        self.customer.user_id = self.env["res.users"].create({"name": "Bob", "login": "bob"})
        mails = self.env["mail.mail"].search_count([])
        order = self.create_order("1", date_order=SINCE - timedelta(seconds=1))
        self.assertFalse(self.follow(order), "no job")
        self.assertEqual((order.state, order.picking_ids.ids, order.invoice_ids.ids), ("draft", [], []))
        self.assertIn("placed before", order.shop_workflow_waits)
        self.assertEqual(self.env["mail.mail"].search_count([]), mails)
        self.assertFalse(self.checkpoints(order))

    def test_an_earlier_date_confirms_the_orders_since(self):
        self.backend.confirm_since = False
        old, new = self.create_order("1", date_order=datetime(2025, 1, 1)), self.create_order("2")
        self.follow(old, new)
        self.assertEqual((old.state, new.state), ("draft", "draft"))
        self.assertIn("is chosen on Corner", new.shop_workflow_waits)
        self.backend.confirm_since = SINCE
        self.run_jobs()
        self.assertEqual((old.state, new.state, new.shop_workflow_waits), ("draft", "sale", False))
        self.env.invalidate_all()
        self.assertIn("placed before", old.shop_workflow_waits)
        self.backend.confirm_since = datetime(2024, 1, 1)
        self.run_jobs()
        self.assertEqual(old.state, "sale")

    def test_the_check_list_asks_for_the_date(self):
        def step():
            [step] = [step for step in self.backend._first_run_steps() if step.code == "old_orders"]
            return step

        self.assertEqual(step().state, "done")
        self.backend.confirm_since = False
        self.assertEqual((step().state, step().field), ("to_do", "confirm_since"))
