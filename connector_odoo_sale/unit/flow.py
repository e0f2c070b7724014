"""Flow of sale orders."""

from odoo.tools import LazyTranslate

from odoo.addons.connector import ImportFlow
from odoo.addons.connector_odoo.backend import odoo

_lt = LazyTranslate(__name__)


@odoo
class OrdersFlow(ImportFlow):
    _model_name = "odoo.sale.order"
    code, label = "orders", _lt("Sale Orders")
    after = ("partners", "products")
    schedule = "*/15 * * * *"
