from odoo.tests import TransactionCase, new_test_user


class TestCompanies(TransactionCase):
    """The bindings of orders are seen in the company of their backend, and by those who see the order."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.elsewhere = cls.env["res.company"].create({"name": "Elsewhere"})
        cls.backend = cls.env["odoo.backend"].create({"name": "Shop", "location": "http://x", "database": "shop"})
        customer = cls.env["res.partner"].create({"name": "Ada"})
        product = cls.env["product.product"].create({"name": "Chair"})
        cls.order = cls.env["odoo.sale.order"].create(
            {"backend_id": cls.backend.id, "external_id": "7", "partner_id": customer.id}
        )
        cls.line = cls.env["odoo.sale.order.line"].create(
            {"odoo_order_id": cls.order.id, "backend_id": cls.backend.id, "external_id": "8", "product_id": product.id}
        )

    def seen_from(self, company, record):
        """Return what of a record a manager of a company sees, who may see all its orders."""
        groups = "connector.group_connector_manager,sales_team.group_sale_salesman_all_leads"
        login = f"manager of {company.name}"
        user = self.env["res.users"].search([("login", "=", login)]) or new_test_user(
            self.env, login, groups, company_id=company.id, company_ids=company.ids
        )
        return record.with_user(user).search([("id", "in", record.ids)])

    def test_bindings_are_seen_in_the_company_of_their_backend_alone(self):
        for binding in (self.order, self.line):
            with self.subTest(binding._name):
                self.assertEqual(self.seen_from(self.env.company, binding), binding)
                self.assertFalse(self.seen_from(self.elsewhere, binding))

    def test_the_bindings_of_a_backend_of_all_companies_are_seen_in_the_company_of_the_order(self):
        self.backend.company_id = False
        for binding in (self.order, self.line):
            with self.subTest(binding._name):
                self.assertEqual(self.seen_from(self.env.company, binding), binding)
                self.assertFalse(self.seen_from(self.elsewhere, binding))
