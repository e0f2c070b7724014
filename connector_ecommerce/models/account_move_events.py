"""Aspect of ``account.move``: the events of invoices and credit notes of customers."""

from odoo import fields, models

from odoo.addons.connector import ConnectorSession

from ..event import on_invoice_paid, on_invoice_validated, on_refund_posted


class AccountMove(models.Model):
    _inherit = "account.move"

    is_told_paid = fields.Boolean(readonly=True, copy=False, help="Connectors know that it is paid")

    def _post(self, soft=True):
        """Post; told of is what is posted by that: others may stay drafts until their date."""
        posted = super()._post(soft=soft)
        session = ConnectorSession.from_env(self.env)
        if on_invoice_validated.has_consumer_for(session, self._name):
            for move in posted.filtered(_is_of_customer):
                on_invoice_validated.fire(session, self._name, move.id)
        if on_refund_posted.has_consumer_for(session, self._name):
            for move in posted.filtered(lambda move: move.move_type == "out_refund" and move._is_of_shop()):
                on_refund_posted.fire(session, self._name, move.id)
        return posted

    def _invoice_paid_hook(self):
        """Tell of paid invoices. Odoo calls it again when a payment is found in the bank."""
        result = super()._invoice_paid_hook()
        session = ConnectorSession.from_env(self.env)
        if on_invoice_paid.has_consumer_for(session, self._name):
            paid = self.filtered(lambda move: _is_of_customer(move) and not move.is_told_paid)
            paid.is_told_paid = True
            for move in paid:
                on_invoice_paid.fire(session, self._name, move.id)
        return result

    def _is_of_shop(self):
        """Return whether it, or the invoice that it reverses, is about an order of a shop."""
        moves = self.sudo() | self.sudo().reversed_entry_id
        return any(moves.invoice_line_ids.sale_line_ids.order_id.mapped("is_shop_order"))


def _is_of_customer(move):
    return move.move_type in ("out_invoice", "out_refund")
