"""The connector keeps the contract: products are imported, and their stock is exported in bulk."""

from odoo.tests import tagged

from odoo.addons.connector.testing import ConnectorContract
from odoo.addons.connector.testing.contract.bulk import BulkContract
from odoo.addons.connector_odoo.tests.contract_of_odoo import CATEGORY, PRODUCT, OverJson2, OverXmlRpc

WAREHOUSE = {"id": 1, "code": "WH", "lot_stock_id": [8, "WH/Stock"]}


class PlayedQuants:
    """The quants of an Odoo: who counts a product there sets its quantity.

    :param products: dict, id of a product as text to record
    """

    def __init__(self, products):
        self._products = products

    def create(self, vals_list):
        for values in vals_list:
            location, quantity = values["location_id"], values["inventory_quantity_auto_apply"]
            assert location == WAREHOUSE["lot_stock_id"][0], f"{location} is another location"
            self._products[str(values["product_id"])]["qty_available"] = quantity
        return [1000 + number for number in range(len(vals_list))]


class StockContract:
    """Mixin: the other Odoo has products, and is told their stock."""

    record = {**PRODUCT, "qty_available": 0.0}
    others = {"product.category": [CATEGORY], "stock.warehouse": [WAREHOUSE]}
    refers_to = {"odoo.product.category": CATEGORY["id"]}

    def create_backend(self, **values):
        warehouse = self.env["stock.warehouse"].search([("company_id", "=", self.env.company.id)], limit=1)
        return super().create_backend(stock_warehouse_id=warehouse.id, **values)

    def model_of(self, name, records):
        return PlayedQuants(records) if name == "stock.quant" else super().model_of(name, records)

    def is_change(self, request):
        return b"inventory_quantity_auto_apply" in request.body  # the warehouse is looked up before

    def change_in_bulk(self, binding, number):
        binding.is_storable = True
        self.env["stock.quant"].with_context(inventory_mode=True).create(
            {
                "product_id": binding.odoo_id.id,
                "location_id": self.backend.stock_warehouse_id.lot_stock_id.id,
                "inventory_quantity_auto_apply": number,
            }
        )


@tagged("post_install", "-at_install")
class TestJson2Contract(StockContract, OverJson2, ConnectorContract):
    model = "odoo.product.product"


@tagged("post_install", "-at_install")
class TestBulkOverXmlRpc(StockContract, OverXmlRpc, BulkContract):
    model = "odoo.product.product"
