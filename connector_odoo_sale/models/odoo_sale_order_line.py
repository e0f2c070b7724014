"""Bindings of order lines to another Odoo."""

from odoo import fields, models


class OdooSaleOrderLine(models.Model):
    _name = "odoo.sale.order.line"
    _inherit = ["odoo.binding", "external.binding.line"]
    _inherits = {"sale.order.line": "odoo_id"}
    _description = "Sale Order Line of another Odoo"
    _parent_binding_field = "odoo_order_id"
    _parent_field = "order_id"
    _screen_fields = ("product_uom_qty", "price_unit")

    odoo_order_id = fields.Many2one("odoo.sale.order", required=True, index=True, ondelete="cascade")
