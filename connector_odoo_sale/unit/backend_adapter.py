"""Adapters of sale orders, which read an order with its lines."""

from odoo.addons.connector import ImportMapper
from odoo.addons.connector_odoo.backend import odoo_19, odoo_legacy
from odoo.addons.connector_odoo.unit.backend_adapter import Json2Adapter, XmlRpcAdapter


class OrderReading:
    """Mixin of adapters that reads the lines of orders together with the orders.

    All lines are read by one call. They replace their ids in the orders.
    """

    def _read(self, model_name, external_ids, fields):
        records = super()._read(model_name, external_ids, fields)
        if model_name == self._external_model and "order_line" in (fields or ()):
            ids = [line_id for order in records for line_id in order["order_line"]]
            line_fields = sorted(self.unit_for(ImportMapper, "odoo.sale.order.line").source_fields)
            lines = {line["id"]: line for line in super()._read("sale.order.line", ids, line_fields)}
            for order in records:
                order["order_line"] = [lines[line_id] for line_id in order["order_line"] if line_id in lines]
        return records


@odoo_19
class Json2OrderAdapter(OrderReading, Json2Adapter):
    """Reads orders over JSON-2."""

    _model_name = "odoo.sale.order"


@odoo_legacy
class XmlRpcOrderAdapter(OrderReading, XmlRpcAdapter):
    """Reads orders over XML-RPC."""

    _model_name = "odoo.sale.order"
