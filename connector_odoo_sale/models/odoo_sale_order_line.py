from odoo import api, fields, models


class OdooSaleOrderLine(models.Model):
    _name = "odoo.sale.order.line"
    _inherit = "odoo.binding"
    _inherits = {"sale.order.line": "odoo_id"}
    _description = "Sale Order Line of another Odoo"

    odoo_id = fields.Many2one(
        "sale.order.line", string="Sale Order Line Here", required=True, index=True, ondelete="cascade"
    )
    odoo_order_id = fields.Many2one("odoo.sale.order", required=True, index=True, ondelete="cascade")

    @api.model_create_multi
    def create(self, vals_list):
        """Create the lines here in the orders to whose bindings the bindings of the lines belong."""
        orders = self.env["odoo.sale.order"]
        return super().create(
            [{**values, "order_id": orders.browse(values["odoo_order_id"]).odoo_id.id} for values in vals_list]
        )

    def unlink(self):
        """Delete the lines here with the bindings: what is no line of the order there is none here."""
        lines = self.odoo_id
        result = super().unlink()
        lines.unlink()
        return result
