"""Aspect of ``sale.order``: its bindings to shops."""

from odoo import fields, models


class SaleOrder(models.Model):
    _inherit = "sale.order"

    is_shop_order = fields.Boolean(readonly=True, copy=False, help="A shop has this order")

    def _shop_orders(self):
        """Return the bindings of the orders to shops, a list of a recordset for each model.

        Orders that no shop has cost no query.
        """
        orders = self.filtered("is_shop_order")
        if not orders:
            return []
        names = self.env.registry.descendants(["connector.ecommerce.order"], "_inherit")
        models_ = [self.env[name].sudo().with_context(active_test=False) for name in names]
        found = [model.search([("odoo_id", "in", orders.ids)]) for model in models_ if not model._abstract]
        return [bindings for bindings in found if bindings]
