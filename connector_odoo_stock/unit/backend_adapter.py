"""How the other Odoo is told how much there is of products: as somebody who has counted them tells it."""

from odoo.addons.connector.exception import FailedJobError, IDMissingInBackend, InvalidDataError
from odoo.addons.connector_odoo.backend import odoo
from odoo.addons.connector_odoo.unit.backend_adapter import OdooAdapter


@odoo(extends=OdooAdapter)
class StockAdapter(OdooAdapter):
    """Sets the stock of products."""

    def write_stock(self, quantities):
        """Set how much of products there is in the warehouse that the backend names, by one call. What is refused is found by halving.

        :param quantities: dict, id of the product there to its quantity
        :return: dict, id of each product that is refused to the exception that says why
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
        """The id of the location of the warehouse there; it is asked for once an environment."""
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
