"""Adapters of systems with remote procedures that are declared."""

import json
import xmlrpc.client
from functools import cached_property, partial

from requests.auth import AuthBase

from odoo.addons.connector import Refusal
from odoo.addons.connector.declaration import (
    Call,
    CursorPages,
    Header,
    IdWindows,
    KeysetPages,
    LinkPages,
    MultiCall,
    OffsetPages,
    OnePage,
    RpcAdapter,
    Since,
    Verb,
    Window,
    field,
    rpc,
    secret,
)
from odoo.addons.connector.exception import (
    CredentialsRefused,
    FailedJobError,
    IDMissingInBackend,
    InvalidDataError,
    NetworkRetryableError,
    RetryableJobError,
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


class Token(AuthBase):
    """A token that can be renewed."""

    def __init__(self):
        self.left, self.token = ["new", "newer"], "old"

    def renew(self):
        self.token = self.left.pop(0)

    def __call__(self, request):
        request.headers["X-Token"] = self.token
        return request


class RpcCase(HttpCase):
    def setUp(self):
        super().setUp()
        self.backend.stored_webhook_secret = "s3cr3t"
        self.addCleanup(rpc._KEPT.clear)

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

    def test_a_character_that_xml_cannot_have_is_refused(self):
        self.serve_shop([3])
        with self.assertRaisesRegex(InvalidDataError, "which no XML may have"):
            self.adapter().write(3, {"name": "a\x0bb"})
        self.assertFalse(self.server.requests)

    def test_dates_stay_as_the_system_writes_them(self):
        for date in ("20260131T08:15:00", "2026-01-31T08:15:00+02:00", "00000000T00:00:00"):
            with self.subTest(date):
                result = {"customer_id": 3, "at": xmlrpc.client.DateTime(date), "image": xmlrpc.client.Binary(b"\xff")}
                self.serve(Answer("\n " + xmlrpc.client.dumps((result,), methodresponse=True)))
                record = self.adapter(login=None).read(3)
                self.assertEqual(record, {"customer_id": 3, "at": date, "image": "/w=="})

    def test_an_encoding_that_only_the_header_names_is_read(self):
        text = xmlrpc.client.dumps(({"customer_id": 3, "name": "Zoë"},), methodresponse=True)
        self.serve(Answer(text.encode("latin-1"), headers={"Content-Type": "text/xml; charset=iso-8859-1"}))
        self.assertEqual(self.adapter(login=None).read(3)["name"], "Zoë")

    def test_too_many_values_are_not_read(self):
        for protocol, body in (
            ("xmlrpc", xmlrpc.client.dumps(([1] * 9,), methodresponse=True)),
            ("jsonrpc", {"result": [1] * 9}),
        ):
            self.serve(Answer(body))
            with self.assertRaisesRegex(UnreadableAnswer, "more than 5 values"):
                self.adapter(login=None, protocol=protocol, _most_values=5).call("x")

    def test_an_endpoint_that_is_missing_is_not_a_missing_record(self):
        for status in (404, 410):
            self.serve(Answer("<html>", status))
            adapter = self.adapter(login=None, many=None)
            for method, argument in (("delete", 3), ("read_many", [3]), ("read", 3)):
                error = self.error_of(partial(getattr(adapter, method), argument))
                self.assertIs(type(error), FailedJobError)
                self.assertIn("Check in the backend: Location.", str(error))

    def test_what_is_missing_at_create_is_not_the_record(self):
        self.serve_shop()
        self.old_shop.do = lambda *arguments: (_ for _ in ()).throw(xmlrpc.client.Fault(102, "No such group."))
        error = self.error_of(lambda: self.adapter().create({"group": 7}))
        self.assertIs(type(error), InvalidDataError)
        self.assertIn("No such group", str(error))

    def test_filters_that_the_list_does_not_send_are_refused(self):
        self.serve_shop([3])
        adapter = self.adapter(list=Call("customer.list"), paginator=OnePage())
        with self.assertRaisesRegex(ValueError, "list never sends {'group': 'a'}"):
            adapter.search({"group": "a"})
        adapter = self.adapter(
            list=Call("customer.list", "{params}"),
            paginator=property(lambda adapter: CursorPages(next=Header("X-Next"))),
        )
        with self.assertRaisesRegex(ValueError, "paginator has the header X-Next"):
            adapter.search()
        self.assertFalse(self.server.requests)

    def test_many_are_read_at_once_only_if_that_is_declared(self):
        self.serve_shop()
        self.assertTrue(self.adapter().reads_many_at_once)
        self.assertFalse(self.adapter(many=None).reads_many_at_once)
        self.assertFalse(self.adapter(read=lambda adapter, external_id, fields=None: {}).reads_many_at_once)
        self.assertTrue(self.adapter(read_many=lambda adapter, ids, fields=None: []).reads_many_at_once)

    def test_a_list_that_is_put_in_must_be_one(self):
        self.serve_shop()
        with self.assertRaisesRegex(TypeError, "puts in the items of a list"):
            self.adapter(many=None, through=Call("{method}", "{session}", "{*arguments}")).call("customer.info", "42")

    def test_nonsense_is_not_read(self):
        for body in ("<html>", "", "<methodResponse/>"):
            with self.subTest(body):
                self.serve(Answer(body))
                with self.assertRaises(UnreadableAnswer):
                    self.adapter(login=None).read(1)


class TestJsonPost(RpcCase):
    """Systems that are called by POST, with the method in the path."""

    def adapter(self, **attributes):
        declared = {
            "protocol": "json",
            "path": "/rpc/",
            "login": None,
            "missing": {"not_found", "shop.Missing"},
            "denied": {"permission_denied"},
            "list": Call("shop.Customers/List", filter="{params}"),
            "one": Call("shop.Customers/Get", id="{id}"),
            "many": None,
            "paginator": OnePage(),
            "verbs": {"create": Call("shop.Customers/Create", customer="{data}")},
        }
        return super().adapter(**{**declared, **attributes})

    def test_the_path_has_the_method_and_the_body_the_arguments(self):
        answers = iter([{"customer_id": 3}, 4, [{"customer_id": 5}], b"", "null"])
        self.serve(lambda request: Answer(next(answers)))
        adapter = self.adapter()
        self.assertEqual(adapter.read(3), {"customer_id": 3})
        self.assertEqual(adapter.create({"name": "Ada"}), 4)
        self.assertEqual(adapter.search({"name": "Ada"}), [5])
        self.assertIsNone(adapter.call("shop.Stock/Set", {"id": 3, "qty": 2}))
        self.assertIsNone(adapter.call("shop.Stock/Forget"))
        self.assertEqual(
            [(request.method, request.path, json.loads(request.body)) for request in self.server.requests],
            [
                ("POST", "/rpc/shop.Customers/Get", {"id": 3}),
                ("POST", "/rpc/shop.Customers/Create", {"customer": {"name": "Ada"}}),
                ("POST", "/rpc/shop.Customers/List", {"filter": {"name": "Ada"}}),
                ("POST", "/rpc/shop.Stock/Set", {"id": 3, "qty": 2}),
                ("POST", "/rpc/shop.Stock/Forget", {}),
            ],
        )

    def test_an_error_is_what_its_code_its_name_or_its_status_says(self):
        for body, status, kind, told in (
            ({"code": "not_found", "message": "No 3"}, 404, IDMissingInBackend, "No 3"),
            ({"name": "shop.Missing", "message": "No 3"}, 500, IDMissingInBackend, "No 3"),
            ({"code": "permission_denied", "message": "No"}, 403, FailedJobError, "right shop.Customers/Get"),
            ({"code": "unknown_method", "message": "No Get"}, 404, FailedJobError, "nothing at /rpc/"),
            ({"code": "malformed", "message": "Bad id"}, 400, InvalidDataError, "Bad id"),
            ({"code": "internal", "message": "Oops"}, 500, NetworkRetryableError, "Oops"),
            ({"message": {"a": 1}, "name": 7}, 401, CredentialsRefused, "Unauthorized"),
            (["no error"], 503, NetworkRetryableError, ""),
            ("<html>", 404, FailedJobError, "nothing at /rpc/"),
            ("<html>", 200, UnreadableAnswer, ""),
        ):
            with self.subTest(body):
                self.serve(Answer(body, status))
                error = self.error_of(lambda: self.adapter().read(3))
                self.assertIs(type(error), kind)
                self.assertIn(told, str(error))

    def test_an_error_may_be_missing_by_its_status(self):
        self.serve(Answer({"message": "No 3"}, 404))
        self.assertIs(type(self.error_of(lambda: self.adapter(missing={404}).read(3))), IDMissingInBackend)

    def test_a_system_may_say_more_of_what_failed(self):
        self.serve(Answer({"code": "locked", "message": "By Ada"}, 400))
        refusal_of = lambda adapter, fault: Refusal({"locked": 423}[fault.code], fault.message)  # noqa: E731
        error = self.error_of(lambda: self.adapter(refusal_of=refusal_of).read(3))
        self.assertIs(type(error), RetryableJobError)
        self.assertIn("By Ada", str(error))

    def test_arguments_by_position_are_refused(self):
        for attributes in (
            {"one": Call("shop.Customers/Get", "{id}")},
            {"many": MultiCall(2)},
            {"login": Call("Login", key=secret("stored_webhook_secret"))},
        ):
            with self.subTest(attributes), self.assertRaisesRegex(ValueError, "by position, which json does not have"):
                self.serve(Answer({}))
                self.adapter(**attributes)


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

    def test_no_session_is_renewed_for_a_right_that_is_missing(self):
        self.serve_shop([3])
        self.serve(
            lambda request: (
                self.old_shop.answer(request) if b"<methodName>login<" in request.body else Answer("orders", 401)
            )
        )
        adapter = self.adapter(
            refusal=lambda adapter, answer: Refusal(403, "no", answer.text) if answer.status_code == 401 else None
        )
        error = self.error_of(lambda: adapter.read(3))
        self.assertIs(type(error), FailedJobError)
        self.assertIn("the right orders", str(error))
        self.assertEqual(len(self.old_shop.sessions), 1)
        self.assertEqual(self.state(), "ready")

    def test_a_session_that_has_ended_by_the_status_is_renewed_once(self):
        self.serve_shop([3])
        self.serve(
            lambda request: (
                Answer("Log in", 401)
                if b"<methodName>call<" in request.body and len(self.old_shop.sessions) < 2
                else self.old_shop.answer(request)
            )
        )
        self.assertEqual(self.adapter().read(3)["customer_id"], "3")
        self.assertEqual(len(self.old_shop.sessions), 2)
        self.assertEqual(self.state(), "ready")

    def test_a_session_that_never_serves_refuses_our_credentials(self):
        self.serve_shop([3])
        self.old_shop.check = lambda session: (_ for _ in ()).throw(xmlrpc.client.Fault(5, "Session expired"))
        self.assertIs(type(self.error_of(lambda: self.adapter().read(3))), CredentialsRefused)
        self.assertEqual(len(self.old_shop.sessions), 2)

    def test_a_session_serves_later_jobs_until_the_backend_is_changed(self):
        self.serve_shop([3])
        customers = type(self.adapter())
        for _job in range(2):
            customers(self.environment()).read(3)
        self.assertEqual(len(self.old_shop.sessions), 1)
        self.env.flush_all()
        self.env.cr.execute(f"UPDATE {self.backend._table} SET write_date = write_date + INTERVAL '1 second'")
        self.env.invalidate_all()
        customers(self.environment()).read(3)
        self.assertEqual(len(self.old_shop.sessions), 2)

    def test_a_session_is_not_used_with_other_credentials(self):
        self.serve_shop([3])
        self.adapter().read(3)
        self.backend.stored_webhook_secret = "other"
        self.assertIs(type(self.error_of(lambda: self.adapter().read(3))), CredentialsRefused)

    def test_a_session_of_an_earlier_job_that_has_expired_is_renewed_once(self):
        self.serve_shop([3])
        self.adapter().read(3)
        self.old_shop.sessions.append("of somebody else")
        for _job in range(2):
            self.assertEqual(self.adapter().read(3)["name"], "Customer 3")
        self.assertEqual(len(self.old_shop.sessions), 3)

    def test_a_session_whose_end_nobody_would_notice_serves_its_job_alone(self):
        self.serve_shop([3])
        for _job in range(2):
            self.adapter(expired=()).read(3)
        self.assertEqual(len(self.old_shop.sessions), 2)

    def test_a_login_that_is_answered_by_false_is_refused(self):
        self.serve_shop([3])
        self.old_shop.login = lambda *arguments: False
        error = self.error_of(lambda: self.adapter().read(3))
        self.assertIs(type(error), CredentialsRefused)
        self.assertIn("wrong login or API key", str(error))
        self.assertFalse(self.adapter()._sessions)

    def test_a_text_by_which_a_login_is_refused_is_no_session(self):
        def refusal(adapter, answer):
            return Refusal(401, "ERROR 12: wrong password") if b"ERROR 12" in answer.content else None

        self.serve_shop([3])
        self.old_shop.login = lambda *arguments: "ERROR 12: wrong password"
        adapter = self.adapter(refusal=refusal)
        for _call in range(2):
            error = self.error_of(lambda: adapter.read(3))
            self.assertIs(type(error), CredentialsRefused)
            self.assertIn("ERROR 12: wrong password", str(error))
        self.assertEqual(self.state(), "needs_attention")

    def test_a_login_may_have_an_endpoint_of_its_own(self):
        self.serve_shop([3])
        self.adapter(login_path="/api/common").read(3)
        self.assertEqual([request.path for request in self.server.requests], ["/api/common", "/api/xmlrpc"])

    def test_all_adapters_of_an_environment_share_a_session(self):
        self.serve_shop([3])
        adapter = self.adapter()
        adapter.read(3)
        type(adapter)(adapter.environment).read(3)
        self.assertEqual(len(self.old_shop.sessions), 1)

    def test_a_session_that_has_expired_among_many_results_is_renewed(self):
        self.serve_shop([3])
        self.old_shop.multiCall = lambda session, calls: [
            {"customer_id": "3"} if len(self.old_shop.sessions) > 1 else {"faultCode": 5, "faultMessage": "expired"}
        ]
        self.assertEqual(self.adapter().read_many([3]), [{"customer_id": "3"}])
        self.assertEqual(self.state(), "ready")

    def test_a_session_goes_only_where_it_comes_from(self):
        self.serve_shop([3])
        adapter = self.adapter()
        adapter.read(3)
        others = {"login": Call("login", "nobody", secret("stored_webhook_secret"))}
        other = type("Other", (type(adapter),), others)(adapter.environment)
        self.assertIs(type(self.error_of(lambda: other.read(3))), CredentialsRefused)
        first = self.old_shop
        self.serve_shop([3])
        elsewhere = type("Elsewhere", (type(adapter),), {"base": self.server.url})(adapter.environment)
        elsewhere.read(3)
        self.assertIsNot(self.old_shop, first)
        self.assertEqual(len(self.old_shop.sessions), 1)

    def test_the_login_carries_the_declared_headers(self):
        self.serve_shop([3])
        self.adapter(headers={"X-Api-Key": secret("stored_webhook_secret"), "X-Shop": 7}).read(3)
        self.assertEqual([request.headers["X-Api-Key"] for request in self.server.requests], ["s3cr3t", "s3cr3t"])
        self.assertEqual(self.server.requests[0].headers["Content-Type"], "text/xml")

    def test_a_token_that_has_expired_is_renewed_at_the_login_and_at_a_call(self):
        self.serve_shop([3])
        token, valid = Token(), ["new"]
        self.serve(
            lambda request: (
                self.old_shop.answer(request) if request.headers["X-Token"] == valid[0] else Answer("no", 401)
            )
        )
        adapter = self.adapter(_auth=lambda adapter: token)
        self.assertEqual(adapter.read(3)["customer_id"], "3")
        valid[0] = "newer"
        self.assertEqual(adapter.read(3)["customer_id"], "3")
        self.assertEqual(self.state(), "ready")

    def test_missing_at_the_login_is_no_missing_record(self):
        self.serve_shop([3])
        self.old_shop.login = lambda *arguments: (_ for _ in ()).throw(xmlrpc.client.Fault(102, "No such user."))
        self.assertIs(type(self.error_of(lambda: self.adapter().read(3))), InvalidDataError)

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
        adapter = self.adapter(session_at="token", many=None, through=Call("{method}", "{session}", "{*arguments}"))
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

    def test_an_error_under_another_status_is_what_its_code_says(self):
        for status in (404, 500):
            self.serve(Answer({"error": {"code": 102, "message": "not today"}}, status))
            self.assertIs(type(self.error_of(lambda: self.adapter().read(3))), IDMissingInBackend)
        for status, kind in ((404, FailedJobError), (500, NetworkRetryableError)):
            self.serve(Answer({"error": {"code": -32601, "message": "no method"}}, status))
            error = self.error_of(lambda: self.adapter().delete(3))
            self.assertIs(type(error), kind)
            self.assertIn("no method", str(error))

    def test_an_error_tells_what_has_happened(self):
        error = {"code": 200, "message": "Odoo Server Error", "data": {"message": "No such field"}}
        self.serve(Answer({"error": error}))
        with self.assertRaisesRegex(InvalidDataError, "No such field"):
            self.adapter().read(3)

    def test_the_errors_of_an_odoo_are_told_apart_by_the_names_of_its_exceptions(self):
        names = {
            "missing": {"odoo.exceptions.MissingError"},
            "denied": {"odoo.exceptions.AccessError"},
            "expired": {"odoo.http.SessionExpiredException"},
        }
        for name, kind in (
            ("odoo.exceptions.MissingError", IDMissingInBackend),
            ("odoo.exceptions.AccessError", FailedJobError),
            ("odoo.http.SessionExpiredException", CredentialsRefused),
            ("odoo.exceptions.ValidationError", InvalidDataError),
            (7, InvalidDataError),
        ):
            with self.subTest(name):
                data = {"name": name, "message": "not today"}
                self.serve(Answer({"error": {"code": 0, "message": "Odoo Server Error", "data": data}}))
                error = self.error_of(lambda: self.adapter(**names).read(3))
                self.assertIs(type(error), kind)
                self.assertIn("not today", str(error))

    def test_an_empty_error_is_none(self):
        for error in (None, False, ""):
            self.serve(Answer({"error": error, "result": {"customer_id": 3}}))
            self.assertEqual(self.adapter().read(3), {"customer_id": 3})

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


class Library(RpcAdapter):
    """The calls of all kinds of records of a library."""

    base, path, protocol = field("location"), "/jsonrpc", "jsonrpc"
    list = Call("{resource}.find", domain=["{*filters}", ["id", ">", "{after}"]], limit="{limit}")
    paginator = KeysetPages(size=2, parameter="after", first=0, rest=True)
    many = Call("{resource}.read", ids="{numbers}", fields="{fields}")
    verbs = {
        "create": Call("{resource}.create", ["{data}"]).at("created[0].id"),
        "who_am_i": Call("session.info").at("user.login"),
    }


class Books(Library):
    resource = "book"


class TestDeclaredRecords(RpcCase):
    """Calls that are declared once for all kinds of records."""

    def adapter(self, kind=Books, **attributes):
        self.backend.location = self.server.url
        return type(kind.__name__, (kind,), attributes)(self.environment())

    def serve_result(self, result):
        self.serve(Answer({"result": result}))

    def serve_books(self, ids, hidden=()):
        """Serve books; of each page, what is hidden is left out after it was cut."""

        def answer(request):
            *conditions, (_id, _is_greater, after) = self.sent(request)[1]["domain"]
            self.assertIn(conditions, ([], [["state", "in", ["new", "used"]]]))
            limit = self.sent(request)[1].get("limit")
            page = [id_ for id_ in ids if id_ > after][:limit]
            return Answer({"result": [{"id": id_} for id_ in page if id_ not in hidden]})

        self.serve(answer)

    def sent(self, request):
        call = json.loads(request.body)
        return call["method"], call["params"]

    @property
    def asked(self):
        return [self.sent(request) for request in self.server.requests]

    def test_filters_may_be_of_any_form_where_they_stand_alone(self):
        self.serve_books([1, 2, 3])
        self.assertEqual(self.adapter().search([("state", "in", ["new", "used"])]), [1, 2, 3])
        domain = [["state", "in", ["new", "used"]], ["id", ">", 0]]
        self.assertEqual(self.asked[0], ("book.find", {"domain": domain, "limit": 2}))

    def test_a_struct_of_filters_stands_beside_the_page(self):
        self.serve_result([])
        listing = Call("{resource}.find", filter="{filters}", page={"after": "{after}"}, limit="{limit}")
        adapter = self.adapter(list=listing, paginator=KeysetPages(parameter="after", first=0), params={"state": "new"})
        self.assertEqual(adapter.search({"shelf": 7}), [])
        sent = {"filter": {"state": "new", "shelf": 7}, "page": {"after": 0}}
        self.assertEqual(self.asked, [("book.find", sent)])
        with self.assertRaisesRegex(TypeError, "filters are a dict"):
            adapter.search([("shelf", "=", 7)])

    def test_pages_of_which_all_is_hidden_are_no_end(self):
        self.serve_books(range(1, 12), hidden=range(3, 9))
        self.assertEqual(self.adapter().search(), [1, 2, 9, 10, 11])

    def test_a_list_ends_where_its_rest_is_empty(self):
        self.serve_books([1, 2, 3])
        self.adapter().search()
        self.assertEqual(
            [(params["domain"][-1][2], params.get("limit")) for _method, params in self.asked],
            [(0, 2), (2, 2), (3, None)],
        )

    def test_the_rest_may_be_cut_by_the_system(self):
        def answer(request):
            _method, params = self.sent(request)
            page = [id_ for id_ in range(1, 9) if id_ > params["domain"][-1][2]][: min(params.get("limit") or 3, 2)]
            return Answer({"result": [{"id": id_} for id_ in page]})

        self.serve(answer)
        self.assertEqual(
            self.adapter(paginator=KeysetPages(size=5, parameter="after", first=0, rest=True)).search(), [*range(1, 9)]
        )

    def test_many_are_read_by_one_call_with_the_fields_that_are_needed(self):
        self.serve_result([{"id": 3, "name": "Emma"}])
        self.assertEqual(self.adapter().read_many(["3", 4], ["name"]), [{"id": 3, "name": "Emma"}])
        self.adapter().read_many([3])
        self.assertEqual(self.asked, [("book.read", {"ids": [3, 4], "fields": ["name"]}), ("book.read", {"ids": [3]})])
        self.assertEqual(self.adapter().read_many([]), [])
        self.assertTrue(self.adapter().reads_many_at_once)
        self.assertFalse(self.adapter().lists_records)

    def test_one_record_is_found_among_the_answers_by_its_id(self):
        self.serve_result([{"id": 4}, {"id": 3}])
        self.assertEqual(self.adapter().read("3"), {"id": 3})

    def test_a_record_that_is_not_among_the_answers_is_missing(self):
        for found in ([], [{"id": 4}]):
            self.serve_result(found)
            with (
                self.subTest(found),
                self.assertRaisesRegex(IDMissingInBackend, "book 3 does not exist any more in Test"),
            ):
                self.adapter().read(3)

    def test_records_without_an_id_are_not_readable(self):
        for found in (None, False, "", 7, {"id": 3}, [{}], [{"id": None}], ["3"], [[3]], [{"id": 3}, {}]):
            self.serve_result(found)
            with self.subTest(found), self.assertRaises(UnreadableAnswer):
                self.adapter().read_many([3])

    def test_an_id_that_is_no_number_is_refused_before_anything_is_asked(self):
        self.serve_result([])
        with self.assertRaisesRegex(InvalidDataError, "'A1' is no whole number"):
            self.adapter().read_many([3, "A1"])
        self.assertFalse(self.server.requests)

    def test_a_read_many_of_ones_own_reads_one_too(self):
        class Signed(Books):
            def read_many(self, external_ids, fields=None):
                return [{**record, "signed": True} for record in super().read_many(external_ids, fields)]

        self.serve_result([{"id": 3}])
        self.assertEqual(self.adapter(Signed).read(3), {"id": 3, "signed": True})

    def test_of_a_result_only_what_is_meant_is_returned(self):
        self.serve_result({"created": [{"id": 8}], "user": {"login": "ada"}})
        self.assertEqual(self.adapter().create({"name": "Emma"}), 8)
        self.assertEqual(self.asked, [("book.create", [[{"name": "Emma"}]])])
        self.assertEqual(self.adapter().who_am_i(), "ada")
        self.assertIsNone(self.adapter().system_version())

    def test_a_result_without_what_is_meant_is_not_readable(self):
        for result in ({}, [], {"created": []}, {"created": [{"id": True}]}, None, False, "OK"):
            self.serve_result(result)
            with self.subTest(result), self.assertRaises(UnreadableAnswer):
                self.adapter().create({})
        self.serve_result({"user": {"login": ["ada"]}})
        with self.assertRaises(UnreadableAnswer):
            self.adapter().who_am_i()

    def test_one_record_may_be_a_part_of_a_result(self):
        one = Call("{resource}.get", "{id}").at("book")
        self.serve_result({"book": {"id": 3}})
        self.assertEqual(self.adapter(one=one).read(3), {"id": 3})
        self.serve_result({"buch": {"id": 3}})
        with self.assertRaises(UnreadableAnswer, msg="a wrong path is no missing record"):
            self.adapter(one=one).read(3)
        self.serve_result(False)
        with self.assertRaises(IDMissingInBackend):
            self.adapter(one=one).read(3)

    def test_many_calls_in_one_name_the_resource_and_what_is_meant(self):
        self.serve_result([{"book": {"id": 3}}, {"faultCode": 102, "faultMessage": "No such book."}])
        adapter = self.adapter(one=Call("{resource}.get", "{id}").at("book"), many=MultiCall(50), missing={102})
        self.assertEqual(adapter.read_many([3, 4]), [{"id": 3}])
        self.assertEqual(self.asked, [("multiCall", [[["book.get", [3]], ["book.get", [4]]]])])

    def test_another_kind_of_record_is_read_by_the_same_calls(self):
        self.serve_result([{"id": 3, "code": "JM"}])
        adapter = self.adapter()
        self.assertEqual(adapter.of("publisher").read(3, ["code"])["code"], "JM")
        self.assertEqual((self.asked[0][0], adapter.resource), ("publisher.read", "book"))

    def test_what_many_records_refer_to_is_read_once_for_a_job(self):
        self.serve_result([{"id": 3, "code": "JM"}])
        environment = self.environment()
        self.backend.location = self.server.url
        for external_id in (3, "3", 3):
            Books(environment).of("publisher").read_once(external_id, ["code"])
        type("Authors", (Library,), {"resource": "author"})(environment).of("publisher").read_once(3, ["code"])
        self.assertEqual(len(self.asked), 1)
        Books(environment).of("author").read_once(3, ["code"])
        Books(environment).of("publisher").read_once(3, ["name"])
        Books(self.environment()).of("publisher").read_once(3, ["code"])
        self.assertEqual(len(self.asked), 4)

    def test_a_resource_may_depend_on_the_adapter(self):
        class ByModel(Library):
            @cached_property
            def resource(self):
                return self.environment.model_name

        self.serve_result([{"id": 3}])
        adapter = self.adapter(ByModel)
        adapter.read(3)
        adapter.of("publisher").read(3)
        self.assertEqual(
            [method for method, _params in self.asked], [f"{self.environment().model_name}.read", "publisher.read"]
        )

    def test_a_call_of_ones_own_sends_all_that_is_declared(self):
        class InContext(Books):
            protocol = "xmlrpc"

            def call(self, method, arguments=(), idempotent=False, reads=False):
                return super().call("execute", [*method.split("."), dict(arguments)], idempotent, reads)

        self.serve(Answer(xmlrpc.client.dumps(([{"id": 3}],), methodresponse=True)))
        self.assertEqual(self.adapter(InContext).read_many([3], ["name"]), [{"id": 3}])
        sent = xmlrpc.client.loads(self.server.requests[0].body)
        self.assertEqual(sent, (("book", "read", {"ids": [3], "fields": ["name"]}), "execute"))

    def test_what_is_wrong_is_refused_by_its_name(self):
        def refused(message, kind=Books, **attributes):
            with self.assertRaisesRegex(ValueError, message):
                type("Wrong", (kind,), attributes)

        refused(r"many has no \{ids\} among its arguments", many=Call("{resource}.read"))
        refused(r"many has \{id\}, for which there is no value", many=Call("{resource}.read", "{ids}", "{id}"))
        refused(r'must be such as MultiCall\(50\) or Call\("customer.read", "\{ids\}"\)', many=50)
        refused(
            r"list sends no page: it needs a Window, \{params\}, or all of \{after\}, \{limit\}",
            list=Call("book.find", "{after}"),
        )
        refused(r"list has \{page\}, for which there is no value", list=Call("book.find", "{page}"))
        refused(
            r"list never sends .*'state'.*: it needs a Window, \{params\} or \{filters\}",
            list=Call("book.find", "{after}", "{limit}"),
            params={"state": "new"},
        )
        refused("resource is 7: it must be a text", resource=7)
        refused("resource is a property: make it a cached_property", resource=property(lambda adapter: "book"))
        refused("many has arguments by name, which xmlrpc does not have", protocol="xmlrpc", list=None)
        for place in ("a..b", 7):
            with self.assertRaisesRegex(ValueError, r"Call\('book.create'\).at\(\)"):
                Call("book.create").at(place)
        with self.assertRaisesRegex(ValueError, "rest is for pages with a size"):
            KeysetPages(parameter="after", rest=True)
        self.serve_result([])
        with self.assertRaisesRegex(NotImplementedError, 'declares no resource.*resource = "customer"'):
            self.adapter(Library).read(3)


class TestDeclarations(RpcCase):
    def refused(self, message, **attributes):
        with self.assertRaisesRegex(ValueError, message):
            type("Wrong", (Customers,), attributes)

    def test_a_wrong_call_is_refused_by_its_name(self):
        self.refused(r"one has no \{id\} among its arguments", one=Call("customer.info"))
        self.refused(
            r"one has \{uuid\}, for which there is no value. There is: fields, id, resource",
            one=Call("customer.info", "{id}", {"x": ["{uuid}"]}),
        )
        self.refused(r'verbs\["write"\] has no \{data\}', verbs={"write": Call("customer.update", "{id}")})
        self.refused("verbs has 'archive', which no adapter has", verbs={"archive": Call("x", "{id}")})
        self.refused(r'must be such as Call\("customer.list"\)', verbs={"delete": Verb("DELETE")})
        self.refused("arguments by name, which xmlrpc does not have", one=Call("customer.info", id="{id}"))
        self.refused(r"through has no \{session\}", through=Call("call", "{method}", "{arguments}"))
        self.refused(r"through has no \{arguments\}", through=Call("call", "{session}", "{method}"), many=None)
        self.refused(r"one has \{\*id\}, but it is no list: write \{id\}", one=Call("customer.info", "{*id}"))
        self.refused(
            r"arguments by name, but through has \{\*arguments\}: give them by position",
            protocol="jsonrpc",
            one=Call("customer.info", id="{id}"),
            through=Call("{method}", "{session}", "{*arguments}"),
            many=None,
        )
        for make in (
            lambda: Call(""),
            lambda: Call("a", 1, b=2),
            lambda: Window(""),
            lambda: MultiCall(0),
            lambda: MultiCall(1, "system.multicall"),
        ):
            with self.assertRaises(ValueError):
                make()

    def test_pages_that_would_not_be_sent_are_refused(self):
        self.refused(r"list sends no page", list=Call("customer.list"))
        self.refused(r"list has a Window: its paginator must be IdWindows", paginator=OffsetPages())
        self.refused("its IdWindows must not name parameters", paginator=IdWindows(from_parameter="first"))
        self.refused("a result has no links", paginator=LinkPages())
        self.refused(
            "paginator has the header X-Next: a result has no headers",
            list=Call("customer.list", "{params}"),
            paginator=CursorPages(next=Header("X-Next")),
        )
        self.refused(
            "list never sends Since",
            list=Call("customer.list"),
            paginator=OnePage(),
            changed=Since(parameter="since"),
        )
        type("Right", (Customers,), {"list": Call("customer.list"), "paginator": OnePage()})

    def test_other_wrong_values_are_refused(self):
        self.refused("protocol is 'soap': it must be one of xmlrpc, jsonrpc", protocol="soap")
        self.refused(r"expired is 5: it must be a set of codes", expired=5)
        self.refused(r"missing is None: it must be a set of codes", missing=None)
        self.refused(r"many is 50: it must be such as MultiCall\(50\) or Call", many=50)
        self.refused(
            "many does not send its calls as through says", through=Call("{method}", "{session}", "{*arguments}")
        )

    def test_what_is_not_declared_is_named_where_it_is_needed(self):
        self.serve(Answer({}))
        for attributes, call in (
            ({"list": None}, lambda adapter: adapter.search()),
            ({"one": None}, lambda adapter: adapter.read(1)),
            ({"verbs": {}}, lambda adapter: adapter.create({})),
        ):
            with self.subTest(attributes), self.assertRaisesRegex(NotImplementedError, r"nor the call: .* = Call\("):
                call(self.adapter(**attributes))
