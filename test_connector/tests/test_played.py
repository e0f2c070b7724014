"""Systems that are played as an adapter declares: their pages, their places, their selections."""

from odoo.tests import TransactionCase

from odoo.addons.connector.declaration import (
    Call,
    CursorPages,
    Header,
    IdWindows,
    KeysetPages,
    LinkPages,
    NumberPages,
    OffsetPages,
    OnePage,
    RestAdapter,
    RpcAdapter,
    Verb,
    field,
)
from odoo.addons.connector.testing.played import played
from odoo.addons.connector.testing.played.graphql import _of, _selected
from odoo.addons.connector.testing.played.places import put, put_truth
from odoo.addons.connector.unit.backend_adapter.json_paths import value_at

from .test_http_adapter import HttpCase

IDS = list(range(1, 6))


class TestPlayedPages(HttpCase):
    def listed(self, filters=None, **declared):
        """Return the ids that an adapter finds in the system that is played as it declares."""
        records = {str(id_): {"id": id_} for id_ in IDS}
        self.serve(lambda request: self.system.answer(request, records))
        self.backend.location = self.server.url
        base = {"base": field("location"), "path": "/things", **declared}
        adapter = type("Things", (RestAdapter,), base)(self.environment())
        self.system = played(adapter, {"id": 1})
        return adapter.search(filters)

    def test_each_paginator_finds_all_records(self):
        for paginator in (
            OnePage(),
            NumberPages(size=2),
            NumberPages(size=2, repeats_last=True),
            NumberPages(size=2, total="meta.count"),
            NumberPages(size=2, total="to_number(meta.count)"),
            NumberPages(size=2, more="page < to_number(pages)"),
            NumberPages(size=2, more="!at_end", first=0),
            OffsetPages(size=2, total=Header("X-Total")),
            OffsetPages(size_parameter=None, size=2, more=Header("X-More")),
            CursorPages(next="meta.next"),
            CursorPages(next=Header("X-Next"), parameter=Header("X-Cursor"), size=2),
            CursorPages(next="meta.next", more="next_page != null", size=2),
            CursorPages(next="meta.next", repeats_last=True, size=2),
            LinkPages(),
            LinkPages(next="_links.next.href", size=2),
            LinkPages(next="_links.next.href", size=2, repeats_last=True),
            KeysetPages(parameter="since_id", size=2),
            KeysetPages(parameter="since_id", size=2, first=0, more="has_more"),
            KeysetPages(parameter="since_id", size=2, rest=True),
            IdWindows(size=2, last=100),
        ):
            self.assertEqual(self.listed(paginator=paginator, records="data.things"), IDS, paginator)

    def test_records_may_be_at_any_place(self):
        for records in (None, "things", "edges[].node", "things || `[]`", "pages[0].things"):
            self.assertEqual(self.listed(paginator=NumberPages(size=2), records=records), IDS, records)

    def test_a_filter_is_the_value_of_a_field(self):
        self.assertEqual(self.listed({"id": 3}, paginator=NumberPages(size=2), params={"expand": "lines"}), [3])
        self.assertEqual(self.listed({"reference": "k1"}, paginator=NumberPages(size=2)), [])

    def test_a_search_by_post_has_pages_too(self):
        verbs = {"search": Verb("POST", "/things/search")}
        self.assertEqual(self.listed(paginator=NumberPages(size=2), verbs=verbs), IDS)


class TestPlayedCalls(HttpCase):
    def test_calls_that_are_declared_for_all_kinds_of_records_are_played(self):
        class Things(RpcAdapter):
            base, path, protocol = field("location"), "/jsonrpc", "jsonrpc"
            resource = "thing"
            list = Call("{resource}.find", filter="{filters}", after="{after}", limit="{limit}")
            paginator = KeysetPages(size=2, parameter="after", first=0, rest=True)
            many = Call("{resource}.read", ids="{numbers}", fields="{fields}")
            verbs = {
                "create": Call("{resource}.create", "{data}").at("[0].id"),
                "write": Call("{resource}.write", "{id}", "{data}"),
                "delete": Call("{resource}.delete", "{id}"),
                "who_am_i": Call("session.info").at("user.login"),
                "system_version": Call("session.version"),
            }

        records = {str(id_): {"id": id_, "kind": "odd" if id_ % 2 else "even"} for id_ in IDS}
        self.serve(lambda request: system.answer(request, records))
        self.backend.location = self.server.url
        adapter = Things(self.environment())
        system = played(adapter, {"id": 1, "kind": "odd"})
        self.assertEqual(adapter.search(), IDS)
        self.assertEqual(adapter.search({"kind": "even"}), [2, 4])
        self.assertEqual([record["id"] for record in adapter.read_many([5, 99, "2"], ["kind"])], [5, 2])
        self.assertEqual(adapter.read(3)["kind"], "odd")
        created = adapter.create({"kind": "new"})
        adapter.write(created, {"kind": "newer"})
        self.assertEqual(records["6"], {"id": 6, "kind": "newer"})
        adapter.delete(created)
        self.assertNotIn("6", records)
        self.assertTrue(adapter.who_am_i())
        self.assertTrue(adapter.system_version())


class TestPlaces(TransactionCase):
    def test_what_is_put_at_a_path_is_found_there_beside_what_was_there(self):
        body = put("meta.count", {"meta": {"next": "b7"}}, 5)
        self.assertEqual(body, {"meta": {"next": "b7", "count": 5}})

    def test_an_expression_is_made_true_or_false(self):
        for path in ("!at_end", "page < to_number(pages)", "next_page != null", "meta.more"):
            for truth in (True, False):
                self.assertIs(value_at(path, put_truth(path, {"data": []}, truth)), truth, path)

    def test_a_path_that_cannot_be_undone_says_what_to_do(self):
        with self.assertRaisesRegex(ValueError, r"'length\(things\)': play the system by a method answer"):
            put("length(things)", {}, 5)

    def test_of_a_record_what_is_selected_is_answered(self):
        tree = _selected('id total(currency: "EUR") { amount } lines { id product { sku } }')
        product = {"sku": "A", "secret": 1}
        record = {"id": 1, "total": {"amount": 2, "tax": 3}, "lines": [{"id": 4, "product": product}], "note": "x"}
        expected = {"id": 1, "total": {"amount": 2}, "lines": [{"id": 4, "product": {"sku": "A"}}]}
        self.assertEqual(_of(record, tree), expected)
