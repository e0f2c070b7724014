"""How a record is found by its number is declared, and asked by one request."""

import json
import xmlrpc.client

from odoo.addons.connector.declaration import Call, GraphQLAdapter, OnePage, RestAdapter, RpcAdapter, Verb, field
from odoo.addons.connector.exception import ConnectorException
from odoo.addons.connector.testing import Answer

from .test_http_adapter import HttpCase


class DeclaredFindCase(HttpCase):
    declared = None

    def adapter(self, **attributes):
        self.backend.location = self.server.url
        return type("Orders", (self.declared,), attributes)(self.environment())


class RestOrders(RestAdapter):
    base = field("location")
    path, records, params = "/orders", "orders", {"expand": "lines"}
    find = "?number={number}"


class TestRest(DeclaredFindCase):
    declared = RestOrders

    def test_a_parameter_of_the_list_has_the_number(self):
        self.serve(Answer({"orders": [{"id": 42, "number": "A/1 &2"}]}))
        self.assertEqual(self.adapter().find_by_number("A/1 &2"), [42])
        [request] = self.server.requests
        self.assertEqual((request.method, request.path), ("GET", "/orders"))
        self.assertEqual(request.params, {"expand": "lines", "number": "A/1 &2"})

    def test_the_number_may_be_a_part_of_a_parameter_beside_others(self):
        self.serve(Answer({"orders": []}))
        self.assertEqual(self.adapter(find="?q=name:{number}&state=any").find_by_number("#1001"), [])
        self.assertEqual(self.server.requests[0].params, {"expand": "lines", "q": "name:#1001", "state": "any"})

    def test_a_search_by_post_has_it_in_the_body(self):
        self.serve(Answer({"orders": []}))
        self.adapter(verbs={"search": Verb("POST", "/orders/search")}).find_by_number("1001")
        self.assertEqual(json.loads(self.server.requests[0].body), {"expand": "lines", "number": "1001"})

    def test_a_path_leads_to_one_record_and_the_number_is_quoted_in_it(self):
        self.serve(Answer({"order": {"id": 42}}))
        adapter = self.adapter(find="/orders/by-number/{number}", record="order")
        self.assertEqual(adapter.find_by_number("A/1"), [42])
        self.assertEqual(self.server.requests[0].path, "/orders/by-number/A%2F1")

    def test_a_path_that_is_not_there_is_no_record(self):
        self.serve(Answer({"message": "No such order"}, status=404))
        self.assertEqual(self.adapter(find="/orders/{number}").find_by_number("1001"), [])

    def test_a_number_that_is_no_part_of_a_path_is_no_record(self):
        self.serve(Answer({}))
        self.assertEqual(self.adapter(find="/orders/{number}").find_by_number(".."), [])
        self.assertFalse(self.server.requests)

    def test_where_the_list_is_not_there_it_is_no_answer(self):
        self.serve(Answer({}, status=500))
        with self.assertRaises(ConnectorException):
            self.adapter().find_by_number("1001")

    def test_an_adapter_that_declares_nothing_says_how(self):
        self.serve(Answer({}))
        with self.assertRaisesRegex(NotImplementedError, r'find = "\?number=\{number\}"'):
            self.adapter(find=None).find_by_number("1001")

    def test_a_wrong_declaration_is_refused_by_its_name(self):
        for find, message in (
            ("?number=1", "asks for no number"),
            (7, "asks for no number"),
            ("?{number}=1", "no parameter has the number"),
            ("/orders/{number}/{id}", "only {number} is"),
            ("https://shop.test/{number}", "a whole address"),
        ):
            with self.subTest(find), self.assertRaisesRegex(ValueError, rf"Orders, find.*{message}"):
                type("Orders", (RestOrders,), {"find": find})


class GraphQLOrders(GraphQLAdapter):
    base = field("location")
    fields = "id number"
    find = "orders(first: 20, number: $number)"


class TestGraphQL(DeclaredFindCase):
    declared = GraphQLOrders

    def test_a_field_lists_those_with_the_number(self):
        self.serve(Answer({"data": {"orders": {"nodes": [{"id": "gid://42", "number": "1001"}]}}}))
        self.assertEqual(self.adapter().find_by_number('10"01'), ["gid://42"])
        query = json.loads(self.server.requests[0].body)["query"]
        self.assertEqual(query, r'query { orders(first: 20, number: "10\"01") { nodes { id number } } }')

    def test_its_records_are_where_those_of_the_list_are_if_it_is_the_same_field(self):
        self.serve(Answer({"data": {"orders": {"items": [{"id": "42"}]}}}))
        listing = {"list": "orders(first: 50)", "records": "orders.items", "paginator": OnePage()}
        self.assertEqual(self.adapter(**listing).find_by_number("1001"), ["42"])

    def test_a_wrong_declaration_is_refused_by_its_name(self):
        for find, message in (("orders(first: 20)", r"write \$number"), ("", "a text of GraphQL"), ("(x)", "begin")):
            with self.subTest(find), self.assertRaisesRegex(ValueError, f"Orders, find is.*{message}"):
                type("Orders", (GraphQLOrders,), {"find": find})


class RpcOrders(RpcAdapter):
    base, path = field("location"), "/api"
    id_field, missing = "order_id", {101}
    find = Call("order.search", {"increment_id": "{number}"})


class TestRpc(DeclaredFindCase):
    declared = RpcOrders

    def serve_result(self, result):
        is_fault = isinstance(result, xmlrpc.client.Fault)
        body = xmlrpc.client.dumps(
            result if is_fault else (result,), methodresponse=not is_fault or None, allow_none=True
        )
        self.serve(Answer(body))

    def test_a_call_returns_records_or_their_ids(self):
        for result in ([{"order_id": "42"}], ["42"]):
            with self.subTest(result):
                self.serve_result(result)
                self.assertEqual(self.adapter().find_by_number("1001"), ["42"])
                params, method = xmlrpc.client.loads(self.server.requests[-1].body)
                self.assertEqual((method, params), ("order.search", ({"increment_id": "1001"},)))

    def test_nothing_and_a_fault_that_says_so_are_no_record(self):
        for result in ([], None, False, xmlrpc.client.Fault(101, "Order not exists")):
            with self.subTest(result):
                self.serve_result(result)
                self.assertEqual(self.adapter().find_by_number("1001"), [])

    def test_another_fault_is_no_empty_answer(self):
        self.serve_result(xmlrpc.client.Fault(7, "Broken"))
        with self.assertRaisesRegex(ConnectorException, "Broken"):
            self.adapter().find_by_number("1001")

    def test_a_wrong_declaration_is_refused_by_its_name(self):
        for find in (Call("order.search"), Call("order.search", "{id}"), "order.search"):
            with self.subTest(find), self.assertRaisesRegex(ValueError, "Orders, find"):
                type("Orders", (RpcOrders,), {"find": find})
