"""Bindings of transfers to a shop: deliveries that it is told of."""

from odoo import fields, models


class EcommercePicking(models.AbstractModel):
    """The link of an outgoing transfer to a delivery in a shop.

    A connector inherits it in a model with ``_inherits = {"stock.picking": "odoo_id"}``, and names
    that model in ``_picking_model`` of its orders. A transfer is bound once it is done.
    """

    _name = "connector.ecommerce.picking"
    _inherit = "external.binding"
    _description = "Delivery to a Shop"

    shop_order_id = fields.Many2oneReference(
        string="Order There", model_field="shop_order_model", required=True, readonly=True
    )
    shop_order_model = fields.Char(required=True, readonly=True)
    delivery_method = fields.Selection(
        [("partial", "Partial"), ("complete", "Complete")], readonly=True, help="Whether more of the order will follow"
    )

    def _export_group(self):
        """Return the order: told of two deliveries of it at once, a shop may send too much."""
        return self.odoo_id.sale_id or self

    def _shop_order(self):
        """Return the binding of the order."""
        self.ensure_one()
        return self.env[self.shop_order_model].browse(self.shop_order_id)

    def _is_last(self):
        """Return whether nothing of the order will follow, neither from this place nor another."""
        moves = self._shop_order().odoo_id.order_line.move_ids
        return all(move.state in ("done", "cancel") or move.origin_returned_move_id for move in moves)

    def _delivered_lines(self):
        """Return what was delivered of the lines that the shop knows.

        :return: dict, id of the line in the shop to the quantity, in the unit of the order line
        """
        self.ensure_one()
        bound = {line.odoo_id: line._id_in_order() for line in self._shop_order().shop_line_ids if line.external_id}
        delivered = {}
        for move in self.odoo_id.move_ids:
            line = move.sale_line_id
            if move.state == "done" and line in bound:
                quantity = move.product_uom._compute_quantity(move.quantity, line.product_uom_id)
                delivered[bound[line]] = delivered.get(bound[line], 0) + quantity
        return {line_id: quantity for line_id, quantity in delivered.items() if quantity}
