"""Units of the stock that a backend is told: its flow, the base of its mapper, and its exporter.

A connector registers them for its bindings of products::

    class ProductExportMapper(StockExportMapper):
        def stock_values(self, record, quantity):
            return {"qty": quantity, "is_in_stock": quantity > 0}

    shop.register("shop.product.product", StockFlow, ProductExportMapper, StockExporter)
"""

from odoo import fields
from odoo.tools import LazyTranslate

from odoo.addons.connector import BulkExporter, BulkExportFlow, ExportMapper, changed_by, mapping, without_export

_lt = LazyTranslate(__name__)


class StockFlow(BulkExportFlow):
    """The flow of the stock that a backend is told.

    A run compares the stock of all products with what was told last, and tells what differs.
    """

    code, label = "stock", _lt("Stock")
    after = ("products",)
    schedule = "17 * * * *"
    fields = ("qty_available",)
    page_size = 500

    def not_ready(self):
        backend = self.backend_record
        if not backend._stock_warehouses():
            return self._(
                "Choose the warehouse here whose stock is told first, on the backend %s.", self.environment.backend_name
            )
        if not backend._stock_field_name():
            return self._("Choose the field with the quantity first, on the backend %s.", self.environment.backend_name)
        return None

    def bindings(self):
        told = [("odoo_id.is_storable", "=", True), ("no_stock", "=", False)]
        return super().bindings().filtered_domain(told)


class StockExportMapper(ExportMapper):
    """Base of the mapper of products whose stock is told."""

    @mapping
    @changed_by("qty_available")
    def stock(self, record):
        if record.no_stock or not self.backend_record._tells_stock():
            return {}
        return self.stock_values(record, record._stock_to_tell())

    def stock_values(self, record, quantity):
        """Return how the external system is told a quantity; a hook.

        :param record: binding of a product
        :param quantity: float
        :return: dict, field there to value
        """
        return {"quantity": quantity}


class StockExporter(BulkExporter):
    """Exporter of the stock of many products by one call, ``write_many`` of the adapter.

    If one value of a product differs from what was sent last, all are sent: a shop that gets 42
    pieces may have to be told, too, that the product can be bought again. What was told of each
    product is kept, and when.
    """

    _holds_imports = False

    def _changes(self, bindings):
        changed = bindings.browse(binding.id for binding in super()._changes(bindings))
        self._quantities = {binding: binding._stock_to_tell() for binding in changed}
        mapped = self.mapper.map_records(changed).values(fields=self._sent_fields)
        return dict(zip(changed, mapped, strict=True))

    def _remember(self, sent, changes, states):
        super()._remember(sent, changes, states)
        now = fields.Datetime.now()
        for binding in sent.values():
            without_export(binding).write({"told_quantity": self._quantities[binding], "told_at": now})
