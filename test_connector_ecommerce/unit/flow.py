"""Flows of the corner shop, in the order of a first run."""

from odoo.tools import LazyTranslate

from odoo.addons.connector import ExportFlow, ImportFlow

from ..backend import corner

_lt = LazyTranslate(__name__)


@corner
class GoodsFlow(ImportFlow):
    _model_name = "corner.product.product"
    code, label = "products", _lt("Products")
    schedule = "0 * * * *"


@corner
class OrdersFlow(ImportFlow):
    _model_name = "corner.sale.order"
    code, label = "orders", _lt("Orders")
    after = ("products",)
    schedule = "*/10 * * * *"


@corner
class DeliveriesFlow(ExportFlow):
    _model_name = "corner.stock.picking"
    code, label = "deliveries", _lt("Deliveries")
    after = ("orders",)


@corner
class CancellationsFlow(ExportFlow):
    _model_name = "corner.sale.order"
    code, label = "cancellations", _lt("Cancellations")
    after = ("orders",)
