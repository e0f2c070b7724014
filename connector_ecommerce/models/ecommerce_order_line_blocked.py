"""Aspect of ``connector.ecommerce.order.line``: whether product and taxes are those of the shop."""

import re

from odoo import models

_NUMBER = re.compile(r"\d+(?:\.\d+)?")


class EcommerceOrderLine(models.AbstractModel):
    _inherit = "connector.ecommerce.order.line"

    def _has_no_product(self):
        """Return whether the line is only a note, since no product here belongs to it."""
        return not self.odoo_id.product_id

    def _shop_line_name(self):
        """Return the name of the line for people."""
        return (self.odoo_id.name or self.external_id or "").split("\n")[0]

    def _rate_there(self):
        """Return the tax rate that the shop says, in percent; None: it says nothing."""
        rates = _NUMBER.findall(self.external_rates or "")
        return sum(map(float, rates)) if rates else None

    def _rate_here(self):
        """Return the rate of the taxes of the line here, in percent."""
        taxes = self.odoo_id.tax_ids.flatten_taxes_hierarchy()
        return sum(taxes.filtered(lambda tax: tax.amount_type == "percent").mapped("amount"))
