from odoo import fields, models


class OdooSaleOrder(models.Model):
    _name = "odoo.sale.order"
    _inherit = "odoo.binding"
    _inherits = {"sale.order": "odoo_id"}
    _description = "Sale Order of another Odoo"

    odoo_id = fields.Many2one("sale.order", string="Sale Order Here", required=True, index=True, ondelete="cascade")
    odoo_line_ids = fields.One2many("odoo.sale.order.line", "odoo_order_id", string="Lines of the Other Odoo")


class SaleOrder(models.Model):
    _inherit = "sale.order"

    odoo_bind_ids = fields.One2many(
        "odoo.sale.order", "odoo_id", string="Bindings with Other Odoos", groups="connector.group_connector_user"
    )
