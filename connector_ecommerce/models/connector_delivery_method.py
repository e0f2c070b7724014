"""Delivery methods: carriers for the shipping codes of a shop."""

from odoo import fields, models


class ConnectorDeliveryMethod(models.Model):
    _name = "connector.delivery.method"
    _inherit = "connector.shop.code"
    _description = "Delivery Method of a Shop"

    code = fields.Char(help="The shop's code of the shipping method")
    name = fields.Char(help="What the shop calls it")
    carrier_id = fields.Many2one(
        "delivery.carrier",
        required=True,
        ondelete="restrict",
        check_company=True,
        help="Several codes of the shop may have the same one",
    )
    tracking_code = fields.Char(
        string="Carrier Code There", help="What the shop calls the carrier beside a tracking number"
    )
