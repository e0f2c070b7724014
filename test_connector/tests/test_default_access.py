"""Access lines and company rules that the framework gives to backends and bindings."""

from odoo.addons.connector.testing import Roles

from .common import ShopCase

WORDS = ("user", "manager", "company")


class DefaultAccessCase(Roles, ShopCase):
    def default(self, word, model="test.shop.partner"):
        """Return the line of a role, or the rule, or None if the model has none of ours."""
        return self.env.ref(f"test_connector.access_{model.replace('.', '_')}_default_{word}", False)

    def update(self, model="test.shop.partner"):
        """Do what happens at the end of an update of addons."""
        self.patch(self.env.registry, "updated_modules", ["test_connector"])
        self.env[model]._register_hook()

    def line(self, module=None):
        """Create an access line of ``test.shop.partner``, in the data of an addon, or by hand."""
        values = {"name": "line", "model_id": self.env["ir.model"]._get_id("test.shop.partner"), "perm_read": True}
        xmlid = {"xml_id": f"{module}.line"} if module else {}
        return self.env["ir.model.access"]._load_records([{**xmlid, "values": values}])


class TestWhatModelsGet(DefaultAccessCase):
    def test_users_read_and_managers_do_all(self):
        for model in ("test.shop.backend", "test.shop.partner", "test.shop.page", "test.shop.order.line"):
            with self.subTest(model):
                for user, operations in ((self.user, {"read"}), (self.manager, {"read", "write", "create", "unlink"})):
                    allowed = {
                        operation
                        for operation in ("read", "write", "create", "unlink")
                        if self.env[model].with_user(user).has_access(operation)
                    }
                    self.assertEqual(allowed, operations)
                for user in self.outsiders:
                    self.assertFalse(self.env[model].with_user(user).has_access("read"))

    def test_people_see_what_belongs_to_the_backends_of_their_companies(self):
        partner = self.partner("1")
        page = self.env["test.shop.page"].create({"backend_id": self.backend.id})
        for record in (self.backend, partner, page):
            with self.subTest(record._name):
                self.assertEqual(record.with_user(self.user).search([("id", "=", record.id)]), record)
                self.assertFalse(record.with_user(self.other_manager).search([("id", "=", record.id)]))
        self.backend.company_id = False
        for record in (self.backend, partner, page):
            with self.subTest(record._name):
                self.assertEqual(record.with_user(self.other_manager).search([("id", "=", record.id)]), record)

    def test_they_belong_to_the_addon_of_the_model_and_go_with_it(self):
        ids = self.env["ir.model.data"].search([("name", "=like", "access_test_shop_partner_default_%")])
        self.assertEqual({(data.module, data.noupdate) for data in ids}, {("test_connector", True)})
        self.assertEqual(len(ids), len(WORDS))

    def test_what_the_data_of_the_addon_bring_takes_their_place(self):
        for word in WORDS:
            self.assertFalse(self.default(word, "test.shop.user"))
        self.assertFalse(self.env["test.shop.user"].with_user(self.user).has_access("read"))
        self.assertTrue(self.env["test.shop.user"].with_user(self.manager).has_access("unlink"))

    def test_a_model_that_wants_none_has_none(self):
        for word in WORDS:
            self.assertFalse(self.default(word, "test.shop.tag"))


class TestUpdates(DefaultAccessCase):
    def test_an_update_keeps_them_and_what_was_changed_in_them_by_hand(self):
        before = [self.default(word) for word in WORDS]
        self.default("user").active = False
        self.default("manager").perm_unlink = False
        self.default("company").domain_force = "[(1, '=', 1)]"
        self.update()
        self.assertEqual([self.default(word) for word in WORDS], before)
        self.assertFalse(self.default("user").active)
        self.assertFalse(self.default("manager").perm_unlink)
        self.assertEqual(self.default("company").domain_force, "[(1, '=', 1)]")

    def test_one_that_was_deleted_comes_back(self):
        self.default("user").unlink()
        self.update()
        self.assertTrue(self.default("user"))

    def test_lines_that_the_addon_has_later_replace_the_lines_and_not_the_rule(self):
        line = self.line("test_connector")
        self.update()
        self.assertEqual([bool(self.default(word)) for word in WORDS], [False, False, True])
        line.unlink()
        self.update()
        self.assertEqual([bool(self.default(word)) for word in WORDS], [True, True, True])

    def test_a_line_of_the_addon_that_was_switched_off_by_hand_replaces_them_too(self):
        self.line("test_connector").active = False
        self.update()
        self.assertFalse(self.default("user"))

    def test_lines_of_other_addons_and_lines_made_by_hand_are_added(self):
        self.line("connector")
        self.line()
        self.update()
        self.assertEqual([bool(self.default(word)) for word in WORDS], [True, True, True])

    def test_a_model_that_wants_none_any_more_loses_them(self):
        self.patch(self.env.registry["test.shop.partner"], "_default_access", False)
        self.update()
        self.assertEqual([bool(self.default(word)) for word in WORDS], [False, False, False])

    def test_a_start_without_an_update_changes_nothing(self):
        self.patch(self.env.registry, "updated_modules", [])
        self.default("user").unlink()
        self.env["test.shop.partner"]._register_hook()
        self.assertFalse(self.default("user"))
