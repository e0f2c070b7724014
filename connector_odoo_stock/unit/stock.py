"""Units for stock: the quantity that the backend says is exported, of many products by one call."""

from odoo.addons.connector import delay_bulk_export
from odoo.addons.connector_odoo.backend import odoo
from odoo.addons.connector_odoo.unit.product import ProductImporter
from odoo.addons.connector_stock import StockExporter, StockExportMapper, StockFlow


class OdooStockExportMapper(StockExportMapper):
    pass


class OdooStockFlow(StockFlow):
    pass


class OdooStockExporter(StockExporter):
    def _write_many(self, changes):
        self.backend_adapter.write_stock({id_: values["quantity"] for id_, values in changes.items()})


@odoo(extends=ProductImporter)
class StockedProductImporter(ProductImporter):
    """Delays the export of the stock of an imported product that matches one of ours.

    There may be stock of it here.
    """

    def _after_import(self, binding):
        super()._after_import(binding)
        if self.incoming.match and self.backend_record.stock_warehouse_id:
            delay_bulk_export(self.environment.user_session, binding, "stock")


odoo.register("odoo.product.product", OdooStockFlow, OdooStockExportMapper, OdooStockExporter)
