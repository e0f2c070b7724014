import base64
import re
import sys
from collections import Counter, defaultdict
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from unittest.mock import patch

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import new_test_user
from odoo.tools import mute_logger

from odoo.addons.connector import BulkBatchImporter, CRUDAdapter, ImportFlow, external_to_m2o
from odoo.addons.connector.exception import ValueNotMatched
from odoo.addons.connector.testing import JobsCase, extending
from odoo.addons.connector.testing.registration import registering
from odoo.addons.connector.unit.importer.bulk import BulkImporter, import_page
from odoo.addons.connector.unit.importer.failures import Failures
from odoo.addons.connector.unit.importer.incoming import Incoming
from odoo.addons.connector.unit.importer.record import RecordImporter, import_record
from odoo.addons.connector.unit.matcher import Matcher
from odoo.addons.connector.unit.reconciler import Reconciler
from odoo.addons.jobs_queue.exception import NotYet, RetryableJobError, TransactionOutdated

from ..units import PartnerImporter, PartnerImportMapper, webshop
from .common import ShopCase
from .test_matching import MatchingImporter

PARTNER = "test.shop.partner"
INDUSTRY = "test.shop.industry"
PICKED = "Ours was picked for it: press “Bind” in the matches."


class MatchCase(ShopCase, JobsCase):
    """Partners of the shop are matched by their e-mail address, in a flow."""

    def setUp(self):
        super().setUp()
        self.enterContext(registering(webshop))
        self.enterContext(extending(webshop, MatchingImporter))
        names = {"_model_name": PARTNER, "code": "partners", "label": "Partners", "__module__": __name__}
        webshop(type("PartnersFlow", (ImportFlow,), names))
        self.backend = self.env["test.shop.backend"].create({"name": "Matched Shop"})
        self.flow = self.backend.flow("partners")
        self.rows = self.env["connector.match"]

    def there(self, external_id, **values):
        self.shop.add(PARTNER, external_id, **{"name": f"Partner {external_id}", **values})

    def here(self, name, email=None, **values):
        return self.env["res.partner"].create({"name": name, "email": email, **values})

    def match(self):
        """List what is there, and return the rows."""
        self.flow.action_match()
        self.assertDone(self.run_jobs())
        return self.row()

    def row(self, *external_ids):
        found = [("backend_id", "=", self.backend.id)]
        return self.rows.search(
            [*found, ("external_id", "in", list(map(str, external_ids)))] if external_ids else found
        )

    def bind(self):
        self.rows.with_context(active_domain=[("backend_id", "=", self.backend.id)]).action_bind()
        self.assertDone(self.run_jobs())

    def accept(self):
        self.rows.with_context(active_domain=[("backend_id", "=", self.backend.id)]).action_accept_sure()

    def bound(self, external_id):
        domain = [("backend_id", "=", self.backend.id), ("external_id", "=", str(external_id))]
        return self.Partner.with_context(active_test=False).search(domain)

    def import_all(self):
        self.flow.action_run()
        self.assertDone(self.run_jobs())


class TestList(MatchCase):
    def test_what_is_there_is_listed_beside_what_has_its_key_here(self):
        ada, bob, _bob_too = self.here("Ada", "ada@shop"), self.here("Bob", "bob@shop"), self.here("Bob 2", "bob@shop")
        for external_id, mail in ((1, "ada@shop"), (2, "bob@shop"), (3, "eve@shop"), (4, None)):
            self.there(external_id, mail=mail)
        rows = self.match()
        self.assertEqual(rows.mapped("found"), ["sure", "several", "none", "none"])
        self.assertEqual(rows.mapped("name"), ["Partner 1", "Partner 2", "Partner 3", "Partner 4"])
        self.assertEqual(rows[0].candidate_ids, ada.ids)
        self.assertEqual(rows[0].key, "Email: ada@shop")
        self.assertIn(f"Bob ({bob.id}), Bob 2", rows[1].candidates)
        self.assertFalse(any(rows.mapped("decision")))

    def test_one_whose_counterpart_is_bound_or_claimed_twice_is_not_sure(self):
        self.partner(7, backend_id=self.backend.id, name="Bound", email="bound@shop")
        self.here("Ada", "ada@shop")
        self.there(1, mail="bound@shop")
        self.there(2, mail="ada@shop")
        self.there(3, mail="ada@shop")
        self.assertEqual(self.match().mapped("found"), ["taken", "taken", "taken"])
        told = self.unit(Matcher, backend=self.backend).run()
        self.assertIn("With exactly one counterpart here: 0, with several: 0, with none: 3.", told)

    def test_what_is_bound_or_skipped_by_the_import_is_not_listed(self):
        class Importer(PartnerImporter):
            def _must_skip(self):
                return self.external_record.get("off")

        self.partner(1, backend_id=self.backend.id)
        self.there(1)
        self.there(2, off="It is off there.")
        self.there(3)
        with extending(webshop, Importer):
            self.assertEqual(self.match().mapped("external_id"), ["3"])

    def test_a_record_whose_import_waits_is_listed_and_stops_no_other(self):
        self.there(1, name="Unpaid")
        self.there(2)

        def raising(importer):
            if importer.external_record["name"] == "Unpaid":
                raise NotYet("It is not paid")
            return getattr(super(Importer, importer), step)()

        for step, message in (("_must_skip", False), ("_match_key", "It is not paid")):
            Importer = type("Importer", (PartnerImporter,), {step: raising, "__module__": __name__})
            with self.subTest(step), extending(webshop, Importer):
                rows = self.match()
                self.assertEqual(rows.mapped("external_id"), ["1", "2"])
                self.assertEqual(rows[0].message, message)

    def test_another_list_keeps_decisions_and_forgets_what_is_gone(self):
        for external_id in (1, 2, 3):
            self.there(external_id)
        rows = self.match()
        rows[0].decision = "ignore"
        rows[1].res_id = self.here("Ours").id
        self.assertEqual(rows[1].decision, "bind")
        self.shop.table(PARTNER).clear()
        self.there(1, name="New Name")
        rows = self.match()
        self.assertEqual(rows.mapped("external_id"), ["1", "2"])
        self.assertEqual((rows[0].name, rows[0].decision), ("New Name", "ignore"))

    def test_a_record_without_what_the_key_is_made_of_says_so_and_stops_no_other(self):
        class Importer(PartnerImporter):
            def _match_key(self):
                return "email", self.external_record["mail"]

        self.there(1)
        self.there(2, mail="ada@shop")
        with extending(webshop, Importer):
            rows = self.match()
        self.assertEqual(rows[0].message, "'mail'")
        self.assertFalse(rows[1].message)

    def test_what_the_first_import_would_not_bring_is_not_listed(self):
        class Importer(BulkBatchImporter):
            _model_name = PARTNER

            def _filters_since(self, watermark):
                return {"kind": "customer"}

        webshop(Importer)
        self.there(1, kind="customer")
        self.there(2, kind="supplier")
        self.assertEqual(self.match().mapped("external_id"), ["1"])

    def test_a_long_list_is_kept_page_by_page(self):
        for external_id in range(1, 6):
            self.there(external_id)
        pages = []

        class SmallMatcher(Matcher):
            _page_size = 2

            def _keep(self, count):
                pages.append(len(self._rows._of_records(self.backend_record, PARTNER, list("12345"))))
                super()._keep(count)

        with extending(webshop, SmallMatcher):
            self.match()
        self.assertEqual(pages, [2, 4, 5])

    def test_a_system_that_lists_nothing_is_named(self):
        class Adapter(CRUDAdapter):
            _model_name = PARTNER

        webshop(Adapter)
        with self.assertRaisesRegex(UserError, "cannot ask Matched Shop for the list of Partners"):
            self.flow.action_match()


class TestBind(MatchCase):
    def test_forty_products_that_exist_on_both_sides_are_bound_and_not_doubled(self):
        ours = {number: self.here(f"Ours {number}", f"{number}@shop") for number in range(40)}
        for number in range(40):
            self.there(number, mail=f"{number}@shop")
        self.match()
        self.accept()
        self.bind()
        self.assertEqual({number: self.bound(number).odoo_id for number in range(40)}, ours)
        self.assertFalse(self.row())
        before = self.env["res.partner"].search_count([])
        self.import_all()
        self.assertEqual(self.env["res.partner"].search_count([]), before)
        self.assertEqual(ours[7].name, "Partner 7")
        self.assertEqual(self.bound(7).sync_state, "in_sync")

    def test_no_binding_is_made_before_bind_is_pressed(self):
        self.here("Ada", "ada@shop")
        self.there(1, mail="ada@shop")
        self.match()
        self.accept()
        self.assertFalse(self.bound(1))
        with self.assertRaisesRegex(UserError, "1 records were matched by hand and are not bound yet"):
            self.flow.action_run()

    def test_a_bound_record_waits_for_its_import(self):
        ada = self.here("Ada")
        self.there(1)
        self.match().res_id = ada.id
        self.bind()
        self.assertEqual((self.bound(1).sync_state, self.bound(1).sync_date, ada.name), ("to_import", False, "Ada"))

    def test_a_flow_that_has_begun_imports_them_at_once(self):
        self.import_all()
        ada = self.here("Ada")
        self.there(1, name="Theirs")
        self.match().res_id = ada.id
        self.bind()
        self.assertEqual((self.bound(1).odoo_id, ada.name), (ada, "Theirs"))

    def test_a_record_that_was_imported_meanwhile_stays_as_it_is(self):
        ada = self.here("Ada")
        self.there(1, name="Theirs")
        row = self.match()
        row.res_id = ada.id
        theirs = self.Partner.create({"name": "Imported", "backend_id": self.backend.id, "external_id": "1"})
        self.bind()
        self.assertEqual(self.bound(1), theirs)
        self.assertEqual((row.decision, row.message), (False, "It was bound meanwhile, to Imported. That stays."))

    def test_what_cannot_be_bound_says_why_and_stops_no_other(self):
        ada, bob, gone = self.here("Ada"), self.here("Bob"), self.here("Gone")
        self.Partner.create({"odoo_id": bob.id, "backend_id": self.backend.id, "external_id": "9"})
        for external_id in (1, 2, 3, 4):
            self.there(external_id)
        rows = self.match()
        for row, ours in zip(rows, (ada, ada, bob, gone), strict=True):
            row.res_id = ours.id
        gone.unlink()
        self.bind()
        self.assertEqual(self.bound(1).odoo_id, ada)
        self.assertEqual(
            self.row().mapped("message"),
            [
                "Ada was picked for record 1, too.",
                "Bob is bound to record 9 there already.",
                "The record that was picked here does not exist any more.",
            ],
        )

    def test_one_that_odoo_refuses_says_so_and_stops_no_other(self):
        class Refusing(Matcher):
            def _create(self, rows):
                if "2" in rows.mapped("external_id"):
                    raise ValidationError(self._("Not this one"))
                return super()._create(rows)

        for external_id in (1, 2, 3):
            self.there(external_id)
        for row in self.match():
            row.res_id = self.here(f"Ours {row.external_id}").id
        with extending(webshop, Refusing):
            self.bind()
        self.assertEqual(self.row().mapped("message"), ["Not this one"])
        self.assertTrue(self.bound(1) and self.bound(3))

    def test_a_job_that_was_killed_between_two_pages_goes_on_where_it_was(self):
        class Killed(Matcher):
            _page_size = 1
            kept = []

            def _keep(self, count):
                super()._keep(count)
                self.kept.append(count)
                if len(self.kept) == 1:
                    raise KeyboardInterrupt

        for external_id in (1, 2, 3):
            self.there(external_id)
        for row in self.match():
            row.res_id = self.here(f"Ours {row.external_id}").id
        with extending(webshop, Killed):
            environment = self.environment(backend=self.backend).for_model(flow="partners")
            # assertRaises would roll back what the first page has kept
            with suppress(KeyboardInterrupt):
                environment.get_connector_unit(Matcher).bind()
            self.assertEqual(self.row().mapped("external_id"), ["2", "3"])
            self.bind()
        self.assertEqual([len(self.bound(number)) for number in (1, 2, 3)], [1, 1, 1])
        self.assertFalse(self.row())

    def test_only_selected_rows_are_bound(self):
        for external_id in (1, 2):
            self.there(external_id)
        rows = self.match()
        for row in rows:
            row.res_id = self.here("Ours").id
        with patch.object(type(self.env["queue.worker"]), "_reasons_to_wait", lambda *args: ([], True)):
            told = rows[0].action_bind()
        self.assertIn("Records to be bound: 1. A job does it", told["params"]["message"])
        self.assertDone(self.run_jobs())
        self.assertTrue(self.bound(1))
        self.assertFalse(self.bound(2))

    def test_nothing_decided_is_said(self):
        self.there(1)
        self.match()
        with self.assertRaisesRegex(UserError, "Nothing is decided yet"):
            self.rows.action_bind()

    def test_of_a_bind_and_an_import_of_a_record_one_begins_again(self):
        backend = self.committed_backend()
        with self.transaction() as env:
            partner = env["res.partner"].create({"name": "Ours"})
            env.cr.commit()
        with self.transaction() as mine, self.transaction() as other:
            mine.cr.execute("SELECT 1")  # its snapshot
            values = {"backend_id": backend.id, "external_id": "1", "odoo_id": partner.id}
            other[PARTNER].create(values)
            other.cr.commit()
            row = mine["connector.match"].create(
                {
                    "backend_model": backend._name,
                    "backend_id": backend.id,
                    "model_name": PARTNER,
                    "external_id": "2",
                    "found": "none",
                    "odoo_model": "res.partner",
                    "res_id": partner.id,
                    "decision": "bind",
                }
            )
            refused = self.assertRaises(TransactionOutdated)
            with mine[backend._name].browse(backend.id).work_on(PARTNER) as environment, refused:
                environment.get_connector_unit(Matcher)._bind_page(row.sudo(), None)


class TestImportObeys(MatchCase):
    def test_an_ignored_record_is_not_imported(self):
        self.there(1)
        self.there(2)
        self.match()
        self.row(1).action_ignore()
        self.import_all()
        self.assertFalse(self.bound(1))
        self.assertTrue(self.bound(2))
        self.assertIn("is ignored", self.unit(RecordImporter, backend=self.backend).run(1))
        self.assertEqual(self.row().mapped("external_id"), ["1"])

    def test_one_for_which_ours_was_picked_waits_for_bind_whatever_brings_it(self):
        self.import_all()
        self.there(1)
        self.there(2)
        self.match()
        ada = self.here("Ada")
        self.row(1).res_id = ada.id
        import_page.delay(self.session, PARTNER, self.backend.id, external_ids=[1, 2])
        self.run_jobs()
        [waiting] = self.waiting_jobs()
        self.assertEqual((waiting.external_id, waiting.waits_for), ("1", PICKED))
        self.assertTrue(self.bound(2) and not self.bound(1))
        self.env.cr.execute("UPDATE queue_job SET waits_since = waits_since - interval '400 days'")
        self.look_again(waiting)
        self.assertEqual(self.waiting_jobs(), waiting)
        self.assertEqual(self.row(1).res_id, ada.id)
        self.row(1).action_bind()
        self.run_jobs()
        self.assertFalse(self.waiting_jobs())
        self.assertEqual((waiting.state, self.bound(1).odoo_id, ada.name), ("done", ada, "Partner 1"))

    def test_after_the_pick_was_taken_back_it_goes_on(self):
        self.there(1)
        self.match().res_id = self.here("Ada").id
        import_record.delay(self.session, PARTNER, self.backend.id, 1)
        self.run_jobs()
        waiting = self.waiting_jobs()
        self.assertEqual(waiting.waits_for, PICKED)
        self.row(1).action_take_back()
        self.look_again(waiting)
        self.assertEqual((waiting.state, bool(self.bound(1)), bool(self.row())), ("done", True, False))

    def test_an_import_for_another_record_waits_too_and_a_preview_says_so(self):
        self.there(1)
        self.match().res_id = self.here("Ada").id
        with self.assertRaisesRegex(NotYet, PICKED):
            self.unit(RecordImporter, backend=self.backend).run(1)
        action = self.flow.action_preview()
        lines = self.env[action["res_model"]].browse(action["res_id"]).part_ids.line_ids
        self.assertEqual(lines.mapped("reason"), [f"Waits: {PICKED}"])

    def waiting_jobs(self):
        self.env.invalidate_all()
        return self.env["queue.job"].search([("state", "=", "scheduled"), ("waits_for", "!=", False)])

    def look_again(self, job):
        self.env.flush_all()
        self.run_jobs(at=job.eta + timedelta(seconds=1))
        self.env.invalidate_all()

    def test_a_flow_that_is_off_and_has_picks_is_switched_on_and_bound_and_run(self):
        self.import_all()
        self.flow.action_switch_off()
        self.there(1)
        ada = self.here("Ada")
        values = {"external_id": "1", "flow": "partners", "found": "none", "odoo_model": "res.partner"}
        place = {**self.rows._backend_values(self.backend), "model_name": PARTNER}
        self.rows.create({**place, **values, "res_id": ada.id, "decision": "bind"})
        answer = self.flow.action_switch_on()
        self.assertTrue(self.flow.is_on)
        self.assertIn("Press “Bind” in the list of matches", answer["params"]["message"])
        self.bind()
        self.import_all()
        self.assertEqual(self.bound(1).odoo_id, ada)

    def test_it_is_not_missing_for_a_comparison(self):
        for external_id in (1, 2, 3):
            self.there(external_id)
        self.match()
        self.row(1).action_ignore()
        self.row(3).res_id = self.here("Ada").id
        self.assertEqual(self.unit(Reconciler, backend=self.backend).run().missing, [2])

        class OfIds(Reconciler):
            _compares_content = False

        with extending(webshop, OfIds):
            self.assertEqual(self.unit(Reconciler, backend=self.backend).run().missing, [2])

    def test_one_that_is_taken_back_is_imported_if_the_flow_has_begun(self):
        self.there(1)
        self.match()
        self.row(1).action_ignore()
        self.import_all()
        self.row(1).action_take_back()
        self.assertDone(self.run_jobs())
        self.assertTrue(self.bound(1))
        self.assertFalse(self.row())

    def test_so_is_one_whose_decision_was_emptied_in_the_list_or_by_a_file(self):
        self.there(1)
        self.there(2)
        self.match()
        self.row().action_ignore()
        self.import_all()
        manager = new_test_user(self.env, "matcher", "connector.group_connector_manager")
        self.row(1).with_user(manager).decision = False
        wizard = self.env["connector.match.file"].with_context(active_domain=[("backend_id", "=", self.backend.id)])
        wizard.create({"file": base64.b64encode(b"id_there,decision\n2,\n")}).action_load()
        self.assertDone(self.run_jobs())
        self.assertTrue(self.bound(1) and self.bound(2))

    def test_one_that_is_taken_back_while_the_flow_is_off_is_imported_when_it_is_on_again(self):
        self.there(1)
        self.match()
        self.row(1).action_ignore()
        self.import_all()
        self.flow.action_switch_off()
        self.row(1).action_take_back()
        self.assertFalse(self.run_jobs())
        left_out = self.env["connector.flow.left.out"].search([("flow_id", "=", self.flow.id)])
        self.assertEqual(left_out.external_id, "1")
        self.flow.action_switch_on()
        self.assertDone(self.run_jobs())
        self.assertTrue(self.bound(1))

    def test_one_that_is_taken_back_before_the_first_run_waits_for_it(self):
        self.there(1)
        self.match()
        self.row(1).action_ignore()
        self.row(1).action_take_back()
        self.assertFalse(self.run_jobs())

    def test_a_new_one_is_created_although_its_key_is_here(self):
        ada = self.here("Ada", "ada@shop")
        self.here("Ada too", "ada@shop")
        self.there(1, mail="ada@shop")
        self.match().action_create_new()
        self.import_all()
        self.assertNotIn(self.bound(1).odoo_id, ada | self.env["res.partner"])
        self.assertEqual(self.bound(1).name, "Partner 1")
        self.assertFalse(self.row())

    def test_what_is_imported_leaves_the_list(self):
        self.there(1)
        self.there(2)
        self.match()
        self.unit(BulkImporter, backend=self.backend).run_ids([1])
        self.assertEqual(self.row().mapped("external_id"), ["2"])

    def test_a_page_asks_by_one_query_and_one_without_new_records_by_none(self):
        importer = self.unit(RecordImporter, backend=self.backend)
        page = importer.page_of({number: {"id": number} for number in range(100)})
        with self.assertQueryCount(1):
            importer.due(page, force=True, overwrite=True)
        self.partner(1, backend_id=self.backend.id)
        page = importer.page_of({1: {"id": 1}})
        with self.assertQueryCount(0):
            importer.due(page, force=True, overwrite=True)

    def test_what_was_decided_after_a_transaction_began_is_obeyed_by_the_next_one(self):
        self.there(1)
        backend = self.committed_backend()
        place = {"backend_model": backend._name, "backend_id": backend.id, "model_name": PARTNER}
        with self.transaction() as old, self.transaction() as env:
            old.cr.execute("SELECT 1")  # its snapshot
            values = {"external_id": "1", "found": "none", "odoo_model": "res.partner", "decision": "ignore"}
            env["connector.match"].create({**place, **values})
            env.cr.commit()
            self.env.registry.clear_cache()  # as another process that decides lets this one do
            self.assertEqual(self.outcome(old, backend), None)
            self.assertEqual(self.outcome(env, backend), "skipped")

    def outcome(self, env, backend):
        with env[backend._name].browse(backend.id).work_on(PARTNER) as environment:
            importer = environment.get_connector_unit(RecordImporter)
            page = importer.page_of({1: {"id": 1, "name": "Ada"}})
            importer.due(page)
            return page[0].outcome


class TestValues(MatchCase):
    def setUp(self):
        super().setUp()
        self.ours = self.env["res.partner.industry"].create({"name": "Coffee"})
        self.shop.add(INDUSTRY, 1, name="Coffee")
        self.shop.add(INDUSTRY, 2, name="Tea")

    def list_values(self):
        self.backend.action_match_values()
        self.assertDone(self.run_jobs())
        return self.row()

    def test_values_are_found_by_name_and_bound(self):
        self.assertTrue(self.backend.has_values)
        rows = self.list_values()
        self.assertEqual(rows.mapped("found"), ["sure", "none"])
        self.accept()
        self.bind()
        binding = self.env[INDUSTRY].search([("backend_id", "=", self.backend.id)])
        self.assertEqual((binding.odoo_id, binding.external_id, binding.sync_state), (self.ours, "1", "in_sync"))

    def test_a_value_that_nothing_imports_cannot_be_new(self):
        rows = self.list_values()
        with self.assertRaisesRegex(ValidationError, "nothing imports such records"):
            rows[1].action_create_new()

    def test_a_value_that_an_import_needs_is_asked_for(self):
        class Mapper(PartnerImportMapper):
            direct = [*PartnerImportMapper.direct, (external_to_m2o("trade", binding=INDUSTRY), "industry_id")]

        self.there(7, trade="5")
        self.there(8, trade="6")
        with extending(webshop, Mapper):
            import_record.delay(self.session, PARTNER, self.backend.id, 7)
            [job] = self.run_jobs()
            self.assertFailed(job, "Nobody has said yet what Test Shop Industry 5 of Matched Shop is here")
            self.unit(BulkImporter, backend=self.backend).run_ids([7, 8])
            rows = self.row()
            self.assertEqual(rows.mapped("external_id"), ["5", "6"])
            rows[0].res_id = self.ours.id
            self.bind_values()
            self.unit(RecordImporter, backend=self.backend).run(7)
        self.assertEqual(self.bound(7).industry_id, self.ours)

    def test_of_two_imports_that_lack_the_same_value_at_once_both_go_on(self):
        backend = self.committed_backend()
        with self.transaction() as mine, self.transaction() as other:
            mine.cr.execute("SELECT 1")  # its snapshot
            self.ask_for(other, backend)
            other.cr.commit()
            partner = mine["res.partner"].create({"name": "Done before"})
            with mute_logger("odoo.sql_db"):
                self.ask_for(mine, backend)
            self.assertEqual(partner.exists().name, "Done before")
            mine.flush_all()
        with self.transaction() as env:
            self.assertEqual(env["connector.match"].search([("backend_id", "=", backend.id)]).external_id, "5")

    def ask_for(self, env, backend):
        record = env[backend._name].browse(backend.id)
        error = ValueNotMatched("Nobody has said yet", record, INDUSTRY, 5)
        env["connector.match"]._ask_for(error)

    def test_a_list_begins_again_if_an_import_asks_for_one_of_its_values_meanwhile(self):
        backend = self.committed_backend()
        with self.transaction() as mine, self.transaction() as other:
            mine.cr.execute("SELECT 1")  # its snapshot
            self.ask_for(other, backend)
            other.cr.commit()
            environment = mine[backend._name].browse(backend.id).work_on(INDUSTRY)
            with environment, mute_logger("odoo.sql_db"), self.assertRaises(RetryableJobError):
                matcher = environment.get_connector_unit(Matcher)
                page = [Incoming(5, {"id": 5, "name": "Coffee"}, mine[INDUSTRY])]
                matcher._list(page, "run", Counter())

    def test_a_page_that_lacks_one_value_often_asks_for_it_once(self):
        failures = Failures(self.unit(RecordImporter, backend=self.backend))
        asked = []
        for number in range(10):
            failures.add(
                Incoming(number, None, self.Partner), ValueNotMatched("Nobody", self.backend, INDUSTRY, 9 + number % 2)
            )
        with patch.object(type(self.rows), "_ask_for", lambda rows, error: asked.append(error.external_id)):
            failures.leave()
        self.assertEqual(asked, [10, 9])

    def bind_values(self):
        self.row().filtered("decision").action_bind()
        self.run_jobs()


class TestRights(MatchCase):
    def setUp(self):
        super().setUp()
        self.there(1)
        self.there(2)
        self.match()
        self.manager = new_test_user(
            self.env, "matcher", "connector.group_connector_manager,base.group_partner_manager"
        )
        self.user = new_test_user(self.env, "reader", "connector.group_connector_user")

    def test_a_manager_decides_and_a_user_reads(self):
        self.row(1).with_user(self.manager).res_id = self.here("Ada").id
        self.assertEqual(self.row(1).decision, "bind")
        row = self.row(2).with_user(self.user)
        self.assertEqual(row.name, "Partner 2")
        with self.assertRaises(AccessError), mute_logger("odoo.addons.base.models.ir_model"):
            row.action_ignore()

    def test_nobody_writes_what_the_list_has_found(self):
        with self.assertRaises(AccessError):
            self.row(1).with_user(self.manager).write({"external_id": "9"})

    def test_ours_is_of_the_company_of_the_backend(self):
        other = self.env["res.company"].create({"name": "Other"})
        self.manager.company_ids |= other
        theirs = self.here("Of the other", company_id=other.id)
        row = self.row(1).with_user(self.manager).with_context(allowed_company_ids=[self.env.company.id, other.id])
        with self.assertRaisesRegex(UserError, "there is no record"):
            row.res_id = theirs.id

    def test_who_may_not_see_the_company_sees_no_row(self):
        other = self.env["res.company"].create({"name": "Other"})
        stranger = new_test_user(
            self.env,
            "stranger",
            "connector.group_connector_manager",
            company_id=other.id,
            company_ids=[(6, 0, other.ids)],
        )
        self.assertFalse(self.rows.with_user(stranger).search([]))

    def test_the_rows_go_with_the_backend(self):
        self.backend.unlink()
        self.assertFalse(
            self.rows.search([("backend_model", "=", "test.shop.backend"), ("backend_id", "=", self.backend.id)])
        )


class TestFile(MatchCase):
    def setUp(self):
        super().setUp()
        for external_id in (1, 2, 3):
            self.there(external_id, mail=f"{external_id}@shop")
        self.ada = self.here("Ada", "ada@here")
        self.match()

    def load(self, text):
        shown = [("backend_id", "=", self.backend.id)]
        wizard = self.env["connector.match.file"].with_context(active_domain=shown)
        wizard = wizard.create({"file": base64.b64encode(text.encode())})
        return wizard.action_load()

    def test_what_is_saved_can_be_loaded(self):
        self.row(1).res_id = self.ada.id
        self.row(2).action_ignore()
        shown = [("backend_id", "=", self.backend.id)]
        wizard = self.env["connector.match.file"].with_context(active_domain=shown).create({})
        wizard.action_save()
        self.row().action_take_back()
        wizard.action_load()
        self.assertEqual(self.row().mapped("decision"), ["bind", "ignore", False])
        self.assertEqual(self.row(1).res_id, self.ada.id)

    def test_ours_is_named_by_number_by_name_or_by_match_key(self):
        self.load(f"id_there;decision;ours_id;ours\n1;bind;{self.ada.id};\n2;BIND;;Ada\n3;bind;;ada@here\n")
        self.assertEqual(self.row().mapped("res_id"), self.ada.ids * 3)

    def test_one_wrong_line_refuses_the_whole_file(self):
        self.here("Ada")
        lines = [
            "id_there,decision,ours_id,ours",
            "1,ignore,,",
            "9,bind,,Ada",
            "2,perhaps,,",
            "3,bind,,Ada",
            "3,bind,,Eve",
        ]
        lines += ["3,bind,,", "3,bind,x,", f"3,bind,{self.ada.id},Eve"]
        with self.assertRaises(UserError) as refused:
            self.load("\n".join(lines))
        self.assertEqual(
            str(refused.exception).splitlines()[1:],
            [
                "Line 3: the list has no record with the ID “9” that is not bound",
                "Line 4: the decision is “perhaps”: it must be bind, create, ignore, or empty",
                "Line 5: several records here are called “Ada”: enter the ours_id of the one that is meant",
                "Line 6: no record here is called “Eve”",
                "Line 7: it has no ours_id and no ours to which it is bound",
                "Line 8: ours_id is “x”: it must be the number of a record here",
                f"Line 9: record {self.ada.id} here is “Ada”, and not “Eve”: leave one of the two columns empty",
            ],
        )

    def test_a_file_of_another_kind_is_refused(self):
        for text, message in (("a,b\n1,2", "no column id_there, decision"), ("", "Choose a file")):
            with self.assertRaisesRegex(UserError, message):
                self.load(text)


class TestFirstRun(MatchCase):
    """The step of the check list of a new backend."""

    def step(self):
        self.flow.invalidate_recordset()
        found = [step for step in self.backend.read_first_run()["steps"] if step["code"] == "matches"]
        return found and (found[0]["state"], found[0]["button"], found[0]["method"])

    def test_it_asks_to_look_then_to_decide_and_ends_when_all_is_bound(self):
        self.assertEqual(self.step(), ("to_do", "Match", "action_match"))
        self.here("Ada", "ada@shop")
        self.there(1, mail="ada@shop")
        self.match()
        self.assertEqual(self.step(), ("to_do", "Look", "action_open_matches"))
        self.accept()
        self.bind()
        self.assertEqual(self.step(), ("done", "", ""))

    def test_after_the_first_import_there_is_nothing_to_look_at(self):
        self.there(1)
        self.import_all()
        self.assertIn(self.step(), ([], ("done", "", "")))

    def test_an_import_without_match_keys_has_no_such_step(self):
        with patch.object(MatchingImporter, "_match_key", RecordImporter._match_key):
            self.assertFalse(self.step())


class TestDocumented(MatchCase):
    """The code of docs/first_hour.md about matches."""

    def test_the_code_of_the_page_works_as_it_is_written(self):
        page = (Path(__file__).parents[2] / "docs" / "first_hour.md").read_text()
        (section,) = re.findall(r"^## Match by hand.*?(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
        model, importer = re.findall(r"^```python\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
        names = {"__name__": "odoo.addons.documented_connector.models.carrier"}
        with patch("odoo.orm.models.MetaModel._module_to_models__", defaultdict(list)):
            exec(model, names)
        self.assertTrue(names["ShopCarrier"]._matched_by_hand)
        backend = ModuleType("documented_connector.backend")
        backend.shop = webshop
        with patch.dict(
            sys.modules, {"documented_connector": ModuleType("documented_connector"), backend.__name__: backend}
        ):
            names = {"__name__": "documented_connector.unit.product", "__package__": "documented_connector.unit"}
            exec(importer, names)
        documented = names["ProductImporter"](self.environment(backend=self.backend))
        documented.incoming = Incoming(1, {"id": 1, "sku": "AB-1 ", "title": "Chair", "color": "red"}, self.Partner)
        self.assertEqual(documented._match_key(), ("default_code", "AB-1"))
        self.assertEqual(documented._name_there(), "Chair, red")
