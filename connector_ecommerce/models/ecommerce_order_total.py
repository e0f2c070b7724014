"""Aspect of ``connector.ecommerce.order``: its total, to the cent what the customer has to pay."""

from odoo import models

from ..said import ROUNDING


class EcommerceOrder(models.AbstractModel):
    _inherit = "connector.ecommerce.order"

    def _balance(self, total):
        """Put a small difference between our total and the shop's on a rounding line.

        Shops and Odoo round in different ways. The invoice has to be what the customer has paid. A
        difference that is larger than the tolerance is left, and blocks the order. An order that
        somebody has locked is left as it is.

        :param total: what the customer has to pay
        """
        self.ensure_one()
        if self.locked:
            return
        order, lines = self.odoo_id, self.shop_line_ids
        rounding = lines.filtered(lambda line: line._id_in_order() == ROUNDING)
        missing = float(total) - order.amount_total + rounding.price_total
        if order.currency_id.compare_amounts(abs(missing), self._tolerance()) > 0:
            missing = 0
        missing = order.currency_id.round(missing)
        if rounding:
            if order.currency_id.compare_amounts(rounding.price_unit, missing):
                rounding.price_unit = missing
        elif not order.currency_id.is_zero(missing):
            self._add_rounding_line(missing)

    def _add_rounding_line(self, amount):
        product = self.env.ref("connector_ecommerce.product_rounding")
        self.shop_line_ids.create(
            {
                "backend_id": self.backend_id.id,
                "shop_order_id": self.id,
                "external_id": f"{self.external_id}/{ROUNDING}",
                "product_id": product.id,
                "name": product.display_name,
                "product_uom_qty": 1,
                "price_unit": amount,
                "tax_ids": [(5,)],
                "sequence": 9999,
            }
        )
