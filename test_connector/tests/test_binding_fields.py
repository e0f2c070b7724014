"""The fields by which a binding points to its record and its backend."""

from odoo.tools import mute_logger

from odoo.addons.connector.models.binding_links import BackendLink, BoundLink

from .common import ShopCase


class TestBindingFields(ShopCase):
    def field(self, model, name="odoo_id"):
        return self.env[model]._fields[name]

    def test_a_binding_points_to_a_record_of_the_model_that_it_inherits(self):
        field = self.field("test.shop.partner")
        self.assertEqual((field.comodel_name, field.required, field.ondelete), ("res.partner", True, "cascade"))
        self.assertTrue(field.delegate)

    def test_the_bindings_of_a_record_that_is_deleted_are_found_by_an_index(self):
        self.env.cr.execute("SELECT indexdef FROM pg_indexes WHERE tablename = 'test_shop_partner'")
        self.assertIn("(odoo_id)", "".join(definition for (definition,) in self.env.cr.fetchall()))

    def test_the_fields_and_their_keys_belong_to_the_addon_of_the_binding(self):
        for name in ("odoo_id", "backend_id"):
            xmlid = f"field_test_shop_partner__{name}"
            self.assertTrue(self.env.ref(f"test_connector.{xmlid}"))
            self.assertFalse(self.env.ref(f"connector.{xmlid}", raise_if_not_found=False))
            keys = self.env["ir.model.constraint"].search([("name", "=", f"test_shop_partner_{name}_fkey")])
            self.assertEqual(keys.module.mapped("name"), ["test_connector"])

    def test_a_binding_that_inherits_no_record_has_no_such_field(self):
        for model in ("test.shop.page", "external.binding", "external.binding.line"):
            self.assertNotIn("odoo_id", self.env[model]._fields)
        columns = "SELECT column_name FROM information_schema.columns WHERE table_name = 'test_shop_page'"
        self.env.cr.execute(columns)
        self.assertNotIn(("odoo_id",), self.env.cr.fetchall())

    def test_it_has_none_after_its_models_were_set_up_again_either(self):
        self.registry._setup_models__(self.env.cr, ["external.binding"])
        self.assertNotIn("odoo_id", self.env["test.shop.page"]._fields)
        self.assertIn("odoo_id", self.env["test.shop.partner"]._fields)

    def test_a_field_that_the_author_has_written_replaces_it_as_a_whole(self):
        field = self.field("test.shop.tag")
        self.assertEqual((field.string, field.index, field.ondelete), ("Tag", None, "cascade"))

    def test_a_binding_points_to_a_backend_of_the_model_that_its_class_names(self):
        field = self.field("test.shop.partner", "backend_id")
        self.assertEqual((field.comodel_name, field.required, field.ondelete), ("test.shop.backend", True, "restrict"))
        self.assertEqual(self.field("test.shop.page", "backend_id").ondelete, "cascade")
        self.assertNotIn("backend_id", self.env["external.binding"]._fields)

    def test_a_model_of_backends_that_is_missing_or_none_is_refused_when_the_model_is_loaded(self):
        binding = self.registry["test.shop.partner"]
        for model in (None, "res.company", "connector.backend", "test.shop.backnd"):
            self.patch(binding, "_backend_model", model)
            message = f"_backend_model of test.shop.partner is {model!r}, but must be .* such as .*'test.shop.backend'"
            with self.assertRaisesRegex(TypeError, message):
                BackendLink()._get_attrs(binding, "backend_id")

    def test_one_field_for_two_models_is_refused_when_the_model_is_loaded(self):
        binding = self.registry["test.shop.partner"]
        self.patch(binding, "_inherits", {"res.partner": "odoo_id", "res.bank": "odoo_id"})
        message = "test.shop.partner names the field odoo_id for several.* res.partner, res.bank"
        with self.assertRaisesRegex(TypeError, message):
            BoundLink()._get_attrs(binding, "odoo_id")

    def label(self, lang):
        description = self.env["test.shop.partner"].with_context(lang=lang).fields_get(["odoo_id"], ["string"])
        return description["odoo_id"]["string"]

    @mute_logger("odoo.addons.base.models.res_lang")
    def test_the_label_names_the_model_in_the_language_of_the_user(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        self.env["ir.model"]._get("res.partner").with_context(lang="fr_FR").name = "Relation"
        self.assertEqual(self.label("en_US"), "Contact Here")
        self.assertEqual(self.label("fr_FR"), "Relation Here")
        field = self.env["ir.model.fields"]._get("test.shop.partner", "odoo_id")
        field.with_context(lang="fr_FR").field_description = "Le client"
        self.assertEqual(self.label("fr_FR"), "Le client")
