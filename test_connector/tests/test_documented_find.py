"""Adapters that docs/first_hour.md shows for *Find*, as they are written there."""

import sys
from types import ModuleType
from unittest.mock import patch

from odoo.addons.connector.testing import Answer
from odoo.addons.connector.testing.registration import registering

from ..units import webshop
from .test_documented_adapters import CODE, DOCS, PACKAGE
from .test_http_adapter import HttpCase


class TestDocumentedFind(HttpCase):
    def setUp(self):
        super().setUp()
        self.enterContext(registering(webshop))
        backend = ModuleType(f"{PACKAGE}.backend")
        backend.shop = webshop
        self.enterContext(patch.dict(sys.modules, {PACKAGE: ModuleType(PACKAGE), backend.__name__: backend}))
        self.names = {"__name__": f"{PACKAGE}.unit.adapter", "__package__": f"{PACKAGE}.unit"}
        page = (DOCS / "first_hour.md").read_text()
        section = page.partition("\n## Fetch one by its number, and find\n")[2].partition("\n## ")[0]
        for block in CODE.findall(section):
            exec(block, self.names)

    def found(self, name, number):
        self.backend.write({"location": self.server.url, "token": "s3cr3t"})
        return self.names[name](self.environment()).find_by_number(number)

    def asked(self):
        [request] = self.server.requests
        return request.path, request.params

    def test_orders_by_a_parameter(self):
        self.serve(Answer([{"id": 7}]))
        self.assertEqual(self.found("Orders", "100042"), [7])
        self.assertEqual(self.asked(), ("/orders", {"number": "100042", "status": "any"}))

    def test_products_by_a_path(self):
        self.serve(Answer({"id": 7}))
        self.assertEqual(self.found("Products", "A 1"), [7])
        self.assertEqual(self.asked(), ("/products/by-sku/A%201", {}))

    def test_customers_by_a_method(self):
        self.serve(Answer([{"id": 7}]))
        self.assertEqual(self.found("Customers", "ada@example.com"), [7])
        self.assertEqual(self.asked(), ("/customers", {"email": "ada@example.com"}))
