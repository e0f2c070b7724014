"""Flow of the stock that the other Odoo is told."""

from odoo.tools import LazyTranslate

from odoo.addons.connector import BulkExportFlow
from odoo.addons.connector_odoo.backend import odoo

_lt = LazyTranslate(__name__)


@odoo
class StockFlow(BulkExportFlow):
    _model_name = "odoo.product.product"
    code, label = "stock", _lt("Stock")
    after = ("products",)
    fields = ("qty_available",)

    def not_ready(self):
        if self.backend_record.stock_warehouse_id:
            return None
        return self._(
            "Choose the warehouse here whose stock is told first, on the backend %s.", self.environment.backend_name
        )

    def bindings(self):
        return super().bindings().filtered_domain([("odoo_id.is_storable", "=", True)])
