"""Bindings of sale orders to a shop: what the shop says of an order."""

from odoo import fields, models


class EcommerceOrder(models.AbstractModel):
    """The link of a sale order to a shop.

    A connector inherits it in a model with ``_inherits = {"sale.order": "odoo_id"}``,
    and with the one2many ``shop_line_ids`` to the bindings of its lines.
    """

    _name = "connector.ecommerce.order"
    _inherit = "external.binding"
    _description = "Order of a Shop"

    external_number = fields.Char(string="Number There", readonly=True, copy=False, index="btree_not_null")
    external_total = fields.Float(string="Total There", digits=(16, 4), readonly=True, copy=False)
    external_tax = fields.Float(string="Tax There", digits=(16, 4), readonly=True, copy=False)
    external_currency = fields.Char(
        string="Currency There", readonly=True, copy=False, help="ISO code of the currency of the order"
    )
    external_replaces = fields.Char(
        string="Replaces There", readonly=True, copy=False, index="btree_not_null", help="Id of its older version"
    )
    payment_code = fields.Char(string="Payment There", readonly=True, copy=False)
    paid_amount = fields.Float(string="Paid There", digits=(16, 4), readonly=True, copy=False)
    is_authorised = fields.Boolean(string="Authorised There", readonly=True, copy=False)
    payment_date = fields.Datetime(string="Paid There on", readonly=True, copy=False)

    def _delay_workflow(self):
        """Let the steps after the import go on in jobs; a hook."""
