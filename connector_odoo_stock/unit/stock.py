"""Units for stock: the export of the quantity on hand in the backend's warehouse.

One call exports the stock of many products.
"""

from odoo.addons.connector import BulkExporter, ExportMapper, changed_by, delay_bulk_export, mapping
from odoo.addons.connector_odoo.backend import odoo
from odoo.addons.connector_odoo.unit.product import ProductImporter


class StockExportMapper(ExportMapper):
    @mapping
    @changed_by("qty_available")
    def quantity(self, record):
        warehouse = self.backend_record.stock_warehouse_id
        if not warehouse:
            return {}
        return {"quantity": record.odoo_id.with_context(warehouse_id=warehouse.id).qty_available}


class StockExporter(BulkExporter):
    _holds_imports = False

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
            delay_bulk_export(self.environment.user_session, binding)


odoo.register("odoo.product.product", StockExportMapper, StockExporter)
