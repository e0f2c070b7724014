"""Consumers of the events of e-commerce: what shops are told of the orders that came from them."""

from odoo.addons.connector import delay_export

from .event import on_order_canceled, on_picking_out_done, on_tracking_number_added


@on_picking_out_done(model_names="stock.picking")
def delay_delivery(session, model_name, record_id, method):
    """Tell the shop of a delivery of its order."""
    picking = session.env[model_name].sudo().browse(record_id)
    for bindings in picking.sale_id._shop_orders():
        bindings._tell_delivery(session, picking, method)


@on_tracking_number_added(model_names="stock.picking")
def delay_tracking_number(session, model_name, record_id):
    """Tell the shop of the tracking number of a delivery that it knows.

    A delivery that it does not know yet is told with its number.
    """
    picking = session.env[model_name].sudo().browse(record_id)
    for bindings in picking.sale_id._shop_orders():
        if bindings._picking_model:
            for binding in session.env[bindings._picking_model].sudo().search([("odoo_id", "=", picking.id)]):
                delay_export(session, binding._name, binding.id, {"carrier_tracking_ref": picking.carrier_tracking_ref})


@on_order_canceled(model_names="sale.order")
def delay_cancellation(session, model_name, record_id):
    """Cancel the order in the shop."""
    for bindings in session.env[model_name].sudo().browse(record_id)._shop_orders():
        for binding in bindings:
            delay_export(session, binding._name, binding.id, {"state": "cancel"})
