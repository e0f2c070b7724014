"""Aspect of ``connector.ecommerce.order``: older and newer versions of an order.

In some shops an order that is edited becomes a new one, which names the one that it replaces.
"""

from odoo import models


class EcommerceOrder(models.AbstractModel):
    _inherit = "connector.ecommerce.order"

    def _link_versions(self):
        """Link orders with those that they replace, and with those that replace them.

        Either may come first, or both in one page. The older version is cancelled by that.
        """
        known = self.with_context(active_test=False)
        for backend, orders in self.grouped("backend_id").items():
            of_backend = [("backend_id", "=", backend.id)]
            newer = known.search(
                [*of_backend, ("external_replaces", "in", orders.mapped("external_id")), ("parent_id", "=", False)]
            )
            newer |= orders.filtered(lambda order: order.external_replaces and not order.parent_id)
            if not newer:
                continue
            older = known.search([*of_backend, ("external_id", "in", newer.mapped("external_replaces"))])
            by_id = {order.external_id: order.odoo_id for order in older}
            for order in newer:
                if found := by_id.get(order.external_replaces):
                    order.parent_id = found
