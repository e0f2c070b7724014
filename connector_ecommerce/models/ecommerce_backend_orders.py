"""Aspect of ``connector.ecommerce.backend``: what new orders of the shop get here."""

from odoo import fields, models


class EcommerceBackend(models.AbstractModel):
    _inherit = "connector.ecommerce.backend"

    order_prefix = fields.Char(
        string="Prefix of Orders",
        help="Orders are named by it and their number in the shop. Without it, they have a number of Odoo",
    )
    sales_team_id = fields.Many2one("crm.team", help="The team of the shop's orders")
    total_tolerance = fields.Float(
        string="Tolerance of Totals",
        digits=(16, 4),
        help="By how much the total of an order may differ from the shop's, in the currency of the order. "
        "0: one cent a line, or what the currency has for it",
    )
