"""Bindings of products to another Odoo."""

from odoo import models


class OdooProductProduct(models.Model):
    """A product of another Odoo.

    Each variant there becomes a product with its own template here. A binding delegates to
    ``product.product``, which delegates to ``product.template``. Creating a binding creates all
    three.
    """

    _name = "odoo.product.product"
    _inherit = "odoo.binding"
    _inherits = {"product.product": "odoo_id"}
    _description = "Product of another Odoo"
    _screen_fields = ("default_code",)
