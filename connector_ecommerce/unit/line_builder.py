"""Line builders: the values of order lines, from what a shop says of products and charges.

Each is a unit that a connector may replace.
"""

from decimal import Decimal

from odoo import Command

from odoo.addons.connector import ConnectorUnit, general

from .delivery_methods import DeliveryMethods
from .tax_matcher import TaxMatcher

_MORE_THAN_ANY_ROUNDING = 1000  # of a currency


class LineBuilder(ConnectorUnit):
    """Base class of line builders."""

    def _taxes(self, rates, included, country):
        """Return the values that have the taxes of a line.

        What the shop says is stored, too: taxes that match nothing are a reason to block the order.
        """
        company = self.backend_record.company_id or self.env.company
        taxes = self.unit_for(TaxMatcher).match(rates, included, country, company)
        return {
            "tax_ids": [Command.set(taxes.ids if taxes else [])],
            "external_rates": " + ".join(f"{rate.normalize():f}" for rate in rates) or False,
        }

    def _price(self, price):
        """Return the values of a price that was agreed, which Odoo does not compute anew."""
        return {"price_unit": float(price), "technical_price_unit": float(price) + _MORE_THAN_ANY_ROUNDING}


@general
class ProductLineBuilder(LineBuilder):
    """Builds lines of products.

    Shops round a row otherwise than the price of a piece: two pieces of 333.33 with 19 % are 793.33
    in a shop that says 396.67 for one. So the total of the row counts, if the shop says it. A
    discount in percent is kept if it leads to the same total.
    """

    def values(self, line, product, country):
        """Return the values of a line.

        :param line: :class:`~odoo.addons.connector_ecommerce.said.Line`
        :param product: product.product record; None: the shop's product is not known here
        :param country: res.country record of the delivery
        """
        if product is None:
            text = self._("%(sku)s %(name)s: %(quantity)s x %(price)s", **self._names(line))
            return {"display_type": "line_note", "name": text.strip()}
        price, discount = self._price_and_discount(line)
        return {
            "display_type": False,
            "product_id": product.id,
            "name": line.name or product.display_name,
            "product_uom_qty": float(line.quantity),
            "discount": float(discount),
            **self._price(price),
            **self._taxes(line.rates, line.tax_included, country),
        }

    def _price_and_discount(self, line):
        if line.total is None or not line.quantity:
            return line.price, line.discount
        total = line.price * line.quantity * (1 - line.discount / 100)
        if total.quantize(line.total) == line.total:
            return line.price, line.discount
        return line.total / line.quantity, Decimal(0)

    def _names(self, line):
        return {"sku": line.sku, "name": line.name, "quantity": line.quantity, "price": line.price}


class ChargeLineBuilder(LineBuilder):
    """Base class of the builders of lines of what an order costs beside its products."""

    #: External id of the product of the line
    _product: str
    #: -1: it is taken off the order
    _sign = 1

    def values(self, charge, country):
        """Return the values of a line.

        :param charge: :class:`~odoo.addons.connector_ecommerce.said.Charge`
        :param country: res.country record of the delivery
        """
        product = self._product_of(charge)
        return {
            "product_id": product.id,
            "name": charge.name or product.display_name,
            "product_uom_qty": 1,
            **self._price(self._sign * charge.amount),
            **self._taxes(charge.rates, charge.tax_included, country),
        }

    def _product_of(self, charge):
        return self.env.ref(f"connector_ecommerce.{self._product}")


@general
class ShippingLineBuilder(ChargeLineBuilder):
    _product = "product_shipping"

    def values(self, charge, country):
        return {**super().values(charge, country), "is_delivery": True}

    def _product_of(self, charge):
        carrier = self.unit_for(DeliveryMethods).carrier_of(charge.code, charge.name) if charge.code else None
        return carrier.product_id if carrier else super()._product_of(charge)


@general
class CashOnDeliveryLineBuilder(ChargeLineBuilder):
    _product = "product_cash_on_delivery"


@general
class DiscountLineBuilder(ChargeLineBuilder):
    _product, _sign = "product_discount", -1


@general
class GiftWrappingLineBuilder(ChargeLineBuilder):
    _product = "product_gift_wrapping"
