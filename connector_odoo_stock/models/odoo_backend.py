"""Aspect of ``odoo.backend``: its warehouses here and there."""

from odoo import fields, models


class OdooBackend(models.Model):
    _name = "odoo.backend"
    _inherit = ["connector.stock.backend", "odoo.backend"]

    # before it was a field of this addon alone: as it is one of it, too, updates keep its values
    stock_warehouse_id = fields.Many2one(
        help="The warehouse whose stock the other Odoo is told. Without one, it is told nothing."
    )
    external_warehouse = fields.Char(
        string="Warehouse There",
        default="WH",
        help="Short name of the warehouse of the other Odoo that gets this stock",
    )
    stock_whole_units = fields.Boolean(default=False)  # an Odoo has parts of units, too
