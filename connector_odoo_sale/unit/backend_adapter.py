"""Orders are read with their lines."""

from odoo.addons.connector import ImportMapper
from odoo.addons.connector_odoo.backend import odoo_19, odoo_legacy
from odoo.addons.connector_odoo.unit.backend_adapter import Json2Adapter, XmlRpcAdapter


class OrderReading:
    """Reads the lines of orders too, all by one call, and puts them in the place of their ids."""

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
