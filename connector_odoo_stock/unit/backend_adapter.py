"""Adapter that sets the stock of products in the other Odoo.

It writes quantities as somebody does who has counted the products.
"""

from odoo.addons.connector.exception import FailedJobError, IDMissingInBackend, InvalidDataError
from odoo.addons.connector_odoo.backend import odoo
from odoo.addons.connector_odoo.unit.backend_adapter import OdooAdapter


@odoo(extends=OdooAdapter)
class StockAdapter(OdooAdapter):
    """Extension of the adapter: sets the stock of products."""

    def write_stock(self, quantities):
        """Set the stock of products in the warehouse there that the backend names, by one call.

        If the call is refused, the refused products are found by halving.

        :param quantities: dict, id of the product there to its quantity
        :return: dict, id of each refused product to the exception that gives the reason
        """
        counted = [
            {
                "product_id": int(external_id),
                "location_id": self._stock_location,
                "inventory_quantity_auto_apply": quantity,
            }
            for external_id, quantity in quantities.items()
        ]
        try:
            self._create("stock.quant", counted, inventory_mode=True)
        except (InvalidDataError, IDMissingInBackend) as error:
            if len(quantities) == 1:
                return dict.fromkeys(quantities, error)
            items = list(quantities.items())
            middle = len(items) // 2
            return self.write_stock(dict(items[:middle])) | self.write_stock(dict(items[middle:]))
        return {}

    @property
    def _stock_location(self):
        """The id of the location of the warehouse there.

        It is read once per environment.
        """
        return self.environment.open("stock location", self._find_stock_location)

    def _find_stock_location(self):
        code = self.backend_record.external_warehouse
        warehouses = self._call(
            "stock.warehouse", "search_read", domain=[("code", "=", code)], fields=["lot_stock_id"], limit=1
        )
        for warehouse in self._checked(warehouses, ["lot_stock_id"]):
            return warehouse["lot_stock_id"][0]
        raise FailedJobError(
            self._(
                "%(system)s has no warehouse with the short name %(code)s. Correct it in the backend, then requeue the job.",
                system=self._label,
                code=code,
            )
        )
