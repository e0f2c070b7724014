import json
from datetime import datetime
from functools import partial
from unittest.mock import patch

from odoo.tools import mute_logger

from odoo.addons.connector.exception import InvalidDataError
from odoo.addons.connector.testing import JobsCase, extending
from odoo.addons.connector.unit.importer import batch as batch_importer
from odoo.addons.connector.unit.importer.batch import (
    BatchImporter,
    DelayedBatchImporter,
    DirectBatchImporter,
    import_batch,
)
from odoo.addons.connector.unit.importer.bulk import BulkBatchImporter
from odoo.addons.connector.unit.importer.record import RecordImporter, import_record
from odoo.addons.jobs_queue import store
from odoo.addons.jobs_queue.exception import TransactionOutdated
from odoo.addons.jobs_queue.session import ConnectorSession

from ..units import PartnerImporter, ShopAdapter, webshop
from .common import ShopCase


class BatchCase(ShopCase, JobsCase):
    def setUp(self):
        super().setUp()
        for external_id, name in enumerate(["Ada", "Bob", "Ada"]):
            self.shop.add("test.shop.partner", external_id, name=name)

    def batch(self, batch_class, filters=None):
        """Run a batch importer of partners and return what it says."""
        return batch_class(self.environment()).run(filters)

    def names(self):
        return self.Partner.search([], order="external_id").mapped("name")

    def refusal(self, method, returned):
        """Return the message when a method of the adapter returns what cannot be imported."""
        self.patch(ShopAdapter, method, lambda adapter, *args, **kwargs: returned)
        with self.assertRaises(InvalidDataError) as caught:
            self.batch(BulkBatchImporter)
        return str(caught.exception)

    def list_whole_records(self):
        """Have the shop list its records whole, as many systems do."""
        self.patch(
            ShopAdapter,
            "search_read",
            lambda adapter, filters=None, fields=None: [dict(adapter.table[id_]) for id_ in adapter.search(filters)],
        )
        self.patch(ShopAdapter, "read", lambda adapter, *args: self.fail("It was read twice"))


class TestBatch(BatchCase):
    def test_a_batch_is_imported_by_the_page_unless_a_connector_says_otherwise(self):
        self.assertIsInstance(self.unit(BatchImporter), BulkBatchImporter)

    def test_a_batch_of_no_kind_says_which_there_are(self):
        with self.assertRaisesRegex(
            NotImplementedError, "DirectBatchImporter, DelayedBatchImporter or BulkBatchImporter"
        ):
            self.batch(BatchImporter)

    def test_what_was_imported_while_the_list_was_read_is_not_overwritten_by_the_list(self):
        """As when a webhook tells of a change meanwhile."""

        def list_and_import(adapter, filters=None, fields=None):
            records = [dict(record) for record in adapter.table.values()]
            adapter.table[0]["name"] = new
            self.unit(RecordImporter).run(0)
            return records

        self.patch(ShopAdapter, "search_read", list_and_import)
        for batch_class in (DirectBatchImporter, DelayedBatchImporter, BulkBatchImporter):
            with self.subTest(batch_class.__name__):
                new = f"New by {batch_class.__name__}"
                self.shop.table("test.shop.partner")[0]["name"] = "Old"
                self.batch(batch_class)
                self.run_jobs()
                self.assertEqual(self.names()[0], new)

    def test_a_batch_can_be_a_job_itself(self):
        import_batch.delay(self.session, "test.shop.partner", self.backend.id, {"name": "Ada"})
        jobs = self.run_jobs()
        self.assertEqual(set(jobs.mapped("state")), {"done"})
        self.assertEqual(self.names(), ["Ada", "Ada"])

    def test_what_depends_on_the_company_is_imported_into_the_company_of_the_backend(self):
        company = self.env["res.company"].create({"name": "Elsewhere"})
        self.backend.company_id = company
        self.shop.add("test.shop.partner", 42, name="Ada")
        companies = []

        class Importer(PartnerImporter):
            def _after_import(self, binding):
                companies.append(binding.env.company)

        with extending(webshop, Importer):
            import_record(self.session, "test.shop.partner", self.backend.id, 42)
        self.assertEqual(companies, [company])


class TestDirectBatch(BatchCase):
    def test_a_direct_batch_imports_at_once(self):
        message = self.batch(DirectBatchImporter)
        self.assertEqual(self.names(), ["Ada", "Bob", "Ada"])
        self.assertEqual(message, "Records imported: 3.")

    def test_what_is_listed_whole_is_not_read_again(self):
        self.list_whole_records()
        self.batch(DirectBatchImporter)
        self.assertEqual(len(self.names()), 3)


class TestDelayedBatch(BatchCase):
    def test_a_delayed_batch_delays_a_job_for_each_record(self):
        message = self.batch(DelayedBatchImporter)
        self.assertEqual(len(self.delayed_jobs("import_record")), 3)
        self.assertEqual(message, "Records to import, each in a job: 3.")
        self.run_jobs()
        self.assertEqual(self.names(), ["Ada", "Bob", "Ada"])

    def test_what_is_listed_whole_is_handed_over_and_not_read_again(self):
        self.list_whole_records()
        self.batch(DelayedBatchImporter)
        self.run_jobs()
        self.assertEqual(len(self.names()), 3)

    def test_the_jobs_of_a_batch_are_of_the_company_of_the_backend_and_speak_the_language_of_the_user(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        company = self.env["res.company"].create({"name": "Elsewhere"})
        self.backend.write({"company_id": company.id, "default_lang_id": self.env.ref("base.lang_fr").id})
        self.session = ConnectorSession.from_env(self.env(context={"lang": "en_US"}))
        with self.backend.work_on("test.shop.partner", self.session) as environment:
            DelayedBatchImporter(environment).run({})
        jobs = self.delayed_jobs("import_record")
        self.assertEqual(jobs.mapped("company_id"), company)
        self.assertEqual({json.loads(job.context)["lang"] for job in jobs}, {"en_US"})

    def test_a_delayed_batch_takes_the_records_that_match(self):
        self.batch(DelayedBatchImporter, {"name": "Ada"})
        self.assertEqual(len(self.delayed_jobs("import_record")), 2)

    def test_of_two_batches_that_delay_the_same_records_one_imports_them(self):
        self.batch(DelayedBatchImporter, {"name": "Bob"})
        self.batch(DelayedBatchImporter, {"name": "Bob"})
        jobs = self.run_jobs()
        self.assertEqual(jobs.mapped("message"), ["Created from record 1 of Test Shop."])

    def test_of_two_batches_that_bring_the_same_record_the_newer_data_count(self):
        self.list_whole_records()
        self.batch(DelayedBatchImporter, {"id": 1})
        self.shop.add("test.shop.partner", 1, name="Rob")
        self.batch(DelayedBatchImporter, {"id": 1})
        self.run_jobs()
        self.assertEqual(self.names(), ["Rob"])


class TestWatermark(BatchCase):
    """The watermark: it moves when the records are imported, and not when the batch is queued."""

    def batch(self, batch_class, filters=None):
        """Run a batch importer with small pages, whose watermark is the number of records there."""

        class Importer(batch_class):
            _page_size = 2

            def _get_next_watermark(self, began):
                return str(len(self.backend_adapter.table))

        return super().batch(Importer, filters)

    def watermark(self):
        return self.env["connector.watermark"].value_of(self.backend, "test.shop.partner")

    def since(self):
        """Return the watermark from which the next batch would begin, when it asks for filters."""
        asked = []

        class Importer(DirectBatchImporter):
            def _filters_since(self, watermark):
                asked.append(watermark)
                return {"name": "nobody"}

        self.batch(Importer)
        (since,) = asked
        return since

    def test_the_watermark_moves_when_all_pages_are_done(self):
        self.batch(BulkBatchImporter)
        self.assertIsNone(self.watermark())
        jobs = self.run_jobs()
        self.assertEqual(self.watermark(), "3")
        self.assertEqual(jobs[-1].message, "The next import begins at 3.")

    def test_the_next_batch_begins_at_the_watermark(self):
        self.batch(BulkBatchImporter)
        self.run_jobs()
        self.assertEqual(self.since(), "3")

    def test_the_watermark_of_a_direct_batch_moves_with_it(self):
        self.batch(DirectBatchImporter)
        self.run_jobs()
        self.assertEqual(self.watermark(), "3")

    def test_the_watermark_stays_when_a_page_fails_and_moves_when_it_was_requeued(self):
        read_many = ShopAdapter.read_many

        def fail_for_the_last(adapter, external_ids, fields=None):
            if 2 in external_ids:
                raise ValueError("The shop speaks in riddles")
            return read_many(adapter, external_ids, fields)

        with patch.object(ShopAdapter, "read_many", fail_for_the_last):
            self.batch(BulkBatchImporter)
            jobs = self.run_jobs()
        self.assertEqual(sorted(jobs.mapped("state")), ["done", "failed"])
        self.assertEqual((self.watermark(), self.names()), (None, ["Ada", "Bob"]))
        store.actions.requeue(self.env.cr, jobs.filtered(lambda job: job.state == "failed").ids)
        again = self.run_jobs()
        self.assertEqual(again.mapped("state"), ["done", "done"])
        self.assertEqual((self.watermark(), self.names()), ("3", ["Ada", "Bob", "Ada"]))

    def test_of_two_imports_that_move_it_for_the_first_time_at_once_the_second_begins_again_and_sees_it(self):
        backend = self.committed_backend()
        place = backend._name, backend.id
        with self.transaction() as env, self.transaction() as other_env:
            other_env.cr.execute("SELECT 1")
            move = {each: partial(self.move, each, *place) for each in (env, other_env)}
            self.assertTrue(move[env]("3"))
            env.cr.commit()
            with self.assertRaises(TransactionOutdated), mute_logger("odoo.sql_db"):
                move[other_env]("4")
            other_env.cr.rollback()
            other_env.invalidate_all()
            self.assertFalse(move[other_env]("4"))

    def move(self, env, backend_model, backend_id, value):
        return env["connector.watermark"].move(env[backend_model].browse(backend_id), "test.shop.partner", value)

    def test_the_watermark_of_a_delayed_batch_moves_when_its_jobs_have_ended(self):
        class Importer(PartnerImporter):
            def _validate_data(self, values):
                raise ValueError("No.")

        with extending(webshop, Importer):
            self.batch(DelayedBatchImporter)
            self.assertIsNone(self.watermark())
            jobs = self.run_jobs()
        self.assertEqual(sorted(jobs.mapped("state")), ["done", "failed", "failed", "failed"])
        self.assertEqual(self.watermark(), "3")

    def test_a_batch_with_filters_of_its_own_leaves_the_watermark_alone(self):
        self.batch(BulkBatchImporter, {"name": "Ada"})
        self.run_jobs()
        self.assertIsNone(self.watermark())

    def test_a_watermark_that_was_emptied_meanwhile_stays_empty(self):
        self.batch(BulkBatchImporter)
        self.run_jobs()
        self.shop.add("test.shop.partner", 3, name="Eve")
        self.batch(BulkBatchImporter)
        self.backend.watermark_ids.value = False
        jobs = self.run_jobs()
        self.assertIsNone(self.watermark())
        self.assertEqual(jobs[-1].message, "The watermark was moved by somebody else meanwhile: it stays there.")

    def test_of_two_batches_that_began_at_the_same_place_the_first_to_end_moves_the_watermark(self):
        self.batch(BulkBatchImporter)
        self.shop.add("test.shop.partner", 3, name="Eve")
        self.batch(BulkBatchImporter)
        self.run_jobs()
        self.assertEqual(self.watermark(), "3")

    def test_a_batch_that_finds_nothing_moves_the_watermark(self):
        self.shop.table("test.shop.partner").clear()
        self.batch(BulkBatchImporter)
        self.run_jobs()
        self.assertEqual(self.watermark(), "0")

    def test_each_backend_and_model_has_a_watermark_of_its_own(self):
        other = self.backend.copy()
        self.batch(DirectBatchImporter)
        self.run_jobs()
        watermarks = self.env["connector.watermark"]
        self.assertIsNone(watermarks.value_of(other, "test.shop.partner"))
        self.assertIsNone(watermarks.value_of(self.backend, "test.shop.tag"))
        self.assertIsNone(watermarks.value_of(self.backend, "test.shop.partner", "export"))

    def test_the_watermarks_of_a_backend_go_with_it(self):
        self.batch(DirectBatchImporter)
        self.run_jobs()
        watermark = self.backend.watermark_ids
        self.assertTrue(watermark)
        self.Partner.search([]).unlink()
        self.backend.unlink()
        self.assertFalse(watermark.exists())


class TestOverlap(BatchCase):
    def test_the_next_batch_begins_five_minutes_before_this_one_as_clocks_differ(self):
        with patch.object(batch_importer, "database_now", return_value=datetime(2026, 7, 4, 12)):
            self.batch(DirectBatchImporter)
        self.run_jobs()
        self.assertEqual(self.backend.watermark_ids.value, "2026-07-04 11:55:00")


class TestWhatAdaptersReturn(BatchCase):
    def test_a_search_returns_a_list_of_ids(self):
        for wrong, expected in ((None, "None, but a list of ids"), ([1, None], "None, but a text or an integer as id")):
            self.assertIn(f"ShopAdapter.search() returned {expected} is expected", self.refusal("search", wrong))

    def test_a_list_of_records_is_a_list_of_dicts_with_ids(self):
        for wrong, expected in (
            ({"items": []}, "{'items': []}, but a list of dicts"),
            ([7], "7, but a dict"),
            ([{"name": "Ada"}], "{'name': 'Ada'}, but 'id' in it, or an id_of() of its own,"),
            ([{"id": None}], "None, but a text or an integer as id"),
        ):
            message = self.refusal("search_read", wrong)
            self.assertIn(f"ShopAdapter.search_read() returned {expected} is expected", message)
