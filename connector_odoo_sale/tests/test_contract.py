"""The import of orders keeps the contract of connectors: with their lines, customers and products.

The recordings are of a real Odoo. CONNECTOR_RECORD=1 makes them anew.
"""

from copy import deepcopy

from odoo.tests import tagged

from odoo.addons.connector.testing import ConnectorContract
from odoo.addons.connector.testing.contract.exchanges import ExchangeContract
from odoo.addons.connector_odoo.tests.contract_of_odoo import CATEGORY, PARTNER, PRODUCT, OverJson2, OverXmlRpc
from odoo.addons.connector_odoo.tests.played_odoo import PlayedModel

WRITTEN = {"write_date": "2026-01-31 08:15:00"}
LINE = {
    "id": 611,
    **WRITTEN,
    "name": "Chair",
    "display_type": False,
    "sequence": 10,
    "product_id": PRODUCT["id"],
    "product_uom_qty": 2.0,
    "price_unit": 19.99,
    "discount": 0.0,
}
# with its lines, as the adapter reads it
ORDER = {
    "id": 61,
    **WRITTEN,
    "name": "S00061",
    "client_order_ref": False,
    "date_order": "2026-01-31 08:00:00",
    "partner_id": PARTNER["id"],
    "partner_invoice_id": PARTNER["id"],
    "partner_shipping_id": PARTNER["id"],
    "order_line": [LINE, {**LINE, "id": 612, "name": "Another chair", "product_uom_qty": 1.0}],
    "state": "sale",
    "amount_total": 59.97,
    "currency_id": 1,
}


class PlayedOrders(PlayedModel):
    """The orders of an Odoo, which gives the ids of their lines."""

    def read(self, ids, fields=None, load=None):
        return [
            {**order, "order_line": [line["id"] for line in order["order_line"]]} if "order_line" in order else order
            for order in super().read(ids, fields, load)
        ]


class Orders:
    """Mixin: the other Odoo has orders."""

    record = ORDER
    model_class = PlayedOrders

    def prepare(self, shop):
        product = shop.create("product.product", name="Chair", list_price=19.99, taxes_id=[[5]])
        lines = [[0, 0, {"product_id": product, "product_uom_qty": quantity}] for quantity in (2, 1)]
        shop.create("sale.order", partner_id=shop.create("res.partner", name="Ada"), order_line=lines)


@tagged("post_install", "-at_install")
class TestContract(Orders, OverJson2, ConnectorContract):
    model = "odoo.sale.order"
    refers_to = {
        "odoo.res.partner": PARTNER["id"],
        "odoo.product.product": PRODUCT["id"],
        "odoo.product.category": CATEGORY["id"],
    }
    recording = "orders_json2"

    def setUp(self):
        super().setUp()
        self.env.company.account_sale_tax_id = False  # so the total is that of the other Odoo
        currency = {"id": ORDER["currency_id"], "name": self.env.company.currency_id.name}
        self.others = {
            "res.partner": [PARTNER],
            "product.product": [PRODUCT],
            "product.category": [CATEGORY],
            "res.currency": [currency],
        }

    def model_of(self, name, records):
        if name == "sale.order.line":
            lines = {str(line["id"]): line for order in records.values() for line in order.get("order_line", ())}
            return PlayedModel(lines, LINE, {})
        return super().model_of(name, records)

    def another(self, external_id):
        order = {**deepcopy(ORDER), "id": external_id}
        for number, line in enumerate(order["order_line"], start=1):
            line["id"] = 10 * external_id + number
        return order

    def is_gone(self, line):
        # Odoo deletes no line of a confirmed order
        return super().is_gone(line) or not line.product_uom_qty

    def test_an_order_whose_total_is_that_of_the_other_odoo_is_confirmed(self):
        order = self.imported().odoo_id
        self.assertEqual((order.state, len(order.order_line)), ("sale", 2))
        self.assertFalse(self.asked().filtered(lambda checkpoint: checkpoint.model == "sale.order"))

    def test_an_order_whose_customer_is_not_there_costs_no_other(self):
        good, bad = self.ids(2)
        self.add(good)
        self.add(bad, partner_id=404)
        jobs = self.import_all()
        self.bound(good)
        self.assertNotIn(str(bad), self.bindings().mapped("external_id"), "An order without its customer is imported")
        self.assertTrue(jobs.filtered(lambda job: job.state == "failed"), "Nobody is told of the order")


@tagged("post_install", "-at_install")
class TestExchangeOverXmlRpc(Orders, OverXmlRpc, ExchangeContract):
    model = "odoo.sale.order"
    recording = "orders_xmlrpc"
