"""The forms of products, variants and partners show their bindings."""

from lxml import etree

from odoo import Command
from odoo.tests import TransactionCase, tagged

from odoo.addons.connector.models.connector_bound_record import SHOWN
from odoo.addons.connector.testing import Roles


@tagged("post_install", "-at_install")
class TestForms(Roles, TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.backend = cls.env["odoo.backend"].create({"name": "Berlin", "location": "http://x", "database": "berlin"})

    def template(self, variants):
        """Return a template with some variants, each of which is bound."""
        attribute = self.env["product.attribute"].create(
            {
                "name": "Size",
                "value_ids": [Command.create({"name": f"Size {number:03}"}) for number in range(variants)],
            }
        )
        template = self.env["product.template"].create(
            {
                "name": "Shirt",
                "attribute_line_ids": [
                    Command.create({"attribute_id": attribute.id, "value_ids": [Command.set(attribute.value_ids.ids)]})
                ],
            }
        )
        self.env["odoo.product.product"].create(
            [
                {"backend_id": self.backend.id, "odoo_id": variant.id, "external_id": str(variant.id)}
                for variant in template.product_variant_ids
            ]
        )
        return template

    def seen_by(self, user, record):
        self.env.flush_all()
        self.env.invalidate_all()
        return self.env["connector.bound.record"].with_user(user).bindings_of(record._name, record.id)

    def test_a_template_shows_the_bindings_of_its_variants_by_their_names(self):
        template = self.template(2)
        rows = self.seen_by(self.user, template)["bindings"]
        self.assertEqual([row["name"] for row in rows], template.product_variant_ids.mapped("display_name"))
        self.assertEqual(len({row["name"] for row in rows}), 2)

    def test_a_template_shows_archived_variants_too(self):
        template = self.template(2)
        template.product_variant_ids[0].active = False
        self.assertEqual(len(self.seen_by(self.user, template)["bindings"]), 2)

    def test_the_only_variant_has_no_name_of_its_own_and_shows_its_binding_alone(self):
        template = self.template(1)
        for record in (template, template.product_variant_ids):
            with self.subTest(record._name):
                [row] = self.seen_by(self.user, record)["bindings"]
                self.assertEqual(
                    (row["name"], row["url"]), (False, f"http://x/odoo/product.product/{row['external_id']}")
                )

    def test_a_template_with_many_variants_shows_some_and_says_how_many_more(self):
        template = self.template(200)
        seen = self.seen_by(self.user, template)
        self.assertEqual((len(seen["bindings"]), seen["more"]), (SHOWN, 200 - SHOWN))
        [shown] = seen["lists"]
        listed = self.env[shown["model"]].with_user(self.user)
        self.assertEqual(listed.search_count(shown["domain"]), 200)
        [badge] = self.seen_by(self.employee, template)["badges"]
        self.assertEqual(badge["text"], "Not in step with Berlin")

    def test_the_number_of_queries_does_not_depend_on_the_number_of_variants(self):
        counts = []
        for template in (self.template(2), self.template(SHOWN), self.template(200)):
            self.seen_by(self.manager, template)
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            self.env["connector.bound.record"].with_user(self.manager).bindings_of(template._name, template.id)
            counts.append(self.cr.sql_log_count - before)
        # to name variants, Odoo asks for the values of the template a hundred at a time
        self.assertLessEqual(max(counts) - min(counts), 1, counts)

    def test_products_show_their_bindings_on_the_page_for_connectors_of_each_of_their_forms(self):
        for form, model in {
            "product.product_template_only_form_view": "product.template",
            "product.product_normal_form_view": "product.product",
            "product.product_variant_easy_edit_view": "product.product",
        }.items():
            with self.subTest(form):
                view = self.env[model].with_user(self.user).get_view(self.env.ref(form).id, "form")
                [widget] = etree.fromstring(view["arch"]).xpath("//widget[@name='connector_bindings']")
                page = widget.getparent()
                self.assertEqual((page.tag, page.get("name"), page.get("invisible")), ("page", "connector", None))

    def test_a_product_is_exported_only_where_an_addon_exports_its_stock(self):
        self.backend.flow_ids.write({"is_on": True})
        [row] = self.seen_by(self.manager, self.template(1))["bindings"]
        has_stock = "stock_warehouse_id" in self.backend._fields
        self.assertEqual((row["can_import"], row["can_export"]), (True, has_stock))
