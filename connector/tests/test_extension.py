"""Extensions of units by several addons that do not know each other."""

import timeit
from types import SimpleNamespace
from unittest.mock import patch

from odoo.addons.jobs_queue.tests.registering import register_as

from ..backend import Backend
from ..connector import Binder, ConnectorUnit, Environment
from ..exception import ExtensionConflict, ManyConnectorUnitError, NoConnectorUnitError
from ..extension import combine
from ..unit.importer.record import RecordImporter
from ..unit.mapper.mapper import ImportMapper, changed_by, mapping
from .test_backend import BackendCase


class Greeter(ConnectorUnit):
    _model_name = "res.partner"

    def greet(self):
        return ["written"]


class SpecialGreeter(Greeter):
    _model_name = "res.users"

    def greet(self):
        return ["special", *super().greet()]


class ExtensionCase(BackendCase):
    def setUp(self):
        super().setUp()
        self.shop(Greeter)
        self.shop(SpecialGreeter)

    def extension(self, name, base=Greeter):
        """Return a new extension; its method calls super() without arguments."""

        class Extension(base):
            def greet(self):
                return [name, *super().greet()]

        Extension.__name__ = Extension.__qualname__ = name
        return Extension

    def extend(self, name, addon="connector", backend=None, extends=Greeter, base=Greeter):
        """Extend a class as an addon does, and return the extension."""
        extension = self.extension(name, base)
        register_as(addon, (backend or self.shop).register_class, extension, extends=extends)
        return extension

    def mapper(self, backend):
        """Return the mapper of partners."""
        record = SimpleNamespace(get_backend=lambda: backend)
        return Environment(record, self.session, "res.partner").get_connector_unit(ImportMapper)

    def greeting(self, backend=None, model_name="res.partner"):
        """Return what the methods say, in the order of their calls."""
        return self.found(backend or self.shop, Greeter, model_name)(environment=None).greet()


class TestExtending(ExtensionCase):
    def test_a_class_without_extensions_stays_itself(self):
        self.assertIs(self.found(self.shop, Greeter), Greeter)

    def test_an_extension_goes_before_the_class(self):
        self.extend("extension")
        self.assertEqual(self.greeting(), ["extension", "written"])

    def test_an_extension_need_not_inherit_from_what_it_extends(self):
        self.extend("plain", base=object)
        self.assertEqual(self.greeting(), ["plain", "written"])

    def test_any_number_of_addons_extend_one_class_the_latest_loaded_goes_first(self):
        self.extend("of_connector", addon="connector")
        self.extend("of_base", addon="base")
        self.extend("of_web", addon="web", base=object)
        self.assertEqual(self.greeting(), ["of_connector", "of_web", "of_base", "written"])

    def test_of_addons_of_the_same_depth_the_name_decides(self):
        with patch("odoo.addons.connector.backend.loading_order", lambda addon: (1, addon)):
            self.extend("z", addon="base")
            self.extend("a", addon="web")
            self.assertEqual(self.greeting(), ["a", "z", "written"])

    def test_of_one_addon_the_last_registered_goes_first(self):
        self.extend("first")
        self.extend("second")
        self.assertEqual(self.greeting(), ["second", "first", "written"])

    def test_an_extension_reaches_the_classes_that_inherit_from_what_it_extends(self):
        self.extend("extension")
        self.assertEqual(self.greeting(model_name="res.users"), ["special", "extension", "written"])

    def test_an_extension_of_a_subclass_does_not_reach_its_base(self):
        self.extend("extension", extends=SpecialGreeter, base=SpecialGreeter)
        self.assertEqual(self.greeting(model_name="res.users"), ["extension", "special", "written"])
        self.assertEqual(self.greeting(), ["written"])

    def test_extensions_of_a_class_and_of_its_base_work_together(self):
        self.extend("of_special", addon="base", extends=SpecialGreeter, base=SpecialGreeter)
        self.extend("of_base_late", addon="mail")
        self.extend("of_base_early", addon="base")
        self.assertEqual(
            self.greeting(model_name="res.users"), ["of_special", "special", "of_base_late", "of_base_early", "written"]
        )

    def test_an_extension_of_a_base_of_the_framework_reaches_every_unit_of_the_backend(self):
        extension = self.extend("of_every_unit", extends=ConnectorUnit, base=object)
        for model_name in ("res.partner", "res.users"):
            self.assertTrue(issubclass(self.found(self.shop, Greeter, model_name), extension))

    def test_an_extension_may_build_on_the_one_of_an_addon_that_its_addon_depends_on(self):
        first = self.extend("of_base", addon="base")
        self.extend("of_web", addon="web", base=first)
        self.assertEqual(self.greeting(), ["of_web", "of_base", "written"])

    def test_isinstance_holds_with_the_written_classes(self):
        extension = self.extend("extension")
        combined = self.found(self.shop, Greeter, "res.users")
        for written in (SpecialGreeter, Greeter, extension, ConnectorUnit):
            self.assertTrue(issubclass(combined, written))

    def test_the_combined_class_has_the_name_of_the_written_one(self):
        self.extend("extension")
        combined = self.found(self.shop, Greeter)
        self.assertEqual(
            (combined.__module__, combined.__qualname__, combined.__name__), (__name__, "Greeter", "Greeter")
        )

    def test_a_unit_can_be_asked_for_by_its_extension(self):
        extension = self.extend("extension", base=object)
        self.assertTrue(issubclass(self.found(self.shop, extension), Greeter))

    def test_all_classes_are_listed_with_their_extensions(self):
        extension = self.extend("extension")
        (found,) = self.shop.get_classes(Greeter, self.session, "res.partner")
        self.assertTrue(issubclass(found, extension))

    def test_a_general_class_of_the_framework_can_be_extended(self):
        with patch("odoo.addons.connector.backend._general_classes", [RecordImporter]):
            extension = self.extend("extension", extends=RecordImporter, base=object)
            self.assertTrue(issubclass(self.found(self.shop, RecordImporter), extension))

    def test_a_mapping_that_is_extended_for_one_version_stays_as_it_was_for_the_others(self):
        @self.shop
        class PartnerMapper(ImportMapper):
            _model_name = "res.partner"

            @mapping
            @changed_by("town")
            def city(self, record):
                return {"city": record["town"]}

        @self.shop2(extends=PartnerMapper)
        class PartnerMapperPlace(PartnerMapper):
            @mapping
            @changed_by("place")
            def city(self, record):
                return super().city(record)

        self.assertEqual(self.mapper(self.shop2).source_fields, {"town", "place"})
        self.assertEqual(self.mapper(self.shop1).source_fields, {"town"})

    def test_mappings_of_all_extensions_are_compiled(self):
        @self.shop
        class PartnerMapper(ImportMapper):
            _model_name = "res.partner"
            direct = [("name", "name"), ("mail", "email")]

            @mapping
            @changed_by("town")
            def city(self, record):
                return {"city": record["town"]}

        @self.shop(extends=PartnerMapper)
        class PartnerMapperReference(PartnerMapper):
            direct = [("number", "ref")]

            def city(self, record):
                return {"city": super().city(record)["city"].upper()}

        @self.shop(extends=PartnerMapper)
        class PartnerMapperMail:
            direct = [("mail", "comment")]

            @mapping
            def function(self, record):
                return {"function": "poet"}

        mapper = self.mapper(self.shop)
        values = mapper.map_record({"name": "Ada", "mail": "a@b.c", "town": "London", "number": "7"}).values()
        self.assertEqual(
            values,
            {"name": "Ada", "email": "a@b.c", "comment": "a@b.c", "ref": "7", "city": "LONDON", "function": "poet"},
        )
        self.assertEqual(mapper.source_fields, {"name", "mail", "number", "town"})


class TestExtensionOfAVersion(ExtensionCase):
    def test_it_applies_to_that_version_only(self):
        self.extend("of_2", backend=self.shop2)
        self.assertEqual(self.greeting(self.shop2), ["of_2", "written"])
        self.assertEqual((self.greeting(self.shop1), self.greeting(self.shop)), (["written"], ["written"]))

    def test_it_applies_to_the_versions_below(self):
        self.extend("of_2", backend=self.shop2)
        self.assertEqual(self.greeting(Backend(parent=self.shop2, version="2.1")), ["of_2", "written"])

    def test_it_goes_before_that_of_the_parent_in_the_same_addon(self):
        self.extend("of_2", backend=self.shop2)
        self.extend("of_all")
        self.assertEqual(self.greeting(self.shop2), ["of_2", "of_all", "written"])

    def test_another_service_that_shares_the_class_is_not_extended(self):
        other = Backend("other")
        other(Greeter)
        self.extend("of_shop")
        self.assertEqual(self.greeting(other), ["written"])


class TestExtensionsOfAddons(ExtensionCase):
    def test_an_extension_of_an_addon_that_is_not_installed_does_not_exist(self):
        self.extend("extension", addon="not_installed")
        self.assertIs(self.found(self.shop, Greeter), Greeter)

    def test_an_extension_that_is_registered_later_is_found(self):
        self.patch(self.registry, "ready", True)
        self.assertEqual(self.greeting(), ["written"])
        self.extend("extension")
        self.assertEqual(self.greeting(), ["extension", "written"])

    def test_a_class_is_combined_once_per_registry(self):
        self.patch(self.registry, "ready", True)
        self.extend("extension")
        with patch("odoo.addons.connector.backend.combine", side_effect=combine) as combining:
            self.assertIs(self.found(self.shop, Greeter), self.found(self.shop, ConnectorUnit))
        self.assertEqual(combining.call_count, 1)

    def test_two_addons_that_replace_one_class_are_in_conflict_where_two_that_extend_it_are_not(self):
        for addon in ("mail", "web"):
            register_as(addon, self.shop.register_class, self.unit(f"Of_{addon}", Greeter), replacing=Greeter)
        with self.assertRaisesRegex(ManyConnectorUnitError, r"Of_web, .*Of_mail.*extends="):
            self.greeting()
        self.shop._registrations = self.shop._registrations[:2]
        for addon in ("mail", "web"):
            self.extend(f"of_{addon}", addon)
        self.assertEqual(self.greeting(), ["of_mail", "of_web", "written"])


class TestImpossibleExtensions(ExtensionCase):
    def test_an_order_that_cannot_be_is_an_error_that_names_the_addons(self):
        of_mail = self.extend("of_mail", addon="mail")
        self.extend("of_web", addon="web", base=of_mail)  # web is loaded before mail
        with self.assertRaisesRegex(
            ExtensionConflict, r"Greeter cannot be combined.*of_web of the addon web.*of_mail of the addon mail.*depend"
        ):
            self.greeting()

    def test_it_does_not_disturb_other_units(self):
        of_mail = self.extend("of_mail", addon="mail")
        self.extend("of_web", addon="web", base=of_mail)
        binder = self.shop(self.unit("PartnerBinder"))
        self.assertIs(self.found(self.shop, Binder), binder)

    def test_an_extension_has_no_models_of_its_own(self):
        for attribute in ("_model_name", "match"):
            with self.assertRaisesRegex(ValueError, f"Stray cannot extend .*Greeter with {attribute}"):
                self.shop(extends=Greeter)(type("Stray", (), {attribute: "res.users"}))

    def test_what_is_extended_is_a_unit_class(self):
        with self.assertRaisesRegex(TypeError, "not a subclass of ConnectorUnit"):
            self.shop(extends=dict)(self.extension("extension"))
        with self.assertRaisesRegex(TypeError, "not a subclass of ConnectorUnit"):
            self.shop(extends="PartnerMapper")(self.extension("extension"))

    def test_what_extends_is_a_class(self):
        with self.assertRaisesRegex(TypeError, "is no class"):
            self.shop(extends=Greeter)("extension")

    def test_a_class_extends_neither_itself_nor_what_inherits_from_it(self):
        for extended in (Greeter, SpecialGreeter):
            with self.assertRaisesRegex(ValueError, "Greeter cannot extend .*, which inherits from it"):
                self.shop.register_class(Greeter, extends=extended)

    def test_an_extension_is_not_extended_but_what_it_extends(self):
        extension = self.extend("extension")
        with self.assertRaisesRegex(ValueError, r"itself an extension: extend .*\.Greeter"):
            self.extend("other", extends=extension)

    def test_a_class_does_not_extend_and_replace_at_once(self):
        with self.assertRaisesRegex(ValueError, "not both"):
            self.shop(extends=Greeter, replacing=Greeter)(self.extension("extension"))


class TestMissingUnit(ExtensionCase):
    """Tests of the error of a missing unit, in the presence of extensions.

    Extensions are among what was considered only where an extension is what is missing.
    """

    def message(self, base_class, backend=None):
        with self.assertRaises(NoConnectorUnitError) as caught:
            self.found(backend or self.shop1, base_class, "res.company")
        return str(caught.exception)

    def test_an_extended_class_of_another_model_is_listed_once(self):
        self.extend("extension")
        message = self.message(Greeter)
        self.assertRegex(message, r"\.Greeter serves res\.partner\n- .*\.SpecialGreeter serves res\.users$")

    def test_an_extension_of_an_addon_that_is_not_installed_is_listed_when_it_is_asked_for(self):
        extension = self.extend("extension", addon="not_installed", base=object)
        self.assertRegex(
            self.message(extension), "Considered:\n- .*extension belongs to the addon not_installed, which is not"
        )

    def test_an_extension_of_another_version_is_listed_when_it_is_asked_for(self):
        extension = self.extend("extension", backend=self.shop2, base=object)
        self.assertRegex(self.message(extension), r"extension is registered on shop 2\.0")

    def test_an_extension_of_a_class_for_another_model_is_listed_with_what_it_extends(self):
        extension = self.extend("extension", base=object)
        self.assertRegex(self.message(extension), r"extension extends .*\.Greeter")

    def test_extensions_do_not_make_a_unit_ambiguous(self):
        self.extend("one", addon="web")
        self.extend("other", addon="mail")
        self.assertEqual(self.greeting(), ["other", "one", "written"])


class TestLookup(BackendCase):
    def test_the_list_of_registered_classes_is_not_searched_at_each_lookup(self):
        """Time of a look-up among 200 registered classes: that of a dictionary.

        It takes microseconds, whatever the classes.
        """
        self.patch(self.registry, "ready", True)
        for number in range(200):
            self.shop(self.unit(f"Binder{number}", model_name=f"res.model{number}"))
        self.found(self.shop2, model_name="res.model199")
        with patch.object(Backend, "_find_class", side_effect=AssertionError("searched again")):
            seconds = min(
                timeit.repeat(
                    lambda: self.shop2.get_class(Binder, self.session, "res.model199"), number=1000, repeat=20
                )
            )
        self.assertLess(seconds / 1000, 20e-6, "seconds a look-up, ten times what it takes on an idle machine")
