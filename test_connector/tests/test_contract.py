"""The contract of connectors: connectors that keep it, and faulty ones that each fail a test."""

import inspect
import json
import os
import uuid
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import SkipTest
from unittest.mock import patch
from urllib.parse import unquote

import requests

from odoo.addons.connector import (
    BasicAuth,
    BulkExporter,
    BulkImporter,
    DeleteExporter,
    ExportMapper,
    HttpAdapter,
    ImportMapChild,
    ImportMapper,
    RecordExporter,
    RecordImporter,
    changed_by,
    forget_sent,
    mapping,
)
from odoo.addons.connector.declaration import (
    ApiKey,
    Bearer,
    Call,
    CursorPages,
    GraphQLAdapter,
    IdWindows,
    KeysetPages,
    Login,
    MultiCall,
    NumberPages,
    OffsetPages,
    RestAdapter,
    RpcAdapter,
    Verb,
    Window,
    field,
    secret,
)
from odoo.addons.connector.exception import IDMissingInBackend, InvalidDataError, MappingError
from odoo.addons.connector.testing import Answer, ConnectorContract
from odoo.addons.connector.testing.contract.bulk import BulkContract
from odoo.addons.connector.testing.contract.lines import LineContract
from odoo.addons.connector.testing.recording import RECORD
from odoo.addons.connector.testing.registration import registering

from ..units import webshop_http

MODEL = "test.shop.partner"


class CustomerMapper(ImportMapper):
    _model_name = MODEL
    direct = [("name", "name"), ("mail", "email")]


class CustomerExportMapper(ExportMapper):
    _model_name = MODEL
    direct = [("name", "name"), ("email", "mail")]


def run_only(contract, test, method):
    """Let a class of tests have one test only."""
    for name, _method in inspect.getmembers(contract, inspect.isfunction):
        if name.startswith("test_"):
            setattr(contract, name, method if name == test else None)
    return contract


def runs(*contracts):
    """Let a class have only its own tests, and those of some parts of the contract."""

    def keep(contract):
        kept = {name for part in (contract, *contracts) for name in vars(part)}
        for name, _method in inspect.getmembers(contract, inspect.isfunction):
            if name.startswith("test_") and name not in kept:
                setattr(contract, name, None)
        return contract

    return keep


class ContractOfShop(ConnectorContract):
    """Base of the tests: a connector whose units are registered for the time of a test."""

    backend_model = "test.shop.backend"
    backend_values = {"version": "http", "token": "the-t0ken-of-the-tests"}
    units = ()

    def setUp(self):
        self.enterContext(registering(webshop_http))
        for unit in self.units:
            webshop_http(unit)
        super().setUp()

    def change_in_bulk(self, binding, number):
        self.skipTest("The shop's own bulk exports are tested elsewhere")


class RestCustomers(RestAdapter):
    _model_name = MODEL
    base = field("location")
    auth = Bearer(secret("token"))
    path, records, id_field = "/customers", "data.customers", "uuid"
    paginator = CursorPages(size=100, next="meta.next")
    verbs = {"write": Verb("PATCH"), "delete": Verb("POST", "/customers/{id}/archive")}


class TestRest(ContractOfShop):
    model = MODEL
    units = RestCustomers, CustomerMapper, CustomerExportMapper
    record = {"uuid": "c1", "name": "Ada", "mail": "ada@example.com"}
    recording = "customers_by_cursor"


class GraphQLCustomers(GraphQLAdapter):
    _model_name = MODEL
    base = field("location")
    auth = Bearer(secret("token"))
    fields = "id name mail"
    list = "customers(first: $size, after: $cursor)"
    one = "customer(id: $id)"
    paginator = CursorPages(size=50, next="customers.pageInfo.endCursor", more="customers.pageInfo.hasNextPage")

    def create(self, data):
        text = "mutation ($customer: CustomerInput!) { createCustomer(customer: $customer) { id } }"
        return self.query(text, {"customer": data})["createCustomer"]["id"]

    def write(self, external_id, data):
        text = "mutation ($id: ID!, $customer: CustomerInput!) { updateCustomer(id: $id, customer: $customer) { id } }"
        self.query(text, {"id": external_id, "customer": data})


class TestGraphQL(ContractOfShop):
    model = MODEL
    units = GraphQLCustomers, CustomerMapper, CustomerExportMapper
    record = {"id": "gid://shop/Customer/1", "name": "Ada", "mail": "ada@example.com", "orders": {"nodes": []}}

    def answer(self, request, records):
        sent = json.loads(request.body)
        if not sent["query"].startswith("mutation"):
            return None
        external_id = sent["variables"].get("id") or "created"
        if "updateCustomer" in sent["query"] and external_id not in records:
            return self.refuse(404, "There is no such customer")
        records[external_id] = {
            **records.get(external_id, self.record),
            **sent["variables"]["customer"],
            "id": external_id,
        }
        return Answer({"data": {"createCustomer": {"id": external_id}, "updateCustomer": {"id": external_id}}})


class RpcCustomers(RpcAdapter):
    _model_name = MODEL
    base = field("location")
    path = "/api/xmlrpc"
    login = Call("login", field("name"), secret("token"))
    expired, missing, denied = {5}, {102}, {2}
    list = Call("customer.list", Window("customer_id"))
    one = Call("customer.info", "{id}")
    id_field = "customer_id"
    paginator = IdWindows(size=1000)
    many = MultiCall(50)
    verbs = {"create": Call("customer.create", "{data}"), "write": Call("customer.update", "{id}", "{data}")}


class TestXmlRpc(ContractOfShop):
    model = MODEL
    units = RpcCustomers, CustomerMapper, CustomerExportMapper
    record = {"customer_id": 7, "name": "Ada", "mail": "ada@example.com"}


class JsonRpcCustomers(RpcAdapter):
    _model_name = MODEL
    base = field("location")
    path, protocol = "/jsonrpc", "jsonrpc"
    auth = ApiKey(secret("token"), header="X-Api-Key")
    missing = {"NoSuchCustomer"}
    list = Call("customers.list", filter="{params}")
    one = Call("customers.get", id="{id}")
    records = "items"
    paginator = OffsetPages(size=40, total="total")
    verbs = {
        "create": Call("customers.create", values="{data}"),
        "write": Call("customers.update", id="{id}", values="{data}"),
        "delete": Call("customers.delete", id="{id}"),
    }


class TestJsonRpc(ContractOfShop):
    model = MODEL
    units = JsonRpcCustomers, CustomerMapper, CustomerExportMapper
    record = {"id": "c1", "name": "Ada", "mail": "ada@example.com"}


class WrittenCustomers(HttpAdapter):
    """An adapter that is written by hand, for a system that knows idempotency keys."""

    _model_name = MODEL

    @property
    def _base_url(self):
        return self.backend_record.location

    def _auth(self):
        return BasicAuth("odoo", self.backend_record.sudo().token)

    def search_read(self, filters=None, fields=None):
        pages = self.pages_by_number("/customers", filters, records=lambda body: body["items"])
        return [customer for page in pages for customer in page]

    def search(self, filters=None):
        return [customer["id"] for customer in self.search_read(filters)]

    def read(self, external_id, fields=None):
        return self.request_json("GET", self.path("/customers", external_id))

    def create(self, data, idempotency_key=None):
        return self.request_json("POST", "/customers", json=data, headers={"Idempotency-Key": idempotency_key})["id"]

    def write(self, external_id, data):
        self.request("PUT", self.path("/customers", external_id), json=data)

    def delete(self, external_id):
        self.request("DELETE", self.path("/customers", external_id))


class ContractOfWritten(ContractOfShop):
    record = {"id": "c1", "name": "Ada", "mail": "ada@example.com"}

    def answer(self, request, records):
        _root, _customers, *ids = map(unquote, request.path.split("/"))
        if request.method == "POST":
            ids = [f"key {request.headers['Idempotency-Key']}"]
            records.setdefault(ids[0], {**self.record, "id": ids[0]})
        if not ids:
            start = 100 * int(request.params["page"]) - 100
            return Answer({"items": list(records.values())[start : start + 100]})
        if ids[0] not in records:
            return self.refuse(404, "There is no such customer")
        if request.method == "DELETE":
            return Answer(records.pop(ids[0]))
        records[ids[0]].update(json.loads(request.body or "{}"))
        return Answer(records[ids[0]])


class TestWritten(ContractOfWritten):
    model = MODEL
    units = WrittenCustomers, CustomerMapper, CustomerExportMapper


class LoggedInCustomers(RestAdapter):
    _model_name = MODEL
    base, path = field("location"), "/customers"
    auth = Login(path="/login", json={"user": "odoo", "password": secret("token")}, token="data.token")
    paginator = KeysetPages(parameter="since_id", size=50)


class TestLogin(ContractOfShop):
    model = MODEL
    units = LoggedInCustomers, CustomerMapper, CustomerExportMapper
    record = {"id": 7, "name": "Ada", "mail": "ada@example.com"}


class Orders(RestAdapter):
    _model_name = "test.shop.order"
    base, path = field("location"), "/orders"
    auth, paginator = Bearer(secret("token")), NumberPages()


class OrderMapper(ImportMapper):
    _model_name = "test.shop.order"
    direct = [("number", "name")]
    children = [("lines", "shop_line_ids", "test.shop.order.line")]


class OrderLineMapper(ImportMapper):
    _model_name = "test.shop.order.line"
    direct = [("product", "name"), ("quantity", "quantity")]


class ContractOfOrders(ContractOfShop):
    units = Orders, OrderMapper, OrderLineMapper
    record = {
        "id": 5,
        "number": "S5",
        "lines": [{"id": 1, "product": "Chair", "quantity": 2}, {"id": 2, "product": "Table", "quantity": 1}],
    }


@runs(LineContract)
class TestLines(ContractOfOrders):
    model = "test.shop.order"


class CustomersInBulk(BulkExporter):
    _model_name = MODEL
    _fields = ["name", "email"]


class ContractOfBulk(ContractOfWritten):
    units = WrittenCustomers, CustomerMapper, CustomerExportMapper, CustomersInBulk
    change_in_bulk = ConnectorContract.change_in_bulk


@runs(BulkContract)
class TestBulk(ContractOfBulk):
    model = MODEL

    def test_the_tests_of_single_exports_are_skipped(self):
        with self.assertRaisesRegex(SkipTest, "exports test.shop.partner in bulk only"):
            self.needs_export()


RECORDING_TEST = "test_an_exchange_is_recorded_without_secrets_and_compared"


class RecordingCase(ContractOfShop):
    model = None
    units = RestCustomers, CustomerMapper
    record = TestRest.record
    recording = "customers"


class TestRecording(RecordingCase):
    """A recording that is made of a system, here of one that is played."""

    model = MODEL

    @property
    def recordings(self):
        return self.folder

    def test_an_exchange_is_recorded_without_secrets_and_compared(self):
        self.folder = Path(self.enterContext(TemporaryDirectory()))
        self.backend_values = {**self.backend_values, "location": self.server.url}
        self.add(*self.ids(1))
        with patch.dict(os.environ, {RECORD: "1"}):
            RecordingCase.test_the_adapter_asks_as_it_was_recorded(self)
        recorded = (self.folder / "customers.json").read_text()
        self.assertNotIn(self.backend_values["token"], recorded)
        asked = [(exchange["request"]["method"], exchange["request"]["path"]) for exchange in json.loads(recorded)]
        self.assertEqual(asked, [("GET", "/customers"), ("GET", "/customers/c1")])


run_only(TestRecording, RECORDING_TEST, getattr(TestRecording, RECORDING_TEST))


SESSION_TEST = "test_a_session_is_not_recorded"


class SessionCase(ContractOfShop):
    units = RpcCustomers, CustomerMapper
    record = TestXmlRpc.record
    recording = "customers"


class TestSession(SessionCase):
    """A recording of XML-RPC, whose login gives a session."""

    model = MODEL

    @property
    def recordings(self):
        return self.folder

    def test_a_session_is_not_recorded(self):
        self.folder = Path(self.enterContext(TemporaryDirectory()))
        real = self.server.url.replace("127.0.0.1", "localhost")  # another address: it gives another session
        self.backend_values = {**self.backend_values, "location": real}
        self.add(*self.ids(1))
        with patch.dict(os.environ, {RECORD: "1"}):
            SessionCase.test_the_adapter_asks_as_it_was_recorded(self)
        recorded = json.loads((self.folder / "customers.json").read_text())
        login, listed = (exchange["request"]["xmlrpc"] for exchange in recorded[:2])
        self.assertEqual(login, {"method": "login", "params": ["Contract", "***"]})
        self.assertEqual(recorded[0]["answer"]["xmlrpc"], {"result": "***"})
        self.assertEqual((listed["method"], listed["params"][:2]), ("call", ["***", "customer.list"]))


run_only(TestSession, SESSION_TEST, getattr(TestSession, SESSION_TEST))


# Faulty connectors, each with the test that tells


def fails(test, message):
    """Let a class run one test of the contract only, and assert that it fails.

    :param message: regular expression for the message
    """

    def keep_one(contract):
        original = getattr(contract, test)

        def failing(self):
            with self.assertRaisesRegex(AssertionError, message):
                original(self)

        return run_only(contract, test, failing)

    return keep_one


@fails("test_a_record_that_was_imported_already_is_not_written_again", "is written again")
class TestImporterThatAlwaysWrites(ContractOfWritten):
    class Importer(RecordImporter):
        _model_name = MODEL

        def _is_up_to_date(self, binding):
            return False

    model = MODEL
    units = WrittenCustomers, CustomerMapper, Importer


@fails("test_a_change_here_is_sent_once", "is sent what it has")
class TestExporterThatSendsAgain(ContractOfWritten):
    class Exporter(RecordExporter):
        _model_name = MODEL

        def _after_export(self):
            forget_sent(self.binding, ["name"])

    model = MODEL
    units = WrittenCustomers, CustomerMapper, CustomerExportMapper, Exporter


@fails("test_no_credential_is_in_any_message", "token is shown")
class TestKeyInTheAddress(ContractOfWritten):
    class Adapter(WrittenCustomers):
        def search_read(self, filters=None, fields=None):
            key = {"key": self.backend_record.sudo().token, "page": 1}
            answer = requests.get(f"{self._base_url}/customers", params=key, timeout=60)
            answer.raise_for_status()
            return answer.json()["items"]

    model = MODEL
    units = Adapter, CustomerMapper


@fails("test_refused_credentials_end_the_job_and_ask_for_others", "counts as done")
class TestRefusalThatIsNotRaised(ContractOfWritten):
    class Adapter(WrittenCustomers):
        def search_read(self, filters=None, fields=None):
            answer = requests.get(f"{self._base_url}/customers", params={"page": 1}, timeout=60)
            return answer.json().get("items", [])

    model = MODEL
    units = Adapter, CustomerMapper


@fails("test_one_bad_record_costs_no_other_record_of_its_page", "'c1' of the system is not bound")
class TestPageThatIsLostAsAWhole(ContractOfWritten):
    class Importer(BulkImporter):
        _model_name = MODEL

        def _import_or_halve(self, page):
            with suppress(MappingError), self.env.cr.savepoint():
                self._importer.import_page(page)

    model = MODEL
    units = WrittenCustomers, CustomerMapper, Importer


@fails("test_a_record_that_the_system_does_not_have_is_not_bound", "is bound that the system does not have")
class TestMissingRecordThatIsBound(ContractOfWritten):
    class Importer(RecordImporter):
        _model_name = MODEL

        def _handle_missing(self):
            values = {"name": "?", "backend_id": self.backend_record.id, "external_id": self.external_id}
            self.model.create(values)
            return "Created all the same"

    model = MODEL
    units = WrittenCustomers, CustomerMapper, Importer


@fails("test_odd_ids_stay_as_they_are", "'007' of the system is not bound. Bound are: .'7'")
class TestIdThatIsTakenForANumber(ContractOfWritten):
    class Adapter(WrittenCustomers):
        def id_of(self, record):
            return int(record["id"]) if record["id"].isdecimal() else record["id"]

    model = MODEL
    units = Adapter, CustomerMapper


@fails("test_odd_ids_stay_as_they_are", "'a/b' is not found by its id")
class TestIdThatIsNotQuoted(ContractOfWritten):
    class Adapter(WrittenCustomers):
        def read(self, external_id, fields=None):
            return self.request_json("GET", f"/customers/{external_id}")

    model = MODEL
    units = Adapter, CustomerMapper
    odd_ids = ("a/b",)


@fails("test_a_field_that_vanishes_there_empties_nothing_here", "Without mail, values here are emptied")
class TestFieldThatMayVanish(ContractOfWritten):
    class Mapper(ImportMapper):
        _model_name = MODEL
        direct = [("name", "name")]

        @mapping
        @changed_by("mail")
        def email(self, record):
            return {"email": record.get("mail")}

    model = MODEL
    units = WrittenCustomers, Mapper


@fails("test_a_system_that_asks_to_wait_is_asked_again_when_it_says", "is not tried again")
class TestWaitThatIsNotKnown(ContractOfWritten):
    class Adapter(WrittenCustomers):
        _exceptions = {429: InvalidDataError}

    model = MODEL
    units = Adapter, CustomerMapper


@fails("test_a_job_that_dies_between_create_and_bind_makes_no_second_record_in_silence", "A second record was created")
class TestKeyThatIsNotSent(ContractOfWritten):
    class Adapter(WrittenCustomers):
        def create(self, data, idempotency_key=None):
            return super().create(data, str(uuid.uuid4()))

    model = MODEL
    units = Adapter, CustomerMapper, CustomerExportMapper


@fails("test_all_pages_of_a_list_are_read_and_each_record_once", "Lists differ")
class TestFirstPageOnly(ContractOfWritten):
    class Adapter(WrittenCustomers):
        def search_read(self, filters=None, fields=None):
            return self.request_json("GET", "/customers", params={"page": 1})["items"]

    model = MODEL
    units = Adapter, CustomerMapper


@fails("test_a_change_of_a_record_that_was_deleted_there_is_not_lost_in_silence", "The change is lost")
class TestWriteThatMissesNothing(ContractOfWritten):
    class Adapter(WrittenCustomers):
        def write(self, external_id, data):
            with suppress(IDMissingInBackend):
                super().write(external_id, data)

    model = MODEL
    units = Adapter, CustomerMapper, CustomerExportMapper


@fails("test_nothing_is_created_there_in_a_rehearsal", "It was sent")
class TestCreationThatPassesTheRequests(ContractOfWritten):
    class Adapter(WrittenCustomers):
        def create(self, data, idempotency_key=None):
            headers = {"Idempotency-Key": idempotency_key}
            requests.post(f"{self._base_url}/customers", json=data, headers=headers, timeout=60)
            return super().create(data, idempotency_key)

    model = MODEL
    units = Adapter, CustomerMapper, CustomerExportMapper


@fails("test_nothing_is_deleted_there_in_a_rehearsal", "It was sent")
class TestDeletionThatPassesTheRequests(ContractOfWritten):
    class Deleter(DeleteExporter):
        _model_name = MODEL

        def run(self, external_id):
            address = f"{self.backend_record.location}/customers/{external_id}"
            return str(requests.delete(address, timeout=60).status_code)

    model = MODEL
    units = WrittenCustomers, CustomerMapper, CustomerExportMapper, Deleter


@fails("test_an_import_for_another_company_is_of_that_company", "belongs to another company")
class TestCompanyOfTheUser(ContractOfWritten):
    class Mapper(CustomerMapper):
        @mapping
        def company(self, record):
            return {"company_id": self.env.user.company_id.id}

    model = MODEL
    units = WrittenCustomers, Mapper


@fails(
    "test_the_adapter_asks_as_it_was_recorded",
    r"asks: GET /customer\?limit=100\nRecorded is:\n- GET /customers\?limit=100",
)
class TestWrongPath(ContractOfShop):
    class Adapter(RestCustomers):
        path = "/customer"

    model = MODEL
    units = Adapter, CustomerMapper
    record, recording = TestRest.record, TestRest.recording


@fails("test_the_adapter_asks_as_it_was_recorded", r"asks: GET /customers\?size=100\n")
class TestWrongParameter(ContractOfShop):
    class Adapter(RestCustomers):
        paginator = CursorPages(size=100, next="meta.next", size_parameter="size")

    model = MODEL
    units = Adapter, CustomerMapper
    record, recording = TestRest.record, TestRest.recording


@fails("test_the_adapter_asks_as_it_was_recorded", r"asks: POST /customers/search \{.*\n")
class TestWrongVerb(ContractOfShop):
    class Adapter(RestCustomers):
        verbs = {"search": Verb("POST", "/customers/search")}

    model = MODEL
    units = Adapter, CustomerMapper
    record, recording = TestRest.record, TestRest.recording


@fails("test_a_long_list_that_fails_in_any_of_its_parts_goes_on_there", "one page. These records are not imported")
class TestPlaceThatIsTooFar(ContractOfShop):
    class Adapter(RestCustomers):
        def list_pages(self, filters=None, fields=None, bookmark=None):
            found = self.search_read(filters, fields)
            for start in range(bookmark.place or 0, len(found), 2):
                bookmark.go_to(start + 3)
                yield found[start : start + 2]

    model = MODEL
    units = Adapter, CustomerMapper
    record = TestRest.record


@fails(
    "test_a_list_whose_records_move_between_its_parts_loses_none", "was deleted there. These records are not imported"
)
class TestPlaceThatMoves(ContractOfShop):
    class Adapter(RestCustomers):
        paginator = OffsetPages(size=2)

        def list_pages(self, filters=None, fields=None, bookmark=None):
            found = self.search_read(filters, fields)
            for start in range(bookmark.place or 0, len(found), 2):
                bookmark.go_to(start + 2)
                yield found[start : start + 2]

    model = MODEL
    units = Adapter, CustomerMapper
    record = TestRest.record


class RestInNumbers(RestCustomers):
    paginator = NumberPages(size=100)


class TestNumberedPages(ContractOfShop):
    model = MODEL
    units = RestInNumbers, CustomerMapper
    record = TestRest.record


@fails("test_the_adapter_asks_as_it_was_recorded", r"too:\n- GET /customers\?limit=100&cursor=b7")
class TestCursorThatIsNotFound(ContractOfShop):
    class Adapter(RestCustomers):
        paginator = CursorPages(size=100, next="next")

    model = MODEL
    units = Adapter, CustomerMapper
    record, recording = TestRest.record, TestRest.recording


@fails("test_the_adapter_asks_as_it_was_recorded", "record has mail, which no recorded record has")
class TestInventedField(ContractOfShop):
    class Adapter(RestCustomers):
        path = "/persons"

    model = MODEL
    units = Adapter, CustomerMapper
    record, recording = TestRest.record, "persons"


@fails("test_lines_are_imported_once_and_stay_the_same", "are others now")
class TestLinesThatAreNotFound(ContractOfOrders):
    class Child(ImportMapChild):
        _model_name = "test.shop.order.line"

        def get_existing(self, parent, target):
            self.env["test.shop.order.line"].search([("shop_order_id", "=", parent.binding.id)]).unlink()
            return super().get_existing(parent, target)

    model = "test.shop.order"
    units = *ContractOfOrders.units, Child


@fails("test_a_line_that_is_deleted_there_is_gone_here", "changes nothing here")
class TestLineThatIsKept(ContractOfOrders):
    class Child(ImportMapChild):
        _model_name = "test.shop.order.line"

        def remove_item(self, record):
            return None

    model = "test.shop.order"
    units = *ContractOfOrders.units, Child


@fails("test_a_line_that_changes_there_changes_here", "The change of lines has not arrived")
class TestVersionWithoutLines(ContractOfOrders):
    class Importer(RecordImporter):
        _model_name = "test.shop.order"

        def _get_external_version(self):
            return len(self.external_record["lines"])

    model = "test.shop.order"
    units = *ContractOfOrders.units, Importer


@fails("test_a_record_that_is_refused_in_bulk_costs_no_other", "Nobody is told of the refused record|has not arrived")
class TestBulkThatPassesOverRefusals(ContractOfBulk):
    class Adapter(WrittenCustomers):
        def write_many(self, changes):
            with suppress(InvalidDataError):
                for external_id, data in changes.items():
                    self.write(external_id, data)

    model = MODEL
    units = Adapter, *ContractOfBulk.units[1:]


@fails("test_changes_of_many_records_are_sent_by_one_call", "has not arrived")
class TestBulkThatSendsTheFirst(ContractOfBulk):
    class Adapter(WrittenCustomers):
        def write_many(self, changes):
            external_id, data = next(iter(changes.items()))
            self.write(external_id, data)

    model = MODEL
    units = Adapter, *ContractOfBulk.units[1:]


@fails("test_what_was_sent_in_bulk_is_not_sent_again", "is sent what it has")
class TestBulkThatIsSentAgain(ContractOfBulk):
    class Exporter(CustomersInBulk):
        _model_name = MODEL

        def _changes(self, bindings):
            forget_sent(bindings, ["name"])
            return super()._changes(bindings)

    model = MODEL
    units = *ContractOfBulk.units[:3], Exporter


@fails("test_what_records_refer_to_is_imported_with_them_and_once", "is bound 0 times")
class TestReferenceThatIsNotImported(ContractOfWritten):
    model = MODEL
    units = WrittenCustomers, CustomerMapper
    refers_to = {"test.shop.tag": 7}
