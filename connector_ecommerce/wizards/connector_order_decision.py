"""Wizard: say why an order of a shop is confirmed anyway, or kept."""

from odoo import fields, models


class ConnectorOrderDecision(models.TransientModel):
    _name = "connector.order.decision"
    _description = "Decision on an Order of a Shop"

    order_id = fields.Many2one("sale.order", required=True, readonly=True)
    kind = fields.Selection([("confirm", "Confirm Anyway"), ("keep", "Keep")], required=True, readonly=True)
    state = fields.Selection(related="order_id.state", related_sudo=False)
    shop_reasons = fields.Text(related="order_id.shop_reasons", related_sudo=False)
    why = fields.Text(required=True, help="It is noted on the order, with your name")

    def action_decide(self):
        """Do with the order what was decided."""
        self.ensure_one()
        self.check_access("write")
        if self.kind == "keep":
            self.order_id._keep(self.why)
        else:
            self.order_id._confirm_anyway(self.why)
        return {"type": "ir.actions.act_window_close"}
