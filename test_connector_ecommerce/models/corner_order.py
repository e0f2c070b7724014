"""Bindings of the small shop's orders, customers and products."""

from odoo import fields, models


class CornerOrder(models.Model):
    _name = "corner.sale.order"
    _inherit = "connector.ecommerce.order"
    _inherits = {"sale.order": "odoo_id"}
    _description = "Order of the Corner Shop"
    _backend_model = "corner.backend"
    _picking_model = "corner.stock.picking"

    shop_line_ids = fields.One2many("corner.sale.order.line", "shop_order_id", string="Lines There")


class CornerOrderLine(models.Model):
    _name = "corner.sale.order.line"
    _inherit = "connector.ecommerce.order.line"
    _inherits = {"sale.order.line": "odoo_id"}
    _description = "Order Line of the Corner Shop"
    _backend_model = "corner.backend"

    shop_order_id = fields.Many2one("corner.sale.order", required=True, index=True, ondelete="cascade")


class CornerPartner(models.Model):
    _name = "corner.res.partner"
    _inherit = "external.binding"
    _inherits = {"res.partner": "odoo_id"}
    _description = "Customer of the Corner Shop"
    _backend_model = "corner.backend"


class CornerProduct(models.Model):
    _name = "corner.product.product"
    _inherit = "external.binding"
    _inherits = {"product.product": "odoo_id"}
    _description = "Product of the Corner Shop"
    _backend_model = "corner.backend"


class CornerPicking(models.Model):
    _name = "corner.stock.picking"
    _inherit = "connector.ecommerce.picking"
    _inherits = {"stock.picking": "odoo_id"}
    _description = "Parcel of the Corner Shop"
    _backend_model = "corner.backend"
