"""Backends that are told how much there is of products."""

from odoo import api, fields, models


class StockBackend(models.AbstractModel):
    """What people decide about the stock that a backend is told.

    A connector inherits it in the model of its backends::

        class ShopBackend(models.Model):
            _name = "shop.backend"
            _inherit = "connector.stock.backend"
    """

    _name = "connector.stock.backend"
    _inherit = "connector.backend"
    _description = "Stock That a Backend Is Told"

    stock_warehouse_id = fields.Many2one(
        "stock.warehouse",
        string="Warehouse Here",
        help="The warehouse whose stock is told. Without one, no stock is told.",
    )
    stock_more_warehouse_ids = fields.Many2many(
        "stock.warehouse", string="More Warehouses", help="Their stock is added to that of the first one"
    )
    stock_quantity = fields.Selection(
        [("on_hand", "On Hand"), ("free", "Free to Use"), ("forecast", "Forecast"), ("own", "Another Field")],
        string="Quantity",
        default="on_hand",
        required=True,
        help="On hand: what is in the warehouse.\nFree to use: without what is reserved for orders.\n"
        "Forecast: with what is to come, and without what is to go.\nAnother field: of the product.",
    )
    stock_field = fields.Selection(
        selection="_stock_fields",
        string="Field of the Quantity",
        help="Of the product variant, such as one of your own",
    )
    stock_safety = fields.Float(
        string="Kept Back",
        digits="Product Unit",
        help="So much of each product is not told. Products may have their own.",
    )
    stock_whole_units = fields.Boolean(
        string="Round Down", default=True, help="Tell 2 if there are 2.7: for systems that sell whole units"
    )

    @api.model
    def _stock_fields(self):
        """Return the numbers of product variants, for the user to choose one."""
        product_fields = self.env["product.product"]._fields
        numbers = [
            name for name, field in product_fields.items() if field.type in ("float", "integer") and name != "id"
        ]
        return sorted((name, f"{product_fields[name].string} ({name})") for name in numbers)

    def _stock_warehouses(self):
        """Return the warehouses whose stock is told; a hook."""
        return self.stock_warehouse_id and self.stock_warehouse_id | self.stock_more_warehouse_ids

    def _stock_field_name(self):
        """Return the name of the field of products that has the quantity."""
        names = {"on_hand": "qty_available", "free": "free_qty", "forecast": "virtual_available"}
        return names.get(self.stock_quantity) or self.stock_field

    def _tells_stock(self):
        """Return whether the backend is told of any stock: it has to be decided which."""
        is_decided = self.stock_warehouse_id and self._stock_field_name()
        return bool(self.active and is_decided and "stock" in self.sudo().flow_ids.mapped("code"))

    # The page of the form

    def _all_screen_fields(self):
        """Leave out what has a page of its own."""
        return [name for name in super()._all_screen_fields() if not name.startswith("stock_")]

    @api.model
    def _get_default_form_view(self):
        view = super()._get_default_form_view()
        view.find(".//notebook").append(self._arch_of("connector_stock.stock_backend_view_form").find(".//page"))
        return view
