"""Aspect of ``odoo.backend``: its warehouses here and there."""

from odoo import fields, models


class OdooBackend(models.Model):
    _inherit = "odoo.backend"

    stock_warehouse_id = fields.Many2one(
        "stock.warehouse",
        string="Warehouse Here",
        help="The warehouse whose stock the other Odoo is told. Without one, it is told nothing.",
    )
    external_warehouse = fields.Char(
        string="Warehouse There",
        default="WH",
        help="Short name of the warehouse of the other Odoo that gets this stock",
    )
