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

    def read_many(self, external_ids, fields=None):
        records = super().read_many(external_ids, fields)
        if self.resource == "sale.order" and "order_line" in (fields or ()):
            ids = [line_id for order in records for line_id in order["order_line"]]
            line_fields = sorted(self.unit_for(ImportMapper, "odoo.sale.order.line").source_fields)
            lines = {line["id"]: line for line in self.of("sale.order.line").read_many(ids, line_fields)}
            for order in records:
                order["order_line"] = [lines[line_id] for line_id in order["order_line"] if line_id in lines]
        return records
