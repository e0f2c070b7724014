"""What contracts of connectors to another Odoo have in common: how it is played and recorded."""

import os
from dataclasses import replace
from unittest.mock import patch

from odoo.addons.connector.testing.recording import RECORD

from ..unit.backend_adapter import OdooAdapter
from .other_odoo import other_odoo_with_orders
from .played_odoo import PlayedModel, answer_json2, answer_xmlrpc, refuse_json2, refuse_xmlrpc

_WRITTEN = {"write_date": "2026-01-31 08:15:00"}
#: After the watermark, by which the changes are asked for.
_WRITTEN_LATER = {"write_date": "2126-01-31 08:15:00"}

# Records as an Odoo sends them
PARTNER = {
    "id": 41,
    **_WRITTEN,
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
CATEGORY = {"id": 3, **_WRITTEN, "name": "Chairs", "parent_id": False}
PRODUCT = {
    "id": 51,
    **_WRITTEN,
    "display_name": "Chair",
    "active": True,
    "type": "consu",
    "lst_price": 19.99,
    "weight": 4.5,
    "volume": 0.0,
    "sale_ok": True,
    "purchase_ok": True,
    "categ_id": 3,
    **dict.fromkeys(["default_code", "barcode", "description_sale", "image_1920"], False),
}


class OverJson2:
    """Mixin of contracts: the other Odoo speaks JSON-2, and has records of some models.

    :cvar others: dict of the records of models that are not tested, but that these refer to: name
        of a model to list of records
    """

    backend_model = "odoo.backend"
    backend_values = {
        "version": "19.0",
        "database": "the database of the tests",
        "login": "admin",
        "api_key": "the-key-of-the-tests",
    }
    others = {}
    model_class = PlayedModel

    def setUp(self):
        self.keys = {}  # external identifiers in the other Odoo
        if os.environ.get(RECORD):
            shop = other_odoo_with_orders()
            self.prepare(shop)
            real = {name: getattr(shop, name) for name in ("location", "database", "login", "api_key")}
            self.backend_values = {**self.backend_values, **real}
        super().setUp()
        self.enterContext(patch.object(OdooAdapter, "paginator", replace(OdooAdapter.paginator, size=2)))

    def prepare(self, shop):
        """Let the other Odoo have a record that can be recorded.

        :param shop: :class:`~.other_odoo.OtherOdoo`
        """

    def changed_there(self):
        return {**super().changed_there(), **_WRITTEN_LATER}

    def hidden(self):
        return [*super().hidden(), self.backend.database]

    def model_of(self, name, records):
        """Return the :class:`~.played_odoo.PlayedModel` of a model of the other Odoo."""
        if name == self.model.removeprefix("odoo."):
            return self.model_class(records, self.record, self.keys)
        return PlayedModel({str(record["id"]): record for record in self.others[name]}, None, {})

    def answer(self, request, records):
        return answer_json2(request, lambda name: self.model_of(name, records), self.refuse)

    def refuse(self, status, message, headers=None):
        return refuse_json2(status, message, headers)


class OverXmlRpc(OverJson2):
    """Mixin of contracts: the other Odoo speaks XML-RPC."""

    backend_values = {**OverJson2.backend_values, "version": "legacy"}

    def answer(self, request, records):
        return answer_xmlrpc(request, lambda name: self.model_of(name, records), self.refuse)

    def refuse(self, status, message, headers=None):
        return refuse_xmlrpc(status, message, headers)
