"""Consumers of events: they delay the export of stock that changes here."""

from odoo.addons.connector import delay_bulk_export, on_record_create, on_record_write


@on_record_create(model_names="stock.quant")
@on_record_write(model_names="stock.quant")
def delay_stock_export(session, model_name, record_id, vals):
    """Delay the export of the stock of a product after a change in a warehouse.

    The stock is exported to each Odoo that gets the stock of this warehouse.
    """
    if "quantity" not in vals:
        return
    quant = session.env[model_name].sudo().browse(record_id)
    warehouse = quant.location_id.warehouse_id
    if warehouse:
        domain = [("odoo_id", "=", quant.product_id.id), ("backend_id.stock_warehouse_id", "=", warehouse.id)]
        bindings = session.env["odoo.product.product"].sudo().with_context(active_test=False).search(domain)
        delay_bulk_export(session, bindings)
