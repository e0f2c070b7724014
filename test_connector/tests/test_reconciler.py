from datetime import timedelta
from unittest.mock import patch

from odoo.addons.connector.exception import NotYet
from odoo.addons.connector.testing import JobsCase, extending
from odoo.addons.connector.unit.exporter.record import RecordExporter, export_record
from odoo.addons.connector.unit.jobs.keys import export_identity
from odoo.addons.connector.unit.reconciler import Reconciler, reconcile

from ..units import PartnerImporter, ShopAdapter, webshop
from .common import ShopCase


class TestReconciler(ShopCase, JobsCase):
    """A shop with partners: the same here, changed, missing here, and deleted there."""

    def setUp(self):
        super().setUp()
        self.shop.add("test.shop.partner", 11, name="Same")
        self.shop.add("test.shop.partner", 12, name="Theirs")
        self.shop.add("test.shop.partner", 13, name="Missing")
        self.same = self.partner("11", name="Same")
        self.changed = self.partner("12", name="Ours")
        self.deleted = self.partner("14", name="Deleted")

    def compare(self, repair=None):
        return self.unit(Reconciler).run(repair)

    def there(self, external_id):
        return self.shop.table("test.shop.partner")[external_id]["name"]

    def test_it_tells_what_differs_and_repairs_nothing(self):
        difference = self.compare()
        self.assertEqual(difference.missing, [13])
        self.assertEqual(difference.extra, [self.deleted.id])
        self.assertEqual(difference.different, {12: self.changed.id})
        self.assertFalse(self.delayed_jobs())
        self.assertEqual(self.shop.calls, [])

    def test_a_job_reports_the_counts(self):
        reconcile.delay(self.session, "test.shop.partner", self.backend.id)
        self.assertEqual(
            self.run_jobs().message,
            "Records compared with Test Shop: 4. Missing here: 1, not there: 1, different: 1.",
        )

    def test_c23_bindings_say_that_they_differ_until_they_do_not(self):
        self.compare()
        states = (self.same + self.changed + self.deleted).mapped("sync_state")
        self.assertEqual(states, ["never", "different", "missing"])
        self.changed.name = "Theirs"
        self.compare()
        self.assertEqual(self.changed.sync_state, "in_sync")

    def test_c23_the_job_opens_the_bindings_that_differ(self):
        reconcile.delay(self.session, "test.shop.partner", self.backend.id)
        action = self.run_jobs().button_related()
        self.assertEqual(self.env[action["res_model"]].search(action["domain"]), self.changed + self.deleted)

    def test_c23_the_job_opens_the_backend_if_nothing_differs(self):
        (self.changed + self.deleted).unlink()
        reconcile.delay(self.session, "test.shop.partner", self.backend.id)
        self.assertEqual(self.run_jobs().button_related()["res_model"], "test.shop.backend")

    def test_many_records_are_compared_page_by_page(self):
        class PagingReconciler(Reconciler):
            _page_size = 1

        with extending(webshop, PagingReconciler):
            difference = self.compare()
        self.assertEqual((difference.missing, difference.different), ([13], {12: self.changed.id}))

    def test_records_that_are_listed_whole_are_not_read_one_by_one(self):
        def search_read(adapter, filters=None, fields=None):
            return [dict(record) for record in adapter.table.values()]

        read = []
        self.patch(ShopAdapter, "search_read", search_read)
        self.patch(ShopAdapter, "read_many", lambda adapter, ids, fields=None: read.extend(ids) or [])
        difference = self.compare()
        self.assertEqual(difference.missing, [13])
        self.assertEqual(difference.extra, [self.deleted.id])
        self.assertEqual(difference.different, {12: self.changed.id})
        self.assertEqual(read, ["14"])  # whether it really is not there

    def test_a_record_that_was_never_exported_is_not_there(self):
        new = self.partner()
        self.assertEqual(self.compare().extra, [self.deleted.id, new.id])

    def test_a_record_that_is_not_to_be_exported_is_not_missed_there(self):
        self.partner(no_export=True)
        self.assertEqual(self.compare().extra, [self.deleted.id])

    def test_a_record_that_is_not_to_be_imported_is_not_missed_here(self):
        class Importer(PartnerImporter):
            def _must_skip(self):
                return "Not a customer."

        with extending(webshop, Importer):
            self.assertEqual(self.compare().missing, [])

    def test_a_record_whose_import_waits_is_no_difference_and_stops_no_other(self):
        class Importer(PartnerImporter):
            def _must_skip(self):
                if self.external_record["name"] == "Missing":
                    raise NotYet("It is not paid")

            def _map_data(self):
                if self.external_record["name"] == "Theirs":
                    raise NotYet("It is not paid")
                return super()._map_data()

        self.shop.add("test.shop.partner", 15, name="Missing Too")
        with extending(webshop, Importer):
            difference = self.compare()
        self.assertEqual((difference.missing, difference.different), ([15], {}))

    def test_a_record_that_cannot_be_mapped_is_different(self):
        self.shop.table("test.shop.partner")[11]["tag"] = 99
        self.assertEqual(self.compare().different, {11: self.same.id, 12: self.changed.id})

    def test_ids_alone_are_compared_where_the_records_are_too_many(self):
        class IdReconciler(Reconciler):
            _compares_content = False

        with extending(webshop, IdReconciler):
            difference = self.compare()
        self.assertEqual((difference.missing, difference.extra, difference.different), ([13], [self.deleted.id], {}))

    def test_a_binding_whose_record_was_deleted_there_is_marked_until_it_is_there_again(self):
        self.compare()
        self.assertEqual((self.deleted.sync_state, self.same.sync_state), ("missing", "never"))
        self.shop.add("test.shop.partner", 14, name="Deleted")
        self.compare()
        self.assertEqual(self.deleted.sync_state, "in_sync")

    def test_an_import_repairs_what_is_missing_or_different_here(self):
        self.compare("import")
        self.assertDone(self.run_jobs())
        self.assertEqual(self.changed.name, "Theirs")
        difference = self.compare()
        self.assertEqual((difference.missing, difference.different), ([], {}))
        self.assertEqual(self.shop.calls, [])

    def test_an_export_repairs_what_is_missing_or_different_there(self):
        self.compare("export")
        self.assertDone(self.run_jobs())
        self.assertEqual(self.there(12), "Ours")
        self.assertEqual(self.there(int(self.deleted.external_id)), "Deleted")
        self.assertEqual((self.deleted.sync_state, self.changed.sync_state), ("in_sync", "in_sync"))
        difference = self.compare()
        self.assertEqual((difference.extra, difference.different), ([], {}))

    def test_a_record_that_the_list_there_lacks_is_looked_for_once_more_before_it_is_said_to_be_gone(self):
        """As when others were deleted there while the list was read page by page."""
        search = ShopAdapter.search

        def search_incompletely(adapter, filters=None):
            return [external_id for external_id in search(adapter, filters) if external_id != 11]

        with patch.object(ShopAdapter, "search", search_incompletely):
            self.assertEqual(self.compare("export").extra, [self.deleted.id])
        self.assertDone(self.run_jobs())
        self.assertEqual((self.same.external_id, self.same.sync_state), ("11", "never"))
        self.assertEqual([call[0] for call in self.shop.calls].count("create"), 1)

    def test_a_record_that_is_exported_during_the_comparison_is_not_said_to_be_gone(self):
        new = self.partner()

        class ExportingReconciler(Reconciler):
            def _compare(self):
                difference = super()._compare()
                self.unit_for(RecordExporter).run(new.id)
                return difference

        with extending(webshop, ExportingReconciler):
            self.assertEqual(self.compare().extra, [self.deleted.id])

    def test_no_repair_settles_a_conflict_that_waits_for_a_person(self):
        self.changed.sync_state = "conflict"
        for repair in ("import", "export"):
            self.compare(repair)
            self.assertDone(self.run_jobs())
            self.assertEqual((self.changed.name, self.there(12)), ("Ours", "Theirs"))
            self.assertEqual(self.changed.sync_state, "conflict")

    def test_an_import_does_not_overwrite_what_waits_to_be_sent(self):
        identity = export_identity("test.shop.partner", self.changed.id)
        export_record.delay(
            self.session, "test.shop.partner", self.changed.id, identity_key=identity, eta=timedelta(hours=1)
        )
        self.compare("import")
        self.assertDone(self.run_jobs())
        self.assertEqual(self.changed.name, "Ours")
        self.assertTrue(self.Partner.search([("external_id", "=", "13")]))

    def test_a_binding_that_is_deleted_during_the_comparison_is_left_out(self):
        deleted = self.deleted

        class DeletingReconciler(Reconciler):
            def _compare(self):
                difference = super()._compare()
                deleted.unlink()
                return difference

        with extending(webshop, DeletingReconciler):
            self.compare("export")
        self.assertDone(self.run_jobs())
        self.assertEqual(self.there(12), "Ours")

    def test_two_sides_that_are_the_same_have_no_difference(self):
        self.compare("import")
        self.run_jobs()
        self.deleted.unlink()
        self.assertFalse(self.compare())

    def test_a_repair_that_does_not_exist_is_refused(self):
        with self.assertRaisesRegex(ValueError, "repair is 'delete': it must be one of None, 'import', 'export'"):
            self.compare("delete")
