"""Aspect of ``connector.ecommerce.order``: the deliveries that the shop is told of."""

from odoo import models

from odoo.addons.connector import delay_export


class EcommerceOrder(models.AbstractModel):
    _inherit = "connector.ecommerce.order"

    #: Name of the binding model of deliveries; None: the shop is not told of them
    _picking_model = None

    def _export_group(self):
        """Return the order: it is cancelled there after what was said of its deliveries."""
        return self.odoo_id

    def _tell_delivery(self, session, picking, method):
        """Bind a transfer that is done, and delay its export.

        :param picking: stock.picking record
        :param method: ``partial`` or ``complete``
        """
        for order in self if self._picking_model else ():
            bindings = self.env[self._picking_model].sudo()
            known = [("backend_id", "=", order.backend_id.id), ("odoo_id", "=", picking.id)]
            if bindings.search_count(known, limit=1):
                continue
            binding = bindings.create(
                {
                    "backend_id": order.backend_id.id,
                    "odoo_id": picking.id,
                    "shop_order_model": order._name,
                    "shop_order_id": order.id,
                    "delivery_method": method,
                }
            )
            if binding._delivered_lines():
                delay_export(session, binding._name, binding.id, {"odoo_id": picking.id})
