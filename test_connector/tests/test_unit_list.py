from odoo.tests import new_test_user

from odoo.addons.connector import backend as backend_module
from odoo.addons.connector.backend import Backend, get_backend
from odoo.addons.connector.connector import ConnectorUnit
from odoo.addons.connector.extension import class_name
from odoo.addons.connector.unit.binding.binder import Binder
from odoo.addons.connector.unit.importer.record import RecordImporter
from odoo.addons.connector.unit.mapper.mapper import ImportMapper
from odoo.addons.connector.unit.unit_list import list_units, list_unused
from odoo.addons.jobs_queue.tests.registering import register_as

from ..units import HttpShopAdapter, PartnerImporter, PartnerImportMapper, ShopImporter
from .common import ShopCase


class UnitListCase(ShopCase):
    def setUp(self):
        super().setUp()
        self.patch(backend_module, "_backends", [*backend_module._backends])
        self.version = Backend(parent=get_backend("test_shop"), version="3.0")

    def listed(self, kind, model_name="test.shop.partner"):
        """Return the only unit that is listed for a model and kind."""
        (unit,) = [
            unit for unit in list_units(self.version, self.env) if (unit.model_name, unit.kind) == (model_name, kind)
        ]
        return unit

    def extend(self, extended, addon="connector"):
        """Let an addon extend a class and return the name of the extension."""
        extension = type("Extension", (extended,), {"__module__": f"odoo.addons.{addon}.units"})
        register_as(addon, self.version.register_class, extension, extends=extended)
        return class_name(extension)


class TestUnitList(UnitListCase):
    def test_it_says_which_class_serves_a_model(self):
        self.assertIs(self.listed(RecordImporter).unit_class, PartnerImporter)
        self.assertIs(self.listed(RecordImporter, "test.shop.tag").unit_class, ShopImporter)

    def test_it_says_of_which_classes_and_addons_a_unit_consists(self):
        parts = [(class_name(unit_class), "test_connector") for unit_class in (PartnerImporter, ShopImporter)]
        self.assertEqual(self.listed(RecordImporter).parts, parts)

    def test_extensions_are_parts_with_the_addon_that_they_come_from(self):
        name = self.extend(PartnerImportMapper, addon="mail")
        unit = self.listed(ImportMapper)
        self.assertIs(unit.unit_class, PartnerImportMapper)
        self.assertEqual(unit.parts, [(name, "mail"), (class_name(PartnerImportMapper), "test_connector")])

    def test_where_there_is_no_other_it_names_the_class_of_the_framework(self):
        self.assertEqual(self.listed(Binder).parts, [(class_name(Binder), "connector")])

    def test_a_kind_of_unit_that_the_framework_does_not_know_is_listed(self):
        @self.version
        class Greeter(ConnectorUnit):
            _model_name = "test.shop.tag"

        self.assertIs(self.listed(Greeter, "test.shop.tag").unit_class, Greeter)

    def test_what_cannot_be_looked_up_is_listed_with_the_error(self):
        for name in ("One", "Other"):
            self.version(type(name, (Binder,), {"_model_name": "test.shop.partner"}))
        unit = self.listed(Binder)
        self.assertIsNone(unit.unit_class)
        self.assertRegex(unit.error, r"(?s)Several units serve .*\.One, .*\.Other")

    def test_classes_that_serve_nothing_are_listed_with_the_reason(self):
        unused = dict(list_unused(self.version, self.env))
        self.assertEqual(unused[HttpShopAdapter], "is registered on test_shop http")
        self.assertNotIn(PartnerImporter, unused)


class TestScreen(UnitListCase):
    def test_a_manager_opens_the_list_of_units_from_the_backend(self):
        manager = new_test_user(self.env, "units", "connector.group_connector_manager")
        action = self.backend.with_user(manager).action_open_units()
        units = self.env[action["res_model"]].with_user(manager).search(action["domain"])
        mapper = units.filtered(lambda unit: (unit.model_name, unit.kind) == ("test.shop.partner", "ImportMapper"))
        self.assertEqual(mapper.name, class_name(PartnerImportMapper))
        self.assertEqual(mapper.addons, "test_connector")
