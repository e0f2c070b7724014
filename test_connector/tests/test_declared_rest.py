"""Adapters of REST systems that are declared."""

import dataclasses
import json
from urllib.parse import unquote

from odoo.addons.connector import Refusal
from odoo.addons.connector.declaration import (
    CursorPages,
    Header,
    IdWindows,
    KeysetPages,
    LinkPages,
    NumberPages,
    OffsetPages,
    OnePage,
    RestAdapter,
    Since,
    Verb,
    field,
    secret,
)
from odoo.addons.connector.exception import (
    CredentialsRefused,
    FailedJobError,
    IDMissingInBackend,
    InvalidBackend,
    InvalidDataError,
    RetryableJobError,
    UnreadableAnswer,
)
from odoo.addons.connector.testing import Answer, extending
from odoo.addons.connector.testing.registration import registering
from odoo.addons.connector.unit.backend_adapter.crud import BackendAdapter

from ..units import webshop
from .test_http_adapter import HttpCase


class Customers(RestAdapter):
    base = field("location")
    path, records, id_field = "/customers", "data.customers", "uuid"
    paginator = CursorPages(size=2, next="meta.next", parameter="cursor")
    verbs = {"write": Verb("PATCH"), "delete": Verb("POST", "/customers/{id}/archive")}


class RestCase(HttpCase):
    def adapter(self, declared=Customers, **attributes):
        """Return a declared adapter, with some of its attributes changed."""
        self.backend.location = self.server.url
        return type(declared.__name__, (declared,), attributes)(self.environment())

    def serve_list(self, number):
        """Serve customers by cursor."""

        def answer(request):
            start, size = int(request.params.get("cursor", 0)), int(request.params["limit"])
            page = [{"uuid": f"u{at}"} for at in range(start, min(start + size, number))]
            following = start + size if start + size < number else None
            return Answer({"data": {"customers": page}, "meta": {"next": following}})

        return self.serve(answer)

    def asked(self):
        return [(request.method, request.path) for request in self.server.requests]


class TestRequests(RestCase):
    def test_a_list_is_read_as_it_is_declared(self):
        self.serve_list(5)
        adapter = self.adapter()
        self.assertEqual(adapter.search(), ["u0", "u1", "u2", "u3", "u4"])
        self.assertEqual(adapter.search_read(), [{"uuid": f"u{at}"} for at in range(5)])
        self.assertEqual(
            [request.params for request in self.server.requests[:2]], [{"limit": "2"}, {"limit": "2", "cursor": "2"}]
        )

    def test_filters_and_declared_parameters_go_with_each_page(self):
        self.serve_list(3)
        self.adapter(params={"expand": "lines", "shop": field("name")}).search({"updated_since": "2026-01-31"})
        declared = {"expand": "lines", "shop": "Test Shop", "updated_since": "2026-01-31"}
        for request in self.server.requests:
            self.assertLessEqual(declared.items(), request.params.items())

    def test_filters_that_are_no_parameters_are_refused(self):
        self.serve_list(3)
        with self.assertRaisesRegex(TypeError, r"filters are a dict of parameters, not \[\('name'"):
            self.adapter().search([("name", "=", "Ada")])

    def test_a_search_by_post_has_its_parameters_in_the_body(self):
        self.serve(Answer({"data": {"customers": []}}))
        self.adapter(verbs={"search": Verb("POST", "/customers/search")}).search({"name": ["Ada"]})
        (request,) = self.server.requests
        self.assertEqual((request.method, request.path, request.params), ("POST", "/customers/search", {}))
        self.assertEqual(json.loads(request.body), {"name": ["Ada"], "limit": 2})

    def test_a_cursor_may_be_in_headers(self):
        self.serve(
            lambda request: (
                Answer([{"uuid": request.headers.get("X-Cursor")}])
                if request.headers.get("X-Cursor")
                else Answer([{"uuid": "first"}], headers={"X-Next": "second"})
            )
        )
        paginator = CursorPages(next=Header("X-Next"), parameter=Header("X-Cursor"))
        self.assertEqual(self.adapter(records=None, paginator=paginator).search(), ["first", "second"])

    def test_each_method_asks_by_its_verb_and_path(self):
        self.serve(Answer({"uuid": "A/1"}))
        adapter = self.adapter()
        self.assertEqual(adapter.read("A/1"), {"uuid": "A/1"})
        self.assertEqual(adapter.create({"name": "Ada"}), "A/1")
        adapter.write("A/1", {"name": "Ada"})
        adapter.delete("A/1")
        self.assertEqual(
            self.asked(),
            [
                ("GET", "/customers/A%2F1"),
                ("POST", "/customers"),
                ("PATCH", "/customers/A%2F1"),
                ("POST", "/customers/A%2F1/archive"),
            ],
        )
        self.assertEqual([request.body for request in self.server.requests[1:3]], [b'{"name": "Ada"}'] * 2)

    def test_what_is_answered_to_a_change_may_be_anything(self):
        for answer in (
            Answer("OK", headers={"Content-Type": "text/plain"}),
            Answer(b"<p>Done</p>"),
            Answer(b'{"done": true}', headers={"Content-Type": "text/html; charset=utf-8"}),
            Answer(b"", headers={"Content-Type": "text/html; charset=utf-8"}),
            Answer(status=204, headers={"Content-Type": "text/html"}),
            Answer(status=204),
        ):
            self.serve(answer)
            adapter = self.adapter()
            adapter.write(1, {})
            adapter.delete(1)
            self.assertEqual(len(self.server.requests), 2)

    def test_a_login_form_is_no_answer_to_a_change(self):
        self.serve(Answer(b"<form>Log in</form>", headers={"Content-Type": "text/html; charset=utf-8"}))
        for change in (lambda adapter: adapter.write(1, {}), lambda adapter: adapter.delete(1)):
            with self.assertRaises(UnreadableAnswer):
                change(self.adapter())

    def test_an_id_that_is_not_quoted_says_how_this_adapter_quotes(self):
        self.serve(Answer({}))
        with self.assertRaisesRegex(InvalidDataError, r"Customers has to quote it: self\.path_of\(external_id\)"):
            self.adapter().request_json("GET", "/customers/A?1")

    def test_the_usual_verbs_need_no_declaration(self):
        self.serve(Answer({"uuid": 1}))
        adapter = self.adapter(verbs={})
        adapter.write(1, {})
        adapter.delete(1)
        self.assertEqual(self.asked(), [("PUT", "/customers/1"), ("DELETE", "/customers/1")])

    def test_an_id_in_a_declared_path_asks_for_its_record(self):
        self.serve(Answer({"uuid": 1}))
        adapter = self.adapter(one="/shop/customer-{id}.json")
        for external_id in ("A#1", "A/1", "../orders/7", "A?x=1", "50%", "{id}", "a b", "été", 0):
            with self.subTest(external_id):
                adapter.read(external_id)
                path = self.server.requests[-1].path
                self.assertEqual(unquote(path.removeprefix("/shop/customer-").removesuffix(".json")), str(external_id))
        for external_id in ("", ".", "..", None):
            with self.subTest(external_id), self.assertRaises(InvalidDataError):
                adapter.delete(external_id)

    def test_the_path_of_a_record_leads_to_what_is_below_it(self):
        self.serve(Answer({}))
        self.assertEqual(self.adapter().path_of("A/1", "orders", 7), "/customers/A%2F1/orders/7")
        self.assertEqual(self.adapter(path="/customers/").path_of(7), "/customers/7/")

    def test_a_record_may_be_inside_of_its_answer(self):
        self.serve(Answer({"customer": {"ids": {"own": 7}}}))
        adapter = self.adapter(record="customer", id_field="ids.own")
        self.assertEqual(adapter.read(7), {"ids": {"own": 7}})
        self.assertEqual(adapter.create({}), 7)

    def test_declared_headers_go_with_each_request(self):
        self.backend.stored_webhook_secret = "s3cr3t"
        self.serve_list(1)
        adapter = self.adapter(headers={"X-Api-Key": secret("stored_webhook_secret"), "X-Version": "2"})
        adapter.search()
        adapter.request("GET", "/other", params={"limit": 1}, headers={"X-Version": "3"})
        sent = [(request.headers["X-Api-Key"], request.headers["X-Version"]) for request in self.server.requests]
        self.assertEqual(sent, [("s3cr3t", "2"), ("s3cr3t", "3")])

    def test_a_record_that_is_missing_is_known_to_be(self):
        self.serve(Answer({}, 404))
        self.assertEqual(self.adapter().read_many([1, 2]), [])
        with self.assertRaises(IDMissingInBackend):
            self.adapter().read(1)


class TestRefusals(RestCase):
    def test_a_right_that_is_missing_is_not_a_missing_record(self):
        def refusal(adapter, answer):
            error = adapter.json_of(answer)["messages"]["error"][0]
            return Refusal(error["code"], error["message"], "orders") if error["code"] == 403 else None

        for code, kind in ((403, FailedJobError), (404, IDMissingInBackend)):
            with self.subTest(code):
                self.serve(Answer({"messages": {"error": [{"code": code, "message": "Access denied"}]}}, 404))
                self.assertIs(type(self.error_of(lambda: self.adapter(refusal=refusal).read(7))), kind)

    def test_what_is_refused_with_success_is_not_done(self):
        self.serve(Answer({"errors": "locked"}))
        adapter = self.adapter(refusal=lambda adapter, answer: Refusal(423, adapter.json_of(answer)["errors"]))
        for change in (lambda: adapter.write(7, {}), lambda: adapter.delete(7), lambda: adapter.create({})):
            self.assertIs(type(self.error_of(change)), RetryableJobError)


class TestOverrides(RestCase):
    def test_a_method_that_is_overridden_wins(self):
        self.serve_list(2)
        adapter = self.adapter(
            search=lambda adapter, filters=None: ["own"], read=lambda adapter, id_, fields=None: {"uuid": id_}
        )
        self.assertEqual(adapter.search(), ["own"])
        self.assertEqual(adapter.search_read(), [{"uuid": "own"}])

    def test_an_extension_of_another_addon_changes_what_is_declared(self):
        self.serve(Answer([]))
        self.backend.location = self.server.url
        self.enterContext(registering(webshop))
        tags = type("Tags", (Customers,), {"_model_name": "test.shop.tag", "records": None, "__module__": __name__})
        webshop(tags)
        with extending(webshop, type("More", (tags,), {"path": "/tags", "__module__": __name__})):
            self.unit(BackendAdapter, "test.shop.tag").search()
        self.assertEqual(self.asked(), [("GET", "/tags")])

    def test_a_list_has_whole_records_unless_reading_one_is_the_authors_own(self):
        self.serve_list(1)
        self.assertTrue(self.adapter().lists_records)
        for own in ("read", "read_many", "search"):
            with self.subTest(own):
                self.assertFalse(self.adapter(**{own: lambda adapter, *args: []}).lists_records)
                both = {own: lambda adapter, *args: [], "search_read": lambda adapter, *args: []}
                self.assertTrue(self.adapter(**both).lists_records)

    def test_a_list_of_excerpts_is_said_to_be_one(self):
        self.serve(
            lambda request: (
                Answer([{"uuid": 1}]) if request.path == "/customers" else Answer({"uuid": 1, "name": "Ada"})
            )
        )
        adapter = self.adapter(records=None, paginator=OnePage(), lists_records=False)
        self.assertEqual(adapter.search_read(), [{"uuid": 1, "name": "Ada"}])


class TestAnswers(RestCase):
    def test_an_answer_without_the_list_says_what_it_has_instead(self):
        self.serve(Answer({"error": None, "results": []}))
        with self.assertRaisesRegex(
            InvalidDataError, r"Customers, records is 'data\.customers'.*It has: error, results"
        ):
            self.adapter().search()

    def test_a_record_without_an_id_says_what_it_has_instead(self):
        self.serve(Answer({"data": {"customers": [{"id": 1, "name": "Ada"}]}}))
        for adapter in (
            self.adapter(),
            self.adapter(paginator=IdWindows()),
            self.adapter(paginator=KeysetPages(parameter="a")),
        ):
            with self.assertRaisesRegex(InvalidDataError, "has no 'uuid', by which id_field.*It has: id, name"):
                adapter.search()

    def test_a_list_may_be_one_of_ids(self):
        self.serve(
            lambda request: Answer(["a1", "b2"] if request.path == "/customers" else {"uuid": request.path[-2:]})
        )
        adapter = self.adapter(records=None, paginator=OnePage(), lists_records=False)
        self.assertEqual(adapter.search_read(), [{"uuid": "a1"}, {"uuid": "b2"}])

    def test_an_empty_list_that_is_left_out_is_declared_in_its_place(self):
        self.serve(Answer({"data": {}}))
        self.assertEqual(self.adapter(records="data.customers || `[]`").search(), [])

    def test_an_answer_without_the_record_is_not_read(self):
        self.serve(Answer({"customer": None}))
        with self.assertRaisesRegex(UnreadableAnswer, "record is 'customer'"):
            self.adapter(record="customer").read(1)

    def test_a_creation_whose_answer_has_no_id_may_have_created(self):
        for body in ({}, [], None, {"uuid": None}, {"uuid": {"x": 1}}, {"uuid": ""}, {"uuid": True}):
            with self.subTest(body):
                self.serve(Answer(body))
                with self.assertRaises(UnreadableAnswer):
                    self.adapter().create({})

    def test_a_creation_may_be_answered_with_nothing_but_the_id(self):
        self.serve(Answer("7"))
        self.assertEqual(self.adapter().create({}), 7)

    def test_a_function_of_a_path_that_cannot_take_an_answer_tells_nothing_of_it(self):
        self.serve(Answer({"items": "s3cr3t"}))
        with self.assertRaisesRegex(UnreadableAnswer, "does not fit the JMESPath 'values") as caught:
            self.adapter(records="values(items)").search()
        self.assertNotIn("s3cr3t", str(caught.exception))

    def test_a_list_that_is_not_in_the_order_of_its_key_is_an_error(self):
        self.serve(Answer([{"uuid": 3}, {"uuid": 1}, {"uuid": 2}]))
        with self.assertRaisesRegex(InvalidDataError, "not in the order of the key: after 1 comes 2"):
            self.adapter(records=None, paginator=KeysetPages(parameter="since")).search()

    def test_nor_do_numbers_that_are_texts_come_in_another_order(self):
        self.serve(Answer([{"uuid": "1"}, {"uuid": "10"}, {"uuid": "2"}]))
        with self.assertRaisesRegex(InvalidDataError, "not in the order of the key: after 10 comes 2"):
            self.adapter(records=None, paginator=KeysetPages(parameter="since")).search()

    def test_a_key_that_two_records_of_a_page_have_is_an_error(self):
        for key in (5, "5", "B-5", "2026-01-31"):
            with self.subTest(key):
                self.serve(Answer([{"uuid": 1, "k": key}, {"uuid": 2, "k": key}]))
                with self.assertRaisesRegex(InvalidDataError, "two records with the key"):
                    self.adapter(records=None, paginator=KeysetPages(parameter="since", key="k")).search()

    def test_a_link_that_is_no_text_is_an_error(self):
        self.serve(Answer({"items": [{"uuid": 1}], "_links": {"next": {"href": "/customers?page=2"}}}))
        with self.assertRaisesRegex(InvalidDataError, r"next is '_links\.next', .* a dict with href"):
            self.adapter(records="items", paginator=LinkPages(next="_links.next")).search()

    def test_a_link_that_is_null_or_empty_is_the_end(self):
        for end in (None, "", False):
            self.serve(Answer({"items": [{"uuid": 1}], "next": end}))
            self.assertEqual(self.adapter(records="items", paginator=LinkPages(next="next")).search(), [1])

    def serve_window(self, ids, cap):
        """Serve the ids of a window, as they are ordered, at most ``cap`` at once."""

        def answer(request):
            first, last = int(request.params["from"]), int(request.params["to"])
            return Answer([{"uuid": at} for at in ids if first <= at <= last][:cap])

        self.serve(answer)

    def test_a_window_that_is_listed_from_the_highest_id_down_is_read_to_its_lowest(self):
        for ids in (range(1, 51), range(1, 130), (3, 4, 49, 50, 51), (7,), (50, 51)):
            with self.subTest(ids):
                self.serve_window(sorted(ids, reverse=True), 10)
                adapter = self.adapter(records=None, paginator=IdWindows(size=50, last=200))
                self.assertEqual(sorted(adapter.search()), list(ids))

    def test_a_window_in_no_order_is_an_error(self):
        self.serve_window([7, 2, 9], 10)
        with self.assertRaisesRegex(InvalidDataError, "not in the order of its ids"):
            self.adapter(records=None, paginator=IdWindows(size=50, last=200)).search()

    def test_a_window_whose_answer_has_other_ids_is_an_error(self):
        self.serve(Answer([{"uuid": 5000}]))
        with self.assertRaisesRegex(InvalidDataError, "ids are not within 1 to 10"):
            self.adapter(records=None, paginator=IdWindows(size=10)).search()

    def test_more_without_a_cursor_is_an_error(self):
        self.serve(Answer({"data": {"customers": [{"uuid": 1}]}, "meta": {"more": True}}))
        with self.assertRaisesRegex(InvalidDataError, "names no cursor"):
            self.adapter(paginator=CursorPages(next="meta.next", more="meta.more")).search()

    def test_a_text_that_says_no_is_no(self):
        for said in ("false", "0", "No", ""):
            with self.subTest(said):
                self.serve(Answer([{"uuid": 1}], headers={"X-More": said}))
                adapter = self.adapter(records=None, paginator=NumberPages(more=Header("X-More")))
                self.assertEqual((adapter.search(), len(self.server.requests)), ([1], 1))

    def test_a_number_of_pages_tells_whether_there_is_more(self):
        self.serve(lambda request: Answer({"at": int(request.params["page"]), "pages": 2, "items": [{"uuid": 1}]}))
        adapter = self.adapter(records="items", paginator=NumberPages(more="at < pages"))
        self.assertEqual((adapter.search(), len(self.server.requests)), ([1, 1], 2))

    def test_a_word_for_more_that_is_missing_ends_nothing(self):
        self.serve(lambda request: Answer({"items": [{"uuid": 1}] if request.params["page"] < "3" else []}))
        adapter = self.adapter(records="items", paginator=NumberPages(more="meta.has_mor"))
        self.assertEqual(len(adapter.search()), 2)
        self.serve_list(3)
        self.assertEqual(len(self.adapter(paginator=CursorPages(size=2, next="meta.next", more="more")).search()), 3)

    def test_numbers_that_cannot_be_compared_do_not_fit_the_path(self):
        self.serve(Answer({"at": 1, "pages": "2", "items": [{"uuid": 1}]}))
        for more in ("at < pages", "items[::0]"):
            with self.subTest(more), self.assertRaisesRegex(UnreadableAnswer, "does not fit the JMESPath"):
                self.adapter(records="items", paginator=NumberPages(more=more)).search()
        self.assertEqual(
            self.adapter(records="items", paginator=NumberPages(more="at > to_number(pages)")).search(), [1]
        )

    def test_a_cursor_that_is_null_may_be_the_word_for_more(self):
        self.serve(
            lambda request: Answer({"next": None if request.params["page"] == "2" else 2, "items": [{"uuid": 1}]})
        )
        adapter = self.adapter(records="items", paginator=NumberPages(more="next != null"))
        self.assertEqual((adapter.search(), len(self.server.requests)), ([1, 1], 2))

    def test_a_path_may_have_a_slice(self):
        self.serve(Answer({"items": [{"uuid": 1}, {"uuid": 2}, {"uuid": 3}]}))
        self.assertEqual(self.adapter(records="items[1:]", paginator=OnePage()).search(), [2, 3])

    def test_a_total_that_is_the_number_of_pages_ends_nothing(self):
        def answer(request):
            start = (int(request.params["page"]) - 1) * 2
            return Answer([{"uuid": at} for at in range(start, min(start + 2, 9))], headers={"X-Pages": "5"})

        self.serve(answer)
        adapter = self.adapter(records=None, paginator=NumberPages(size=2, total=Header("X-Pages")))
        self.assertEqual(adapter.search(), list(range(9)))

    def test_a_total_may_be_in_a_header(self):
        self.serve(Answer([{"uuid": 1}], headers={"X-Total": "1"}))
        adapter = self.adapter(records=None, paginator=OffsetPages(total=Header("X-Total")))
        self.assertEqual((adapter.search(), len(self.server.requests)), ([1], 1))

    def test_a_system_with_a_page_size_of_its_own_is_not_asked_for_one(self):
        self.serve(lambda request: Answer([{"uuid": 1}, {"uuid": 2}] if request.params == {"page": "1"} else []))
        adapter = self.adapter(records=None, paginator=NumberPages(size_parameter=None))
        self.assertEqual((adapter.search(), len(self.server.requests)), ([1, 2], 2))


class TestSecrets(RestCase):
    def test_a_declared_secret_is_in_no_message_and_in_no_stored_exchange(self):
        self.backend.stored_webhook_secret = "s3cr3t"
        self.backend.exchange_log = "all"
        self.env.flush_all()
        self.registry_enter_test_mode()
        self.serve(Answer({"message": "s3cr3t is wrong"}, 422))
        adapter = self.adapter(headers={"X-Own": secret("stored_webhook_secret")})
        error = self.error_of(lambda: adapter.write(1, {"x": "s3cr3t"}))
        self.assertIn("is wrong", str(error))
        self.assertNotIn("s3cr3t", str(error))
        exchange = self.env["connector.exchange"].search([], limit=1)
        for text in (exchange.request_headers, exchange.request_body, exchange.response_body):
            self.assertIn("***", text)
            self.assertNotIn("s3cr3t", text)

    def test_an_empty_secret_refuses_before_anything_is_asked(self):
        self.registry_enter_test_mode()
        self.env.flush_all()
        self.serve(Answer({}))
        adapter = self.adapter(headers={"X-Api-Key": secret("stored_webhook_secret")})
        error = self.error_of(lambda: adapter.read(1))
        self.assertIs(type(error), CredentialsRefused)
        self.assertRegex(str(error), "Stored Webhook Secret of Test Shop is empty: enter it")
        self.assertFalse(self.server.requests)

    def test_an_empty_address_says_which_field_is_to_be_filled(self):
        self.serve(Answer({}))
        adapter = self.adapter()
        self.backend.location = False
        with self.assertRaisesRegex(FailedJobError, "Location of Test Shop is empty: enter it"):
            adapter.read(1)


class TestDeclarations(RestCase):
    """A wrong declaration is refused by its name, with the way out, before a system is asked."""

    def refused(self, message, **attributes):
        with self.assertRaisesRegex(ValueError, message):
            type("Wrong", (Customers,), {"__module__": "shop", **attributes})

    def test_a_wrong_json_path(self):
        for attribute in ("records", "record", "id_field"):
            with self.subTest(attribute):
                self.refused(
                    rf"^shop\.Wrong, {attribute} is 'data\.\.customers', which is no JMESPath",
                    **{attribute: "data..customers"},
                )
        self.refused("double quotes: '\"order-id\"'", id_field="order-id")
        self.refused(r"has no function lenght\(\)", records="lenght(items)")
        self.refused(r"length\(\) takes 1 arguments, not 2", records="length(a, b)")
        self.refused("it must be a text", records=lambda body: body)

    def test_a_path_that_does_not_lead_where_it_should(self):
        self.refused(r"one is '/customers', which leads to no record: write \{id\}", one="/customers")
        self.refused(
            r"the path of verbs\[\"delete\"\] is '/archive', which leads to no record",
            verbs={"delete": Verb("POST", "/archive")},
        )
        self.refused(r"path is '/customers/\{id\}': nothing is replaced in it", path="/customers/{id}")
        self.refused(r"only \{id\} is replaced in it", one="/shops/{shop}/{id}")
        self.refused("path is '/customers\\?all=1', which has a \\?.*given by params", path="/customers?all=1")
        self.refused("a whole address", path="https://shop.example.com/customers")
        self.refused("it must be a path below", path=7)

    def test_a_verb_that_does_not_exist(self):
        self.refused(
            "verbs has 'update', which no adapter has. There are: search, read, create, write, delete",
            verbs={"update": Verb("PUT")},
        )
        self.refused(r'verbs\["write"\] is \'PATCH\': it must be such as Verb\("PATCH"\)', verbs={"write": "PATCH"})
        with self.assertRaisesRegex(ValueError, r"Verb\('FETCH'\): the method must be one of GET"):
            Verb("FETCH")

    def test_a_paginator_that_is_none_or_wrong(self):
        for paginator, changed, parameter in (
            (IdWindows(), Since(parameter="from"), "from"),
            (NumberPages(), Since(parameter="since", until="page"), "page"),
            (KeysetPages(parameter="since", size=9), Since(parameter="limit"), "limit"),
        ):
            self.refused(f"both give a value to the parameter '{parameter}'", paginator=paginator, changed=changed)
        type("Right", (Customers,), {"paginator": KeysetPages(parameter="a"), "changed": Since(parameter="a")})
        self.refused(r"paginator is a class: make a value of it, CursorPages\(...\)", paginator=CursorPages)
        self.refused("paginator is 'cursor'", paginator="cursor")
        for make, message in (
            (lambda: CursorPages(next="meta..next"), "CursorPages, next is 'meta..next', which is no JMESPath"),
            (lambda: NumberPages(size=0), "NumberPages, size is 0"),
            (lambda: NumberPages(total=5), "NumberPages, total is 5"),
            (lambda: OffsetPages(parameter=""), "OffsetPages, parameter is ''"),
            (lambda: CursorPages(next=None), "CursorPages, next is None"),
            (lambda: LinkPages(size="many"), "LinkPages, size is 'many'"),
            (lambda: LinkPages(next=Header("Link")), "LinkPages, next is Header.*it must be a text, a JMESPath"),
            (lambda: KeysetPages(parameter="a", key=Header("X")), "KeysetPages, key is Header.*it must be a text"),
            (lambda: IdWindows(first=7, last=6), "IdWindows, first is 7 and last is 6"),
            (lambda: Header(""), "the name of a header is expected"),
        ):
            with self.subTest(message), self.assertRaisesRegex(ValueError, message):
                make()

    def test_a_base_that_is_no_address(self):
        self.refused(r'base is \'location\': it must be an address, or field\("location"\)', base="location")
        self.refused("headers is 'X-Api-Key'", headers="X-Api-Key")

    def test_a_field_that_the_backend_does_not_have_is_named_at_the_first_use(self):
        self.serve(Answer({}))
        for attributes, message in (
            (
                {"base": field("lokation")},
                r"declares field\('lokation'\), but test.shop.backend has no such field. Is 'location' meant\?",
            ),
            ({"headers": {"X-Key": secret("key_of_the_api")}}, r"declares secret\('key_of_the_api'\)"),
            ({"params": {"x": field("nothing_like_it")}}, r"declares field\('nothing_like_it'\)"),
        ):
            with self.subTest(message), self.assertRaisesRegex(InvalidBackend, message):
                self.adapter(**attributes)

    def test_a_secret_that_users_may_read_is_refused_at_the_first_use_and_so_is_one_that_is_declared_as_a_field(self):
        self.serve(Answer({}))
        for name in ("name", "webhook_url"):  # one that all read, and one that managers read
            message = rf"declares secret\('{name}'\), but users may read that field of test.shop.backend.*: {name} = SecretChar\(\)"
            with self.subTest(name), self.assertRaisesRegex(InvalidBackend, message):
                self.adapter(headers={"X-Key": secret(name)})
        with self.assertRaisesRegex(InvalidBackend, r"keeps that field secret: write secret\('token'\)"):
            self.adapter(headers={"X-Key": field("token")})

    def test_an_address_that_is_not_the_location_of_the_backend_is_refused_while_the_backend_has_secrets(self):
        self.serve(Answer({}))
        message = r"declares base = field\('name'\), but test.shop.backend .*location.*: write _location_field = 'name'"
        with self.assertRaisesRegex(InvalidBackend, message):
            self.adapter(base=field("name"))
        self.patch(type(self.backend), "_location_field", "name")
        self.adapter(base=field("name"))

    def test_what_is_not_declared_is_named_where_it_is_needed(self):
        self.serve(Answer({}))
        for attributes, message in (
            ({"path": None}, 'nor a path: path = "/customers"'),
            ({"paginator": None}, r"nor a paginator, .*OnePage\(\)"),
        ):
            with self.subTest(message), self.assertRaisesRegex(NotImplementedError, message):
                self.adapter(**attributes).search()

    def test_without_a_base_the_address_is_the_location_of_the_backend(self):
        self.serve(Answer({}))
        adapter = self.adapter(base=None)
        self.assertEqual(adapter._base_url, self.backend.location)
        self.backend.sudo().location = False
        with self.assertRaisesRegex(FailedJobError, "Location of .* is empty: enter it"):
            adapter.search()
        self.patch(type(self.backend), "_location_field", "address")
        with self.assertRaisesRegex(
            NotImplementedError, "no base, and test.shop.backend has no field 'address': add it"
        ):
            adapter.search()

    def test_nor_can_what_a_class_declares_of_them(self):
        self.serve(Answer({"data": {"customers": []}, "uuid": 1}))
        search = Verb("POST", "/search")
        adapter = self.adapter(headers={"X": "a"}, params={"at": {"any": [1]}}, verbs={"search": search})
        for change in (
            lambda: adapter.headers.update(Authorization="token"),
            lambda: adapter.params["at"].update(x=1),
            lambda: adapter.params["at"]["any"].append(2),
            lambda: adapter.verbs.update(write=Verb("PATCH")),
            lambda: self.adapter(verbs=Customers.verbs).verbs.clear(),
            lambda: RestAdapter.headers.update(Authorization="token"),
        ):
            with self.subTest(change), self.assertRaisesRegex(Exception, "mappingproxy|tuple"):
                change()
        adapter.search()
        self.assertEqual(json.loads(self.server.requests[0].body), {"at": {"any": [1]}, "limit": 2})
        self.assertEqual({**adapter.verbs, "read": Verb("GET")}["search"], search)

    def test_declared_values_cannot_be_changed(self):
        for value in (field("location"), Verb("PUT"), Header("X"), CursorPages(next="a"), IdWindows()):
            with self.subTest(value), self.assertRaises(dataclasses.FrozenInstanceError):
                value.name = "other"
