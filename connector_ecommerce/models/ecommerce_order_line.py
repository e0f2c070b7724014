"""Bindings of order lines to a shop."""

from odoo import fields, models


class EcommerceOrderLine(models.AbstractModel):
    """The link of an order line to a shop.

    A connector inherits it in a model with ``_inherits = {"sale.order.line": "odoo_id"}``. Lines of
    shipping, discounts and the like have bindings, too: their external ids are those of
    :attr:`~odoo.addons.connector_ecommerce.said.Charge.line_id`. An external id begins with that of
    the order, as many shops number the lines of each order from 1: ``P-1001/1``.
    """

    _name = "connector.ecommerce.order.line"
    _inherit = "external.binding.line"
    _description = "Order Line of a Shop"
    _parent_binding_field = "shop_order_id"
    _parent_field = "order_id"

    external_rates = fields.Char(
        string="Tax Rates There", readonly=True, copy=False, help="In percent, as the shop says them"
    )

    def _id_in_order(self):
        """Return the id of the line that the shop knows."""
        return (self.external_id or "").removeprefix(f"{self.shop_order_id.external_id}/")
