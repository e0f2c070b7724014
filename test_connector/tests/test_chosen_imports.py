import json
import xmlrpc.client

from odoo.exceptions import ValidationError

from odoo.addons.connector.declaration import (
    Call,
    Choice,
    CursorPages,
    Date,
    Flag,
    GraphQLAdapter,
    NumberPages,
    OnePage,
    RestAdapter,
    RpcAdapter,
    Since,
    Text,
    field,
)
from odoo.addons.connector.testing import Answer
from odoo.addons.connector.unit.importer import listing
from odoo.addons.connector.unit.importer.bulk import BulkBatchImporter, import_page
from odoo.addons.connector.unit.importer.record import import_record

from ..units import ShopAdapter, webshop
from .test_flow import PARTNER, TAG, FlowCase
from .test_http_adapter import HttpCase

STATUS = Choice(("paid", "Paid"), ("shipped", "Shipped"), ("lost", "Lost"), at="status")


class ChosenCase(FlowCase):
    """A shop whose adapter lets people choose by status, tag, nickname and newsletter."""

    filters = {"status": STATUS, "tag": Choice(model=TAG, several=True, at="tag"), "nickname": Text(), "new": Flag()}

    def offer(self, filters):
        """Register an adapter with filters."""
        names = {"_model_name": PARTNER, "__module__": __name__, "filters": filters}
        return webshop(type("Choosing", (ShopAdapter,), names))

    def setUp(self):
        super().setUp()
        self.since = since = []
        self.adapter = self.offer(self.filters)

        def filters_since(importer, watermark):
            since.append(watermark)

        names = {"_get_next_watermark": lambda importer, began: "7", "_filters_since": filters_since}
        webshop(type("Partners", (BulkBatchImporter,), {"_model_name": PARTNER, "__module__": __name__, **names}))
        self.partners = self.flow("partners")
        self.add(1, status="paid")
        self.add(2, status="open")

    def add(self, external_id, **values):
        self.shop.add(PARTNER, external_id, name=f"Ada {external_id}", changed="1", **values)

    def choose(self, **chosen):
        self.partners.filters = chosen
        self.env.flush_all()

    def run_flow(self, flow=None):
        (flow or self.partners).action_run()
        self.assertDone(self.run_jobs())

    def ids_here(self):
        return sorted(self.here().mapped("external_id"))


class TestRuns(ChosenCase):
    def test_a_run_imports_only_what_is_chosen(self):
        self.choose(status="paid")
        self.run_flow()
        self.assertEqual(self.ids_here(), ["1"])

    def test_all_is_imported_where_nothing_is_chosen(self):
        self.choose(status="", tag=[], nickname=None, new=False)
        self.assertFalse(self.partners.filters)
        self.run_flow()
        self.assertEqual(self.ids_here(), ["1", "2"])

    def test_another_choice_finds_what_was_left_out_before(self):
        self.choose(status="paid")
        self.run_flow()
        self.run_flow()
        self.assertEqual(self.since, [None, "7"])
        self.choose(status="lost")
        self.assertTrue(self.partners.lists_all)
        self.run_flow()
        self.assertFalse(self.partners.lists_all)
        self.assertEqual(self.since, [None, "7", None])

    def test_who_chooses_again_what_was_chosen_before_looks_at_nothing_twice(self):
        self.choose(status="paid")
        self.run_flow()
        self.choose(status="lost")
        self.choose(status="paid")
        self.run_flow()
        self.assertEqual(self.since, [None, "7"])

    def test_a_run_that_ends_after_another_choice_hides_nothing_of_it(self):
        self.choose(status="paid")
        self.partners.action_run()

        def choose_anew():
            if self.delayed_jobs("import_page") and self.partners.filters["status"] == "paid":
                self.choose(status="lost")

        self.after_commit = choose_anew
        self.assertDone(self.run_jobs())
        self.assertEqual(self.partners.filters, {"status": "lost"})
        self.run_flow()
        self.assertEqual(self.since, [None, None])

    def test_a_choice_that_comes_back_while_a_run_goes_on_hides_nothing_that_was_left_out_meanwhile(self):
        self.choose(status="paid")
        self.partners.action_run()

        def choose_anew_and_back():
            if self.delayed_jobs("import_page") and not self.here():
                self.choose(status="lost")
            elif self.partners.filters == {"status": "lost"}:
                self.choose(status="paid")

        self.after_commit = choose_anew_and_back
        self.assertDone(self.run_jobs())
        self.assertEqual((self.partners.filters, self.ids_here()), ({"status": "paid"}, []))
        del self.after_commit
        self.run_flow()
        self.assertEqual((self.since, self.ids_here()), ([None, None], ["1"]))

    def test_a_watermark_that_somebody_enters_counts_for_what_is_chosen_now(self):
        self.run_flow()
        self.choose(status="paid")
        self.partners._watermark().value = "5"
        self.run_flow()
        self.assertEqual(self.since, [None, "5"])

    def test_a_long_list_keeps_the_choice_with_which_it_began(self):
        asked = []

        def list_pages(adapter, filters=None, fields=None, bookmark=None):
            asked.append(filters)
            ids = adapter.search(filters)
            for external_id in ids[bookmark.place or 0 :]:
                bookmark.go_to(ids.index(external_id) + 1)
                yield [external_id]
            bookmark.end()

        self.adapter.list_pages = list_pages
        self.patch(listing, "MOST_PAGES", 1)
        self.add(3, status="paid")
        self.add(4, status="paid")
        self.choose(status="paid")
        self.partners.action_run()

        def choose_anew():
            if self.delayed_jobs("import_segment") and self.partners.filters["status"] == "paid":
                self.choose(status="lost")

        self.after_commit = choose_anew
        self.assertDone(self.run_jobs())
        self.assertEqual(self.partners.filters, {"status": "lost"})
        self.assertGreater(len(asked), 1)
        self.assertEqual(asked, [{"status": "paid"}] * len(asked))
        self.assertFalse(self.partners._watermark())

    def test_all_again_and_between_two_times_obey_it(self):
        self.choose(status="paid")
        self.partners.action_run_again()
        self.assertDone(self.run_jobs())
        self.assertEqual(self.ids_here(), ["1"])

    def test_a_comparison_does_not_miss_what_is_not_chosen(self):
        self.choose(status="paid")
        self.run_flow()
        self.partners.action_compare()
        job = self.run_jobs()
        self.assertIn("Missing here: 0", job.result)


class TestOtherWays(ChosenCase):
    """Records that come by another way than the list, as by a webhook."""

    def import_now(self, external_id, **options):
        import_record.delay(self.session, PARTNER, self.backend.id, external_id, **options)
        job = self.run_jobs()
        self.assertDone(job)
        return job.result

    def test_a_new_record_that_is_not_chosen_is_not_imported_and_says_so(self):
        self.choose(status="paid")
        self.assertIn("none of the records that the flow is for", self.import_now(2))
        self.assertFalse(self.here())
        self.import_now(1)
        self.assertEqual(self.ids_here(), ["1"])

    def test_a_record_that_is_here_is_updated_all_the_same(self):
        self.run_flow()
        self.choose(status="paid")
        self.shop.table(PARTNER)[2].update(name="Grace", changed="2")
        self.import_now(2)
        self.assertIn("Grace", self.here().mapped("name"))

    def test_a_record_that_another_one_needs_is_imported_all_the_same(self):
        self.choose(status="paid")
        self.shop.table(PARTNER)[1]["parent"] = 2
        self.import_now(1)
        self.assertEqual(self.ids_here(), ["1", "2"])

    def test_who_imports_by_force_gets_it(self):
        self.choose(status="paid")
        self.import_now(2, force=True)
        self.assertEqual(self.ids_here(), ["2"])

    def test_a_filter_without_a_place_in_the_record_leaves_it_to_the_list(self):
        self.choose(nickname="Countess")
        self.import_now(2)
        self.assertEqual(self.ids_here(), ["2"])

    def test_a_page_leaves_out_what_is_not_chosen_also_if_the_system_lists_it(self):
        self.choose(status="paid")
        import_page.delay(self.session, PARTNER, self.backend.id, external_ids=[1, 2])
        job = self.run_jobs()
        self.assertEqual(json.loads(job.result), "1 created, 1 skipped")

    def test_an_adapter_may_say_itself_whether_a_record_is_chosen(self):
        self.adapter.is_chosen = lambda adapter, record: record["id"] == 2
        self.choose(status="paid")
        self.import_now(2)
        self.assertEqual(self.ids_here(), ["2"])


class TestValues(ChosenCase):
    def sent(self, **chosen):
        self.choose(**chosen)
        return self.partners._unit().unit_for(ShopAdapter).with_chosen(None)

    def test_a_record_of_a_binding_model_is_sent_by_its_external_id(self):
        tag = self.env[TAG].create({"backend_id": self.backend.id, "external_id": "t7", "name": "VIP"})
        self.assertEqual(self.sent(tag=[tag.id]), {"tag": ["t7"]})

    def test_a_box_that_is_ticked_sends_its_value(self):
        self.assertEqual(self.sent(new=True), {"new": True})

    def test_what_is_chosen_is_added_to_the_other_filters(self):
        self.choose(status="paid")
        adapter = self.partners._unit().unit_for(ShopAdapter)
        self.assertEqual(adapter.with_chosen({"since": 5}), {"since": 5, "status": "paid"})

    def test_filters_of_another_form_need_a_method_of_the_adapter(self):
        self.choose(status="paid")
        adapter = self.partners._unit().unit_for(ShopAdapter)
        with self.assertRaisesRegex(TypeError, "override with_chosen"):
            adapter.with_chosen([("id", ">", 5)])

    def test_a_value_that_is_not_offered_is_refused_when_it_is_saved(self):
        for chosen, message in (
            ({"status": "stolen"}, "“Status” of what is imported cannot be used: 'stolen' can not be chosen any more"),
            ({"colour": "red"}, "“colour” of what is imported cannot be used: the connector does not offer it"),
            ({"tag": [0]}, "the chosen record .* is not bound any more"),
            ({"nickname": 5}, "5 is no text"),
            ({"new": "yes"}, "'yes' is neither yes nor no"),
        ):
            with self.subTest(chosen), self.assertRaisesRegex(ValidationError, message):
                self.choose(**chosen)

    def test_a_value_that_is_gone_is_said_on_the_flow_and_nothing_is_imported_in_its_place(self):
        self.choose(status="lost")
        self.adapter.filters = {"status": Choice(("paid", "Paid"), at="status")}
        self.partners.invalidate_recordset()
        self.assertIn("'lost' can not be chosen any more", self.partners.filters_error)
        self.partners.action_run()
        self.assertFailed(self.run_jobs(), "Nothing is imported until somebody chooses anew")
        import_page.delay(self.session, PARTNER, self.backend.id, external_ids=[1, 2])
        self.assertFailed(self.run_jobs(), "Nothing is imported until somebody chooses anew")
        self.assertFalse(self.here())

    def test_a_filter_that_is_gone_is_shown_and_can_be_taken_away(self):
        self.choose(status="paid")
        self.adapter.filters = {}
        self.partners.invalidate_recordset()
        self.assertEqual(self.partners.declared_filters, [{"name": "status", "label": "status", "kind": "gone"}])
        self.choose()
        self.assertFalse(self.partners.declared_filters)

    def test_the_screen_gets_what_people_can_choose_among(self):
        told = {found["name"]: found for found in self.partners.declared_filters}
        self.assertEqual(told["status"]["options"][0], ["paid", "Paid"])
        self.assertEqual((told["tag"]["model"], told["tag"]["several"]), (TAG, True))
        self.assertEqual(told["nickname"], {"name": "nickname", "label": "Nickname", "kind": "text"})
        self.assertFalse(self.flow("partners_out").declared_filters)

    def test_a_list_of_bound_records_says_what_to_run_while_none_is_bound(self):
        told = {found["name"]: found for found in self.partners.declared_filters}
        self.assertEqual(told["tag"]["not_known"], "None is known yet. Run “Tags” first.")
        self.env[TAG].create({"backend_id": self.backend.id, "external_id": "t7", "name": "Countess"})
        self.partners.invalidate_recordset(["declared_filters"])
        self.assertNotIn("not_known", {found["name"]: found for found in self.partners.declared_filters}["tag"])

    def test_who_follows_the_flow_reads_what_was_chosen(self):
        self.choose(status="paid", new=True)
        self.assertIn("What is imported was changed: Status: Paid, New: yes", self.partners.message_ids[0].body)

    def test_a_wrong_declaration_is_refused_when_the_class_is_made(self):
        for make, message in (
            (lambda: self.offer("status"), "filters is 'status': it must be a dict"),
            (lambda: self.offer({"status": "paid"}), "filters\\['status'\\] is 'paid'"),
            (lambda: Choice(), "either options, .* or a binding model"),
            (lambda: Choice("paid"), "Choice, 'paid': it must be a value and its name"),
            (lambda: Choice(("a", "A"), at="b..c"), "Choice, at is 'b..c', which is no JMESPath"),
            (lambda: Date(form="iso"), "Date, form is 'iso'"),
        ):
            with self.subTest(message), self.assertRaisesRegex(ValueError, message):
                make()

    def test_a_record_before_the_day_is_not_chosen(self):
        since = Date(at="at", form="%Y-%m-%dT%H:%M:%SZ")
        sent = since.sent("2026-01-31", self.backend)
        self.assertEqual(sent, "2026-01-31T00:00:00Z")
        since = Date(at="at")
        for found, is_chosen in (("2026-01-31T08:00:00Z", True), ("2026-01-30", False), (None, True), ("soon", True)):
            with self.subTest(found):
                self.assertEqual(since.allows({"at": found}, "2026-01-31"), is_chosen)


class TestProtocols(HttpCase):
    """What is chosen reaches the systems as their adapters declare."""

    filters = {"status": Choice(("paid", "Paid"), ("shipped", "Shipped"), several=True), "since": Date()}

    def ask(self, kind, **declared):
        self.backend.location = self.server.url
        declared = {"base": field("location"), "filters": self.filters, **declared}
        environment = self.environment()
        environment.filters = {"status": ["paid", "shipped"], "since": "2026-01-31"}
        adapter = type("Orders", (kind,), declared)(environment)
        adapter.search(adapter.with_chosen(None))
        return self.server.requests[-1]

    def test_rest_gets_parameters(self):
        self.serve(lambda request: Answer([]))
        request = self.ask(RestAdapter, path="/orders", paginator=OnePage())
        self.assertEqual(request.params, {"status": "shipped", "since": "2026-01-31"})  # the last of several

    def test_graphql_gets_variables(self):
        self.serve(lambda request: Answer({"data": {"orders": {"nodes": []}}}))
        declared = {"fields": "id", "list": "orders(status: $status, from: $since)", "paginator": OnePage()}
        request = self.ask(GraphQLAdapter, **declared)
        self.assertIn('orders(status: ["paid", "shipped"], from: "2026-01-31")', json.loads(request.body)["query"])

    def test_rpc_gets_them_in_the_call(self):
        self.serve(lambda request: Answer(xmlrpc.client.dumps(([],), methodresponse=True)))
        request = self.ask(RpcAdapter, list=Call("order.list", "{params}"), paginator=OnePage())
        params, _method = xmlrpc.client.loads(request.body)
        self.assertEqual(params, ({"status": ["paid", "shipped"], "since": "2026-01-31"},))

    def test_a_filter_that_would_not_be_sent_is_refused_when_the_class_is_made(self):
        self.serve(lambda request: Answer([]))
        for kind, declared, message in (
            (GraphQLAdapter, {"fields": "id", "list": "orders(from: $since)"}, "write \\$status in it"),
            (RpcAdapter, {"list": Call("order.list")}, "list never sends"),
            (RestAdapter, {"path": "/orders", "params": {"status": "any"}}, "'status', which has another one already"),
            (RestAdapter, {"path": "/orders", "changed": Since(parameter="since")}, "'since', which has another one"),
            (RestAdapter, {"paginator": NumberPages(parameter="since")}, "'since', which has another one"),
            (RestAdapter, {"paginator": CursorPages(parameter="since", next="n")}, "'since', which has another one"),
        ):
            with self.subTest(message), self.assertRaisesRegex(ValueError, message):
                self.ask(kind, **declared)
