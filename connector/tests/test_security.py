from odoo.tests import TransactionCase, new_test_user, tagged


class TestGroups(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.employee = new_test_user(cls.env, "connector employee", "base.group_user")
        cls.user = new_test_user(cls.env, "connector user", "connector.group_connector_user")
        cls.manager = new_test_user(cls.env, "connector manager", "connector.group_connector_manager")

    def test_employees_have_nothing_to_do_with_connectors(self):
        for model in ("connector.exchange", "queue.job"):
            self.assertFalse(self.env[model].with_user(self.employee).has_access("read"))
        self.assertNotIn(self.env.ref("connector.menu_connector_root").id, self.menus_of(self.employee))

    def test_users_and_managers_of_connectors_are_users_and_managers_of_jobs(self):
        self.assertTrue(self.user.has_group("jobs_queue.group_jobs_user"))
        self.assertFalse(self.user.has_group("jobs_queue.group_jobs_manager"))
        self.assertTrue(self.manager.has_group("jobs_queue.group_jobs_manager"))

    def test_users_and_managers_see_the_menus(self):
        for user in self.user | self.manager:
            menus = self.menus_of(user)
            for name in ("menu_connector_root", "menu_queue_job", "menu_connector_checkpoint", "menu_queue_worker"):
                with self.subTest(user=user.login, menu=name):
                    self.assertIn(self.env.ref(f"connector.{name}").id, menus)

    def test_the_groups_are_levels_of_one_privilege(self):
        groups = self.env.ref("connector.group_connector_user") | self.env.ref("connector.group_connector_manager")
        self.assertEqual(groups.privilege_id, self.env.ref("connector.res_groups_privilege_connector"))

    def menus_of(self, user):
        return self.env["ir.ui.menu"].with_user(user)._visible_menu_ids()


@tagged("post_install", "-at_install")
class TestEachModel(TransactionCase):
    """Checks of each model of these addons, and of those that are still to come."""

    def setUp(self):
        super().setUp()
        ours = [
            ("author", "=", "Connector Suite contributors"),
            ("name", "not like", "test_"),
            ("state", "=", "installed"),
        ]
        addons = set(self.env["ir.module.module"].search(ours).mapped("name"))
        self.models = [
            model
            for name, model_class in self.env.registry.items()
            if model_class._original_module in addons and not (model := self.env[name])._abstract
        ]
        self.assertTrue(self.models)

    def test_it_says_who_may_do_what(self):
        for model in self.models:
            with self.subTest(model=model._name):
                self.assertTrue(self.env["ir.model.access"].search([("model_id.model", "=", model._name)]))

    def test_records_of_companies_are_seen_by_their_users_alone(self):
        readable = self.env["ir.model.access"].search([("perm_read", "=", True)]).model_id.mapped("model")
        for model in self.models:
            of_companies = {"company_id", "backend_id"} & model._fields.keys()
            if of_companies and model._name in readable and not model._transient:
                rules = [("model_id.model", "=", model._name), ("domain_force", "like", "company_ids")]
                with self.subTest(model=model._name):
                    self.assertTrue(self.env["ir.rule"].search([*rules, ("global", "=", True)]))
