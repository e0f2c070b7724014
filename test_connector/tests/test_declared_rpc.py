"""Adapters of systems with remote procedures that are declared."""

import json
import xmlrpc.client

from odoo.addons.connector.declaration import (
    Call,
    IdWindows,
    LinkPages,
    MultiCall,
    OffsetPages,
    OnePage,
    RpcAdapter,
    Verb,
    Window,
    field,
    secret,
)
from odoo.addons.connector.exception import (
    CredentialsRefused,
    FailedJobError,
    IDMissingInBackend,
    InvalidDataError,
    UnreadableAnswer,
)
from odoo.addons.connector.testing import Answer

from .test_http_adapter import HttpCase


class Customers(RpcAdapter):
    base, path = field("location"), "/api/xmlrpc"
    login = Call("login", field("name"), secret("stored_webhook_secret"))
    expired, missing, denied = {5}, {102}, {"2"}
    list, one = Call("customer.list", Window("customer_id")), Call("customer.info", "{id}")
    id_field, paginator, many = "customer_id", IdWindows(size=10, last=100), MultiCall(2)
    verbs = {
        "create": Call("customer.create", "{data}"),
        "write": Call("customer.update", "{id}", "{data}"),
        "delete": Call("customer.delete", "{id}"),
    }


class OldShop:
    """A system with sessions that end, over XML-RPC."""

    def __init__(self, ids=()):
        self.customers = {str(id_): {"customer_id": str(id_), "name": f"Customer {id_}"} for id_ in ids}
        self.sessions, self.calls = [], []
        self.is_denied = False

    def answer(self, request):
        params, method = xmlrpc.client.loads(request.body)
        try:
            result = getattr(self, method)(*params)
        except xmlrpc.client.Fault as fault:
            return Answer(xmlrpc.client.dumps(fault, allow_none=True))
        return Answer(xmlrpc.client.dumps((result,), methodresponse=True, allow_none=True))

    def login(self, user, key):
        if (user, key) != ("Test Shop", "s3cr3t"):
            raise xmlrpc.client.Fault(2, "Access denied.")
        self.sessions.append(f"session-{len(self.sessions)}")
        return self.sessions[-1]

    def call(self, session, method, arguments):
        self.check(session)
        self.calls.append((method, arguments))
        return self.do(method, *arguments)

    def multiCall(self, session, calls):
        self.check(session)
        self.calls.append(("multiCall", calls))
        return [self.result(method, arguments) for method, arguments in calls]

    def result(self, method, arguments):
        try:
            return self.do(method, *arguments)
        except xmlrpc.client.Fault as fault:
            return {"faultCode": str(fault.faultCode), "faultMessage": fault.faultString, "isFault": True}

    def check(self, session):
        if session not in self.sessions[-1:]:
            raise xmlrpc.client.Fault(5, "Session expired. Try to relogin.")
        if self.is_denied:
            raise xmlrpc.client.Fault(2, "Access denied.")

    def do(self, method, *arguments):
        kind = method.partition(".")[2]
        if kind == "list":
            window = arguments[0]["customer_id"]
            return [found for id_, found in self.customers.items() if window["from"] <= int(id_) <= window["to"]]
        if kind == "create":
            self.customers["99"] = arguments[0]
            return 99
        if str(arguments[0]) not in self.customers:
            raise xmlrpc.client.Fault(102, "Customer not exists.")
        return self.customers[str(arguments[0])] if kind == "info" else True


class RpcCase(HttpCase):
    def setUp(self):
        super().setUp()
        self.backend.stored_webhook_secret = "s3cr3t"

    def adapter(self, **attributes):
        self.backend.location = self.server.url
        return type("Customers", (Customers,), attributes)(self.environment())

    def serve_shop(self, ids=()):
        self.old_shop = OldShop(ids)
        self.serve(lambda request: self.old_shop.answer(request))


class TestCalls(RpcCase):
    def test_a_list_is_read_by_windows_of_ids(self):
        self.serve_shop([3, 12, 70])
        self.assertEqual(self.adapter().search({"group": "a"}), ["3", "12", "70"])
        self.assertEqual(
            self.old_shop.calls[0], ("customer.list", [{"group": "a", "customer_id": {"from": 1, "to": 10}}])
        )

    def test_one_record_is_read_created_changed_and_deleted(self):
        self.serve_shop([3])
        adapter = self.adapter()
        self.assertEqual(adapter.read(3)["name"], "Customer 3")
        self.assertEqual(adapter.create({"customer_id": "99", "name": "{session}"}), 99)
        adapter.write("3", {"name": "{id}"})
        adapter.delete("3")
        self.assertEqual(
            self.old_shop.calls[1:],
            [
                ("customer.create", [{"customer_id": "99", "name": "{session}"}]),
                ("customer.update", ["3", {"name": "{id}"}]),
                ("customer.delete", ["3"]),
            ],
        )
        self.assertEqual(len(self.old_shop.sessions), 1)

    def test_an_id_may_be_sent_as_a_number(self):
        self.serve_shop([3])
        adapter = self.adapter(one=Call("customer.info", "{number}"))
        adapter.read("3")
        adapter.read_many(["3"])
        self.assertEqual(self.old_shop.calls, [("customer.info", [3]), ("multiCall", [["customer.info", [3]]])])
        with self.assertRaisesRegex(InvalidDataError, "'A1' is no whole number"):
            adapter.read("A1")

    def test_many_records_are_read_by_few_calls_and_missing_ones_are_left_out(self):
        self.serve_shop([1, 2, 4])
        records = self.adapter().read_many(["1", "2", "3", "4"])
        self.assertEqual([record["customer_id"] for record in records], ["1", "2", "4"])
        self.assertEqual([method for method, _arguments in self.old_shop.calls], ["multiCall", "multiCall"])

    def test_a_list_beside_the_call_for_one_record_has_excerpts(self):
        self.serve_shop([1])
        self.assertFalse(self.adapter().lists_records)
        self.assertTrue(self.adapter(one=None, many=None).lists_records)
        self.assertEqual(self.adapter().search_read(), [{"customer_id": "1", "name": "Customer 1"}])

    def test_a_read_of_ones_own_wins_over_many(self):
        self.serve_shop([1])
        adapter = self.adapter(read=lambda adapter, external_id, fields=None: {"own": external_id})
        self.assertEqual(adapter.read_many(["1"]), [{"own": "1"}])

    def test_a_record_that_is_missing_is_known_to_be(self):
        self.serve_shop()
        with self.assertRaises(IDMissingInBackend):
            self.adapter().read(7)

    def test_another_fault_refuses(self):
        self.serve_shop()
        self.old_shop.do = self.fault
        for call in (lambda: self.adapter().write(1, {}), lambda: self.adapter().read_many([1])):
            with self.assertRaisesRegex(InvalidDataError, "out of order"):
                call()

    def fault(self, *arguments):
        raise xmlrpc.client.Fault(7, "out of order")

    def test_a_value_without_a_form_is_refused_before_anything_is_asked(self):
        self.serve_shop([3])
        for value, message in ((float("nan"), "nan"), (2**40, "no form in XML-RPC")):
            with self.subTest(value), self.assertRaisesRegex(InvalidDataError, message):
                self.adapter().write(3, {"price": value})
        self.assertFalse(self.server.requests)

    def test_nonsense_is_not_read(self):
        for body in ("<html>", "", "<methodResponse/>"):
            with self.subTest(body):
                self.serve(Answer(body))
                with self.assertRaises(UnreadableAnswer):
                    self.adapter(login=None).read(1)


class TestSessions(RpcCase):
    def setUp(self):
        super().setUp()
        self.env.flush_all()
        self.registry_enter_test_mode()

    def state(self):
        self.env.invalidate_all()
        return self.backend.state

    def test_a_session_that_has_expired_is_renewed_once(self):
        self.serve_shop([3])
        adapter = self.adapter()
        adapter.read(3)
        self.old_shop.sessions.append("of somebody else")
        self.assertEqual(adapter.read(3)["name"], "Customer 3")
        self.assertEqual(len(self.old_shop.sessions), 3)
        self.assertEqual(self.state(), "ready")

    def test_a_session_that_never_serves_refuses_our_credentials(self):
        self.serve_shop([3])
        self.old_shop.check = lambda session: (_ for _ in ()).throw(xmlrpc.client.Fault(5, "Session expired"))
        self.assertIs(type(self.error_of(lambda: self.adapter().read(3))), CredentialsRefused)
        self.assertEqual(len(self.old_shop.sessions), 2)

    def test_all_adapters_of_an_environment_share_a_session(self):
        self.serve_shop([3])
        adapter = self.adapter()
        adapter.read(3)
        type(adapter)(adapter.environment).read(3)
        self.assertEqual(len(self.old_shop.sessions), 1)

    def test_denied_at_the_login_means_wrong_credentials(self):
        self.serve_shop([3])
        adapter = self.adapter(login=Call("login", "nobody", secret("stored_webhook_secret")))
        self.assertIs(type(self.error_of(lambda: adapter.read(3))), CredentialsRefused)
        self.assertEqual(self.state(), "needs_attention")

    def test_denied_at_a_call_means_one_missing_right(self):
        self.serve_shop([3])
        self.old_shop.is_denied = True
        error = self.error_of(lambda: self.adapter().read(3))
        self.assertIs(type(error), FailedJobError)
        self.assertRegex(str(error), "Access denied.* the right customer.info")
        self.assertEqual(self.state(), "ready")

    def test_neither_key_nor_session_is_in_a_message_or_a_stored_exchange(self):
        self.backend.exchange_log = "all"
        self.env.flush_all()
        self.serve_shop([3])
        self.old_shop.do = lambda *arguments: self.leak()
        error = self.error_of(lambda: self.adapter().read(3))
        exchanges = self.env["connector.exchange"].search([])
        self.assertGreaterEqual(len(exchanges), 2)
        for text in (str(error), *map(str, exchanges.read(["request_body", "response_body", "request_headers"]))):
            self.assertNotIn("s3cr3t", text)
            self.assertNotIn("session-0", text)

    def leak(self):
        raise xmlrpc.client.Fault(1, "s3cr3t, session-0")

    def test_a_session_may_be_the_first_argument_and_stand_inside_of_the_result(self):
        asked = []

        def answer(request):
            params, method = xmlrpc.client.loads(request.body)
            asked.append((method, *params))
            result = {"token": "t1"} if method == "login" else {"customer_id": 3}
            return Answer(xmlrpc.client.dumps((result,), methodresponse=True))

        self.serve(answer)
        adapter = self.adapter(session_at="token", through=Call("{method}", "{session}", "{*arguments}"))
        adapter.write(3, {})
        self.assertEqual(asked[1], ("customer.update", "t1", 3, {}))


class TestJsonRpc(RpcCase):
    def adapter(self, **attributes):
        return super().adapter(**{"protocol": "jsonrpc", "login": None, "many": None, "expired": (), **attributes})

    def test_a_call_has_arguments_by_position_or_name(self):
        self.serve(Answer({"jsonrpc": "2.0", "id": 1, "result": {"customer_id": 3}}))
        self.adapter().read(3)
        self.adapter(one=Call("customer.get", id="{id}", full=True)).read(3)
        bodies = [json.loads(request.body) for request in self.server.requests]
        self.assertEqual([body["params"] for body in bodies], [[3], {"id": 3, "full": True}])
        self.assertEqual((bodies[1]["method"], bodies[1]["jsonrpc"]), ("customer.get", "2.0"))

    def test_an_error_is_what_its_code_says(self):
        for code, kind in (
            (102, IDMissingInBackend),
            (2, FailedJobError),
            (-32000, InvalidDataError),
            (None, InvalidDataError),
        ):
            with self.subTest(code):
                self.serve(Answer({"error": {"code": code, "message": "not today"}}))
                with self.assertRaisesRegex(kind, "not today"):
                    self.adapter().read(3)

    def test_the_message_of_an_error_is_told_under_another_status_too(self):
        self.serve(Answer({"error": {"code": 1, "message": "no such method"}}, 400))
        with self.assertRaisesRegex(InvalidDataError, "no such method"):
            self.adapter().read(3)

    def test_pages_are_parameters(self):
        self.serve(Answer({"result": {"items": [{"customer_id": 1}], "total": 1}}))
        adapter = self.adapter(
            list=Call("customer.list", "{params}"), records="items", paginator=OffsetPages(total="total")
        )
        self.assertEqual(adapter.search({"group": 7}), [1])
        self.assertEqual(json.loads(self.server.requests[0].body)["params"], [{"group": 7, "offset": 0, "limit": 100}])

    def test_nonsense_is_not_read(self):
        for body in ("<html>", [], {"id": 1}):
            with self.subTest(body):
                self.serve(Answer(body))
                with self.assertRaises(UnreadableAnswer):
                    self.adapter().read(1)


class TestDeclarations(RpcCase):
    def refused(self, message, **attributes):
        with self.assertRaisesRegex(ValueError, message):
            type("Wrong", (Customers,), attributes)

    def test_a_wrong_call_is_refused_by_its_name(self):
        self.refused(r"one has no \{id\} among its arguments", one=Call("customer.info"))
        self.refused(
            r"one has \{uuid\}, for which there is no value. There is: id",
            one=Call("customer.info", "{id}", {"x": ["{uuid}"]}),
        )
        self.refused(r'verbs\["write"\] has no \{data\}', verbs={"write": Call("customer.update", "{id}")})
        self.refused("verbs has 'archive', which no adapter has", verbs={"archive": Call("x", "{id}")})
        self.refused(r'must be such as Call\("customer.list"\)', verbs={"delete": Verb("DELETE")})
        self.refused("arguments by name, which xmlrpc does not have", one=Call("customer.info", id="{id}"))
        self.refused(r"through has no \{session\}", through=Call("call", "{method}", "{arguments}"))
        for make in (lambda: Call(""), lambda: Call("a", 1, b=2), lambda: Window(""), lambda: MultiCall(0)):
            with self.assertRaises(ValueError):
                make()

    def test_pages_that_would_not_be_sent_are_refused(self):
        self.refused(r"list sends no page", list=Call("customer.list"))
        self.refused(r"list has a Window: its paginator must be IdWindows", paginator=OffsetPages())
        self.refused("its IdWindows must not name parameters", paginator=IdWindows(from_parameter="first"))
        self.refused("a result has no links", paginator=LinkPages())
        type("Right", (Customers,), {"list": Call("customer.list"), "paginator": OnePage()})

    def test_other_wrong_values_are_refused(self):
        self.refused("protocol is 'soap': it must be one of xmlrpc, jsonrpc", protocol="soap")
        self.refused(r"expired is 5: it must be a set of codes", expired=5)
        self.refused(r"many is 50: it must be such as MultiCall\(50\)", many=50)

    def test_what_is_not_declared_is_named_where_it_is_needed(self):
        self.serve(Answer({}))
        for attributes, call in (
            ({"list": None}, lambda adapter: adapter.search()),
            ({"one": None}, lambda adapter: adapter.read(1)),
            ({"verbs": {}}, lambda adapter: adapter.create({})),
        ):
            with self.subTest(attributes), self.assertRaisesRegex(NotImplementedError, r"nor the call: .* = Call\("):
                call(self.adapter(**attributes))
