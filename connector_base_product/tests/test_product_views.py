from lxml import etree

from odoo.tests import TransactionCase

FORMS = {
    "product.product_template_only_form_view": "product.template",
    "product.product_normal_form_view": "product.product",
    "product.product_variant_easy_edit_view": "product.product",
}


class TestProductViews(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env.user.group_ids += cls.env.ref("connector.group_connector_user")

    def test_each_product_form_has_a_page_for_connectors_which_is_hidden_while_it_is_empty(self):
        for form in FORMS:
            with self.subTest(form=form):
                page = self.page_of(form)
                self.assertEqual(page.get("invisible") == "1", len(page) == 0)

    def test_an_addon_shows_its_bindings_on_the_page(self):
        for form, model in FORMS.items():
            with self.subTest(form=form):
                self.fill_page(form, model)
                page = self.page_of(form)
                self.assertIn(page.get("invisible"), ("0", None))
                self.assertEqual(page[-1].get("name"), "default_code")

    def test_users_who_have_nothing_to_do_with_connectors_do_not_have_the_page(self):
        groups = ("connector.group_connector_manager", "connector.group_connector_user")
        self.env.user.group_ids -= self.env["res.groups"].union(*map(self.env.ref, groups))
        for form in FORMS:
            with self.subTest(form=form):
                self.assertIsNone(self.page_of(form))

    def page_of(self, form):
        arch = self.env[FORMS[form]].get_view(self.env.ref(form).id, "form")["arch"]
        return etree.fromstring(arch).find(".//page[@name='connector']")

    def fill_page(self, form, model):
        self.env["ir.ui.view"].create(
            {
                "name": "bindings of a connector",
                "model": model,
                "inherit_id": self.env.ref(form).id,
                "arch": """
                    <data>
                        <page name="connector" position="attributes"><attribute name="invisible">0</attribute></page>
                        <page name="connector" position="inside"><field name="default_code" /></page>
                    </data>
                """,
            }
        )
