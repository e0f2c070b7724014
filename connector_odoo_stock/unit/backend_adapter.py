"""Adapter that sets the stock of products in the other Odoo.

It writes quantities as somebody does who has counted the products.
"""

from odoo.addons.connector.exception import FailedJobError
from odoo.addons.connector_odoo.backend import odoo
from odoo.addons.connector_odoo.unit.backend_adapter import OdooAdapter


@odoo(extends=OdooAdapter)
class StockAdapter(OdooAdapter):
    """Extension of the adapter: sets the stock of products."""

    def write_stock(self, quantities):
        """Set the stock of products in the warehouse there that the backend names, by one call.

        :param quantities: dict, id of the product there to its quantity
        """
        location_id = self.environment.open("stock location in the other Odoo", self._find_stock_location)
        counted = [
            {"product_id": int(external_id), "location_id": location_id, "inventory_quantity_auto_apply": quantity}
            for external_id, quantity in quantities.items()
        ]
        context = {**self._context, "inventory_mode": True}
        self.call("stock.quant/create", {"vals_list": counted, "context": context})

    def _find_stock_location(self):
        code = self.backend_record.external_warehouse
        asked = {"domain": [("code", "=", code)], "fields": ["lot_stock_id"], "limit": 1}
        match self.call("stock.warehouse/search_read", asked, idempotent=True, reads=True):
            case [{"lot_stock_id": [int(location_id), *_]}]:
                return location_id
            case []:
                raise FailedJobError(
                    self._(
                        "%(system)s has no warehouse with the short name %(code)s. Correct it in the backend, then requeue the job.",
                        system=self._label,
                        code=code,
                    )
                )
        raise self._nonsense()
