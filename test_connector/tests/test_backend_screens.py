"""Views, action and menu that the framework gives to backend models."""

from unittest.mock import patch

from lxml import etree

from odoo.addons.connector.testing import Roles

from .common import ShopCase

OWN = ["client_secret", "location", "token"]


class BackendScreensCase(Roles, ShopCase):
    model = "test.shop.backend"

    def view(self, kind, user=None):
        return etree.fromstring(self.env[self.model].with_user(user or self.manager).get_view(view_type=kind)["arch"])

    def names(self, kind, user=None):
        return self.view(kind, user).xpath("//field[not(ancestor::field)]/@name")

    def screen_fields(self, *names):
        """Let the author name fields."""
        self.patch(self.env.registry[self.model], "_screen_fields", names)
        self.env.registry.clear_all_caches()

    def nodes(self, name):
        return self.view("form").xpath(f"//group[@name='connection']//field[@name='{name}']")


class TestBackendScreens(BackendScreensCase):
    def test_the_form_shows_what_the_model_adds_to_all_backends(self):
        shown = self.view("form").xpath("//group[@name='connection']/field/@name")
        self.assertEqual(shown[:4], ["version", *OWN])
        self.assertLess(set(shown[4:]), set(self.env["connector.backend"]._fields))

    def test_they_open_for_users_and_managers(self):
        self.backend.location = "https://shop.example.com"
        for user in (self.manager, self.user):
            for kind in ("list", "form"):
                with self.subTest(kind, user=user.login):
                    names = {name: {} for name in self.names(kind, user)}
                    self.assertTrue(self.backend.with_user(user).web_read(names))

    def test_only_managers_are_asked_for_secrets(self):
        self.assertLess({"location", "token"}, {*self.names("form")})
        self.assertFalse({"token", "client_secret"} & {*self.names("form", self.user)})

    def test_a_secret_is_not_listed_and_nobody_searches_by_it(self):
        for kind in ("list", "search"):
            with self.subTest(kind):
                self.assertEqual([name for name in self.names(kind) if name in OWN], ["location"])

    def test_what_is_typed_as_a_secret_is_not_shown(self):
        for name in ("token", "client_secret"):
            self.assertEqual([node.get("password") for node in self.nodes(name)], ["True"])

    def test_of_several_secrets_none_has_to_be_entered(self):
        self.assertFalse(self.nodes("token")[0].get("required"))

    def test_a_single_secret_has_to_be_entered_while_there_is_none(self):
        self.screen_fields("location", "token")
        with patch.object(type(self.backend), "_secret_fields", lambda self: ["token"]):
            absent, stored = self.nodes("token")
        self.assertEqual(absent.get("required"), "not known_credentials and not credentials_error")
        self.assertEqual(
            (absent.get("invisible"), stored.get("invisible")), ("known_credentials", "not known_credentials")
        )
        self.assertFalse(stored.get("required"))

    def test_the_location_is_a_link(self):
        self.assertEqual(self.nodes("location")[0].get("widget"), "url")

    def test_a_system_without_versions_shows_none(self):
        for kind in ("list", "form", "search"):
            self.assertIn("version", self.names(kind))
        self.patch(self.env.registry[self.model]._fields["version"], "selection", [])
        self.env.registry.clear_all_caches()
        for kind in ("list", "form", "search"):
            with self.subTest(kind):
                self.assertNotIn("version", self.names(kind))
                self.assertFalse(self.view(kind).xpath("//filter[@name='group_by_version']"))

    def test_an_author_names_the_fields_and_their_order(self):
        self.screen_fields("token", "location")
        shown = [name for name in self.names("form") if name in OWN]
        self.assertEqual(shown, ["token", "location"])

    def test_a_view_of_the_author_takes_the_place_of_ours(self):
        self.env["ir.ui.view"].create(
            {
                "name": "own form",
                "model": self.model,
                "mode": "primary",
                "inherit_id": self.env.ref("connector.connector_backend_view_form").id,
                "arch": "<group name='records' position='inside'><field name='token' password='True'/></group>",
            }
        )
        self.assertFalse(self.nodes("location"))
        self.assertIn("location", self.names("list"))

    def test_who_has_no_backend_yet_is_told_what_to_do(self):
        self.assertIn("Connect a system", self.env[self.model].get_empty_list_help(""))
        self.assertEqual(self.env[self.model].get_empty_list_help("Connect a shop"), "Connect a shop")


class TestBackendMenu(BackendScreensCase):
    def default(self, word):
        return self.env.ref(f"test_connector.{word}_test_shop_backend_default", False)

    def update(self):
        """Do what happens at the end of an update of addons."""
        self.patch(self.env.registry, "updated_modules", ["test_connector"])
        self.env[self.model]._register_hook()

    def own_action(self, module):
        values = {"name": "Own", "res_model": self.model}
        return self.env["ir.actions.act_window"]._load_records([{"xml_id": f"{module}.own", "values": values}])

    def seen(self, user):
        return self.env["ir.ui.menu"].with_user(user)._visible_menu_ids()

    def test_the_menu_opens_the_backends_and_has_the_name_of_the_model(self):
        menu = self.default("menu")
        self.assertEqual(menu.parent_id, self.env.ref("connector.menu_connector_backends"))
        self.assertEqual((menu.name, menu.action.name), ("Test Shop", "Test Shop"))
        self.assertEqual((menu.action, menu.action.res_model), (self.default("action"), self.model))

    def test_the_name_is_in_the_languages_of_the_model(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        self.env["ir.model"]._get(self.model).with_context(lang="fr_FR").name = "Boutique"
        self.update()
        self.assertEqual(self.default("menu").with_context(lang="fr_FR").name, "Boutique")
        self.assertEqual(self.default("action").with_context(lang="fr_FR").name, "Boutique")
        self.assertEqual(self.default("menu").name, "Test Shop")

    def test_users_of_connectors_see_it_and_nobody_else(self):
        for user in (self.user, self.manager):
            self.assertIn(self.default("menu").id, self.seen(user))
        self.assertNotIn(self.default("menu").id, self.seen(self.employee))

    def test_the_menu_of_all_backends_is_not_seen_when_it_is_empty(self):
        parent = self.env.ref("connector.menu_connector_backends")
        self.assertIn(parent.id, self.seen(self.manager))
        parent.child_id.active = False
        self.assertNotIn(parent.id, self.seen(self.manager))

    def test_they_belong_to_the_addon_of_the_model_and_go_with_it(self):
        for word in ("action", "menu"):
            data = self.env["ir.model.data"].search([("name", "=", f"{word}_test_shop_backend_default")])
            self.assertEqual((data.module, data.noupdate), ("test_connector", True))

    def test_an_update_keeps_them_and_what_was_changed_in_them_by_hand(self):
        menu, action = self.default("menu"), self.default("action")
        menu.write({"name": "Shops", "active": False})
        action.name = "Our Shops"
        self.update()
        self.assertEqual((self.default("menu"), self.default("action")), (menu, action))
        self.assertEqual((menu.name, menu.active, action.name), ("Shops", False, "Our Shops"))

    def test_an_action_of_the_author_takes_their_place(self):
        own = self.own_action("test_connector")
        self.update()
        self.assertFalse(self.default("action"))
        self.assertFalse(self.default("menu"))
        own.unlink()
        self.update()
        self.assertEqual(self.default("menu").action, self.default("action"))

    def test_an_action_of_another_addon_or_one_made_by_hand_is_added(self):
        self.own_action("connector")
        self.env["ir.actions.act_window"].create({"name": "By hand", "res_model": self.model})
        self.update()
        self.assertTrue(self.default("menu"))

    def test_a_start_without_an_update_changes_nothing(self):
        self.default("menu").unlink()
        self.env[self.model]._register_hook()
        self.assertFalse(self.default("menu"))
