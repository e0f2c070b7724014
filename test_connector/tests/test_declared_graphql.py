"""Adapters of GraphQL systems that are declared."""

import json
from datetime import date
from decimal import Decimal

from odoo.addons.connector.declaration import (
    CursorPages,
    GraphQLAdapter,
    Header,
    IdWindows,
    LinkPages,
    OffsetPages,
    OnePage,
    Since,
    field,
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


class Orders(GraphQLAdapter):
    base = field("location")
    fields = "id number lines { sku }"
    list = "orders(first: $size, after: $cursor, updatedAfter: $since)"
    one = "order(id: $id)"
    paginator = CursorPages(size=2, next="orders.pageInfo.endCursor", more="orders.pageInfo.hasNextPage")
    changed = Since(parameter="since")


class GraphQLCase(HttpCase):
    def adapter(self, **attributes):
        self.backend.location = self.server.url
        return type("Orders", (Orders,), attributes)(self.environment())

    def queries(self):
        return [json.loads(request.body)["query"] for request in self.server.requests]


class TestQueries(GraphQLCase):
    def serve_orders(self, number):
        """Serve orders whose cursor is never empty, as many systems do."""

        def answer(request):
            query = json.loads(request.body)["query"]
            start = int(query.split('after: "')[1].split('"')[0]) if 'after: "' in query else 0
            nodes = [{"id": at} for at in range(start, min(start + 2, number))]
            info = {"endCursor": str(start + len(nodes)), "hasNextPage": start + 2 < number}
            return Answer({"data": {"orders": {"nodes": nodes, "pageInfo": info}}})

        return self.serve(answer)

    def test_a_list_is_asked_for_page_by_page(self):
        self.serve_orders(5)
        self.assertEqual(self.adapter().search(), [0, 1, 2, 3, 4])
        selected = "{ nodes { id number lines { sku } } pageInfo { endCursor hasNextPage } }"
        self.assertEqual(
            self.queries(),
            [
                f"query {{ orders(first: 2, after: {cursor}, updatedAfter: null) {selected} }}"
                for cursor in ("null", '"2"', '"4"')
            ],
        )
        self.assertEqual({request.path for request in self.server.requests}, {"/graphql"})

    def test_filters_are_variables_whose_types_nobody_has_to_know(self):
        self.serve_orders(0)
        adapter = self.adapter(list='orders(first: $size, after: $cursor, q: "$since", by: $by, since: $since)')
        adapter.search({"by": {"state": ["a", 'b"\n'], "min": Decimal("1.5"), "on": date(2026, 1, 31)}, "since": True})
        (query,) = self.queries()
        self.assertIn('q: "$since", by: {state: ["a", "b\\"\\n"], min: 1.5, on: "2026-01-31"}, since: true', query)

    def test_the_records_may_be_in_edges_or_be_the_list_itself(self):
        self.serve(Answer({"data": {"orders": {"edges": [{"node": {"id": 7}}]}}}))
        self.assertEqual(self.adapter(records="orders.edges[].node", paginator=OnePage()).search(), [7])
        self.assertIn(" { edges { node { id number", self.queries()[0])
        self.serve(Answer({"data": {"orders": [{"id": 7}]}}))
        self.assertEqual(self.adapter(records="orders", paginator=OnePage()).search(), [7])
        self.assertTrue(self.queries()[0].endswith("updatedAfter: null) { id number lines { sku } } }"))

    def test_a_list_may_be_counted(self):
        self.serve(Answer({"data": {"orders": {"nodes": [{"id": 7}], "total": 1}}}))
        adapter = self.adapter(
            list="orders(skip: $offset, take: $size, since: $since)",
            paginator=OffsetPages(size=5, total="orders.total"),
        )
        self.assertEqual(adapter.search(), [7])
        self.assertEqual(
            self.queries(),
            ["query { orders(skip: 0, take: 5, since: null) { nodes { id number lines { sku } } total } }"],
        )

    def test_one_record_is_read_by_its_id_as_a_text(self):
        self.serve(Answer({"data": {"order": {"id": 'A"1'}}}))
        self.assertEqual(self.adapter().read('A"1'), {"id": 'A"1'})
        self.assertEqual(self.queries(), ['query { order(id: "A\\"1") { id number lines { sku } } }'])

    def test_an_id_may_be_sent_as_a_number(self):
        self.serve(Answer({"data": {"order": {"id": 7}}}))
        self.adapter(one="order(number: $number)").read("7")
        self.assertIn("order(number: 7)", self.queries()[0])

    def test_a_record_that_is_null_is_missing(self):
        self.serve(Answer({"data": {"order": None}}))
        with self.assertRaises(IDMissingInBackend):
            self.adapter().read(7)
        self.assertEqual(self.adapter().read_many([7]), [])

    def test_an_answer_of_something_else_is_not_read(self):
        for body in ({}, [], {"data": None}, {"data": {}}, {"data": {"order": 7}}):
            with self.subTest(body):
                self.serve(Answer(body))
                with self.assertRaises(UnreadableAnswer):
                    self.adapter().read(7)

    def test_an_answer_without_the_list_says_where_it_was_looked_for(self):
        self.serve(Answer({"data": {"orders": {"edges": []}}}))
        with self.assertRaisesRegex(InvalidDataError, r"Orders, records is 'orders\.nodes'.*It has: orders"):
            self.adapter().search()

    def test_a_mutation_of_ones_own_has_variables_and_is_sent_once(self):
        self.serve(Answer({"data": {"cancel": {"id": 7}}}))
        data = self.adapter().query("mutation ($id: ID!) { cancel(id: $id) { id } }", {"id": "7"})
        self.assertEqual(data, {"cancel": {"id": 7}})
        self.assertEqual(json.loads(self.server.requests[0].body)["variables"], {"id": "7"})
        self.serve(Answer(status=None))
        with self.assertRaises(NetworkRetryableError):
            self.adapter().query("mutation { cancel }")
        self.assertEqual(len(self.server.requests), 1)

    def test_a_text_that_changes_something_after_a_comment_is_sent_once(self):
        for text in (
            "# cancels it\nmutation { cancel }",
            "fragment All on Order { id } mutation { cancel { ...All } }",
        ):
            with self.subTest(text):
                self.serve(Answer(status=None))
                with self.assertRaises(NetworkRetryableError):
                    self.adapter().query(text)
                self.assertEqual(len(self.server.requests), 1)

    def test_filters_that_the_list_does_not_send_are_refused(self):
        self.serve_orders(1)
        with self.assertRaisesRegex(ValueError, r"never sends what a parameter or filter asks with: write \$status"):
            self.adapter().search({"status": "paid"})
        self.assertFalse(self.server.requests)

    def test_what_only_an_adapter_knows_is_selected_too(self):
        self.serve_orders(5)
        adapter = self.adapter(
            paginator=property(
                lambda adapter: CursorPages(
                    size=2, next="orders.pageInfo.endCursor", more="orders.pageInfo.hasNextPage"
                )
            ),
            records=property(lambda adapter: "orders.nodes"),
        )
        self.assertEqual(adapter.search(), [0, 1, 2, 3, 4])
        self.assertIn("pageInfo { endCursor hasNextPage }", self.queries()[0])
        wrong = self.adapter(paginator=property(lambda adapter: CursorPages(next="orders.a || orders.b")))
        with self.assertRaisesRegex(ValueError, "does not say what has to be selected"):
            wrong.search()

    def test_a_name_in_a_filter_cannot_lead_out_of_it(self):
        self.serve_orders(1)
        adapter = self.adapter(list="orders(after: $cursor, since: $since, by: $by)")
        with self.assertRaisesRegex(InvalidDataError, "is no name in GraphQL"):
            adapter.search({"by": {"x: 1}) { secret } #": 1}})
        self.assertFalse(self.server.requests)


class TestErrors(GraphQLCase):
    def error(self, **error):
        self.serve(Answer({"data": {"order": {"id": 7}}, "errors": [error]}))
        return self.error_of(lambda: self.adapter().read(7))

    def test_an_error_under_a_successful_status_is_what_its_code_says(self):
        self.registry_enter_test_mode()
        self.env.flush_all()
        for extensions, kind in (
            ({"code": "UNAUTHENTICATED"}, CredentialsRefused),
            ({"code": "FORBIDDEN"}, FailedJobError),
            ({"code": "not_found"}, IDMissingInBackend),
            ({"code": "THROTTLED"}, RetryableJobError),
            ({"code": "INTERNAL_SERVER_ERROR"}, NetworkRetryableError),
            ({"code": "BAD_USER_INPUT"}, InvalidDataError),
            ({"http_code": 404}, IDMissingInBackend),
            ({"code": 404}, IDMissingInBackend),
            ({"line": 404}, InvalidDataError),
            ({}, InvalidDataError),
            (None, InvalidDataError),
        ):
            with self.subTest(extensions):
                error = self.error(message="not today", extensions=extensions)
                self.assertIs(type(error), kind)
                self.assertIn("not today", str(error))

    def test_what_a_gateway_does_not_find_is_not_the_record(self):
        not_found = {"errors": [{"message": "Application not found", "extensions": {"code": "NOT_FOUND"}}]}
        for status in (400, 403, 503):
            with self.subTest(status):
                self.serve(Answer(not_found, status))
                self.assertNotIsInstance(self.error_of(lambda: self.adapter().read(7)), IDMissingInBackend)

    def test_a_part_that_is_missing_is_not_the_record(self):
        extensions = {"code": "NOT_FOUND"}
        error = self.error(message="no product", extensions=extensions, path=["order", "lines", 0, "product"])
        self.assertIs(type(error), InvalidDataError)
        error = self.error(message="no order", extensions=extensions, path=["order"])
        self.assertIs(type(error), IDMissingInBackend)

    def test_an_endpoint_that_is_missing_is_not_a_missing_record(self):
        not_found = {"errors": [{"code": "not_found", "status": "404", "title": "Not found"}]}
        for status in (404, 410):
            for body in ("<html>", not_found):
                with self.subTest(status=status, body=body):
                    self.serve(Answer(body, status))
                    for call in (lambda: self.adapter().read(7), lambda: self.adapter().read_many([7])):
                        error = self.error_of(call)
                        self.assertIs(type(error), FailedJobError)
                        self.assertIn("Check in the backend: Location.", str(error))
        self.serve(Answer({"errors": [{"extensions": {"code": "NOT_FOUND"}, "path": ["order"]}]}, 404))
        self.assertIs(type(self.error_of(lambda: self.adapter().read(7))), IDMissingInBackend)

    def test_an_error_under_another_status_is_what_its_code_says(self):
        self.registry_enter_test_mode()
        self.env.flush_all()
        for code, status, kind in (
            ("UNAUTHENTICATED", 500, CredentialsRefused),
            ("THROTTLED", 400, RetryableJobError),
            ("ODD", 500, NetworkRetryableError),
            ("INTERNAL_SERVER_ERROR", 400, InvalidDataError),
        ):
            with self.subTest(code):
                self.serve(Answer({"errors": [{"message": "no", "extensions": {"code": code}}]}, status))
                self.assertIs(type(self.error_of(lambda: self.adapter().read(7))), kind)

    def test_an_error_may_tell_how_long_to_wait(self):
        for wait, seconds in ((30, 30), (0.5, 0.5), ("soon", None), (True, None), (-1, None), (10**9, None)):
            with self.subTest(wait):
                error = self.error(message="slowly", extensions={"code": "RATE_LIMITED", "retryAfter": wait})
                self.assertEqual(error.seconds, seconds)

    def test_a_code_may_stand_elsewhere_and_be_declared(self):
        for error, kind in (
            ({"type": "RATE_LIMITED"}, RetryableJobError),
            ({"type": "NOT_FOUND", "path": ["order"]}, IDMissingInBackend),
            ({"extensions": {"category": "graphql-no-such-entity"}}, IDMissingInBackend),
            ({"extensions": {"code": "FORBIDDEN"}}, RetryableJobError),
        ):
            with self.subTest(error):
                self.serve(Answer({"errors": [error]}))
                adapter = self.adapter(codes={"graphql-no-such-entity": 404, "FORBIDDEN": 429})
                self.assertIs(type(self.error_of(lambda adapter=adapter: adapter.read(7))), kind)

    def test_errors_of_any_form_are_refusals(self):
        for errors in (["no"], "no", {"message": "no"}, [{"message": None}], [{"extensions": [], "message": "no"}]):
            with self.subTest(errors):
                self.serve(Answer({"errors": errors}))
                with self.assertRaises(InvalidDataError):
                    self.adapter().read(7)

    def test_the_message_of_an_error_is_told_under_another_status_too(self):
        self.serve(Answer({"errors": [{"message": "Cannot query field nr"}]}, 400))
        with self.assertRaisesRegex(InvalidDataError, "Cannot query field nr"):
            self.adapter().read(7)
        self.serve(Answer("<html>", 503))
        with self.assertRaises(NetworkRetryableError):
            self.adapter().read(7)

    def test_empty_errors_are_none(self):
        for errors in ([], None):
            self.serve(Answer({"data": {"order": {"id": 7}}, "errors": errors}))
            self.assertEqual(self.adapter().read(7), {"id": 7})


class TestDeclarations(GraphQLCase):
    def refused(self, message, **attributes):
        with self.assertRaisesRegex(ValueError, message):
            type("Wrong", (Orders,), attributes)

    def test_a_list_that_would_never_go_on_is_refused(self):
        self.refused(
            r"never sends what CursorPages asks with: write \$cursor", list="orders(first: $size, since: $since)"
        )
        self.refused(r"never sends what Since asks with: write \$since", list="orders(after: $cursor)")
        self.refused(r"Since asks with: write \$until", changed=Since(parameter="since", until="until"))
        self.refused(r"IdWindows asks with: write \$from", paginator=IdWindows())
        self.refused(r"a parameter or filter asks with: write \$shop", params={"shop": 1})
        self.refused(
            "CursorPages asks with the header X-Cursor, which is not sent",
            paginator=CursorPages(next="orders.pageInfo.endCursor", parameter=Header("X-Cursor")),
        )
        self.refused("an answer of GraphQL has no links", paginator=LinkPages())

    def test_a_path_that_does_not_say_what_to_select_is_refused(self):
        self.refused("does not say what has to be selected.*from orders on", records="data.orders.nodes")
        self.refused(
            "does not say what has to be selected", paginator=CursorPages(next="orders.pageInfo.end || orders.next")
        )

    def test_texts_that_are_no_graphql_are_refused(self):
        self.refused(r"which asks for no record: write \$id", one="order(id: 7)")
        self.refused("must begin with the name of a field", list="{ orders(after: $cursor, since: $since) }")
        self.refused("fields is 7", fields=7)
        self.refused("codes is", codes={"NO_SUCH_ORDER": "404"})

    def test_what_is_not_declared_is_named_where_it_is_needed(self):
        self.serve(Answer({}))
        for attributes, method in (({"list": None}, "search"), ({"fields": None}, "search"), ({"one": None}, "read")):
            with self.subTest(attributes), self.assertRaisesRegex(NotImplementedError, "nor .* and fields"):
                getattr(self.adapter(**attributes), method)(*([7] if method == "read" else []))
