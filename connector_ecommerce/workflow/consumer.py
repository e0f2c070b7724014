"""Consumers that go on with the steps of a shop's order, when a person has done one of them."""

from odoo.addons.connector import ConnectorSession

from ..event import on_invoice_validated, on_picking_out_done


@on_picking_out_done(model_names="stock.picking")
def go_on_after_delivery(session: ConnectorSession, model_name: str, record_id: int, method: str) -> None:
    """Go on with the steps of the order of a delivery that is done."""
    session.env[model_name].sudo().browse(record_id).sale_id._go_on_in_shop_workflow()


@on_invoice_validated(model_names="account.move")
def go_on_after_posting(session: ConnectorSession, model_name: str, record_id: int) -> None:
    """Go on with the steps of the orders of an invoice that a person has posted."""
    invoice = session.env[model_name].sudo().browse(record_id)
    invoice.line_ids.sale_line_ids.order_id._go_on_in_shop_workflow()
