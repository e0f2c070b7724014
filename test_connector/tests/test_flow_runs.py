"""Runs of flows: what *Last Complete* says, *Fetch from ... to ...*, and *All Again*."""

from datetime import datetime, timedelta

from psycopg2.errors import NotNullViolation

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import new_test_user
from odoo.tools import mute_logger

from odoo.addons.connector import without_export
from odoo.addons.connector.declaration import Since
from odoo.addons.connector.unit.importer.batch import import_batch
from odoo.addons.connector.unit.importer.bulk import BulkBatchImporter

from ..units import ShopAdapter, webshop
from .test_flow import PARTNER, FlowCase


class RunsCase(FlowCase):
    """A shop whose records have a date of change, ``at``."""

    changed = Since(parameter="since", until="until")

    def setUp(self):
        super().setUp()

        class DatedAdapter(ShopAdapter):
            _model_name = PARTNER
            changed = self.changed
            asked = self.asked = []

            def search(self, filters=None):
                self.asked.append(filters)
                since, until = (filters or {}).get("since", ""), (filters or {}).get("until", "9")
                return [id_ for id_, record in self.table.items() if since <= record["at"] < until]

        webshop(DatedAdapter)
        webshop(type("PartnersImporter", (BulkBatchImporter,), {"_model_name": PARTNER, "__module__": __name__}))
        for id_, month in enumerate(("01", "02", "03"), 1):
            self.shop.add(PARTNER, id_, name=f"Ada {id_}", at=f"2026-{month}-10T00:00:00Z", changed="1")

    @property
    def watermark(self):
        return self.env["connector.watermark"].value_of(self.backend, PARTNER)


class TestLastComplete(RunsCase):
    def test_it_is_when_the_watermark_was_moved(self):
        self.flow("partners").action_run()
        self.assertDone(self.run_jobs())
        moved = self.backend.watermark_ids
        moved.moved_at = "2026-01-01 08:00:00"
        self.assertEqual(self.flow("partners").last_success, datetime(2026, 1, 1, 8))
        self.assertGreater(self.flow("partners").last_run, self.flow("partners").last_success)

    def test_there_is_none_while_the_pages_of_the_first_run_wait(self):
        import_batch(self.session, PARTNER, self.backend.id)
        self.assertFalse(self.flow("partners").last_success)

    def test_it_stays_when_an_import_was_cut_off(self):
        self.flow("partners").action_run()
        self.run_jobs()
        self.backend.watermark_ids.moved_at = "2026-01-01 08:00:00"
        import_batch(self.session, PARTNER, self.backend.id)
        self.flow("partners").action_switch_off()
        self.run_jobs()
        self.assertEqual(self.flow("partners").last_success, datetime(2026, 1, 1, 8))

    def test_an_export_that_has_ended_because_it_was_off_was_not_complete(self):
        self.flow("partners_out").action_switch_on()
        self.flow("partners_out").action_run()
        self.flow("partners_out").action_switch_off()
        self.assertDone(self.run_jobs())
        self.assertFalse(self.flow("partners_out").last_success)
        self.assertFalse(self.flow("partners_out").last_run)

    def test_an_export_is_complete_when_no_job_of_it_is_left(self):
        self.flow("partners_out").action_switch_on()
        self.flow("partners_out").action_run()
        self.assertFalse(self.flow("partners_out").last_success)
        self.assertDone(self.run_jobs())
        self.env.invalidate_all()
        self.assertTrue(self.flow("partners_out").last_success)


class TestFetch(RunsCase):
    def fetch(self, begin, end=False, **options):
        flow = self.flow("partners")
        return self.env["connector.flow.fetch"].create({"flow_id": flow.id, "begin": begin, "end": end, **options})

    def test_what_was_changed_between_two_times_is_imported(self):
        self.fetch("2026-02-01", "2026-03-01").action_fetch()
        self.assertDone(self.run_jobs())
        self.assertEqual(self.here().mapped("external_id"), ["2"])
        self.assertEqual(self.asked, [{"since": "2026-02-01T00:00:00Z", "until": "2026-03-01T00:00:00Z"}])

    def test_without_an_end_it_is_fetched_until_now(self):
        self.fetch("2026-02-01").action_fetch()
        self.run_jobs()
        self.assertEqual(self.here().mapped("external_id"), ["2", "3"])
        until = datetime.fromisoformat(self.asked[0]["until"]).replace(tzinfo=None)
        self.assertLess(abs(until - self.env.cr.now()), timedelta(minutes=5))

    def test_the_watermark_does_not_move(self):
        self.fetch("2026-02-01", "2026-03-01").action_fetch()
        self.run_jobs()
        self.assertIsNone(self.watermark)
        self.flow("partners").action_run()
        self.run_jobs()
        before = self.watermark
        self.assertTrue(before)
        self.fetch("2026-01-01", "2026-03-01").action_fetch()
        self.assertDone(self.run_jobs())
        self.assertEqual(self.watermark, before)

    def test_without_a_begin_or_with_the_end_before_it_nothing_is_fetched(self):
        with mute_logger("odoo.sql_db"), self.assertRaises(NotNullViolation), self.cr.savepoint():
            self.fetch(False)
        with self.assertRaisesRegex(ValidationError, "not after the first one"):
            self.fetch("2026-03-01", "2026-03-01")
        self.assertFalse(self.delayed_jobs())

    def test_a_flow_that_is_off_fetches_nothing(self):
        self.flow("partners").action_switch_off()
        with self.assertRaisesRegex(UserError, "Switch it on first: Partners"):
            self.fetch("2026-02-01").action_fetch()

    def test_nothing_is_fetched_or_repaired_before_what_the_flow_needs_is_decided(self):
        self.env["connector.flow"]._classes(self.backend)["partners"].not_ready = lambda self: "Choose a warehouse"
        with self.assertRaisesRegex(UserError, "Partners: Choose a warehouse"):
            self.fetch("2026-02-01").action_fetch()
        with self.assertRaisesRegex(UserError, "Partners: Choose a warehouse"):
            self.flow("partners").action_repair()

    def test_who_may_not_change_the_backend_fetches_nothing(self):
        user = new_test_user(self.env, "fetching reader", "connector.group_connector_user")
        with self.assertRaises(AccessError):
            self.flow("partners").with_user(user)._fetch(datetime(2026, 2, 1), False)


class TestFetchWithoutEnd(TestFetch):
    """The shop can only be asked since a time."""

    allow_inherited_tests_method = True

    changed = Since(parameter="since")

    def test_what_was_changed_between_two_times_is_imported(self):
        with self.assertRaisesRegex(UserError, "cannot ask .* up to a time. Leave it empty"):
            self.fetch("2026-02-01", "2026-03-01").action_fetch()
        self.assertFalse(self.delayed_jobs())

    def test_without_an_end_it_is_fetched_until_now(self):
        self.fetch("2026-02-01").action_fetch()
        self.run_jobs()
        self.assertEqual(self.here().mapped("external_id"), ["2", "3"])
        self.assertEqual(self.asked, [{"since": "2026-02-01T00:00:00Z"}])

    def test_the_watermark_does_not_move(self):
        self.fetch("2026-02-01").action_fetch()
        self.run_jobs()
        self.assertIsNone(self.watermark)


class TestFetchOfNothing(RunsCase):
    changed = None

    def test_an_adapter_that_knows_no_times_says_so(self):
        for end in (False, "2026-03-01"):
            fetch = {"flow_id": self.flow("partners").id, "begin": "2026-02-01", "end": end}
            with self.assertRaisesRegex(UserError, "cannot ask Shop with flows for what was changed between two times"):
                self.env["connector.flow.fetch"].create(fetch).action_fetch()


class TestAllAgain(RunsCase):
    def test_it_is_all_although_the_pages_of_the_first_run_still_wait(self):
        import_batch(self.session, PARTNER, self.backend.id)
        pages = self.delayed_jobs("import_page")
        self.assertTrue(pages)
        self.flow("partners").action_run_again()
        jobs = self.run_jobs()
        self.assertDone(jobs)
        closing = jobs.filtered(lambda job: job.function.endswith("move_watermark"))
        self.assertIn("all was asked for again: the watermark stays", closing[0].message)
        self.assertEqual(self.asked, [None, None])
        self.assertTrue(self.watermark)

    def test_it_is_all_although_a_later_run_was_about_to_move_the_watermark(self):
        self.flow("partners").action_run()
        self.run_jobs()
        without_export(self.here().odoo_id).write({"name": "Wrong here"})
        import_batch(self.session, PARTNER, self.backend.id)
        self.flow("partners").action_run_again()
        self.assertDone(self.run_jobs())
        self.assertEqual(self.here().mapped("name"), ["Ada 1", "Ada 2", "Ada 3"])
        self.assertIsNone(self.asked[-1])
