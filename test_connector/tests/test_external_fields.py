"""Fields that a shop no longer sends: people are told, or the page fails, as the author says."""

from psycopg2.errors import SerializationFailure

from odoo.tools import mute_logger

from odoo.addons.connector.exception import MappingError
from odoo.addons.connector.testing import JobsCase, extending
from odoo.addons.connector.testing.registration import registering
from odoo.addons.connector.unit.importer.batch import (
    DelayedBatchImporter,
    DirectBatchImporter,
    import_batch,
    move_watermark,
)
from odoo.addons.connector.unit.importer.bulk import BulkBatchImporter, BulkImporter, import_page
from odoo.addons.connector.unit.importer.record import RecordImporter
from odoo.addons.connector.unit.importer.schema import check_and_count
from odoo.addons.connector.unit.mapper.mapper import ImportMapper, changed_by, mapping
from odoo.addons.jobs_queue.session import ConnectorSession

from ..units import ShopAdapter, TagImportMapper, webshop
from .common import ShopCase


class ListingCase(ShopCase, JobsCase):
    def setUp(self):
        super().setUp()
        self.enterContext(extending(webshop, self.mapper()))
        self.numbers = iter(range(10_000))

    def mapper(self, **attributes):
        """Return a mapper of tags that reads ``name`` and ``colour``."""

        @mapping
        @changed_by("colour")
        def colour(mapper, record):
            return {"color": len(record.get("colour") or "")}

        return type("Colours", (TagImportMapper,), {"colour": colour, "__module__": __name__, **attributes})

    def list_whole_records(self):
        self.patch(
            ShopAdapter,
            "search_read",
            lambda adapter, filters=None, fields=None: [dict(record) for record in adapter.table.values()],
        )

    def list_tags(self, count, filters=None, without=0, **values):
        """Have the shop list so many new tags with these values, and import them.

        :param without: how many more tags it lists, that have no colour
        """
        self.shop.table("test.shop.tag").clear()
        self.add_tags(count, **values)
        self.add_tags(without, **{**values, "colour": None})
        import_batch.delay(self.session, "test.shop.tag", self.backend.id, filters)
        return self.run_jobs()

    def add_tags(self, count, **values):
        for _tag in range(count):
            number = next(self.numbers)
            self.shop.add("test.shop.tag", number, **{"name": f"Tag {number}", "colour": f"Red {number}", **values})
            for name, value in values.items():
                if value is None:
                    del self.shop.table("test.shop.tag")[number][name]

    def field(self, **values):
        """Create what is known of the field ``colour``."""
        place = {"backend_model": "test.shop.backend", "backend_id": self.backend.id, "model_name": "test.shop.tag"}
        return self.env["connector.external.field"].create({**place, "name": "colour", **values})

    def told(self):
        """Return the messages of the checkpoints that wait."""
        waiting = [("state", "=", "need_review"), ("backend_id", "=", f"test.shop.backend,{self.backend.id}")]
        return self.env["connector.checkpoint"].search(waiting).mapped("message")


class TestVanishedFields(ListingCase):
    def test_of_a_field_that_vanishes_from_two_listings_somebody_is_told_once(self):
        self.list_tags(200)
        self.list_tags(60, colour=None)
        self.assertEqual(self.told(), [])
        self.list_tags(60, colour=None)
        (message,) = self.told()
        self.assertRegex(message, "Test Shop no longer sends “colour” of .*: none of the last 120 records had it")
        self.list_tags(60, colour=None)
        self.assertEqual(self.told(), [message])

    def test_the_checkpoint_is_closed_when_the_field_returns(self):
        self.list_tags(200)
        for _listing in range(2):
            self.list_tags(60, colour=None)
        self.list_tags(1)
        self.assertEqual(self.told(), [])
        for _listing in range(2):
            self.list_tags(60, colour=None)
        self.assertEqual(len(self.told()), 1)

    def test_one_listing_and_few_records_say_nothing(self):
        self.list_tags(200)
        self.list_tags(500, colour=None)
        self.list_tags(1)
        for _listing in range(3):
            self.list_tags(30, colour=None)
        self.assertEqual(self.told(), [])

    def test_a_field_that_some_records_never_had_is_not_expected(self):
        self.list_tags(170)
        self.list_tags(30, colour=None)
        self.list_tags(1)
        for _listing in range(3):
            self.list_tags(100, colour=None)
        self.assertEqual(self.told(), [])

    def test_of_a_field_that_is_renamed_in_the_midst_of_a_listing_somebody_is_told(self):
        self.list_tags(200)
        self.list_tags(100, without=400)
        for _listing in range(2):
            self.assertEqual(self.told(), [])
            self.list_tags(60, colour=None)
        self.assertEqual(len(self.told()), 1)

    def test_a_field_that_two_listings_have_in_few_records_is_not_expected_any_more(self):
        self.list_tags(200)
        for _listing in range(2):
            self.list_tags(20, without=100)
        for _listing in range(3):
            self.list_tags(100, colour=None)
        self.assertEqual(self.told(), [])

    def test_what_is_listed_of_deleted_records_does_not_count(self):
        class Importer(RecordImporter):
            _model_name = "test.shop.tag"

            def _is_whole(self, record):
                return not record.get("deleted")

        with registering(webshop):
            webshop(Importer)
            self.list_tags(200)
            for _listing in range(3):
                self.list_tags(100, colour=None, deleted=True)
            self.assertEqual(self.told(), [])
            self.list_tags(1, without=2)
        field = self.env["connector.external.field"].search([("name", "=", "colour")])
        self.assertEqual((field.seen, field.had), (203, 201))

    def test_nothing_is_expected_before_two_hundred_records_were_seen(self):
        self.list_tags(199)
        for _listing in range(3):
            self.list_tags(100, colour=None)
        self.assertEqual(self.told(), [])

    def test_listings_of_whole_records_count_as_well(self):
        self.list_whole_records()
        self.list_tags(200)
        for _listing in range(2):
            self.list_tags(60, colour=None)
        self.assertEqual(len(self.told()), 1)

    def test_what_is_asked_for_by_filters_or_by_its_id_does_not_count(self):
        self.list_tags(200)
        for _listing in range(3):
            self.list_tags(100, filters={}, colour=None)
        self.assertEqual(self.told(), [])

    def test_direct_batches_count_and_delayed_ones_do_where_they_list_whole_records(self):
        self.list_whole_records()
        for batch_class in (DirectBatchImporter, DelayedBatchImporter):
            fields = self.env["connector.external.field"]
            fields.search([]).unlink()
            with self.subTest(batch_class), registering(webshop):
                webshop(type("Batch", (batch_class,), {"_model_name": "test.shop.tag", "__module__": __name__}))
                self.list_tags(3)
                self.assertEqual(set(fields.search([]).mapped("had")), {3})

    def test_a_field_that_no_mapper_reads_any_more_is_forgotten(self):
        self.list_tags(200)
        for _listing in range(2):
            self.list_tags(60, colour=None)
        field = self.env["connector.external.field"].search([("name", "=", "colour")])
        field.name = "was_read_once"
        self.list_tags(1)
        self.assertFalse(field.exists())
        self.assertEqual(self.told(), [])

    def test_no_count_of_a_page_is_left(self):
        self.list_tags(3)
        self.assertFalse(self.env["connector.listing.count"].search([]))

    def test_the_figures_follow_the_system(self):
        field = self.field(seen=20_000, had=0)
        self.list_tags(10)
        self.assertEqual((field.seen, field.had), (10_010, 10))

    def test_figures_that_cannot_be_noted_do_not_keep_the_watermark(self):
        self.field(seen=200, had=200, is_expected=True, absent_records=2**31 - 1)
        with (
            mute_logger("odoo.sql_db"),
            self.assertLogs("odoo.addons.connector.models.connector_external_field", "ERROR") as logs,
        ):
            self.list_tags(3, colour=None)
        self.assertIn("The fields of test.shop.tag of Test Shop cannot be noted", logs.output[0])
        self.assertTrue(self.env["connector.watermark"].value_of(self.backend, "test.shop.tag"))

    def test_records_with_different_fields_are_counted_in_one_row_of_the_page(self):
        records = [{"name": "A", "colour": "Red"}, {"colour": "Red", "name": "B"}, {"name": "C"}, {"id": 4}, {}]
        check_and_count(self.unit(RecordImporter, "test.shop.tag"), records, "a listing")
        row = self.env["connector.listing.count"].search([("listing", "=", "a listing")])
        self.assertEqual((row.total, row.counts), (5, {"colour": 2, "name": 3}))

    def test_what_was_noted_of_a_backend_is_deleted_with_it(self):
        self.list_tags(3)
        counts = self.env["connector.listing.count"]
        counts._add(self.backend, "of a listing that was not closed", 3, {"colour": 3})
        self.assertTrue(self.env["connector.external.field"].search([]))
        self.shop.table("test.shop.tag").clear()
        self.Tag.search([]).unlink()
        self.env["queue.job"].search([]).unlink()
        self.backend.unlink()
        self.assertFalse(self.env["connector.external.field"].search([]))
        self.assertFalse(counts.search([]))


class TestListingsAtTheSameTime(ListingCase):
    def setUp(self):
        super().setUp()
        self.shared = self.committed_backend()

    def close_listing(self, env, listing, since=None):
        return move_watermark(
            ConnectorSession.from_env(env), "test.shop.tag", self.shared.id, "2026-07-04 12:00:00", since, listing
        )

    def test_pages_of_a_listing_that_run_together_wait_for_nothing_and_all_of_them_count(self):
        with self.transaction() as first, self.transaction() as second, self.transaction() as closing:
            for env in (first, second):
                env.cr.execute("SET LOCAL lock_timeout = 1")  # so who waits fails
                env["connector.listing.count"]._add(self.shared.with_env(env), "a listing", 10, {"colour": 9})
            first.cr.commit()
            second.cr.commit()
            self.close_listing(closing, "a listing")
            field = closing["connector.external.field"].search([("backend_id", "=", self.shared.id)])
            self.assertEqual((field.seen, field.had), (20, 18))

    def test_of_two_first_listings_that_end_together_the_second_begins_again_and_notes_its_fields(self):
        with self.transaction() as first, self.transaction() as second:
            for env in (first, second):
                counts = env["connector.listing.count"]
                counts._add(self.shared.with_env(env), f"listing of {env.cr}", 10, {"name": 10, "colour": 10})
                env.cr.commit()
            second["res.users"].search_count([])
            self.close_listing(first, f"listing of {first.cr}")
            with self.in_thread(self.close_listing, second, f"listing of {second.cr}") as outcome:
                self.wait_until_blocked(second)
                first.cr.commit()
            self.assertIsInstance(outcome.exception(), SerializationFailure)
            second.cr.rollback()
            self.close_listing(second, f"listing of {second.cr}")
            fields = second["connector.external.field"].search([("backend_id", "=", self.shared.id)])
            self.assertEqual(sorted((field.name, field.seen) for field in fields), [("colour", 20), ("name", 20)])


class TestAuthorsWord(ListingCase):
    def failed(self, jobs):
        return jobs.filtered(lambda job: job.state == "failed")

    def test_a_required_field_that_a_whole_page_lacks_fails_it_as_a_whole(self):
        with extending(webshop, self.mapper(_required=("colour",))):
            jobs = self.list_tags(3, colour=None)
            self.assertRegex(
                self.failed(jobs).message, "None of 3 records of Test Shop has “colour”, which .* requires"
            )
            self.assertFalse(self.Tag.search([]))

    def test_a_required_field_that_the_only_record_of_a_page_lacks_fails_it_and_names_the_record(self):
        with extending(webshop, self.mapper(_required=("colour",))):
            jobs = self.list_tags(1, colour=None)
            self.assertRegex(
                self.failed(jobs).message,
                "Record 0 of Test Shop has no “colour”, which .* requires, .* do not require it",
            )
            self.assertFalse(self.Tag.search([]))

    def test_a_required_field_that_some_records_lack_fails_nothing(self):
        with extending(webshop, self.mapper(_required=("colour",))):
            self.list_tags(1)
            self.shop.add("test.shop.tag", 9_999, name="Plain")
            import_batch.delay(self.session, "test.shop.tag", self.backend.id)
            self.assertEqual(set(self.run_jobs().mapped("state")), {"done"})

    def test_of_an_optional_field_nobody_is_told(self):
        with extending(webshop, self.mapper(_optional=("colour",))):
            self.list_tags(200)
            for _listing in range(2):
                self.list_tags(60, colour=None)
            self.assertEqual(self.told(), [])

    def test_each_page_of_a_batch_is_checked_by_itself(self):
        class Pages(BulkBatchImporter):
            _model_name = "test.shop.tag"
            _page_size = 3

        for list_them in (lambda: None, self.list_whole_records):
            list_them()
            for filters in (None, {}):
                with self.subTest(list_them, filters=filters), registering(webshop):
                    webshop(Pages)
                    with extending(webshop, self.mapper(_required=("colour",))):
                        failed = self.failed(self.list_tags(3, filters, without=3))
                    self.assertEqual(len(failed), 1)
                    self.assertIn("None of 3 records", failed.message)

    def test_a_batch_that_moves_no_watermark_is_checked(self):
        class Pages(BulkBatchImporter):
            _model_name = "test.shop.tag"

            def _get_next_watermark(self, began):
                return None

        with registering(webshop), extending(webshop, self.mapper(_required=("colour",))):
            webshop(Pages)
            self.assertIn("None of 3 records", self.failed(self.list_tags(3, colour=None)).message)
            self.assertFalse(self.env["connector.listing.count"].search([]))

    def test_direct_and_delayed_batches_check_a_list_of_whole_records_as_one_page(self):
        self.list_whole_records()
        for batch_class in (DirectBatchImporter, DelayedBatchImporter):
            with self.subTest(batch_class), registering(webshop):
                webshop(type("Batch", (batch_class,), {"_model_name": "test.shop.tag", "__module__": __name__}))
                with extending(webshop, self.mapper(_required=("colour",))):
                    failed = self.failed(self.list_tags(3, {}, colour=None))
                self.assertIn("None of 3 records", failed.message)

    def test_records_that_are_no_page_of_a_batch_are_not_checked(self):
        self.add_tags(3, colour=None)
        ids = list(self.shop.table("test.shop.tag"))
        with extending(webshop, self.mapper(_required=("colour",))):
            import_page.delay(self.session, "test.shop.tag", self.backend.id, ids)
            self.assertDone(self.run_jobs())

    def test_pages_of_deleted_records_may_lack_a_required_field(self):
        class Importer(RecordImporter):
            _model_name = "test.shop.tag"

            def _is_whole(self, record):
                return not record.get("deleted")

        with registering(webshop), extending(webshop, self.mapper(_required=("colour",))):
            webshop(Importer)
            self.assertDone(self.list_tags(3, colour=None, deleted=True))

    def test_addons_that_extend_a_mapper_add_to_its_required_and_optional_fields(self):
        with (
            extending(webshop, self.mapper(_required=("sku",), _optional=["note"])),
            extending(webshop, self.mapper(_required=("ean",), _optional=["name"])),
        ):
            mapper = self.unit(ImportMapper, "test.shop.tag")
            self.assertEqual(mapper.required_fields, {"sku", "ean"})
            self.assertEqual(mapper.expected_fields, {"sku", "ean", "colour"})

    def test_a_name_in_place_of_a_tuple_of_names_is_refused(self):
        for attribute in ("_required", "_optional"):
            for wrong in ("sku", (7,), None):
                refused = self.assertRaisesRegex(MappingError, rf"Colours, {attribute}: .* is not a tuple of names")
                mapper = self.mapper(**{attribute: wrong})
                with self.subTest(attribute, wrong=wrong), extending(webshop, mapper), refused:
                    self.unit(ImportMapper, "test.shop.tag")


class TestRollingUpdate(ListingCase):
    def test_a_page_that_needs_no_check_has_only_the_arguments_that_earlier_workers_know(self):
        for list_them in (lambda: None, self.list_whole_records):
            list_them()
            (page,) = self.list_tags(1, {}).filtered(lambda job: job.function.endswith("import_page"))
            self.assertNotRegex(page.arguments, "listing|is_listed")

    def test_an_importer_that_takes_only_ids_and_force_goes_on_working(self):
        class Importer(BulkImporter):
            _model_name = "test.shop.tag"

            def run_ids(self, ids, force=False):
                return super().run_ids(ids, force)

        with registering(webshop):
            webshop(Importer)
            self.assertDone(self.list_tags(3))
        self.assertEqual(set(self.env["connector.external.field"].search([]).mapped("had")), {3})
