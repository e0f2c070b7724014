"""Aspect of ``connector.ecommerce.order``: its steps after the import: confirm, invoice, post, pay.

Each step has two methods: one that says whether it is due for an order, and one that does it for
many orders. An addon may extend both. What has been done is seen from Odoo's own records, see
``workflow/job.py`` for why nothing is done twice.
"""

from collections import Counter, defaultdict
from operator import methodcaller

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_datetime

from ..workflow.alone import do_with_each
from ..workflow.job import note_orders

#: In their order; each needs the ones before.
STEPS = ("confirm", "invoice", "post", "pay")


class EcommerceOrder(models.AbstractModel):
    _inherit = "connector.ecommerce.order"

    payment_rule_id = fields.Many2one("connector.payment.rule", compute="_compute_payment_rule_id", compute_sudo=True)

    @api.depends("backend_id", "payment_code")
    def _compute_payment_rule_id(self):
        domain = [
            ("backend_id", "in", [f"{backend._name},{backend.id}" for backend in self.backend_id]),
            ("code", "in", self.mapped("payment_code")),
        ]
        rules = self.env["connector.payment.rule"].search(domain)
        found = {(rule.backend_id, rule.code): rule for rule in rules}
        for binding in self:
            binding.payment_rule_id = found.get((binding.backend_id, binding.payment_code))

    def _delay_workflow(self):
        """Let the steps of these orders go on in jobs, once the transaction is committed."""
        note_orders(self)

    def _has_steps(self):
        rule = self.payment_rule_id
        return rule.confirm or rule.invoice in ("confirmation", "delivery") or rule.register_payment

    def _run_workflow(self, session):
        """Do all steps that are due; an order that is refused stays where it is.

        :param session: :class:`~odoo.addons.connector.ConnectorSession` of the job
        :return: what was done, for the user
        """
        going = self.filtered(lambda order: not order._is_old())
        done, refused = Counter(), {}
        for step in STEPS:
            due = going.filtered(lambda order, step=step: getattr(order, f"_is_due_to_{step}")())
            refusals = do_with_each(due, methodcaller(f"_{step}_orders"))
            refused.update({order: (step, error) for order, error in refusals})
            going -= self.browse().concat(*(order for order, _error in refusals))
            done[step] = len(due) - len(refusals)
        going._forget_refusals()
        for order, (step, error) in refused.items():
            order._refuse(session, step, error)
        return self._told(done, refused)

    def _told(self, done, refused):
        texts = {
            "confirm": self.env._("%s confirmed", done["confirm"]),
            "invoice": self.env._("%s invoiced", done["invoice"]),
            "post": self.env._("%s posted", done["post"]),
            "pay": self.env._("%s paid", done["pay"]),
        }
        told = [text for step, text in texts.items() if done[step]]
        if refused:
            numbers = ", ".join(order._number() for order in refused)
            told.append(self.env._("%(count)s refused: %(numbers)s", count=len(refused), numbers=numbers))
        return ", ".join(told) or self.env._("Nothing to do.")

    def _number(self):
        return self.external_number or self.external_id or self.odoo_id.name

    # Old orders

    def _is_old(self):
        """Return whether the order was placed before the date since when orders are confirmed."""
        since = self.backend_id.confirm_since
        return not since or self.date_order < since

    def _why_it_waits(self):
        """Return why the quotation is not confirmed, for the user; False if it will be."""
        if not self._is_old() or not self.payment_rule_id.confirm:
            return False
        backend = self.backend_id
        if not backend.confirm_since:
            return self.env._("waits until “Confirm Orders Since” is chosen on %s.", backend.name)
        since = format_datetime(self.env, backend.confirm_since)
        return self.env._("not confirmed, as it was placed before %s.", since)

    # Confirm

    def _is_due_to_confirm(self):
        order = self.odoo_id
        return self.payment_rule_id.confirm and order.state in ("draft", "sent") and not order.is_shop_blocked

    def _confirm_orders(self):
        self.odoo_id.with_context(in_shop_workflow=True).action_confirm()

    # Invoice

    def _is_due_to_invoice(self):
        """Return whether Odoo has something to invoice, and the rule wants it now.

        *At delivery* is at once where nothing is to be delivered.
        """
        order, when = self.odoo_id, self.payment_rule_id.invoice
        if order.state != "sale" or order.invoice_status != "to invoice":
            return False
        is_delivered = not order.picking_ids or order.delivery_status in ("partial", "full")
        return when == "confirmation" or (when == "delivery" and is_delivered)

    def _invoice_orders(self):
        # grouped: Odoo's word for an invoice an order
        self.odoo_id.with_context(in_shop_workflow=True)._create_invoices(grouped=True)

    # Post

    def _is_due_to_post(self):
        return self.payment_rule_id.post_invoice and bool(self._draft_invoices())

    def _draft_invoices(self):
        """Return what was invoiced by the workflow; what a person prepares is theirs."""
        return self.odoo_id.invoice_ids.filtered(lambda move: move.state == "draft" and move.is_of_shop_workflow)

    def _post_orders(self):
        self._draft_invoices().with_context(in_shop_workflow=True).action_post()

    # Pay

    def _is_due_to_pay(self):
        return self.payment_rule_id.register_payment and bool(self._due_payments())

    def _due_payments(self):
        """Return a list of (invoice, amount): what the shop was paid, and no invoice here."""
        invoices = self.odoo_id.invoice_ids.filtered(
            lambda move: move.state == "posted" and move.move_type == "out_invoice"
        )
        left = self.paid_amount - sum(invoice._paid_so_far() for invoice in invoices)
        due = []
        for invoice in invoices.sorted("id"):
            amount = min(left, invoice.amount_total - invoice._paid_so_far())
            if invoice.currency_id.compare_amounts(amount, 0) > 0:
                due.append((invoice, amount))
                left -= amount
        return due

    def _pay_orders(self):
        """Register the payments: those of whole invoices together, others one by one."""
        whole = defaultdict(self.env["account.move"].browse)
        for order in self:
            values = order._payment_values()
            for invoice, amount in order._due_payments():
                if invoice.currency_id.compare_amounts(amount, invoice.amount_total):
                    self._register_payment(invoice, {**values, "amount": amount, "currency_id": invoice.currency_id.id})
                else:
                    whole[tuple(values.items())] |= invoice
        for values, invoices in whole.items():
            self._register_payment(invoices, dict(values))

    def _payment_values(self):
        rule, paid_on = self.payment_rule_id, self.payment_date
        values = {
            "payment_date": paid_on and fields.Datetime.context_timestamp(self, paid_on).date(),
            "journal_id": rule.journal_id.id,
            "payment_method_line_id": rule.payment_method_line_id.id,
        }
        return {name: value for name, value in values.items() if value}  # else as Odoo chooses

    @api.model
    def _register_payment(self, invoices, values):
        wizards = self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=invoices.ids, dont_redirect_to_payments=True
        )
        wizards.create({**values, "group_payment": False}).action_create_payments()

    # Refused steps

    def _refuse(self, session, step, error):
        """Show on the order that Odoo has refused a step, and ask somebody to look at it."""
        why = str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
        text = {
            "confirm": self.env._("confirmation refused: %s", why),
            "invoice": self.env._("invoice refused: %s", why),
            "post": self.env._("posting of the invoice refused: %s", why),
            "pay": self.env._("payment refused: %s", why),
        }[step]
        if text != self.odoo_id.shop_workflow:
            self._forget_refusals()
        self.odoo_id.write({"shop_workflow": text, "shop_workflow_step": step})
        message = self.env._(
            "Order %(number)s: shop workflow: %(text)s\nOnce reviewed, it is tried again.",
            number=self._number(),
            text=text,
        )
        self.odoo_id._ask_about_shop_workflow(session, self.backend_id, message)

    def _forget_refusals(self):
        """Take away what orders say that go on by now, and close what asks for a review."""
        said = self.odoo_id.filtered("shop_workflow")
        said._close_shop_workflow_checkpoints()
        said.write({"shop_workflow": False, "shop_workflow_step": False})
