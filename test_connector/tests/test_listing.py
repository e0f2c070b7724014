"""Long lists, which a chain of jobs reads: each segment goes on where the one before has ended."""

import re
from unittest.mock import patch

from odoo.exceptions import AccessError
from odoo.tests import new_test_user
from odoo.tools import mute_logger

from odoo.addons.connector.declaration import (
    CursorPages,
    IdWindows,
    KeysetPages,
    LinkPages,
    NumberPages,
    OffsetPages,
    RestAdapter,
    Since,
    field,
)
from odoo.addons.connector.testing import Answer
from odoo.addons.connector.testing.registration import registering
from odoo.addons.connector.unit.importer import listing as listing_module
from odoo.addons.connector.unit.importer.batch import (
    DelayedBatchImporter,
    DirectBatchImporter,
    import_batch,
    import_segment,
)
from odoo.addons.connector.unit.importer.bulk import BulkBatchImporter, BulkImporter, import_page
from odoo.addons.jobs_queue import store
from odoo.addons.jobs_queue.exception import FailedJobError

from ..units import ShopAdapter, webshop
from .test_http_adapter import HttpCase

PAGES = {
    "number": NumberPages(size=2),
    "number with total": NumberPages(size=2, total="total"),
    "number with repeated end": NumberPages(size=2, repeats_last=True),
    "offset": OffsetPages(size=2),
    "cursor": CursorPages(size=2, next="next"),
    "link": LinkPages(size=2, next="link"),
    "keyset": KeysetPages(size=2, parameter="since_id"),
    "windows": IdWindows(size=2, last=60),
}


class ListingCase(HttpCase):
    """A server with partners 1 to 30, whose list has pages of two; a segment has three of them."""

    def setUp(self):
        super().setUp()
        self.ids = list(range(1, 31))
        self.answers = {}
        self.serve(self.answer)
        self.backend.location = self.server.url
        self.enterContext(registering(webshop))
        self.enterContext(patch.object(listing_module, "MOST_PAGES", 3))

    def answer(self, request):
        number = len(self.server.requests)
        if number in self.answers:
            answer = self.answers[number]()
            if answer is not None:
                return answer
        if request.path != "/partners":
            return Answer(self.newer or {"id": int(request.path.rpartition("/")[2]), "name": "Read by itself"})
        params = request.params
        size = int(params.get("per_page") or params.get("limit") or len(self.ids))
        if "from" in params:
            ids = [id_ for id_ in self.ids if int(params["from"]) <= id_ <= int(params["to"])]
        elif "after" in params or "cursor" in params or "since_id" in params:
            after = int(params.get("after") or params.get("cursor") or params["since_id"])
            ids = [id_ for id_ in self.ids if id_ > after][:size]
        else:
            start = (int(params["page"]) - 1) * size if "page" in params else int(params.get("offset", 0))
            if self.repeats_last and start >= len(self.ids):
                start = (len(self.ids) - 1) // size * size
            ids = self.ids[start : start + size]
        following = ids[-1] if ids and ids[-1] != self.ids[-1] else None
        link = f"/partners?after={following}&limit={size}" if following else None
        seen = {"seen": number} if self.seen else {}
        items = [{"id": id_, "name": f"Partner {id_}", **seen} for id_ in ids]
        return Answer({"items": items, "total": self.total or len(self.ids), "next": following, "link": link})

    repeats_last = False
    total = None
    seen = False
    newer = None  # what a record is that is read by itself

    def list_by(self, paginator, importer=BulkBatchImporter, **attributes):
        """Let the shop be listed by a paginator."""
        declared = {"base": field("location"), "path": "/partners", "records": "items", "paginator": paginator}
        declared = {"_model_name": "test.shop.partner", **declared, **attributes}
        webshop(replacing=ShopAdapter)(type("Listed", (RestAdapter,), declared))
        webshop(type("Batch", (importer,), {"_model_name": "test.shop.partner", "_page_size": 4}))

    def press(self, filters=None):
        """Delay the import, as a button does."""
        return import_batch.delay(self.session, "test.shop.partner", self.backend.id, filters)

    def imported(self):
        return sorted(map(int, self.Partner.search([]).mapped("external_id")))

    def jobs(self, function):
        return self.env["queue.job"].search([("function", "=", function.job_options.name)], order="id")

    def listing(self):
        return self.env["connector.listing"].search([])

    def watermark(self):
        return self.env["connector.watermark"].value_of(self.backend, "test.shop.partner")

    def pages_asked(self):
        return [int(request.params["page"]) for request in self.server.requests]

    def change(self, number, function):
        """Call a function before the request of a number is answered."""
        self.answers[number] = function


class TestSegments(ListingCase):
    def test_each_kind_of_list_goes_on_where_it_was(self):
        for name, paginator in PAGES.items():
            with self.subTest(name), registering(webshop):
                self.repeats_last = "repeated" in name
                self.server.requests.clear()
                self.Partner.search([]).unlink()
                self.list_by(paginator)
                before = self.jobs(import_segment)
                self.press()
                self.assertDone(self.run_jobs())
                self.assertEqual(self.imported(), self.ids)
                self.assertGreaterEqual(len(self.jobs(import_segment) - before), 4)
                self.assertFalse(self.listing())
                self.assertTrue(self.watermark())

    def test_nothing_is_imported_twice(self):
        self.list_by(PAGES["number"])
        self.press()
        self.run_jobs()
        results = "".join(self.jobs(import_page).mapped("result"))
        self.assertEqual(sum(map(int, re.findall(r"(\d+) created", results))), 30)
        self.assertNotIn("up to date", results)

    def test_the_first_pages_are_imported_before_the_list_has_ended(self):
        self.list_by(PAGES["cursor"])
        self.press()
        ran = self.run_jobs()
        functions = [job.function.rpartition(".")[2] for job in ran]
        self.assertEqual(functions[:4], ["import_batch", "import_page", "import_page", "import_segment"])
        self.assertEqual(functions[-1], "move_watermark")

    def test_no_more_than_two_segments_wait_in_the_queue(self):
        self.list_by(PAGES["cursor"])
        self.press()
        self.run_jobs()
        for number, segment in enumerate(self.jobs(import_segment)):
            pages = self.jobs(import_page)
            self.assertEqual(segment.parent_ids, pages[number * 2 - 2 : number * 2] if number else pages[:0])

    def test_a_list_of_one_segment_has_no_more_jobs_than_its_pages_and_the_watermark(self):
        self.ids = list(range(1, 5))
        self.list_by(PAGES["cursor"])
        with self.trap_jobs() as trap:
            self.press()
            self.run_jobs()
        self.assertEqual(
            [job.function.rpartition(".")[2] for job in trap.jobs], ["import_batch", "import_page", "move_watermark"]
        )

    def test_all_kinds_of_batches_list_by_segments(self):
        for importer in (DirectBatchImporter, DelayedBatchImporter, BulkBatchImporter):
            for filters in (None, {"kind": "all"}):
                with self.subTest(importer, filters=filters), registering(webshop):
                    self.Partner.search([]).unlink()
                    self.list_by(PAGES["keyset"], importer)
                    self.press(filters)
                    self.assertDone(self.run_jobs())
                    self.assertEqual(self.imported(), self.ids)
                    self.assertFalse(self.listing())

    def test_a_list_whose_records_are_imported_at_once_shows_how_far_it_is(self):
        self.list_by(PAGES["cursor"], DirectBatchImporter)
        import_batch(self.session, "test.shop.partner", self.backend.id)
        listing = self.listing()
        listing.invalidate_recordset()
        listing.segment_ids.invalidate_recordset()
        self.assertEqual((listing.state, listing.pages, listing.listed, listing.imported), ("running", 3, 6, 0))

    def test_all_jobs_are_of_one_graph(self):
        for importer in (DirectBatchImporter, DelayedBatchImporter, BulkBatchImporter):
            with self.subTest(importer), registering(webshop), self.trap_jobs() as trap:
                self.list_by(PAGES["keyset"], importer)
                self.press()
                self.run_jobs()
            self.assertEqual(len(set(trap.jobs.mapped("graph_uuid")) - {False}), 1)

    def test_a_list_that_cannot_go_on_later_is_one_segment(self):
        self.list_by(
            PAGES["number"], search_read=lambda adapter, *args: [{"id": id_, "name": "x"} for id_ in range(1, 201)]
        )
        self.press()
        self.run_jobs()
        self.assertFalse(self.jobs(import_segment))
        self.assertEqual(len(self.imported()), 200)

    def test_pages_of_an_adapter_of_ones_own_go_on_at_a_bookmark(self):
        def list_pages(adapter, filters=None, fields=None, bookmark=None):
            start = bookmark.place or 0
            for at in range(start, 30, 2):
                bookmark.go_to(at + 2)
                yield [{"id": id_, "name": "x"} for id_ in self.ids[at : at + 2]]

        self.list_by(PAGES["number"], list_pages=list_pages)
        self.press()
        self.assertDone(self.run_jobs())
        self.assertEqual(self.imported(), self.ids)
        self.assertEqual(len(self.jobs(import_segment)), 5)

    def test_filters_that_an_adapter_changes_are_whole_in_each_segment(self):
        kinds = []

        def list_pages(adapter, filters=None, fields=None, bookmark=None):
            kinds.append(filters.pop("kind"))
            return RestAdapter.list_pages(adapter, filters, fields, bookmark)

        self.list_by(PAGES["cursor"], list_pages=list_pages)
        self.press({"kind": "all"})
        self.assertDone(self.run_jobs())
        self.assertEqual(kinds, ["all"] * 5)

    def test_each_record_of_a_long_list_by_filters_is_imported_as_the_connector_says(self):
        records = []

        class Importer(DelayedBatchImporter):
            def _import_record(self, external_id, data=None, **options):
                records.append(external_id)
                super()._import_record(external_id, data, priority=3)

        self.list_by(PAGES["cursor"], Importer)
        self.press({"kind": "all"})
        self.assertDone(self.run_jobs())
        self.assertEqual(records, self.ids)
        self.assertEqual(self.imported(), self.ids)

    def test_pages_that_take_no_bookmark_are_one_segment(self):
        def pages(adapter, filters=None):
            return RestAdapter.pages(adapter, filters)

        self.list_by(PAGES["cursor"], pages=pages)
        self.press()
        self.assertDone(self.run_jobs())
        self.assertEqual(self.imported(), self.ids)
        self.assertFalse(self.jobs(import_segment))

    def test_imports_of_changes_that_are_asked_for_at_once_follow_each_other(self):
        self.list_by(PAGES["cursor"])
        keys = [job.record(self.env).concurrency_key for job in (self.press(), self.press(), self.press({}))]
        self.assertTrue(keys[0])
        self.assertEqual(keys, [keys[0], keys[0], False])

    def test_the_changes_are_those_since_the_watermark_in_each_segment(self):
        self.list_by(PAGES["number"], changed=Since(parameter="since"))
        self.env["connector.watermark"].move(self.backend, "test.shop.partner", "2026-01-31 08:00:00")
        self.press()
        self.run_jobs()
        self.assertEqual({request.params["since"] for request in self.server.requests}, {"2026-01-31T08:00:00Z"})


class TestFailures(ListingCase):
    def test_a_segment_that_fails_is_listed_again_and_no_other(self):
        self.list_by(PAGES["cursor"])
        self.change(5, lambda: Answer({"error": "no"}, 422))
        self.press()
        with mute_logger("odoo.addons.jobs_queue"):
            self.run_jobs()
        self.assertEqual(self.jobs(import_segment).mapped("state"), ["failed"])
        self.assertEqual(self.imported(), self.ids[:6])
        self.server.requests.clear()
        self.answers.clear()
        store.actions.requeue(self.env.cr, self.jobs(import_segment).ids)
        self.assertDone(self.run_jobs())
        self.assertEqual(self.server.requests[0].params["cursor"], "6")
        self.assertEqual(self.imported(), self.ids)
        self.assertFalse(self.listing())

    def test_the_watermark_waits_for_a_page_that_has_failed_and_the_list_does_not(self):
        self.list_by(PAGES["cursor"])
        self.press()
        with self.failing_page():
            self.run_jobs()
        failed = self.jobs(import_page).filtered(lambda job: job.state == "failed")
        self.assertEqual(len(failed), 1)
        self.assertEqual(self.imported(), self.ids[4:])
        self.assertFalse(self.watermark())
        self.assertEqual((self.listing().state, self.listing().failed_jobs), ("stopped", 1))
        store.actions.requeue(self.env.cr, failed.ids)
        self.assertDone(self.run_jobs())
        self.assertTrue(self.watermark())
        self.assertFalse(self.listing())

    def failing_page(self):
        """Have the first page fail."""
        original, failed = BulkImporter.run, []

        def run(importer, records, *args, **kwargs):
            if not failed:
                failed.append(records)
                raise FailedJobError("This page fails")
            return original(importer, records, *args, **kwargs)

        return patch.object(BulkImporter, "run", run)

    def test_a_cursor_that_the_system_has_forgotten_means_from_the_start_once(self):
        self.list_by(PAGES["cursor"])
        self.change(7, lambda: Answer({"error": "expired"}, 410))
        self.press()
        self.assertDone(self.run_jobs())
        self.assertEqual(self.imported(), self.ids)
        self.assertEqual([request.params.get("cursor") for request in self.server.requests[6:8]], ["12", None])
        self.assertNotIn("up to date", "".join(self.jobs(import_page).mapped("result")))
        # the others do not wait any more
        self.assertFalse(self.jobs(import_segment)[2:].parent_ids)

    def test_a_cursor_that_is_forgotten_again_fails(self):
        self.list_by(PAGES["link"])
        for number in (7, 13):
            self.change(number, lambda: Answer({"error": "expired"}, 404))
        self.press()
        with mute_logger("odoo.addons.jobs_queue"):
            self.run_jobs()
        self.assertEqual(self.jobs(import_segment)[-1].state, "failed")
        self.assertFalse(self.watermark())

    def test_a_circle_is_seen_over_all_segments(self):
        self.list_by(PAGES["cursor"])
        self.change(14, lambda: Answer({"items": [{"id": 29, "name": "x"}], "next": 4}))
        self.press()
        with mute_logger("odoo.addons.jobs_queue"):
            self.run_jobs()
        self.assertRegex(self.jobs(import_segment)[-1].message, "the same page of .* again and again")

    def test_a_segment_that_is_run_again_after_it_is_done_does_nothing(self):
        self.list_by(PAGES["cursor"])
        self.press()
        with self.failing_page():
            self.run_jobs()
        self.server.requests.clear()
        segment = self.jobs(import_segment)[0]
        store.actions.requeue(self.env.cr, segment.ids)
        self.run_jobs()
        self.assertEqual(segment.result and "listed before" in segment.result, True)
        self.assertFalse(self.server.requests)

    def test_the_last_segment_that_is_run_again_does_nothing_either(self):
        self.list_by(PAGES["cursor"])
        self.press()
        with self.failing_page():
            self.run_jobs()
        self.assertEqual((self.listing().listed, self.listing().imported), (30, 26))
        before = self.jobs(import_page)
        store.actions.requeue(self.env.cr, self.jobs(import_segment)[-1].ids)
        self.run_jobs()
        self.assertEqual(self.jobs(import_page), before)

    def test_a_system_that_refuses_all_at_once_ends_no_list(self):
        for name in ("number", "number with total", "offset"):
            with self.subTest(name), registering(webshop):
                self.Partner.search([]).unlink()
                self.env["connector.watermark"].search([]).unlink()
                self.server.requests.clear()
                self.list_by(PAGES[name])
                for number in range(4, 60):
                    self.change(number, lambda: Answer({"error": "no such page"}, 404))
                self.press()
                with mute_logger("odoo.addons.jobs_queue"):
                    self.run_jobs()
                self.assertEqual(self.jobs(import_segment)[-1].state, "failed")
                self.assertFalse(self.watermark())
                self.answers.clear()
                store.actions.requeue(self.env.cr, self.jobs(import_segment)[-1].ids)
                self.run_jobs()
                self.assertEqual(self.imported(), self.ids)

    def test_what_has_come_is_kept_when_the_system_wants_a_pause(self):
        self.list_by(PAGES["cursor"])
        self.change(9, lambda: Answer({"error": "slowly"}, 429, {"Retry-After": "0"}))
        self.press()
        self.run_jobs()
        cursors = [request.params.get("cursor") for request in self.server.requests]
        self.assertEqual(cursors[7:9], ["14", "16"])
        self.assertEqual(self.jobs(import_segment)[1].state, "done")


class TestShifts(ListingCase):
    """Lists that change between two segments."""

    def test_records_that_move_to_earlier_pages_are_not_lost(self):
        for name in ("number", "number with total", "offset", "number with repeated end"):
            for gone in ([1], [1, 2, 3], list(range(1, 7)), [6], [5, 6], [3, 7, 8]):
                with self.subTest(name, gone=gone), registering(webshop):
                    self.ids = list(range(1, 31))
                    self.repeats_last = "repeated" in name
                    self.server.requests.clear()
                    self.Partner.search([]).unlink()
                    self.list_by(PAGES[name])
                    self.press()
                    # before the second segment
                    self.change(4, lambda gone=gone: self.ids[:] and [self.ids.remove(id_) for id_ in gone] and None)
                    self.assertDone(self.run_jobs())
                    self.assertLessEqual(set(self.ids), set(self.imported()))

    def test_records_that_are_inserted_before_are_not_imported_twice(self):
        self.list_by(PAGES["offset"])
        self.change(4, lambda: self.ids.insert(0, 99))
        self.press()
        self.assertDone(self.run_jobs())
        self.assertLessEqual(set(range(1, 31)), set(self.imported()))
        self.assertNotIn("up to date", "".join(self.jobs(import_page).mapped("result")))

    def test_a_page_that_is_inserted_is_no_end_of_a_list_whose_last_page_is_repeated(self):
        self.repeats_last = True
        for number in (1, 2, 4, 7):
            with self.subTest(number), registering(webshop):
                self.ids = list(range(1, 31))
                self.server.requests.clear()
                self.Partner.search([]).unlink()
                self.list_by(PAGES["number with repeated end"])
                self.change(4, lambda number=number: self.ids.__setitem__(slice(0, 0), range(101, 101 + number)))
                self.press()
                self.assertDone(self.run_jobs())
                self.assertLessEqual(set(range(1, 31)), set(self.imported()))

    def test_many_pages_that_are_inserted_between_two_jobs_are_no_circle(self):
        for name in ("number", "number with repeated end"):
            self.repeats_last = "repeated" in name
            with self.subTest(name), registering(webshop):
                self.ids = list(range(1, 101))
                self.server.requests.clear()
                self.Partner.search([]).unlink()
                self.list_by(PAGES[name])
                self.change(40, lambda: self.ids.__setitem__(slice(0, 0), range(1001, 1031)))
                self.press()
                self.assertDone(self.run_jobs())
                self.assertLessEqual(set(range(1, 101)), set(self.imported()))

    def test_a_list_whose_records_change_all_the_time_ends(self):
        self.seen = True
        for name in ("number", "offset", "cursor"):
            with self.subTest(name), registering(webshop):
                self.server.requests.clear()
                self.Partner.search([]).unlink()
                self.list_by(PAGES[name])
                self.press()
                self.assertDone(self.run_jobs())
                self.assertEqual(self.imported(), self.ids)
                self.assertLess(len([request for request in self.server.requests if request.path == "/partners"]), 25)

    def test_the_newer_data_of_a_record_that_comes_again_are_imported(self):
        self.list_by(PAGES["cursor"])
        self.change(
            7, lambda: Answer({"items": [{"id": 3, "name": "New"}, {"id": 13, "name": "Partner 13"}], "next": 13})
        )
        self.newer = {"id": 3, "name": "New"}
        self.press({"kind": "all"})
        self.assertDone(self.run_jobs())
        self.assertEqual(self.Partner.search([("external_id", "=", "3")]).name, "New")

    def test_a_list_that_has_become_much_shorter_ends(self):
        self.list_by(PAGES["offset"])
        self.change(7, lambda: self.ids.__delitem__(slice(3, None)))
        self.press()
        self.assertDone(self.run_jobs())
        self.assertFalse(self.listing())

    def test_a_list_with_fewer_records_than_it_says_is_listed_once_more_then_people_are_told(self):
        self.total = 31
        self.list_by(PAGES["number with total"])
        self.press()
        self.assertDone(self.run_jobs())
        self.assertEqual(self.pages_asked().count(1), 2)
        (checkpoint,) = self.env["connector.checkpoint"].search([])
        self.assertIn("has 31, but only 30 came", checkpoint.message)
        self.assertNotIn("up to date", "".join(self.jobs(import_page).mapped("result")))
        self.assertTrue(self.watermark())

    def test_what_the_second_time_brings_is_imported(self):
        self.list_by(PAGES["number with total"])
        self.total = 30
        self.ids.remove(3)
        self.change(17, lambda: self.ids.insert(2, 3))
        self.press()
        self.assertDone(self.run_jobs())
        self.assertEqual(self.imported(), list(range(1, 31)))
        self.assertFalse(self.env["connector.checkpoint"].search([]))


class TestScreen(ListingCase):
    def setUp(self):
        super().setUp()
        self.list_by(PAGES["cursor"])

    def begin(self, **options):
        """List the first segment, as its job does; the other jobs wait."""
        return import_batch(self.session, "test.shop.partner", self.backend.id, **options)

    def test_a_second_press_says_that_a_listing_runs(self):
        self.begin()
        self.assertRegex(self.begin(), "still runs: pages listed: 3, records: 6")
        self.assertEqual(len(self.server.requests), 3)
        self.assertEqual(len(self.listing()), 1)

    def test_a_listing_that_waits_for_a_failed_job_keeps_none_from_beginning(self):
        self.begin()
        self.delayed_jobs().write({"state": "failed"})
        self.assertNotIn("still runs", self.begin())

    def test_a_list_by_filters_is_listed_whatever_runs(self):
        self.begin()
        self.assertNotIn("still runs", self.begin(filters={"kind": "all"}))

    def test_a_listing_shows_how_far_it_is(self):
        self.begin()
        listing = self.listing()
        self.assertEqual((listing.state, listing.pages, listing.listed, listing.imported), ("running", 3, 6, 0))
        self.assertEqual((listing.model_description, listing.user_id), (self.Partner._description, self.env.user))

    def test_cancel_ends_all_jobs_of_a_listing(self):
        self.begin()
        self.enterContext(self.enter_registry_test_mode())  # the button has a cursor of its own
        self.listing().action_cancel()
        self.assertFalse(self.listing())
        self.assertFalse(self.delayed_jobs())

    def test_only_who_may_change_the_backend_cancels(self):
        self.begin()
        user = new_test_user(self.env, "listing_user", groups="base.group_user,connector.group_connector_user")
        with self.assertRaises(AccessError):
            self.listing().with_user(user).action_cancel()
        self.assertTrue(self.delayed_jobs())
        self.assertEqual(self.listing().with_user(user).listed, 6)

    def test_what_is_left_of_old_listings_without_jobs_to_run_is_deleted(self):
        self.begin()
        self.begin(filters={"kind": "all"})
        running, other = self.listing()[1], self.listing()[0]
        self.listing().began = "2026-01-01"
        self.env["queue.job"].search([("graph_uuid", "=", other.graph_uuid)]).write({"state": "cancelled"})
        self.env["connector.listing"]._delete_ended()
        self.assertEqual(self.listing(), running)

    def test_a_segment_of_a_cancelled_listing_does_nothing(self):
        self.begin()
        self.listing().unlink()
        jobs = self.run_jobs()
        segment = jobs.filtered(lambda job: job.function.endswith("import_segment"))
        self.assertIn("cancelled", segment.result)
        self.assertEqual(len(self.server.requests), 3)
