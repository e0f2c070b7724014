"""Bindings of products whose stock is told."""

import math

from odoo import fields, models

from odoo.addons.connector import ConnectorSession, delay_bulk_export

#: What people decide about a product, by which another stock is told.
_DECIDED = ("no_stock", "safety_stock", "backorders", "manage_stock")


class StockBinding(models.AbstractModel):
    """What is told, and was told, of the stock of a product.

    A connector inherits it in the model of its product bindings::

        class ShopProduct(models.Model):
            _name = "shop.product.product"
            _inherit = "connector.stock.binding"
            _inherits = {"product.product": "odoo_id"}
            _backend_model = "shop.backend"
    """

    _name = "connector.stock.binding"
    _inherit = "external.binding"
    _description = "Stock of a Product That Is Told"

    #: True: the system takes a stock below 0, as one of another Odoo
    _tells_negative_stock = False

    _screen_fields = ("told_quantity", "told_at", *_DECIDED)

    told_quantity = fields.Float(string="Quantity Told", digits="Product Unit", readonly=True, copy=False)
    told_at = fields.Datetime(string="Told On", readonly=True, copy=False)
    no_stock = fields.Boolean(
        string="Stock Not Told", copy=False, help="The quantity of this product is looked after there, not here"
    )
    safety_stock = fields.Float(
        string="Kept Back",
        digits="Product Unit",
        copy=False,
        help="So much of this product is not told. 0: as much as the backend says",
    )
    backorders = fields.Selection(
        [("backend", "As There"), ("no", "No"), ("yes", "Yes"), ("notice", "Yes, With Notice")],
        default="backend",
        required=True,
        copy=False,
        help="Whether more can be ordered there than there is",
    )
    manage_stock = fields.Selection(
        [("backend", "As There"), ("no", "No"), ("yes", "Yes")],
        default="backend",
        required=True,
        copy=False,
        help="Whether the quantity is looked after there at all",
    )

    def write(self, vals):
        result = super().write(vals)
        if not vals.keys().isdisjoint(_DECIDED):
            told = self.sudo().filtered(lambda binding: binding.backend_id._tells_stock() and not binding.no_stock)
            delay_bulk_export(ConnectorSession.from_env(self.env), told, "stock")
        return result

    def _screen_nodes_of(self, name, **attributes):
        """Let people decide about the stock of the product."""
        if name in _DECIDED:
            attributes.pop("readonly", None)
        return super()._screen_nodes_of(name, **attributes)

    def _stock_bindings(self, backend, product_ids):
        """Return the bindings of some products whose stock a backend is told."""
        domain = [("backend_id", "=", backend.id), ("odoo_id", "in", list(product_ids)), ("no_stock", "=", False)]
        return self.search([*domain, ("odoo_id.is_storable", "=", True)])

    def _stock_to_tell(self):
        """Return how much the backend is told now; a hook.

        It is what the backend's settings say, without what is kept back.
        """
        backend = self.backend_id
        product = self.odoo_id.with_context(warehouse_id=backend._stock_warehouses().ids)
        quantity = product[backend._stock_field_name()] - (self.safety_stock or backend.stock_safety)
        quantity = product.uom_id.round(quantity)
        if quantity < 0 and not self._tells_negative_stock:
            return 0.0
        return float(math.floor(quantity)) if backend.stock_whole_units else quantity
