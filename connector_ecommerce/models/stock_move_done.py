"""Aspect of ``stock.move``: the events of transfers that are done."""

from odoo import models

from odoo.addons.connector import ConnectorSession

from ..event import on_picking_dropship_done, on_picking_out_done, on_return_done


class StockMove(models.Model):
    _inherit = "stock.move"

    def _action_done(self, cancel_backorder=False):
        """Do the moves; a transfer that becomes done by that is told of.

        Each way to do a transfer comes by here, and its backorder is made here.
        """
        session = ConnectorSession.from_env(self.env)
        events = (on_picking_out_done, on_picking_dropship_done, on_return_done)
        if not any(event.has_consumer_for(session, "stock.picking") for event in events):
            return super()._action_done(cancel_backorder=cancel_backorder)
        before = self.picking_id.filtered(lambda picking: picking.state != "done")
        moves = super()._action_done(cancel_backorder=cancel_backorder)
        for picking in before.exists().filtered(lambda picking: picking.state == "done"):
            picking._tell_done(session)
        return moves
