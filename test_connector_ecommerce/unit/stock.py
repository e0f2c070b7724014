"""Units for stock: the small shop takes the levels of 250 articles by one call."""

from odoo.addons.connector.declaration import RestAdapter
from odoo.addons.connector.exception import InvalidDataError
from odoo.addons.connector_stock import StockExporter, StockExportMapper, StockFlow

from ..backend import corner_levels


class StockAdapter(RestAdapter):
    path = "/articles"

    def write_many(self, changes):
        levels = [{"article": id_, **level} for id_, level in changes.items()]
        refused = self.request_json("POST", "/levels", json=levels)["refused"]
        return {id_: InvalidDataError(why) for id_, why in refused.items()}


class CornerStockMapper(StockExportMapper):
    def stock_values(self, record, quantity):
        return {"pieces": int(quantity), "buyable": quantity > 0 or record.backorders in ("yes", "notice")}


class CornerStockExporter(StockExporter):
    _page_size = 250


class CornerStockFlow(StockFlow):
    pass


corner_levels.register("corner.product.product", StockAdapter, CornerStockFlow, CornerStockMapper, CornerStockExporter)
