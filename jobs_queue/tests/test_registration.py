from odoo.tests import TransactionCase

from .. import registration
from .registering import register_as


class TestRegistration(TransactionCase):
    def test_the_addon_is_that_of_the_code_that_registers(self):
        addon = register_as("sale", lambda: registration.registering_addon())
        self.assertEqual(addon, "sale")

    def test_code_of_a_test_belongs_to_its_addon(self):
        self.assertEqual(registration.addon_of(__name__), "jobs_queue")

    def test_code_outside_of_addons_belongs_to_none_and_exists_in_every_database(self):
        self.assertIsNone(registration.addon_of("__main__"))
        self.assertIsNone(registration.addon_of("my.odoo.addons.sale"))
        self.assertIsNone(registration.addon_of("odoo.addons"))
        self.assertTrue(registration.is_installed(self.registry, None))

    def test_an_addon_comes_after_those_it_depends_on(self):
        addons = ["jobs_queue", "web", "mail", "base"]
        self.assertEqual(sorted(addons, key=registration.loading_order), ["base", "web", "mail", "jobs_queue"])

    def test_code_of_no_addon_comes_last(self):
        self.assertGreater(registration.loading_order(None), registration.loading_order("jobs_queue"))

    def test_what_was_looked_up_is_kept_until_something_is_registered(self):
        self.patch(self.registry, "ready", True)
        registration.lookups(self.registry)["question"] = "answer"
        self.assertEqual(registration.lookups(self.registry)["question"], "answer")
        registration.registration_changed()
        self.assertNotIn("question", registration.lookups(self.registry))

    def test_nothing_is_kept_while_the_registry_is_being_loaded(self):
        self.patch(self.registry, "ready", False)
        registration.lookups(self.registry)["question"] = "answer"
        self.assertEqual(registration.lookups(self.registry), {})
