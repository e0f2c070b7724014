"""All records of a backend are imported again, after an update that has mended imports."""

from odoo.addons.connector.testing import JobsCase
from odoo.addons.connector.unit.importer.batch import import_batch

from .common import ShopCase


class TestImportAgain(ShopCase, JobsCase):
    def setUp(self):
        super().setUp()
        self.shop.add("test.shop.partner", 1, name="Café", changed="1")
        self.import_partners()
        self.binding = self.Partner.search([("backend_id", "=", self.backend.id)])
        self.binding.odoo_id.name = "CafÃ©"

    def import_partners(self):
        import_batch.delay(self.session, "test.shop.partner", self.backend.id)
        self.assertDone(self.run_jobs())

    def test_what_was_stored_wrong_stays_wrong_as_nothing_has_changed_there(self):
        self.import_partners()
        self.assertEqual(self.binding.name, "CafÃ©")

    def test_it_is_mended_once_earlier_imports_are_forgotten(self):
        self.backend._forget_imports()
        self.assertTrue(self.backend.needs_import)
        self.backend.action_import_again()
        self.assertDone(self.run_jobs())
        self.assertEqual((self.binding.name, self.backend.needs_import), ("Café", False))

    def test_each_model_with_an_import_mapper_is_imported(self):
        self.assertEqual(self.backend._imported_models(), ["test.shop.partner", "test.shop.tag"])

    def test_the_watermarks_of_imports_go_and_those_of_exports_stay(self):
        for direction in ("import", "export"):
            self.env["connector.watermark"].move(self.backend, "test.shop.tag", "2026-01-01", direction=direction)
        self.backend.action_import_again()
        self.assertEqual(self.backend.watermark_ids.mapped("direction"), ["export"])
