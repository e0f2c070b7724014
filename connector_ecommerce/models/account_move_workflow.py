"""Aspect of ``account.move``: invoices that the workflow of a shop's orders has made."""

from odoo import fields, models


class AccountMove(models.Model):
    _inherit = "account.move"

    is_of_shop_workflow = fields.Boolean(
        string="Made by a Shop's Workflow", readonly=True, copy=False, help="It is posted if the payment rule says so"
    )

    def _paid_so_far(self):
        """Return what has been paid of an invoice, payments without an entry included.

        Some of these may be counted twice, once the bank has told of them: better nothing is paid
        than twice.
        """
        without_entry = self.matched_payment_ids.filtered(
            lambda payment: not payment.move_id and payment.state in ("in_process", "paid")
        )
        paid = self.amount_total - self.amount_residual + sum(without_entry.mapped("amount"))
        return min(self.amount_total, paid)
