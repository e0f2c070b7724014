"""Aspect of ``sale.order``: what can be wrong with an order of a shop, a method for each reason.

A method ``_shop_reason_<code>`` returns a text, several texts, or None if nothing is wrong. An
addon extends one of them, or adds a code with its method.
"""

from odoo import models
from odoo.fields import Domain
from odoo.tools import float_round

_RATE_TOLERANCE = 0.01  # percent


class SaleOrder(models.Model):
    _inherit = "sale.order"

    def _shop_reason_codes(self):
        """Return the codes of the reasons that are looked at in the state of the order."""
        if self.state in ("draft", "sent"):
            return (
                *("canceled", "parent", "line", "unmatched_tax", "currency", "total", "tax", "negative"),
                *("checkpoint", "payment", "address"),
            )
        return ("total", "tax")

    def _bindings_of_shops(self):
        """Yield the bindings of the order to shops one by one."""
        for bindings in self._shop_orders():
            yield from bindings

    # What the shop has done with the order

    def _shop_reason_canceled(self):
        """Say that the order was cancelled in the shop."""
        return self.env._("The order was cancelled in the shop.") if self.need_cancel else None

    def _shop_reason_parent(self):
        """Say which older version of the order is not cancelled yet."""
        if not self.parent_need_cancel:
            return None
        names = ", ".join(order.name for order in self._older_to_cancel())
        return self.env._("It replaces an order that is not cancelled yet: %s.", names)

    # What the lines say

    def _shop_reason_line(self):
        """Name the lines for whose product there is none here."""
        return [
            self.env._("No product here belongs to the line “%s”.", line._shop_line_name())
            for line in self._lines_of_shops()
            if line._has_no_product()
        ]

    def _shop_reason_unmatched_tax(self):
        """Name the lines whose taxes here have other rates than the shop says."""
        return [
            self.env._(
                "The tax of the line “%(line)s” is %(there)s %% in the shop and %(here)s %% here.",
                line=line._shop_line_name(),
                there=_percent(line._rate_there()),
                here=_percent(line._rate_here()),
            )
            for line in self._lines_of_shops()
            if line._rate_there() is not None and abs(line._rate_there() - line._rate_here()) > _RATE_TOLERANCE
        ]

    def _lines_of_shops(self):
        """Yield the bindings of the order's lines to shops one by one."""
        names = self.env.registry.descendants(["connector.ecommerce.order.line"], "_inherit")
        for model in (self.env[name].sudo() for name in names):
            if not model._abstract:
                yield from model.search([("odoo_id", "in", self.order_line.ids)])

    # What the totals say

    def _shop_reason_currency(self):
        """Say that the currency of the order is not usable, or another one than in the shop."""
        codes = {order.external_currency for order in self._bindings_of_shops()}
        return [reason for code in codes if code and (reason := self._why_not_in_currency(code))]

    def _why_not_in_currency(self, code):
        currency = self.env["res.currency"].with_context(active_test=False).search([("name", "=", code)], limit=1)
        if not currency.active:
            return self.env._("The currency %s of the order is not active.", code)
        if self.currency_id != currency:
            return self.env._(
                "The order is in %(there)s in the shop and in %(here)s here.", there=code, here=self.currency_id.name
            )
        company = self.company_id.root_id
        rates = Domain("company_id", "in", [company.id, False]) & Domain("currency_id", "=", currency.id)
        if currency != company.currency_id and not self.env["res.currency.rate"].search_count(rates, limit=1):
            return self.env._("The currency %s has no rate.", code)
        return None

    def _shop_reason_total(self):
        """Say that the total is not what the customer has to pay in the shop."""
        return self._difference("amount_total", "external_total", self.env._("The total"))

    def _shop_reason_tax(self):
        """Say that the tax is not that of the shop."""
        return self._difference("amount_tax", "external_tax", self.env._("The tax"))

    def _difference(self, ours, theirs, what):
        for binding in self._bindings_of_shops():
            here, there, currency = self[ours], binding[theirs], self.currency_id
            difference = float_round(abs(here - there), precision_rounding=currency.rounding)
            if difference > float_round(binding._tolerance(), precision_rounding=currency.rounding):
                return self.env._(
                    "%(what)s is %(here)s here and %(there)s in the shop.",
                    what=what,
                    here=currency.format(here),
                    there=f"{there:.{currency.decimal_places}f} {binding.external_currency or ''}".strip(),
                )
        return None

    def _shop_reason_negative(self):
        """Say that the shop owes the customer something: Odoo posts no invoice of it."""
        if self.currency_id.compare_amounts(self.amount_total, 0) >= 0:
            return None
        return self.env._("The total is negative: %s.", self.currency_id.format(self.amount_total))

    # What else has to be looked at

    def _shop_reason_checkpoint(self):
        """Name the products that somebody is asked to review."""
        products = self.order_line.product_id
        open_ = products._ids_by_checkpoint_model()
        about = Domain.OR(Domain("model_id", "=", model) & Domain("record_id", "in", ids) for model, ids in open_)
        checkpoints = self.env["connector.checkpoint"].sudo().search(Domain("state", "=", "need_review") & about)
        return [
            self.env._("The product “%s” waits for a review.", name) for name in sorted({*checkpoints.mapped("name")})
        ]

    def _shop_reason_payment(self):
        """Say that the payment rule waits for the payment."""
        missing = {order._missing_payment() for order in self._bindings_of_shops()}
        if "paid" in missing:
            return self.env._("The payment has not been received yet.")
        return self.env._("The payment is not authorised yet.") if "authorised" in missing else None

    def _shop_reason_address(self):
        """Name the addresses whose country is not known."""
        return [
            self.env._("The country of “%s” is not known.", partner.display_name)
            for partner in self.partner_invoice_id | self.partner_shipping_id
            if not partner.country_id
        ]


def _percent(rate):
    return f"{rate:.4f}".rstrip("0").rstrip(".")
