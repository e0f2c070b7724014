from unittest.mock import patch

from odoo.tests import TransactionCase

from odoo.addons.jobs_queue.session import ConnectorSession
from odoo.addons.jobs_queue.tests.registering import register_as

from .. import backend as backend_module
from ..backend import Backend, get_backend
from ..connector import Binder
from ..exception import InvalidBackend, ManyConnectorUnitError, NoConnectorUnitError
from ..unit.exporter.deleter import RecordDeleter
from ..unit.exporter.record import RecordExporter
from ..unit.importer.batch import BatchImporter
from ..unit.importer.bulk import BulkBatchImporter
from ..unit.importer.record import RecordImporter
from ..unit.mapper.mapper import ExportMapper, ImportMapper, Mapper


class BackendCase(TransactionCase):
    def setUp(self):
        super().setUp()
        self.patch(backend_module, "_backends", [])
        self.patch(backend_module, "_general_classes", [])
        self.session = ConnectorSession.from_env(self.env)
        self.shop = Backend("shop")
        self.shop1 = Backend(parent=self.shop, version="1.0")
        self.shop2 = Backend(parent=self.shop, version="2.0")

    def unit(self, name, base=Binder, model_name="res.partner"):
        """Return a new unit class."""
        return type(name, (base,), {"_model_name": model_name, "__module__": __name__})

    def found(self, backend, base=Binder, model_name="res.partner"):
        return backend.get_class(base, self.session, model_name)


class TestDeclaration(BackendCase):
    def test_a_backend_is_found_by_service_and_version(self):
        self.assertIs(get_backend("shop"), self.shop)
        self.assertIs(get_backend("shop", "2.0"), self.shop2)

    def test_a_child_has_the_service_of_its_parent(self):
        self.assertEqual((self.shop2.service, str(self.shop2)), ("shop", "shop 2.0"))

    def test_an_unknown_backend_is_an_error_that_names_the_known_ones(self):
        with self.assertRaisesRegex(InvalidBackend, r"'shop', version '3.0'.*Backend\('shop', version='1.0'\)"):
            get_backend("shop", "3.0")

    def test_a_backend_without_service_and_parent_is_refused(self):
        with self.assertRaisesRegex(InvalidBackend, "needs a service"):
            Backend(version="1.0")

    def test_a_backend_that_is_declared_twice_is_refused(self):
        with self.assertRaisesRegex(InvalidBackend, "shop 1.0 is declared twice"):
            Backend("shop", version="1.0")

    def test_a_parent_that_is_no_backend_is_refused(self):
        with self.assertRaisesRegex(InvalidBackend, "'shop'"):
            Backend(parent="shop")


class TestRegistrationForAModel(BackendCase):
    def units(self, *bases):
        return [type(f"Partner{base.__name__}", (base,), {"__module__": __name__}) for base in bases]

    def test_the_classes_serve_the_model_and_no_other(self):
        binder, mapper = self.units(Binder, ImportMapper)
        self.shop.register("res.partner", binder, mapper)
        self.assertIs(self.found(self.shop), binder)
        self.assertIs(self.found(self.shop2, ImportMapper), mapper)
        with self.assertRaises(NoConnectorUnitError):
            self.found(self.shop, ImportMapper, "res.users")

    def test_they_belong_to_the_addon_that_registers_them(self):
        register_as("not_installed", self.shop.register, "res.partner", *self.units(Binder))
        with self.assertRaisesRegex(NoConnectorUnitError, "belongs to the addon not_installed"):
            self.found(self.shop)

    def test_a_subclass_of_one_serves_another_model(self):
        [binder] = self.units(Binder)
        self.shop.register("res.partner", binder)
        other = type("UserBinder", (binder,), {"__module__": __name__})
        self.shop.register("res.users", other)
        self.assertIs(self.found(self.shop, model_name="res.users"), other)
        self.assertIs(self.found(self.shop), binder)

    def test_a_class_that_serves_something_already_is_refused(self):
        [binder] = self.units(Binder)
        self.shop.register("res.partner", binder)
        for model in ("res.users", "res.partner"):
            with self.assertRaisesRegex(ValueError, f"PartnerBinder cannot be .* for {model}, .* serves res.partner"):
                self.shop.register(model, binder)
        with self.assertRaisesRegex(ValueError, "take out its _model_name"):
            self.shop.register("res.users", self.unit("OtherBinder"))

    def test_what_is_no_model_or_no_class_is_refused(self):
        with self.assertRaisesRegex(TypeError, "shop needs the name of a model.* given is <class .*PartnerBinder"):
            self.shop.register(*self.units(Binder))
        with self.assertRaisesRegex(TypeError, "then the classes"):
            self.shop.register("res.partner")
        with self.assertRaisesRegex(TypeError, "is not a subclass of ConnectorUnit"):
            self.shop.register("res.partner", "PartnerBinder")


class TestResolution(BackendCase):
    def test_a_registered_class_serves_its_model(self):
        unit = self.unit("PartnerBinder")
        self.assertIs(self.shop(unit), unit)
        self.assertIs(self.found(self.shop), unit)

    def test_a_decorator_with_parentheses_registers_too(self):
        unit = self.shop()(self.unit("PartnerBinder"))
        self.assertIs(self.found(self.shop), unit)

    def test_a_class_serves_what_its_base_classes_name(self):
        unit = self.shop(self.unit("PartnerMapper", ImportMapper))
        self.assertIs(self.found(self.shop, ImportMapper), unit)
        self.assertIs(self.found(self.shop, Mapper), unit)
        with self.assertRaises(NoConnectorUnitError):
            self.found(self.shop, ExportMapper)

    def test_a_class_may_serve_several_models(self):
        unit = self.shop(self.unit("AnyBinder", model_name=["res.partner", "res.users"]))
        self.assertIs(self.found(self.shop, model_name="res.users"), unit)

    def test_one_model_name_as_text_is_not_taken_for_a_part_of_it(self):
        self.shop(self.unit("PartnerBinder", model_name="res.partner.category"))
        with self.assertRaises(NoConnectorUnitError):
            self.found(self.shop, model_name="res.partner")

    def test_a_class_without_model_serves_the_models_that_no_other_names(self):
        general = self.shop(self.unit("AnyBinder", model_name=None))
        precise = self.shop(self.unit("PartnerBinder"))
        self.assertIs(self.found(self.shop, model_name="res.partner"), precise)
        self.assertIs(self.found(self.shop, model_name="res.users"), general)

    def test_what_a_version_does_not_have_its_parent_has(self):
        unit = self.shop(self.unit("PartnerBinder"))
        self.assertIs(self.found(self.shop2), unit)

    def test_what_a_version_has_goes_before_what_its_parent_has(self):
        self.shop(self.unit("PartnerBinder"))
        special = self.shop2(self.unit("PartnerBinder2"))
        self.assertIs(self.found(self.shop2), special)

    def test_a_version_has_nothing_of_another_one(self):
        general = self.shop(self.unit("PartnerBinder"))
        self.shop2(self.unit("PartnerBinder2"))
        self.assertIs(self.found(self.shop1), general)
        self.assertIs(self.found(self.shop), general)

    def test_two_classes_for_one_model_are_an_error_that_names_them(self):
        self.shop(self.unit("OneBinder"))
        self.shop(self.unit("OtherBinder"))
        with self.assertRaisesRegex(
            ManyConnectorUnitError, r"res.partner on the backend shop.*\.OneBinder, .*\.OtherBinder"
        ):
            self.found(self.shop)

    def test_a_class_is_found_once_per_registry(self):
        self.patch(self.registry, "ready", True)
        self.shop(self.unit("PartnerBinder"))
        with patch.object(Backend, "_find_class", autospec=True, side_effect=Backend._find_class) as find:
            self.found(self.shop)
            self.found(self.shop)
        self.assertEqual(find.call_count, 1)

    def test_a_class_that_is_registered_later_is_found(self):
        with self.assertRaises(NoConnectorUnitError):
            self.found(self.shop)
        unit = self.shop(self.unit("PartnerBinder"))
        self.assertIs(self.found(self.shop), unit)

    def test_all_classes_are_listed_those_of_the_version_first(self):
        general = self.shop(self.unit("PartnerBinder"))
        special = self.shop2(self.unit("PartnerBinder2"))
        self.assertEqual(self.shop2.get_classes(Binder, self.session, "res.partner"), [special, general])

    def test_what_is_no_unit_class_is_refused(self):
        with self.assertRaisesRegex(TypeError, "not a subclass of ConnectorUnit"):
            self.shop(object)
        with self.assertRaisesRegex(TypeError, "not a subclass of ConnectorUnit"):
            self.shop("res.partner")


class TestGeneralClasses(BackendCase):
    def setUp(self):
        super().setUp()
        self.general = backend_module.general(self.unit("GeneralBinder", model_name=None))

    def test_a_general_class_serves_where_a_backend_and_its_parents_have_none(self):
        self.shop(self.unit("UserBinder", model_name="res.users"))
        self.assertIs(self.found(self.shop2), self.general)

    def test_what_a_parent_has_goes_before_a_general_class(self):
        unit = self.shop(self.unit("AnyBinder", model_name=None))
        self.assertIs(self.found(self.shop2), unit)

    def test_a_general_class_serves_only_what_it_is(self):
        with self.assertRaises(NoConnectorUnitError):
            self.found(self.shop, ImportMapper)

    def test_general_classes_are_not_among_all_classes_of_a_backend(self):
        unit = self.shop(self.unit("PartnerBinder"))
        self.assertEqual(self.shop.get_classes(Binder, self.session, "res.partner"), [unit])


class TestGeneralClassesOfTheFramework(TransactionCase):
    def test_the_binder_and_the_flows_need_not_be_registered(self):
        self.patch(backend_module, "_backends", [])
        shop, session = Backend("shop"), ConnectorSession.from_env(self.env)
        for asked, found in (
            (Binder, Binder),
            (BatchImporter, BulkBatchImporter),
            (RecordImporter, RecordImporter),
            (RecordExporter, RecordExporter),
            (RecordDeleter, RecordDeleter),
        ):
            with self.subTest(asked=asked):
                self.assertIs(shop.get_class(asked, session, "res.partner"), found)


class TestReplacing(BackendCase):
    def test_a_replaced_class_does_not_serve(self):
        old = self.shop(self.unit("OldBinder"))
        new = self.shop(replacing=old)(self.unit("NewBinder"))
        self.assertIs(self.found(self.shop), new)

    def test_several_classes_can_be_replaced_by_one(self):
        one, other = self.shop(self.unit("OneBinder")), self.shop(self.unit("OtherBinder"))
        new = self.shop(replacing=(one, other))(self.unit("NewBinder"))
        self.assertIs(self.found(self.shop), new)

    def test_a_version_replaces_a_class_for_itself_only(self):
        old = self.shop(self.unit("OldBinder"))
        new = self.shop2(replacing=old)(self.unit("NewBinder"))
        self.assertEqual((self.found(self.shop2), self.found(self.shop1), self.found(self.shop)), (new, old, old))

    def test_replacing_a_class_of_another_version_is_refused_by_name(self):
        other = self.shop1(self.unit("OtherBinder"))
        with self.assertRaisesRegex(ValueError, "OtherBinder, which is not registered on the backend shop 2.0"):
            self.shop2(replacing=other)(self.unit("NewBinder"))

    def test_a_class_cannot_replace_itself(self):
        unit = self.shop(self.unit("PartnerBinder"))
        with self.assertRaisesRegex(ValueError, "itself"):
            self.shop.register_class(unit, replacing=unit)


class TestAddons(BackendCase):
    def test_a_class_of_an_addon_that_is_not_installed_does_not_serve(self):
        register_as("not_installed", self.shop.register_class, self.unit("PartnerBinder"))
        with self.assertRaises(NoConnectorUnitError):
            self.found(self.shop)

    def test_what_an_addon_that_is_not_installed_replaces_serves(self):
        old = self.shop(self.unit("OldBinder"))
        register_as("not_installed", self.shop.register_class, self.unit("NewBinder"), replacing=old)
        self.assertIs(self.found(self.shop), old)

    def test_all_classes_are_listed_in_the_order_of_the_addons(self):
        late, early = self.unit("LateBinder"), self.unit("EarlyBinder")
        register_as("mail", self.shop.register_class, late)
        register_as("base", self.shop.register_class, early)
        self.assertEqual(self.shop.get_classes(Binder, self.session, "res.partner"), [early, late])


class TestMissingUnit(BackendCase):
    """Tests of the error of a missing unit.

    It says what was considered and why it was refused.
    """

    def message(self, backend=None):
        with self.assertRaises(NoConnectorUnitError) as caught:
            self.found(backend or self.shop2)
        return str(caught.exception)

    def test_it_names_what_was_asked_for_and_where(self):
        message = self.message()
        for part in ("connector.unit.binding.binder.Binder", "res.partner", "shop 2.0", self.env.cr.dbname):
            self.assertIn(part, message)

    def test_it_says_when_nothing_of_the_kind_is_registered(self):
        self.shop(self.unit("PartnerMapper", ImportMapper))
        self.assertIn("No subclass of it is registered", self.message())

    def test_it_lists_a_class_of_another_model(self):
        self.shop(self.unit("UserBinder", model_name="res.users"))
        self.assertRegex(self.message(), r"UserBinder serves res\.users")

    def test_it_lists_a_class_of_another_version(self):
        self.shop1(self.unit("PartnerBinder"))
        self.assertRegex(self.message(), r"PartnerBinder is registered on shop 1\.0")

    def test_it_lists_a_class_of_an_addon_that_is_not_installed(self):
        register_as("not_installed", self.shop.register_class, self.unit("PartnerBinder"))
        self.assertRegex(self.message(), "PartnerBinder belongs to the addon not_installed, which is not installed")

    def test_it_lists_a_replaced_class_with_the_one_that_replaces_it(self):
        old = self.shop(self.unit("OldBinder"))
        self.shop(replacing=old)(self.unit("UserBinder", model_name="res.users"))
        self.assertRegex(self.message(), r"OldBinder is replaced by .*\.UserBinder")

    def test_it_leaves_out_other_services(self):
        Backend("other")(self.unit("OtherBinder"))
        self.assertNotIn("OtherBinder", self.message())
