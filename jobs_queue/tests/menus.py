"""Tests of the screens that an addon's menus open."""

from lxml import etree

from odoo.tests import new_test_user


class MenusTests:
    """Mixin of tests for an addon's menus, which the subclass names.

    :cvar root: external id of the menu above all others of the addon
    :cvar groups: external ids of the groups whose users see menus
    """

    allow_inherited_tests_method = True  # else Odoo's loader passes over the tests of a base class
    root: str
    groups: tuple[str, ...]

    def test_each_role_opens_the_screens_that_its_menus_show(self):
        for group in self.groups:
            user = new_test_user(self.env, f"user of {group}", group)
            for action in self.actions(user):
                with self.subTest(group=group, action=action.name):
                    model = self.env[action.res_model].with_user(user)
                    views = [(False, kind) for kind in action.view_mode.split(",")]
                    model.get_views([*views, (action.search_view_id.id, "search")])
                    model.search([], limit=1).read()

    def test_each_empty_screen_says_what_it_is_for(self):
        for action in self.actions():
            with self.subTest(action=action.name):
                self.assertIn("o_view_nocontent_smiling_face", action.help)

    def test_the_web_client_can_call_what_each_button_names(self):
        """It names the records, even if there are none: a method for a model does not take them."""
        for model_name in {action.res_model for action in self.actions()}:
            for view in self.env["ir.ui.view"].search([("model", "=", model_name)]):
                for name in etree.fromstring(view.arch_db).xpath("//button[@type='object']/@name"):
                    with self.subTest(view=view.name, button=name):
                        methods = [getattr(model, name) for model in self.env.registry.values() if hasattr(model, name)]
                        self.assertTrue(methods)
                        self.assertFalse([method for method in methods if getattr(method, "_api_model", False)])

    def actions(self, user=None):
        """Return the actions of the addon's menus that a user sees, by default of all menus."""
        addon = self.root.partition(".")[0]
        root = self.env.ref(self.root)
        menus = self.env["ir.ui.menu"].search([("id", "child_of", root.id), ("action", "!=", False)])
        menus = menus.with_user(user)._filter_visible_menus().sudo() if user else menus
        actions = [menu.action for menu in menus if menu._get_external_ids()[menu.id][0].startswith(f"{addon}.")]
        self.assertTrue(actions)
        return actions
