"""Changes since a time, as a declared adapter finds them."""

from datetime import datetime, timedelta

from odoo.addons.connector.declaration import LinkPages, OnePage, RestAdapter, Since, field
from odoo.addons.connector.exception import FailedJobError, InvalidDataError
from odoo.addons.connector.testing import Answer, extending
from odoo.addons.connector.unit.importer.batch import BatchImporter, DirectBatchImporter
from odoo.addons.connector.unit.importer.record import RecordImporter

from ..units import ShopAdapter, webshop
from .test_http_adapter import HttpCase

BEGAN = datetime(2026, 1, 31, 8, 15)


class Changed(RestAdapter):
    base = field("location")
    path = "/partners"
    paginator = OnePage()
    changed = Since(parameter="updated_since", order="changed.at")


class TestSince(HttpCase):
    def test_a_time_is_written_as_it_is_declared(self):
        for since, written in (
            (Since(parameter="since"), {"since": "2026-01-31T08:00:00Z"}),
            (Since(parameter="since", form="%d/%m/%Y %H:%M"), {"since": "31/01/2026 08:00"}),
            (Since(parameter="since", form="%s"), {"since": 1769846400}),
            (Since(parameter="a", until="b"), {"a": "2026-01-31T08:00:00Z", "b": "2026-01-31T08:15:00Z"}),
        ):
            with self.subTest(since):
                self.assertEqual(since.filters("2026-01-31 08:00:00", BEGAN), written)
                self.assertIsNone(since.filters(None, BEGAN))

    def test_a_watermark_that_is_no_time_says_what_to_enter(self):
        with self.assertRaisesRegex(FailedJobError, "'yesterday' is no time: enter one in the backend"):
            Since(parameter="since").filters("yesterday", BEGAN)

    def test_a_date_is_read_however_it_is_written(self):
        since = Since(parameter="since", order="at")
        for written in (
            *("2026-01-31T08:15:00Z", "2026-01-31T09:15:00+01:00", "2026-01-31 08:15:00", "2026-01-31T08:15:00.000Z"),
            *(1769847300, 1769847300.0, "1769847300", 1769847300000, "1769847300000", " 1769847300000 "),
        ):
            with self.subTest(written):
                self.assertEqual(since.date_of({"at": written}), BEGAN)
        self.assertEqual(since.date_of({"at": "1688072501925"}).year, 2023)
        self.assertEqual(since.date_of({"at": "20260131"}), datetime(2026, 1, 31))
        for nothing in ({}, {"at": None}, {"at": ""}, {"at": "0000-00-00 00:00:00"}, {"at": "0000-00-00"}):
            self.assertIsNone(since.date_of(nothing))
        for wrong in ("yesterday", True, [], 1e300):
            with (
                self.subTest(wrong),
                self.assertRaisesRegex(
                    InvalidDataError, "^at, which is the order of Since, .*no date.*_get_external_date"
                ),
            ):
                since.date_of({"at": wrong})

    def test_a_wrong_declaration_is_refused(self):
        for make, message in (
            (lambda: Since(parameter=""), "Since, parameter is ''"),
            (lambda: Since(parameter="a", order="b..c"), "Since, order is 'b..c', which is no JMESPath"),
            (lambda: Since(parameter="a", lag_seconds=-1), "Since, lag_seconds is -1"),
            (lambda: Since(parameter="a", form="iso"), "Since, form is 'iso'"),
            (lambda: type("Wrong", (Changed,), {"changed": "updated_since"}), "Wrong, changed is 'updated_since'"),
        ):
            with self.subTest(message), self.assertRaisesRegex(ValueError, message):
                make()


class TestImporters(HttpCase):
    """Importers whose adapter declares how it finds changes."""

    def setUp(self):
        super().setUp()
        self.serve(lambda request: Answer([], headers={"Date": self.date}))
        self.date = "Sat, 31 Jan 2026 08:00:00 GMT"
        self.backend.location = self.server.url

    def importer(self, base=DirectBatchImporter, adapter=Changed, **attributes):
        importer = type("Importer", (base,), attributes)(self.environment())
        importer.backend_adapter = adapter(importer.environment)
        return importer

    def watermark(self, importer):
        importer.run()
        self.run_jobs()
        return self.env["connector.watermark"].value_of(self.backend, "test.shop.partner")

    def test_the_next_import_asks_from_the_watermark_on(self):
        self.watermark(self.importer())
        self.importer().run()
        self.assertEqual(
            [request.params for request in self.server.requests], [{}, {"updated_since": "2026-01-31T07:55:00Z"}]
        )

    def test_the_clock_of_the_system_counts_where_it_is_behind_ours(self):
        self.assertEqual(self.watermark(self.importer()), "2026-01-31 07:55:00")

    def test_and_ours_where_it_is_ahead_or_unknown(self):
        for date in ("Fri, 31 Dec 9999 23:59:59 GMT", "no date"):
            with self.subTest(date):
                self.date = date
                self.env["connector.watermark"].search([]).unlink()
                found = datetime.fromisoformat(self.watermark(self.importer()))
                self.assertLess(abs((self.env.cr.now() - timedelta(minutes=5) - found).total_seconds()), 60)

    def test_it_is_the_clock_at_the_first_page(self):
        dates = iter(["Sat, 31 Jan 2026 08:00:00 GMT", "Sat, 31 Jan 2026 09:00:00 GMT"])
        self.serve(
            lambda request: Answer(
                [],
                headers={"Date": next(dates), **({} if request.params else {"Link": "</partners?page=2>; rel=next"})},
            )
        )
        self.backend.location = self.server.url
        self.assertEqual(
            self.watermark(self.importer(adapter=type("Pages", (Changed,), {"paginator": LinkPages()}))),
            "2026-01-31 07:55:00",
        )

    def test_a_hook_of_the_importer_wins(self):
        importer = self.importer(
            _filters_since=lambda importer, watermark: {"own": watermark or "all"}, _overlap=timedelta(hours=1)
        )
        self.assertEqual(self.watermark(importer), "2026-01-31 07:00:00")
        self.assertEqual(self.server.requests[0].params, {"own": "all"})

    def test_filters_of_ones_own_are_asked_as_they_are(self):
        self.importer().run({"name": "Ada"})
        self.assertEqual(self.server.requests[0].params, {"name": "Ada"})

    def test_a_record_has_the_date_that_is_declared(self):
        importer = self.importer(RecordImporter)
        importer.incoming = type("Incoming", (), {"record": {"changed": {"at": "2026-01-31T08:15:00Z"}}})()
        self.assertEqual(importer._get_external_date(), BEGAN)

    def test_without_a_declaration_all_is_as_before(self):
        importer = self.importer(BatchImporter, ShopAdapter)
        self.assertIsNone(importer._filters_since("2026-01-31 08:00:00"))
        self.assertEqual(importer._get_next_watermark(BEGAN), "2026-01-31 08:10:00")

    def test_nor_does_an_adapter_whose_changed_is_a_method_of_its_own_declare_it(self):
        class Adapter(ShopAdapter):
            def changed(self):
                return []

        importer = self.importer(BatchImporter, Adapter)
        self.assertIsNone(importer._filters_since("2026-01-31 08:00:00"))
        self.assertEqual(importer._get_next_watermark(BEGAN), "2026-01-31 08:10:00")

    def test_a_declaration_may_be_of_an_adapter_that_is_written_by_hand(self):
        asked = []

        class Adapter(ShopAdapter):
            changed = Since(parameter="since", lag_seconds=60)

            def search(self, filters=None):
                asked.append(filters)
                return []

        with extending(webshop, Adapter):
            importer = DirectBatchImporter(self.environment())
            self.assertEqual(importer._get_next_watermark(BEGAN), "2026-01-31 08:14:00")
            self.watermark(importer)
            DirectBatchImporter(self.environment()).run()
        self.assertIsNone(asked[0])
        self.assertEqual(list(asked[1]), ["since"])
