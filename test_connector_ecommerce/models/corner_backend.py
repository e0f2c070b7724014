"""Backends of the small shop."""

from odoo import fields, models

from odoo.addons.connector import SecretChar


class CornerBackend(models.Model):
    _name = "corner.backend"
    _inherit = "connector.ecommerce.backend"
    _description = "Corner Shop"
    _backend_type = "corner_shop"

    version = fields.Selection(selection_add=[("1", "1"), ("levels", "Levels")], default="1")
    location = fields.Char(help="Address of the shop's API")
    key = SecretChar()
