"""Aspect of ``connector.ecommerce.order``: what its order is told of it."""

from odoo import api, models
from odoo.tools import SQL

_PAYMENT = {"paid_amount", "is_authorised"}


class EcommerceOrder(models.AbstractModel):
    _inherit = "connector.ecommerce.order"

    def init(self):
        """Mark the orders that were bound before this addon was there."""
        if not self._abstract:
            bound = SQL("SELECT odoo_id FROM %s", SQL.identifier(self._table))
            self.env.cr.execute(
                SQL("UPDATE sale_order SET is_shop_order = TRUE WHERE is_shop_order IS NOT TRUE AND id IN (%s)", bound)
            )

    @api.model_create_multi
    def create(self, vals_list):
        """Create bindings; their orders are marked as those of a shop."""
        new = [values if values.get("odoo_id") else {**values, "is_shop_order": True} for values in vals_list]
        bindings = super().create(new)
        known = bindings.odoo_id.sudo().filtered(lambda order: not order.is_shop_order)
        known.is_shop_order = True
        bindings._cancel_what_they_replace()
        return bindings

    def write(self, vals):
        """Write on bindings; a payment that has come may unblock their orders."""
        result = super().write(vals)
        if vals.get("parent_id"):
            self._cancel_what_they_replace()
        if not _PAYMENT.isdisjoint(vals):
            self.odoo_id.filtered("is_shop_blocked")._check_shop_reasons_again()
        return result

    def _cancel_what_they_replace(self):
        """Cancel the older versions of the orders: the shop has replaced them."""
        self.sudo().parent_id._cancel_from_shop()

    def _tolerance(self):
        """Return by how much a total here may differ from the shop's, in the order's currency.

        It is what the backend says, else the smallest amount of the currency for each line.
        """
        if self.backend_id.total_tolerance:
            return self.backend_id.total_tolerance
        lines = self.odoo_id.order_line.filtered(lambda line: not line.display_type)
        return self.odoo_id.currency_id.rounding * max(len(lines), 1)

    def _missing_payment(self):
        """Return what the payment rule still waits for, ``"paid"`` or ``"authorised"``, or None."""
        wanted = self.payment_rule_id.import_when
        is_paid = self.odoo_id.currency_id.compare_amounts(self.paid_amount, self.external_total) >= 0
        if is_paid or (wanted == "authorised" and self.is_authorised):
            return None
        return wanted if wanted in ("paid", "authorised") else None
