"""Units for goods: import, and the export of how many there are."""

from odoo.addons.connector import ImportMapper, RecordImporter, mapping, only_create
from odoo.addons.connector_stock import StockExporter, StockExportMapper, StockFlow

from ..backend import corner


class GoodMapper(ImportMapper):
    direct = [("code", "default_code"), ("title", "name")]

    @mapping
    def price(self, record):
        return {"list_price": record["minor"] / 100}

    @mapping
    @only_create
    def type(self, record):
        return {"type": "consu", "is_storable": True}


class GoodImporter(RecordImporter):
    def _match_key(self):
        return "default_code", self.external_record["code"]


class HoldingMapper(StockExportMapper):
    def stock_values(self, record, quantity):
        return {"count": int(quantity)}


corner.register("corner.product.product", GoodMapper, GoodImporter, StockFlow, HoldingMapper, StockExporter)
