"""Bindings of product categories to another Odoo."""

from odoo import models


class OdooProductCategory(models.Model):
    _name = "odoo.product.category"
    _inherit = "odoo.binding"
    _inherits = {"product.category": "odoo_id"}
    _description = "Product Category of another Odoo"
