"""The connector keeps the contract of connectors, over each of its protocols."""

from unittest.mock import patch

from odoo.tests import tagged

from odoo.addons.connector.testing import ConnectorContract

from ..unit.backend_adapter import OdooAdapter
from .played_odoo import PlayedModel, answer_json2, answer_xmlrpc, refuse_json2, refuse_xmlrpc

PARTNER = {
    "id": 41,
    "write_date": "2026-01-31 08:15:00",
    "name": "Ada Lovelace",
    "active": True,
    "is_company": False,
    "type": "contact",
    "email": "ada@example.com",
    **dict.fromkeys(
        ["parent_id", "street", "street2", "zip", "city", "phone", "website", "function", "ref", "vat", "comment"],
        False,
    ),
    **dict.fromkeys(["image_1920", "country_id", "state_id"], False),
}


class HidingModel(PlayedModel):
    """A model that leaves out of a page, after it was cut, what the user may not see."""

    def search_read(self, domain=(), fields=None, offset=0, limit=None, order="id"):
        found = super().search_read(domain, fields, offset, limit, order)
        return [record for record in found if record["id"] % 3]


class ContractOfOdoo(ConnectorContract):
    """Base: the other Odoo has partners."""

    backend_model = "odoo.backend"
    backend_values = {"database": "shop", "login": "admin", "api_key": "the-key-of-the-tests"}
    record = PARTNER
    # after the watermark, by which the changes are asked for
    change = {"name": "Ada King", "write_date": "2126-01-31 08:15:00"}

    def setUp(self):
        self.keys = {}  # external identifiers in the other Odoo
        super().setUp()
        self.enterContext(patch.object(OdooAdapter, "_page_size", 2))

    model_class = PlayedModel

    def model_of(self, records):
        return self.model_class(records, self.record, self.keys)

    def test_a_page_from_which_records_are_hidden_is_no_end(self):
        self.model_class = HidingModel
        self.add(*range(3, 20))
        self.assertEqual(list(self.adapter.search()), [id_ for id_ in range(3, 20) if id_ % 3])


@tagged("post_install", "-at_install")
class TestJson2Contract(ContractOfOdoo):
    model = "odoo.res.partner"
    backend_values = {**ContractOfOdoo.backend_values, "version": "19.0"}

    def answer(self, request, records):
        return answer_json2(request, self.model_of(records), self.refuse)

    def refuse(self, status, message, headers=None):
        return refuse_json2(status, message, headers)


@tagged("post_install", "-at_install")
class TestXmlRpcContract(ContractOfOdoo):
    model = "odoo.res.partner"
    backend_values = {**ContractOfOdoo.backend_values, "version": "legacy"}

    def answer(self, request, records):
        return answer_xmlrpc(request, self.model_of(records), self.refuse)

    def refuse(self, status, message, headers=None):
        return refuse_xmlrpc(status, message, headers)
