"""In a rehearsal nothing that writes is sent; it is kept, and stays to be exported."""

import sys
import tempfile
from pathlib import Path
from types import ModuleType
from unittest.mock import patch

from odoo.exceptions import UserError
from odoo.tools import mute_logger

from odoo.addons.connector import DeleteExporter, RecordExporter, without_export
from odoo.addons.connector.declaration import (
    Call,
    GraphQLAdapter,
    OnePage,
    RestAdapter,
    RpcAdapter,
    Verb,
    field,
    secret,
)
from odoo.addons.connector.event import on_record_unlink, on_record_write
from odoo.addons.connector.exception import NetworkRetryableError, Rehearsed
from odoo.addons.connector.testing import Answer, extending
from odoo.addons.connector.testing.registration import registering
from odoo.addons.connector.unit.exporter.bulk import export_bulk
from odoo.addons.connector.unit.exporter.consumers import delay_delete, delay_export_all_bindings
from odoo.addons.connector.unit.exporter.record import export_record
from odoo.addons.connector.unit.importer.bulk import import_page
from odoo.addons.connector.unit.importer.record import import_record
from odoo.addons.connector.unit.reconciler import reconcile

from ..units import PartnerExportMapper, PartnerImporter, PointsExporter, ShopAdapter, webshop
from .test_documented_adapters import CODE, DOCS
from .test_flow import PARTNER, FlowCase
from .test_http_adapter import HttpCase


class ExchangesCase:
    def exchanges(self):
        """Return what was kept, oldest first."""
        reference = f"{self.backend._name},{self.backend.id}"
        return self.env["connector.exchange"].search([("backend_id", "=", reference)], order="id")

    def asked(self):
        """Return the requests that the server has received."""
        return [(request.method, request.path) for request in self.server.requests]


class TestRequests(HttpCase, ExchangesCase):
    def setUp(self):
        super().setUp()
        self.registry_enter_test_mode()
        self.serve(lambda request: Answer(self.answer))
        self.answer = {"id": 7, "name": "Ada"}
        self.backend.write(
            {"location": self.server.url, "token": "s3cr3t", "is_rehearsal": True, "exchange_log": "off"}
        )
        self.env.flush_all()

    def declared(self, base_class, **attributes):
        attributes = {"base": field("location"), "__module__": __name__, **attributes}
        return type("Declared", (base_class,), attributes)(self.environment())

    def test_a_request_that_writes_is_kept_and_not_sent(self):
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            with (
                self.subTest(method),
                self.assertRaisesRegex(Rehearsed, f"not sent to Test Shop: {method} .*/things/5") as held,
            ):
                self.adapter().request(method, "/things/5", params={"a": 1}, json={"name": "x", "password": "p"})
            exchange = self.exchanges()[-1:]
            self.assertEqual(exchange.id, held.exception.exchange_id)
            self.assertTrue(exchange.is_rehearsed)
            self.assertEqual((exchange.method, exchange.url), (method, f"{self.server.url}/things/5?a=1"))
            self.assertEqual(exchange.request_body, '{"name": "x", "password": "***"}')
            self.assertFalse(exchange.status or exchange.is_error)
        self.assertFalse(self.server.requests)

    def test_what_was_held_back_is_not_sent_by_hand(self):
        with self.assertRaisesRegex(Rehearsed, "POST"):
            self.adapter().request("POST", "/things", json={"name": "x"})
        self.backend.is_rehearsal = False
        self.assertFalse(self.exchanges().is_replayable)
        with self.assertRaisesRegex(UserError, "run the export"):
            self.exchanges().action_replay()
        self.assertFalse(self.server.requests)

    def test_a_request_that_reads_is_sent(self):
        self.adapter().request("GET", "/things/5")
        self.adapter().request("POST", "/search", json={"name": "x"}, reads=True)
        self.assertEqual(self.asked(), [("GET", "/things/5"), ("POST", "/search")])

    def test_a_get_that_writes_says_so(self):
        with self.assertRaises(Rehearsed):
            self.adapter().request("GET", "/things/5/delete", reads=False)
        self.assertFalse(self.server.requests)

    def test_once_the_rehearsal_is_over_all_is_sent(self):
        self.backend.is_rehearsal = False
        self.adapter().request("POST", "/things")
        self.assertEqual(self.asked(), [("POST", "/things")])

    def test_a_list_that_is_asked_for_by_post_is_a_read(self):
        self.answer = [{"id": 7}]
        verbs = {"search": Verb("POST", "/search"), "read": Verb("POST", "/one/{id}")}
        adapter = self.declared(RestAdapter, path="/things", paginator=OnePage(), verbs=verbs)
        self.assertEqual(adapter.search(), [7])
        self.answer = {"id": 7}
        adapter.read(7)
        with self.assertRaises(Rehearsed):
            adapter.create({"name": "x"})
        self.assertEqual(self.asked(), [("POST", "/search"), ("POST", "/one/7")])

    def test_a_change_that_is_asked_for_by_get_is_held_back(self):
        verbs = {
            "create": Verb("GET", "/new"),
            "write": Verb("GET", "/set/{id}"),
            "delete": Verb("GET", "/drop/{id}"),
        }
        adapter = self.declared(RestAdapter, path="/things", verbs=verbs)
        for change, arguments in (
            (adapter.create, [{"name": "x"}]),
            (adapter.write, [7, {"name": "x"}]),
            (adapter.delete, [7]),
        ):
            with self.subTest(change.__name__), self.assertRaises(Rehearsed):
                change(*arguments)
        self.assertFalse(self.server.requests)

    def test_secrets_are_masked_in_what_is_kept(self):
        adapter = self.declared(RestAdapter, path="/things", headers={"X-Shop": secret("token")})
        with self.assertRaises(Rehearsed):
            adapter.create({"note": "it is s3cr3t"})
        self.assertNotIn("s3cr3t", str(self.exchanges().read()))

    def test_a_call_counts_as_writing_unless_it_is_declared_as_reading(self):
        self.answer = {"result": {"id": 7}}
        adapter = self.declared(
            RpcAdapter,
            protocol="jsonrpc",
            path="/rpc",
            login=Call("login", secret("token")),
            session_at="id",
            one=Call("customer.info", "{id}"),
            verbs={"write": Call("customer.update", "{id}", "{data}")},
        )
        with self.assertRaisesRegex(Rehearsed, "customer.update"):
            adapter.write(7, {"name": "x"})
        with self.assertRaisesRegex(Rehearsed, "stock.list"):
            adapter.call("stock.list", [7], idempotent=True)
        self.assertFalse(self.server.requests)  # nor was there a login
        self.assertIn("customer.update", self.exchanges()[0].request_body)
        adapter.call("stock.list", [7], reads=True)
        adapter.read(7)
        self.assertEqual(len(self.server.requests), 3)

    def test_a_mutation_is_held_back_and_a_query_is_sent(self):
        self.answer = {"data": {"order": {"id": 7}}}
        adapter = self.declared(GraphQLAdapter, fields="id", one="order(id: $id)")
        adapter.read(7)
        with self.assertRaises(Rehearsed):
            adapter.query("mutation { orderClose(id: 7) { id } }")
        self.assertEqual(len(self.server.requests), 1)


class RehearsalCase(FlowCase, ExchangesCase):
    """Exports of a shop that is no HTTP system, whose export flows are on."""

    def setUp(self):
        super().setUp()
        self.registry_enter_test_mode()
        self.subscribe(on_record_write, delay_export_all_bindings)
        self.subscribe(on_record_unlink, delay_delete)
        for code in ("partners_out", "points"):
            self.flow(code).sudo().is_on = True
        self.backend.is_rehearsal = True
        self.env.flush_all()

    def imported(self):
        """Return a partner that is in step with the shop."""
        self.there(1)
        import_page.delay(self.session, PARTNER, self.backend.id, [1])
        self.assertDone(self.run_jobs())
        return self.here()

    def end_rehearsal(self, code="partners_out"):
        self.backend.is_rehearsal = False
        self.flow(code).action_run()
        self.assertDone(self.run_jobs())


class TestExports(RehearsalCase):
    def test_a_new_record_is_not_created_there_and_is_sent_when_the_rehearsal_is_over(self):
        binding = self.partner()
        export_record.delay(self.session, PARTNER, binding.id)
        job = self.run_jobs()
        self.assertDone(job)
        self.assertIn("Rehearsed, not sent to Shop with flows: create test.shop.partner", job.message)
        self.assertFalse(self.shop.calls)
        self.assertEqual(
            (binding.external_id, binding.sync_state, binding.export_checksum), (False, "to_export", False)
        )
        self.assertFalse(self.env["connector.export.intent"].search([]))
        self.assertIn('"name": "Ada"', self.exchanges().request_body)
        self.assertEqual(self.exchanges().job_id, job)
        self.end_rehearsal()
        self.assertEqual([call[0] for call in self.shop.calls], ["create"])
        self.assertTrue(binding.external_id)

    def test_a_change_stays_to_be_exported(self):
        binding = self.imported()
        known = binding.export_checksum
        binding.odoo_id.name = "Ada King"
        job = self.run_jobs()
        self.assertDone(job)
        self.assertIn("write test.shop.partner 1", job.message)
        self.assertFalse(self.shop.calls)
        self.assertEqual((binding.sync_state, binding.export_checksum), ("to_export", known))
        self.end_rehearsal()
        self.assertEqual(self.shop.table(PARTNER)[1]["name"], "Ada King")
        self.assertEqual(binding.sync_state, "in_sync")

    def test_records_in_bulk_stay_to_be_exported(self):
        binding, other = self.imported(), self.partner("2", points=4)
        self.shop.add(PARTNER, 2, name="Bob")
        binding.points = 5
        for one in (binding, other):
            export_bulk.delay(self.session, PARTNER, self.backend.id, one.id, "points")
        jobs = self.run_jobs()
        self.assertDone(jobs)
        self.assertFalse(self.shop.calls)
        self.assertEqual({binding.sync_state, other.sync_state}, {"to_export"})
        self.end_rehearsal("points")
        self.assertEqual([self.shop.table(PARTNER)[id_]["points"] for id_ in (1, 2)], [5, 4])

    def test_each_record_of_a_bulk_export_that_is_sent_by_itself_is_kept(self):
        class Http(ShopAdapter):
            holds_back_requests = True

            def write(self, external_id, data):
                raise Rehearsed(f"Not sent: {external_id}")

        binding, other = self.imported(), self.partner("2", points=4)
        binding.points = 5
        self.delayed_jobs().sudo().unlink()
        for one in (binding, other):
            export_bulk.delay(self.session, PARTNER, self.backend.id, one.id, "points")
        with extending(webshop, Http):
            jobs = self.run_jobs()
        self.assertDone(jobs)
        self.assertEqual(set(jobs.mapped("message")), {"Not sent: 1", "Not sent: 2"})
        self.assertEqual({binding.sync_state, other.sync_state}, {"to_export"})

    def test_nothing_is_deleted_there(self):
        self.imported().odoo_id.unlink()
        job = self.run_jobs()
        self.assertDone(job)
        self.assertIn("delete test.shop.partner 1", job.message)
        self.assertIn(1, self.shop.table(PARTNER))

    def test_steps_that_a_connector_overrides_send_nothing_either(self):
        class Exporter(RecordExporter):
            _archived_policy = "delete"

            def _create(self, values):
                return self.backend_adapter.create(values)

            def _update(self, values):
                self.backend_adapter.write(self.external_id, values)

        class InBulk(PointsExporter):
            def _write_many(self, changes):
                return self.backend_adapter.write_many(changes)

        class Deleter(DeleteExporter):
            def run(self, external_id):
                self.backend_adapter.delete(external_id)

        changed, archived = self.imported(), self.partner("3")
        self.shop.add(PARTNER, 3, name="Eve")
        new, gone = self.partner(), self.partner("4")
        self.shop.add(PARTNER, 4, name="Bob")
        self.delayed_jobs().sudo().unlink()
        changed.odoo_id.name = "Ada King"
        without_export(archived.odoo_id).active = False
        gone.odoo_id.unlink()
        for binding in (archived, new):
            export_record.delay(self.session, PARTNER, binding.id)
        without_export(changed).points = 5
        export_bulk.delay(self.session, PARTNER, self.backend.id, changed.id, "points")
        with extending(webshop, Exporter), extending(webshop, InBulk), extending(webshop, Deleter):
            jobs = self.run_jobs()
        self.assertDone(jobs)
        self.assertFalse(self.shop.calls)
        self.assertEqual(
            sorted(self.exchanges().mapped("method")), ["create", "delete", "delete", "write", "write_many"]
        )
        self.assertFalse(self.env["connector.export.intent"].search([]))

    def test_a_record_that_is_to_be_created_there_again_stays_bound(self):
        class Exporter(RecordExporter):
            _missing_policy, _conflict_policy = "recreate", "external_wins"

        binding = self.imported()
        del self.shop.table(PARTNER)[1]
        binding.odoo_id.name = "Ada King"
        known = binding.import_checksum
        with extending(webshop, Exporter):
            job = self.run_jobs()
        self.assertIn("create test.shop.partner", job.message)
        self.assertEqual((binding.external_id, binding.import_checksum, binding.sync_state), ("1", known, "to_export"))

    def test_a_comparison_leaves_what_was_deleted_there_bound(self):
        binding = self.imported()
        del self.shop.table(PARTNER)[1]
        reconcile.delay(self.session, PARTNER, self.backend.id, "export")
        self.assertDone(self.run_jobs())
        self.assertEqual((binding.external_id, binding.sync_state), ("1", "missing"))

    def test_what_a_job_may_have_created_before_it_died_is_looked_for_after_the_rehearsal(self):
        self.backend.is_rehearsal = False
        binding = self.partner()
        export_record.delay(self.session, PARTNER, binding.id)
        with patch.object(ShopAdapter, "create", side_effect=NetworkRetryableError("down")):
            self.run_jobs()
        intent = self.env["connector.export.intent"].search([])
        self.assertTrue(intent)
        self.backend.is_rehearsal = True
        self.delayed_jobs().button_requeue()
        self.assertDone(self.run_jobs())
        self.assertEqual(self.env["connector.export.intent"].search([]), intent)

    def test_the_record_that_comes_first_is_what_is_rehearsed(self):
        main = self.partner()
        first = self.partner(name="First")

        class Depending(RecordExporter):
            def _export_dependencies(self):
                if self.binding == main:
                    self._export_dependency(first)

        with extending(webshop, Depending):
            export_record.delay(self.session, PARTNER, main.id)
            self.assertDone(self.run_jobs())
        self.assertIn('"name": "First"', self.exchanges().request_body)
        self.assertFalse(main.external_id or first.external_id)


class TestImports(RehearsalCase):
    def test_imports_are_done(self):
        self.assertEqual(self.imported().name, "Ada 1")

    def test_an_import_does_not_overwrite_what_waits_to_be_exported(self):
        binding = self.imported()
        binding.odoo_id.name = "Ours"
        self.run_jobs()
        self.shop.table(PARTNER)[1].update(name="Theirs", changed="2")
        import_record.delay(self.session, PARTNER, self.backend.id, 1)
        self.run_jobs()
        self.assertEqual(binding.name, "Ours")

    def test_an_import_goes_on_where_the_export_in_bulk_holds_none(self):
        class Exporter(PointsExporter):
            _holds_imports = False

        binding = self.imported()
        without_export(binding).points = 5
        export_bulk.delay(self.session, PARTNER, self.backend.id, binding.id, "points")
        with extending(webshop, Exporter):
            self.assertDone(self.run_jobs())
            self.assertEqual(binding.sync_state, "in_sync")
            self.shop.table(PARTNER)[1].update(name="Theirs", changed="2")
            import_record.delay(self.session, PARTNER, self.backend.id, 1)
            self.run_jobs()
        self.assertEqual(binding.name, "Theirs")
        self.end_rehearsal("points")
        self.assertEqual(self.shop.table(PARTNER)[1]["points"], 5)

    def test_nor_does_what_was_noted_keep_it_where_all_is_sent_in_bulk(self):
        class Exporter(PointsExporter):
            _holds_imports = False

        class Mapper(PartnerExportMapper):
            def changed_by_fields(self):
                return {"points"}

        binding = self.imported()
        without_export(binding).sync_state = "to_export"
        self.shop.table(PARTNER)[1].update(name="Theirs", changed="2")
        import_record.delay(self.session, PARTNER, self.backend.id, 1)
        with extending(webshop, Exporter), extending(webshop, Mapper):
            self.run_jobs()
        self.assertEqual(binding.name, "Theirs")

    def test_an_import_that_sends_something_is_not_lost(self):
        class Sending(PartnerImporter):
            def _after_import(self, binding):
                raise Rehearsed("Not sent: POST /orders/1/seen")

        self.there(1)
        with extending(webshop, Sending), mute_logger("odoo.addons.jobs_queue.worker", "odoo.addons.connector"):
            import_page.delay(self.session, PARTNER, self.backend.id, [1])
            jobs = self.run_jobs()
        failed = jobs.filtered(lambda job: job.state == "failed")
        self.assertFailed(failed, "Requeue the job when the rehearsal is over")
        self.assertFalse(self.here())
        failed.button_requeue()
        self.assertDone(self.run_jobs())
        self.assertTrue(self.here())


class TestSwitch(RehearsalCase):
    def test_the_alert_leads_to_what_would_be_sent(self):
        action = self.backend.action_open_rehearsed()
        self.assertEqual(action["res_model"], "connector.exchange")
        self.assertTrue(action["context"]["search_default_rehearsed"])


class TestDocumented(HttpCase, ExchangesCase):
    """The adapters of the section in docs/first_hour.md, as they are written there."""

    def setUp(self):
        super().setUp()
        self.registry_enter_test_mode()
        self.enterContext(registering(webshop))
        self.backend.write({"location": self.serve(Answer([7])).url, "is_rehearsal": True})
        self.env.flush_all()
        section = (
            (DOCS / "first_hour.md").read_text().partition("## Look before the first run")[2].partition("\n## ")[0]
        )
        backend = ModuleType("documented_connector.backend")
        backend.shop = webshop
        modules = {"documented_connector": ModuleType("documented_connector"), backend.__name__: backend}
        self.enterContext(patch.dict(sys.modules, modules))
        self.names = {"__name__": "documented_connector.unit.adapter", "__package__": "documented_connector.unit"}
        for block in CODE.findall(section):
            exec(block, self.names)

    def test_a_list_by_post_that_says_that_it_reads_is_sent(self):
        adapter = self.names["Orders"](self.environment())
        self.assertEqual(adapter.search(), [7])
        self.assertEqual(self.asked(), [("POST", "/orders/search")])

    def test_a_call_of_an_adapter_of_its_own_is_held_back_where_it_says_so(self):
        with tempfile.TemporaryDirectory() as folder:
            adapter = self.names["Mailbox"](self.environment())
            adapter.folder = Path(folder)
            with self.assertRaisesRegex(Rehearsed, "announce test.shop.partner 7"):
                adapter.announce(7)
            self.assertFalse(list(Path(folder).iterdir()))
            self.backend.is_rehearsal = False
            adapter.announce(7)
            self.assertEqual([file.name for file in Path(folder).iterdir()], ["7"])
