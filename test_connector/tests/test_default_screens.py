"""Views that the framework gives to binding models."""

from lxml import etree

from odoo.addons.connector.testing import Roles

from .common import ShopCase

KINDS = ("list", "form", "search", "kanban")


class TestDefaultScreens(Roles, ShopCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.order = cls.env["test.shop.order"].create({"backend_id": cls.backend.id, "name": "S1", "external_id": "7"})
        for name in ("Chair", "Table"):
            cls.order.shop_line_ids.create({"backend_id": cls.backend.id, "shop_order_id": cls.order.id, "name": name})

    def view(self, kind, model="test.shop.partner", user=None):
        model = self.env[model].with_user(user or self.manager)
        return etree.fromstring(model.get_view(view_type=kind)["arch"])

    def names(self, kind, model="test.shop.partner", user=None):
        """Return the names of the fields of a view itself, without those in its lists."""
        nodes = self.view(kind, model, user).xpath("//field[not(ancestor::field)]")
        return [node.get("name") for node in nodes]

    def test_they_open_for_users_and_managers(self):
        self.partner("1")
        self.env["test.shop.page"].create({"backend_id": self.backend.id})
        models = "test.shop.partner", "test.shop.page", "test.shop.order", "test.shop.order.line"
        # only managers may read the orders themselves
        opened = [(self.manager, model) for model in models] + [(self.user, model) for model in models[:2]]
        for user, model in opened:
            for kind in ("list", "form", "kanban"):
                with self.subTest(kind, user=user.login, model=model):
                    found = (
                        self.env[model]
                        .with_user(user)
                        .web_search_read(
                            [("backend_id", "=", self.backend.id)],
                            {name: {} for name in self.names(kind, model, user)},
                        )
                    )
                    self.assertTrue(found["records"])
        with self.assertRefused():
            self.view("list", user=self.employee)

    def test_they_show_the_record_the_backend_and_the_state(self):
        for kind in ("list", "form", "kanban"):
            with self.subTest(kind):
                shown = {"odoo_id", "backend_id", "external_id", "sync_state", "sync_error"}
                self.assertLessEqual(shown, {*self.names(kind)})

    def test_they_show_the_fields_that_the_author_names(self):
        self.assertLessEqual({"email", "points", "category_id"}, {*self.names("form")})
        self.assertLessEqual({"email", "points"}, {*self.names("list")})
        self.assertLessEqual({"email", "points"}, {*self.names("kanban")})
        self.assertNotIn("category_id", self.names("list"))
        self.assertNotIn("category_id", self.names("kanban"))

    def test_an_amount_brings_its_currency_and_a_list_stands_below(self):
        form = self.view("form", "test.shop.order")
        self.assertEqual(form.find(".//group[@name='record']/field[@name='currency_id']").get("invisible"), "1")
        self.assertIn("currency_id", self.names("kanban", "test.shop.order"))
        columns = form.findall(".//sheet/field[@name='shop_line_ids']/list/field")
        shown = {column.get("name") for column in columns if column.get("optional") != "hide"}
        self.assertLess({"odoo_id", "external_id", "quantity"}, shown)
        self.assertFalse({"backend_id", "shop_order_id", "sync_state"} & shown, "The order says that already")

    def test_on_a_phone_the_lines_below_are_cards(self):
        form = etree.fromstring(self.env["test.shop.order"].get_view(view_type="form", mobile=True)["arch"])
        fields = form.findall(".//sheet/field[@name='shop_line_ids']/kanban//field")
        shown = {field.get("name") for field in fields if field.get("invisible") != "1"}
        self.assertLess({"odoo_id", "external_id", "quantity"}, shown)
        self.assertFalse({"backend_id", "shop_order_id", "sync_state"} & shown, "The order says that already")

    def test_a_line_says_what_it_belongs_to(self):
        for kind in KINDS:
            with self.subTest(kind):
                self.assertIn("shop_order_id", self.names(kind, "test.shop.order.line"))

    def test_a_binding_without_a_record_shows_none(self):
        for kind in KINDS:
            with self.subTest(kind):
                shown = self.names(kind, "test.shop.page")
                self.assertIn("backend_id", shown)
                self.assertNotIn("odoo_id", shown)

    def test_people_search_by_the_name_of_the_record_first(self):
        self.assertEqual(self.names("search")[:3], ["odoo_id", "backend_id", "external_id"])
        ada, _other = self.partner("1", name="Ada Lovelace"), self.partner("2", name="Charles")
        self.assertEqual(self.Partner.search([("odoo_id", "ilike", "lovel")]), ada)

    def test_people_search_by_the_authors_texts_and_not_by_his_numbers(self):
        self.assertIn("email", self.names("search"))
        self.assertFalse({"points", "category_id"} & {*self.names("search")})

    def test_people_group_by_backend_and_state(self):
        filters = self.view("search").xpath("//group/filter")
        self.assertEqual([node.get("string") for node in filters], ["Backend", "Synchronization"])

    def test_nobody_creates_or_edits_a_link_there(self):
        form = self.view("form")
        self.assertEqual(form.get("create"), "0")
        for name in ("odoo_id", "backend_id", "email"):
            self.assertEqual(form.find(f".//field[@name='{name}']").get("readonly"), "1")

    def test_a_view_of_the_author_takes_the_place_of_ours(self):
        self.env["ir.ui.view"].create(
            {
                "name": "own list",
                "model": "test.shop.partner",
                "mode": "primary",
                "inherit_id": self.env.ref("connector.external_binding_view_list").id,
                "arch": "<field name='external_id' position='after'><field name='nickname'/></field>",
            }
        )
        self.assertIn("nickname", self.names("list"))
        self.assertNotIn("points", self.names("list"))
        self.assertIn("points", self.names("form"))

    def test_what_an_addon_changes_in_the_views_of_all_bindings_is_seen_in_them(self):
        self.env["ir.ui.view"].create(
            {
                "name": "more",
                "model": "external.binding",
                "inherit_id": self.env.ref("connector.external_binding_view_list").id,
                "arch": "<field name='sync_date' position='after'><field name='external_version'/></field>",
            }
        )
        self.assertIn("external_version", self.names("list"))

    def test_a_field_that_the_model_does_not_have_is_refused_by_name(self):
        self.patch(self.env.registry["test.shop.partner"], "_screen_fields", ("email", "shoe_size"))
        with self.assertRaisesRegex(TypeError, "_screen_fields of test.shop.partner has shoe_size: .* no such field"):
            self.Partner.init()
