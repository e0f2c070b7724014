"""Aspect of ``connector.ecommerce.backend``: which stock the shop is told."""

from odoo import models


class EcommerceBackend(models.AbstractModel):
    _name = "connector.ecommerce.backend"
    _inherit = ["connector.stock.backend", "connector.ecommerce.backend"]
