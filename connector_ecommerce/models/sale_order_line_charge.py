"""Aspect of ``sale.order.line``: what an order costs beside its products is not invoiced alone."""

from odoo import models

_CHARGES = ("shipping", "cash_on_delivery", "discount", "gift_wrapping", "rounding")


class SaleOrderLine(models.Model):
    _inherit = "sale.order.line"

    def _can_be_invoiced_alone(self):
        """Return whether an invoice of this line alone makes sense: not of a discount, or a fee."""
        charges = [self.env.ref(f"connector_ecommerce.product_{kind}", raise_if_not_found=False) for kind in _CHARGES]
        return super()._can_be_invoiced_alone() and self.product_id not in charges
