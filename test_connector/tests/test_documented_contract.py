"""The code of docs/contract.md runs as tests, for connectors that must pass them."""

import re
from pathlib import Path

from odoo.tests import TransactionCase

from odoo.addons.connector import ExportMapper, HttpAdapter, ImportMapper
from odoo.addons.connector.declaration import Bearer, NumberPages, RestAdapter, field, secret

from .test_contract import MODEL, ContractOfShop

PAGE = (Path(__file__).parents[2] / "docs" / "contract.md").read_text()
CODE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
JSON = re.compile(r"^```json\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OURS = {'"shop.backend"': '"test.shop.backend"', '"shop.res.partner"': f'"{MODEL}"'}


def documented():
    """Return the names that the code of the page defines, for the models of the tests."""
    names = {"__name__": "documented_connector.tests.test_contract"}
    for code in CODE.findall(PAGE):
        for name, ours in OURS.items():
            code = code.replace(name, ours)
        exec(code, names)
    return names


class CustomerMapper(ImportMapper):
    _model_name = MODEL
    direct = [("name", "name"), ("mail", "email")]


class CustomerExportMapper(ExportMapper):
    _model_name = MODEL
    direct = [("name", "name"), ("email", "mail")]


class DeclaredCustomers(RestAdapter):
    _model_name = MODEL
    base, path = field("location"), "/customers"
    auth, paginator = Bearer(secret("token")), NumberPages()


class WrittenCustomers(HttpAdapter):
    _model_name = MODEL

    @property
    def _base_url(self):
        return self.backend_record.location

    def search_read(self, filters=None, fields=None):
        return [customer for page in self.pages_by_number("/customers", filters) for customer in page]

    def search(self, filters=None):
        return [customer["id"] for customer in self.search_read(filters)]

    def read(self, external_id, fields=None):
        return self.request_json("GET", self.path("/customers", external_id))

    def write(self, external_id, data):
        self.request("PUT", self.path("/customers", external_id), json=data)


class TestDocumented(ContractOfShop, documented()["TestContract"]):
    model = MODEL
    backend_values = ContractOfShop.backend_values
    units = DeclaredCustomers, CustomerMapper


class TestDocumentedWritten(ContractOfShop, documented()["TestWrittenContract"]):
    model = MODEL
    backend_values = ContractOfShop.backend_values
    units = WrittenCustomers, CustomerMapper, CustomerExportMapper


class TestDocumentedRecording(TransactionCase):
    def test_the_page_shows_the_recording_that_the_tests_use(self):
        (shown,) = JSON.findall(PAGE)
        self.assertEqual(shown, (Path(__file__).parent / "recorded" / "customers.json").read_text())
