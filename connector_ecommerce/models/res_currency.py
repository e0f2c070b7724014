"""Aspect of ``res.currency`` and its rates: one without a rate, or inactive, blocks orders."""

from odoo import api, models


class ResCurrency(models.Model):
    _inherit = "res.currency"

    def write(self, vals):
        """Write on currencies; to activate one may unblock orders."""
        result = super().write(vals)
        if vals.get("active"):
            self.env["sale.order"]._blocked_by("currency")._check_shop_reasons_again()
        return result


class ResCurrencyRate(models.Model):
    _inherit = "res.currency.rate"

    @api.model_create_multi
    def create(self, vals_list):
        """Create rates; the first one of a currency may unblock orders."""
        rates = super().create(vals_list)
        self.env["sale.order"]._blocked_by("currency")._check_shop_reasons_again()
        return rates
