"""The connector keeps the contract of connectors, over each of its protocols.

The recordings are of a real Odoo. CONNECTOR_RECORD=1 makes them anew.
"""

from odoo.tests import tagged

from odoo.addons.connector.testing import ConnectorContract
from odoo.addons.connector.testing.contract.exchanges import ExchangeContract

from .contract_of_odoo import CATEGORY, PARTNER, PRODUCT, OverJson2, OverXmlRpc
from .played_odoo import PlayedModel


class HidingModel(PlayedModel):
    """A model that leaves out of a page, after it was cut, what the user may not see."""

    def search_read(self, domain=(), fields=None, offset=0, limit=None, order="id"):
        found = super().search_read(domain, fields, offset, limit, order)
        return [record for record in found if record["id"] % 3]


class Partners:
    """Mixin: the other Odoo has partners."""

    record = PARTNER

    def prepare(self, shop):
        shop.call("res.partner", "write", [1], vals={"image_1920": False})  # the logo is long

    def test_a_page_from_which_records_are_hidden_is_no_end(self):
        self.model_class = HidingModel
        self.add(*range(3, 20))
        self.assertEqual(list(self.adapter.search()), [id_ for id_ in range(3, 20) if id_ % 3])


@tagged("post_install", "-at_install")
class TestJson2Contract(Partners, OverJson2, ConnectorContract):
    model = "odoo.res.partner"
    recording = "partners_json2"


@tagged("post_install", "-at_install")
class TestXmlRpcContract(Partners, OverXmlRpc, ConnectorContract):
    model = "odoo.res.partner"
    recording = "partners_xmlrpc"


@tagged("post_install", "-at_install")
class TestCategoriesOverJson2(OverJson2, ExchangeContract):
    model = "odoo.product.category"
    record = CATEGORY
    recording = "categories_json2"


@tagged("post_install", "-at_install")
class TestCategoriesOverXmlRpc(OverXmlRpc, ExchangeContract):
    model = "odoo.product.category"
    record = CATEGORY
    recording = "categories_xmlrpc"


class Products:
    """Mixin: the other Odoo has products."""

    record = PRODUCT

    def prepare(self, shop):
        shop.create("product.product", name="Chair", list_price=19.99, type="consu")


@tagged("post_install", "-at_install")
class TestProductsOverJson2(Products, OverJson2, ExchangeContract):
    model = "odoo.product.product"
    recording = "products_json2"


@tagged("post_install", "-at_install")
class TestProductsOverXmlRpc(Products, OverXmlRpc, ExchangeContract):
    model = "odoo.product.product"
    recording = "products_xmlrpc"
