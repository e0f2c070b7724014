"""Bindings of sale orders to another Odoo, and what the review of an order does."""

from odoo import fields, models


class OdooSaleOrder(models.Model):
    _name = "odoo.sale.order"
    _inherit = "odoo.binding"
    _inherits = {"sale.order": "odoo_id"}
    _description = "Sale Order of another Odoo"
    _screen_fields = ("origin", "partner_id", "amount_total", "state", "odoo_line_ids")

    odoo_line_ids = fields.One2many("odoo.sale.order.line", "odoo_order_id", string="Lines of the Other Odoo")


class SaleOrder(models.Model):
    _inherit = "sale.order"

    def action_confirm_reviewed(self):
        """Confirm the order after a review.

        If it was confirmed or cancelled in the meantime, only return a message that says so.
        """
        self.check_access("write")
        if self.state not in ("draft", "sent"):
            return self._nothing_to_do()
        return self.action_confirm()

    def action_cancel_reviewed(self):
        """Cancel the order after a review.

        If it is cancelled already, only return a message that says so.
        """
        self.check_access("write")
        if self.state == "cancel":
            return self._nothing_to_do()
        return self.action_cancel()

    def _nothing_to_do(self):
        states = dict(self._fields["state"]._description_selection(self.env))
        return self.env._("It is in the state “%s” already, so nothing was done.", states[self.state])
