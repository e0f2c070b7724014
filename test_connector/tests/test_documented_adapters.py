"""Adapters that docs/adapters.md and docs/exports.md show, as they are written there."""

import json
import re
import sys
import xmlrpc.client
from datetime import date
from pathlib import Path
from types import ModuleType
from unittest.mock import patch

from odoo.addons.connector.exception import CredentialsRefused, FailedJobError, IDMissingInBackend, InvalidDataError
from odoo.addons.connector.testing import Answer
from odoo.addons.connector.testing.registration import registering

from ..units import webshop
from .test_http_adapter import HttpCase

DOCS = Path(__file__).parents[2] / "docs"
CODE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# a file of the addon that docs/testing.md shows; it is tested with that
FILE = re.compile(r"^`connector_\w+/[\w/.]+`:\n\n```python\n.*?^```$", re.MULTILINE | re.DOTALL)
PACKAGE = "documented_connector"


class DocumentedCase(HttpCase):
    """Runs the code of the page as a module of a connector, with the service of the tests."""

    def setUp(self):
        super().setUp()
        self.enterContext(registering(webshop))
        backend = ModuleType(f"{PACKAGE}.backend")
        backend.shop = webshop
        self.enterContext(patch.dict(sys.modules, {PACKAGE: ModuleType(PACKAGE), backend.__name__: backend}))
        self.names = {"__name__": f"{PACKAGE}.unit.adapter", "__package__": f"{PACKAGE}.unit"}
        for block in CODE.findall(FILE.sub("", (DOCS / "adapters.md").read_text())):
            exec(block, self.names)
        (keys,) = [block for block in CODE.findall((DOCS / "exports.md").read_text()) if "idempotency_key" in block]
        exec(keys, self.names)

    def documented(self, name):
        self.backend.write({"location": self.server.url, "token": "s3cr3t"})
        return self.names[name](self.environment())


class TestDocumentedAdapters(DocumentedCase):
    def test_the_customers_of_a_rest_system(self):
        pages = {None: ("a1", "b7"), "b7": ("b7", None)}

        def answer(request):
            if request.path != "/customers" or request.method != "GET":
                return Answer({"uuid": "c/9"})
            uuid, following = pages[request.params.get("cursor")]
            return Answer({"data": {"customers": [{"uuid": uuid}]}, "meta": {"next": following}})

        self.serve(answer)
        customers = self.documented("Customers")
        self.assertEqual(customers.search(), ["a1", "b7"])
        self.assertEqual(customers.create({"name": "Ada"}), "c/9")
        customers.write("c/9", {"name": "Ada King"})
        customers.delete("c/9")
        asked = [(request.method, request.path) for request in self.server.requests[3:]]
        self.assertEqual(asked, [("PATCH", "/customers/c%2F9"), ("POST", "/customers/c%2F9/archive")])
        self.assertEqual({request.headers["X-Api-Key"] for request in self.server.requests}, {"s3cr3t"})

    def test_an_address_whose_id_is_only_in_a_header(self):
        self.serve(Answer("", 201, {"Location": "/addresses/c%2F9"}))
        self.assertEqual(self.documented("Addresses").create({"city": "London"}), "c/9")

    def test_books_whose_calls_are_declared_once_for_all_records(self):
        results = {
            "book.find": [{"id": 7}],
            "book.read": [{"id": 7, "name": "Emma"}],
            "book.create": [8],
            "publisher.read": [{"id": 3, "code": "JM"}],
            "system.info": {"version": "4.2"},
        }
        asked = []

        def answer(request):
            call = json.loads(request.body)
            params = call["params"] or {}
            asked.append((call["method"], params))
            if params.get("after") == 7:
                return Answer({"result": []})
            return Answer({"result": results[call["method"]]})

        self.serve(answer)
        books = self.documented("Books")
        self.assertEqual(list(books.search({"state": "printed"})), [7])
        self.assertEqual(books.read("7", ["name"]), {"id": 7, "name": "Emma"})
        self.assertEqual(books.create({"name": "Emma"}), 8)
        self.assertEqual([books.publisher_code(3), books.publisher_code("3")], ["JM", "JM"])
        self.assertEqual(books.system_version(), "4.2")
        self.assertEqual(
            asked,
            [
                ("book.find", {"filter": {"state": "printed"}, "after": 0, "limit": 500}),
                ("book.find", {"filter": {"state": "printed"}, "after": 7, "limit": 500}),
                ("book.read", {"ids": [7], "fields": ["name"]}),
                ("book.create", {"values": [{"name": "Emma"}]}),
                ("publisher.read", {"ids": [3], "fields": ["code"]}),
                ("system.info", {}),
            ],
        )

    def test_orders_whose_notes_are_read_by_themselves(self):
        def answer(request):
            if request.path == "/orders":
                return Answer({"orders": [{"id": 7}], "count": 1})
            return Answer(["fragile"] if request.path.endswith("notes") else {"id": 7})

        self.serve(answer)
        self.assertEqual(list(self.documented("Orders").search_read()), [{"id": 7, "notes": ["fragile"]}])

    def test_products_that_have_changed(self):
        self.serve(Answer([]))
        products = self.documented("Products")
        filters = products.changed.filters("2026-01-31 08:10:00", self.env.cr.now())
        self.assertEqual(products.search(filters), [])
        self.assertEqual(self.server.requests[0].params["updated_since"], "2026-01-31T08:10:00Z")

    def test_shipments_that_our_user_must_not_see(self):
        error = {
            "message": "The consumer isn't authorized to access %resources.",
            "parameters": {"resources": "Magento_Sales::ship"},
        }
        self.serve(Answer(error, 401))
        refused = self.error_of(lambda: self.documented("Shipments").read(7))
        self.assertIs(type(refused), FailedJobError)
        self.assertIn("lacks the right Magento_Sales::ship there", str(refused))
        self.serve(Answer({"message": "The token has been revoked"}, 401))
        self.assertIs(type(self.error_of(lambda: self.documented("Shipments").read(7))), CredentialsRefused)

    def test_the_invoices_of_a_graphql_system(self):
        invoices = {"nodes": [{"id": "i1"}], "pageInfo": {"endCursor": "c1", "hasNextPage": False}}

        def answer(request):
            query = json.loads(request.body)["query"]
            if "changeInvoice" in query:
                return Answer({"data": {"changeInvoice": {"userErrors": [{"message": "The total is missing"}]}}})
            if query.startswith("mutation"):
                return Answer({"data": {"createInvoice": {"id": "i2"}}})
            if "invoice(" in query:
                return Answer({"errors": [{"message": "No such invoice", "extensions": {"code": "NOT_FOUND"}}]})
            return Answer({"data": {"invoices": invoices}})

        self.serve(answer)
        adapter = self.documented("Invoices")
        self.assertEqual(adapter.search(), ["i1"])
        self.assertEqual(adapter.create({"number": "7"}), "i2")
        with self.assertRaisesRegex(InvalidDataError, "The total is missing"):
            adapter.write("i1", {"number": "8"})
        with self.assertRaisesRegex(IDMissingInBackend, "No such invoice"):
            adapter.read("i3")

    def test_the_customers_of_a_system_with_sessions(self):
        called = []

        def answer(request):
            params, method = xmlrpc.client.loads(request.body)
            called.append((method, *params))
            result = "session" if method == "login" else {"customer_id": "7"}
            return Answer(xmlrpc.client.dumps((result,), methodresponse=True))

        self.serve(answer)
        self.assertEqual(self.documented("OldCustomers").read(7), {"customer_id": "7"})
        self.assertEqual(called, [("login", "Test Shop", "s3cr3t"), ("call", "session", "customer.info", [7])])

    def test_a_session_of_which_only_a_text_tells_that_it_has_ended(self):
        sessions = ["first", "second"]

        def answer(request):
            params, method = xmlrpc.client.loads(request.body)
            if method == "login":
                return Answer(xmlrpc.client.dumps((sessions.pop(0),), methodresponse=True))
            if params[0] == "first":
                return Answer(xmlrpc.client.dumps(xmlrpc.client.Fault(1, "Your session is over")))
            return Answer(xmlrpc.client.dumps(({"customer_id": params[0]},), methodresponse=True))

        self.serve(answer)
        self.assertEqual(self.documented("OldOrders").read(7), {"customer_id": "second"})

    def test_a_system_whose_methods_take_the_session_first(self):
        called = []

        def answer(request):
            params, method = xmlrpc.client.loads(request.body)
            called.append((method, *params))
            return Answer(xmlrpc.client.dumps(("s1" if method == "login" else {},), methodresponse=True))

        self.serve(answer)
        self.documented("OldStock").read(7)
        self.assertEqual(called[1:], [("stock.info", "s1", 7)])

    def test_prices_of_a_system_with_json_rpc(self):
        called = []

        def answer(request):
            call = json.loads(request.body)
            called.append((call["method"], call["params"]))
            return Answer({"jsonrpc": "2.0", "id": call["id"], "result": {"id": 7}})

        self.serve(answer)
        prices = self.documented("Prices")
        prices.read(7)
        prices.raise_by(7, 5)
        self.assertEqual(called, [("price.get", {"id": 7}), ("price.raise", [7, {"percent": 5}])])

    def test_payments_of_a_bank_with_oauth_2(self):
        self.registry_enter_test_mode()
        self.env.flush_all()

        def answer(request):
            if request.path == "/oauth/token":
                return Answer({"access_token": "t1", "expires_in": 600})
            return Answer([{"id": 7}] if request.headers["Authorization"] == "Bearer t1" else {}, 200)

        self.serve(answer)
        self.assertEqual(self.documented("Payments").search(), [7])

    def test_a_ledger_for_which_a_person_authorises_us(self):
        self.registry_enter_test_mode()
        self.env.flush_all()
        self.serve(Answer([]))
        with self.assertRaisesRegex(CredentialsRefused, "press “Authorise”"):
            self.documented("Ledger").search()

    def test_parcels_with_an_authentication_of_the_authors_own(self):
        self.serve(Answer([]))
        self.documented("Parcels").search()
        self.assertEqual(self.server.requests[0].headers["X-Stamp"], "TEST SHOP")

    def test_a_system_with_soap(self):
        wsdl = WSDL.replace("LOCATION", "https://elsewhere.example.com/soap")
        faults = {"7": "NoSuchDelivery", "8": "WrongPassword", "9": "BadDate"}

        def answer(request):
            if request.method == "GET":
                return Answer(wsdl)
            self.assertIn(b"<ns0:password>s3cr3t</ns0:password>", request.body)
            if b"listDeliveries" in request.body:
                return Answer(
                    ENVELOPE.format("<s:listDeliveriesResponse><id>41</id><id>42</id></s:listDeliveriesResponse>")
                )
            asked = re.search(rb"<ns0:id>(\d+)<", request.body)[1].decode()
            if asked in faults:
                fault = f"<e:Fault><faultcode>e:{faults[asked]}</faultcode><faultstring>No</faultstring></e:Fault>"
                return Answer(ENVELOPE.format(fault), 500)
            delivery = "<delivery><id>42</id><day>2026-01-31</day></delivery>"
            return Answer(ENVELOPE.format(f"<s:getDeliveryResponse>{delivery}</s:getDeliveryResponse>"))

        self.serve(answer)
        deliveries = self.documented("Deliveries")
        self.assertEqual(deliveries.search(), ["41", "42"])
        self.assertEqual(deliveries.read("42"), {"id": "42", "day": date(2026, 1, 31)})
        self.assertEqual([request.method for request in self.server.requests], ["GET", "POST", "POST"])
        for asked, expected in (("7", IDMissingInBackend), ("8", CredentialsRefused), ("9", InvalidDataError)):
            self.assertIs(type(self.error_of(lambda asked=asked: deliveries.read(asked))), expected)

    def test_a_shipment_is_created_with_a_key_by_which_it_is_found_below_its_order(self):
        shipments = []

        def answer(request):
            self.assertEqual(request.path, "/orders/A%2F1/shipments")
            if request.method == "POST":
                shipments.append({**json.loads(request.body), "id": 5})
                return Answer(shipments[-1])
            return Answer(shipments)

        self.serve(answer)
        exporter = self.documented("ShipmentExporter")
        exporter.binding = self.backend
        values = {"order_id": "A/1"}
        key = exporter._get_idempotency_key(values)
        adapter = self.documented("ShipmentAdapter")
        self.assertIsNone(adapter.find_by_key(key))
        self.assertEqual(adapter.create(values, idempotency_key=key), 5)
        self.assertEqual(adapter.find_by_key(key), 5)


WSDL = """<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:s="urn:shop" targetNamespace="urn:shop"
  xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/" xmlns:x="http://www.w3.org/2001/XMLSchema">
<types><x:schema targetNamespace="urn:shop" elementFormDefault="qualified">
  <x:element name="listDeliveries"><x:complexType><x:sequence>
    <x:element name="password" type="x:string"/></x:sequence></x:complexType></x:element>
  <x:element name="listDeliveriesResponse"><x:complexType><x:sequence>
    <x:element name="id" type="x:string" form="unqualified" maxOccurs="unbounded"/></x:sequence></x:complexType></x:element>
  <x:element name="getDelivery"><x:complexType><x:sequence>
    <x:element name="password" type="x:string"/><x:element name="id" type="x:string"/>
    </x:sequence></x:complexType></x:element>
  <x:element name="getDeliveryResponse"><x:complexType><x:sequence>
    <x:element name="delivery" form="unqualified"><x:complexType><x:sequence>
      <x:element name="id" type="x:string" form="unqualified"/>
      <x:element name="day" type="x:date" form="unqualified"/>
    </x:sequence></x:complexType></x:element></x:sequence></x:complexType></x:element>
</x:schema></types>
<message name="list"><part name="body" element="s:listDeliveries"/></message>
<message name="listed"><part name="body" element="s:listDeliveriesResponse"/></message>
<message name="get"><part name="body" element="s:getDelivery"/></message>
<message name="got"><part name="body" element="s:getDeliveryResponse"/></message>
<portType name="Shop">
  <operation name="listDeliveries"><input message="s:list"/><output message="s:listed"/></operation>
  <operation name="getDelivery"><input message="s:get"/><output message="s:got"/></operation>
</portType>
<binding name="Soap" type="s:Shop"><soap:binding transport="http://schemas.xmlsoap.org/soap/http"/>
  <operation name="listDeliveries"><soap:operation soapAction=""/>
    <input><soap:body use="literal"/></input><output><soap:body use="literal"/></output></operation>
  <operation name="getDelivery"><soap:operation soapAction=""/>
    <input><soap:body use="literal"/></input><output><soap:body use="literal"/></output></operation>
</binding>
<service name="Shop"><port name="Soap" binding="s:Soap"><soap:address location="LOCATION"/></port></service>
</definitions>"""

ENVELOPE = """<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns:s="urn:shop">
<e:Body>{}</e:Body></e:Envelope>"""
