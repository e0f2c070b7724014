"""Reasons why orders of shops are not confirmed."""

from odoo import fields, models


class ConnectorOrderReason(models.Model):
    """A reason why an order of a shop is not confirmed.

    Code alone writes them. One that was waived is kept, archived once it does not hold any more.
    """

    _name = "connector.order.reason"
    _description = "Reason why an Order Is Blocked"
    _order = "is_waived, id"
    _rec_name = "message"

    order_id = fields.Many2one("sale.order", required=True, readonly=True, index=True, ondelete="cascade")
    code = fields.Char(required=True, readonly=True)
    message = fields.Text(string="Reason", required=True, readonly=True)
    is_waived = fields.Boolean(string="Waived", readonly=True)
    waived_by_id = fields.Many2one("res.users", readonly=True)
    waived_at = fields.Datetime(readonly=True)
    why = fields.Text(readonly=True, help="Why the order was confirmed anyway")
    active = fields.Boolean(string="Holds", default=True, readonly=True)
