from unittest.mock import patch

from odoo.addons.connector.exception import InvalidDataError
from odoo.addons.connector.testing import JobsCase
from odoo.addons.connector.unit.exporter.record import RecordExporter, export_record
from odoo.addons.connector.unit.importer.bulk import BulkImporter
from odoo.addons.connector.unit.importer.record import RecordImporter

from ..units import NoteExportMapper
from .common import ShopCase, conflict_policy

MODEL = "test.shop.note"


class TestModelWithABinderOfItsOwn(ShopCase, JobsCase):
    """A model that has a field for the external id and none of those of a binding."""

    def setUp(self):
        super().setUp()
        self.shop.add(MODEL, 7, name="Theirs")
        self.note = self.env[MODEL].create({"name": "Ours", "number": "7", "backend_id": self.backend.id})

    def there(self):
        return self.shop.table(MODEL)[7]["name"]

    def test_a_record_is_imported_alone_and_in_a_page_whenever_it_is_asked_for(self):
        for import_it in (
            lambda: self.unit(RecordImporter, MODEL).run(7),
            lambda: self.unit(BulkImporter, MODEL).run([{"id": 7, "name": "Theirs"}]),
            lambda: self.unit(BulkImporter, MODEL).run_ids([7]),
        ):
            self.note.name = "Ours"
            import_it()
            self.assertEqual(self.note.name, "Theirs")

    def test_a_new_record_is_created(self):
        self.shop.add(MODEL, 8, name="New")
        self.unit(BulkImporter, MODEL).run_ids([7, 8])
        self.assertEqual(self.env[MODEL].search([("number", "=", "8")]).name, "New")

    def test_a_record_that_is_not_there_any_more_changes_nothing(self):
        self.shop.table(MODEL).clear()
        self.unit(RecordImporter, MODEL).run(7)
        self.assertEqual(self.unit(BulkImporter, MODEL).run_ids([7]), "1 not there any more")
        self.assertEqual(self.note.name, "Ours")

    def test_a_record_is_exported_whatever_the_policy(self):
        for policy in ("odoo_wins", "ask"):
            self.shop.add(MODEL, 7, name="Theirs")
            with self.subTest(policy), conflict_policy(policy):
                self.unit(RecordExporter, MODEL).run(self.note.id)
                self.assertEqual(self.there(), "Ours")

    def test_an_export_that_fails_says_why_on_its_job(self):
        export_record.delay(self.session, MODEL, self.note.id)
        with patch.object(NoteExportMapper, "finalize", side_effect=InvalidDataError("No")):
            self.assertFailed(self.run_jobs(), "No")
