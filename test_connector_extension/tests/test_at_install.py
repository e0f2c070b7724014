from odoo.tests import TransactionCase

from odoo.addons.connector.unit.mapper import ImportMapper

from ..consumers import heard
from ..units import PartnerImportMapperRemark


class TestAtInstall(TransactionCase):
    """Odoo runs these tests while it installs this addon, before the registry is ready."""

    def setUp(self):
        super().setUp()
        self.backend = self.env["test.shop.backend"].create({"name": "Shop", "version": "2.0"})

    def test_units_of_the_addon_serve_in_its_own_tests(self):
        with self.backend.work_on("test.shop.partner") as environment:
            self.assertIsInstance(environment.get_connector_unit(ImportMapper), PartnerImportMapperRemark)

    def test_consumers_of_the_addon_are_called_in_its_own_tests(self):
        tag = self.env["test.shop.tag"].create({"name": "Tag", "backend_id": self.backend.id})
        tag.external_id = "1"
        self.assertIn((self.env.cr.dbname, tag.id), heard)
