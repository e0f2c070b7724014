"""Orders with lines, and the bindings of both to the imaginary shop."""

from odoo import api, fields, models


class Order(models.Model):
    _name = "test.order"
    _description = "Test Order"

    name = fields.Char()
    urgency = fields.Integer(default=1)
    currency_id = fields.Many2one("res.currency")
    total = fields.Monetary()
    line_ids = fields.One2many("test.order.line", "order_id")


class OrderLine(models.Model):
    _name = "test.order.line"
    _description = "Test Order Line"
    _order = "order_id, sequence, id"

    order_id = fields.Many2one("test.order", required=True, index=True, ondelete="cascade")
    sequence = fields.Integer(default=10)
    name = fields.Char()
    quantity = fields.Float(digits=(16, 2))
    currency_id = fields.Many2one(related="order_id.currency_id")
    amount = fields.Monetary()
    date = fields.Date()
    active = fields.Boolean(default=True)
    tag_id = fields.Many2one("res.partner.category")
    tag_ids = fields.Many2many("res.partner.category")
    price = fields.Float(compute="_compute_price", store=True, readonly=False)
    rank = fields.Integer(compute="_compute_rank", store=True, readonly=False)

    @api.depends("quantity")
    def _compute_price(self):
        for line in self:
            line.price = 10 * line.quantity

    @api.depends("order_id.urgency")
    def _compute_rank(self):
        for line in self:
            line.rank = 10 * line.order_id.urgency


class ShopOrder(models.Model):
    _name = "test.shop.order"
    _inherit = "external.binding"
    _inherits = {"test.order": "odoo_id"}
    _description = "Test Shop Order"
    _backend_model = "test.shop.backend"
    _screen_fields = ("total", "shop_line_ids")

    shop_line_ids = fields.One2many("test.shop.order.line", "shop_order_id")


class ShopOrderLine(models.Model):
    _name = "test.shop.order.line"
    _inherit = "external.binding.line"
    _inherits = {"test.order.line": "odoo_id"}
    _description = "Test Shop Order Line"
    _parent_binding_field = "shop_order_id"
    _parent_field = "order_id"
    _backend_model = "test.shop.backend"
    _screen_fields = ("quantity",)

    shop_order_id = fields.Many2one("test.shop.order", required=True, index=True, ondelete="cascade")
