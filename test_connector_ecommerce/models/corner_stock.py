"""Aspect of the small shop's products: their stock is told."""

from odoo import models


class CornerProduct(models.Model):
    _name = "corner.product.product"
    _inherit = ["connector.stock.binding", "corner.product.product"]
