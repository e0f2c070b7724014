"""Extension of the adapter that reads orders with their lines."""

from odoo.addons.connector import ImportMapper
from odoo.addons.connector_odoo.backend import odoo
from odoo.addons.connector_odoo.unit.backend_adapter import OdooAdapter


@odoo(extends=OdooAdapter)
class OrderAdapter(OdooAdapter):
    """Extension of the adapter: reads the lines of orders together with the orders.

    All lines are read by one call. They replace their ids in the orders.
    """

    _number_fields = {**OdooAdapter._number_fields, "sale.order": ("name", "client_order_ref")}

    def _read_records(self, model_name, external_ids, fields):
        records = super()._read_records(model_name, external_ids, fields)
        if model_name == "sale.order" and "order_line" in (fields or ()):
            ids = [line_id for order in records for line_id in order["order_line"]]
            line_fields = sorted(self.unit_for(ImportMapper, "odoo.sale.order.line").source_fields)
            lines = {line["id"]: line for line in super()._read_records("sale.order.line", ids, line_fields)}
            for order in records:
                order["order_line"] = [lines[line_id] for line_id in order["order_line"] if line_id in lines]
        return records
