"""Aspect of ``stock.picking``: the events of deliveries, returns and tracking numbers."""

from odoo import api, models

from odoo.addons.connector import ConnectorSession

from ..event import on_picking_dropship_done, on_picking_out_done, on_return_done, on_tracking_number_added

_NUMBER = "carrier_tracking_ref"


class StockPicking(models.Model):
    _inherit = "stock.picking"

    def _tell_done(self, session):
        """Fire the event of a transfer that is done.

        :param session: :class:`~odoo.addons.connector.ConnectorSession`
        """
        self.ensure_one()
        method = "partial" if self.backorder_ids else "complete"
        if self._is_dropship():
            on_picking_dropship_done.fire(session, self._name, self.id, method)
        elif self.picking_type_code == "outgoing":
            on_picking_out_done.fire(session, self._name, self.id, method)
        elif self.picking_type_code == "incoming" and self._is_return_of_customer():
            on_return_done.fire(session, self._name, self.id)

    def _is_dropship(self):
        """Return whether a supplier delivers to the customer."""
        return self.location_id.usage == "supplier" and self.location_dest_id.usage == "customer"

    def _is_return_of_customer(self):
        """Return whether something of a delivery to a customer comes back."""
        delivered = self.move_ids.origin_returned_move_id
        return any(move.location_dest_id.usage == "customer" for move in delivered)

    @api.model_create_multi
    def create(self, vals_list):
        pickings = super().create(vals_list)
        if any(values.get(_NUMBER) for values in vals_list):
            pickings.filtered(_NUMBER)._tell_tracking_number()
        return pickings

    def write(self, vals):
        if not vals.get(_NUMBER):
            return super().write(vals)
        changed = self.filtered(lambda picking: picking[_NUMBER] != vals[_NUMBER])
        result = super().write(vals)
        changed._tell_tracking_number()
        return result

    def _tell_tracking_number(self):
        session = ConnectorSession.from_env(self.env)
        if not on_tracking_number_added.has_consumer_for(session, self._name):
            return
        for picking in self.filtered(lambda picking: picking.picking_type_code == "outgoing" or picking._is_dropship()):
            on_tracking_number_added.fire(session, self._name, picking.id)
