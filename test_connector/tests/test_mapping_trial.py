from odoo.exceptions import AccessError, UserError

from odoo.addons.connector.testing.registration import registering
from odoo.addons.connector.unit.mapper.mapper import ImportMapper, mapping

from ..units import webshop
from .common import ShopCase


class TestMappingTrial(ShopCase):
    def trial(self, record=None, **values):
        """Open the screen as its button on a form does."""
        record = record or self.backend
        trial = self.env["connector.mapping.trial"].with_context(active_model=record._name, active_id=record.id)
        return trial.create(values)

    def rows(self, trial):
        trial.action_try()
        return {line.target: (line.source, line.how, line.value, line.error) for line in trial.line_ids}

    def partner_trial(self, **values):
        return self.trial(model_id=self.env["ir.model"]._get_id("test.shop.partner"), external_id="7", **values)

    def test_from_a_backend_it_offers_the_models_that_have_bindings_there(self):
        names = self.trial(model_id=self.env["ir.model"]._get_id("test.shop.partner")).model_names
        self.assertIn("test.shop.partner", names)
        self.assertIn("test.shop.tag", names)
        self.assertNotIn("external.binding", names)

    def test_from_a_binding_it_knows_model_and_external_id(self):
        trial = self.trial(self.partner("7"))
        self.assertEqual((trial.backend_id, trial.model_id.model), (self.backend, "test.shop.partner"))
        self.assertEqual(trial.external_id, "7")

    def test_it_shows_where_each_value_comes_from(self):
        self.shop.add("test.shop.partner", 7, name="Ada", points=0)
        self.assertEqual(self.rows(self.partner_trial())["points"], ("points", "direct", "0", False))

    def test_an_error_is_shown_beside_the_values(self):
        self.shop.add("test.shop.partner", 7, name="Ada", tag=9)
        rows = self.rows(self.partner_trial())
        self.assertEqual(rows["name"], ("name", "direct", "'Ada'", False))
        source, how, value, error = rows["main_tag_id"]
        self.assertEqual((source, how, value), ("tag", "external_to_m2o()", False))
        self.assertIn("test.shop.tag has no record with the external id 9", error)

    def test_it_names_the_record_that_would_be_updated(self):
        self.shop.add("test.shop.partner", 7, name="Ada")
        trial = self.partner_trial()
        trial.action_try()
        self.assertEqual(trial.record_name, "none: it would be created")
        self.partner("7", name="Old Ada")
        trial.action_try()
        self.assertEqual(trial.record_name, "Old Ada")

    def test_nothing_is_written(self):
        class OrderMapper(ImportMapper):
            _model_name = "test.shop.order"

            @mapping
            def create_order(self, record):
                return {"odoo_id": self.env["test.order"].create({"name": "On the way"}).id}

        self.enterContext(registering(webshop))
        webshop(OrderMapper)
        self.shop.add("test.shop.order", 1)
        rows = self.rows(self.trial(model_id=self.env["ir.model"]._get_id("test.shop.order"), external_id="1"))
        self.assertEqual(rows["odoo_id"][1], "create_order()")
        self.assertFalse(self.env["test.order"].search([("name", "=", "On the way")]))

    def test_a_second_try_takes_the_place_of_the_first(self):
        self.shop.add("test.shop.partner", 7, name="Ada")
        trial = self.partner_trial()
        number = len(self.rows(trial))
        self.assertEqual(len(self.rows(trial)), number)

    def test_a_record_that_is_not_there_is_said_so(self):
        with self.assertRaisesRegex(UserError, "The shop has no test.shop.partner 7"):
            self.partner_trial().action_try()

    def test_without_an_external_id_it_asks_for_one(self):
        trial = self.partner_trial()
        trial.external_id = False
        with self.assertRaisesRegex(UserError, "Enter the identifier"):
            trial.action_try()

    def test_it_is_for_managers(self):
        user = self.env["res.users"].create({"name": "Clerk", "login": "clerk"})
        user.group_ids += self.env.ref("connector.group_connector_user")
        with self.assertRaises(AccessError):
            self.env["connector.mapping.trial"].with_user(user).create({})


class TestAddressThere(ShopCase):
    def test_the_backend_says_where_a_record_is_shown_there(self):
        def address(backend, binding):
            return f"https://shop.example.com/{binding._name}/{binding.external_id}"

        self.patch(self.registry["test.shop.backend"], "_get_admin_url", address)
        binding = self.partner("7")
        self.assertEqual(binding.admin_url, "https://shop.example.com/test.shop.partner/7")
        action = binding.action_open_admin()
        self.assertEqual((action["type"], action["url"]), ("ir.actions.act_url", binding.admin_url))
        self.assertFalse(self.partner().admin_url)

    def test_where_nobody_says_it_there_is_none(self):
        self.assertFalse(self.partner("7").admin_url)
