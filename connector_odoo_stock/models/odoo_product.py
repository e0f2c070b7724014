"""Aspect of ``odoo.product.product``: what was told of its stock."""

from odoo import models


class OdooProduct(models.Model):
    _name = "odoo.product.product"
    _inherit = ["connector.stock.binding", "odoo.product.product"]

    _tells_negative_stock = True
