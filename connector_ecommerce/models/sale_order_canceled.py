"""Aspect of ``sale.order``: the event of orders of a shop that are cancelled here."""

from odoo import models

from odoo.addons.connector import ConnectorSession, forbids_any

from ..event import on_order_canceled


class SaleOrder(models.Model):
    _inherit = "sale.order"

    def _action_cancel(self):
        """Cancel; what the shop has cancelled itself is not told of."""
        of_shops = self.filtered(lambda order: order.is_shop_order and order.state != "cancel")
        result = super()._action_cancel()
        if of_shops and not forbids_any(self.env.context):
            session = ConnectorSession.from_env(self.env)
            for order in of_shops.filtered(lambda order: order.state == "cancel"):
                on_order_canceled.fire(session, self._name, order.id)
        return result
