from lxml import etree

from odoo.tests import TransactionCase, new_test_user

from odoo.addons.connector.testing import Roles


class TestCompanies(TransactionCase):
    """Bindings of orders are seen in the company of their backend, by those who see the order."""

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


class TestWhatABindingGives(Roles, TransactionCase):
    """A binding gives no more of an order than the order does."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.backend = cls.env["odoo.backend"].create({"name": "Shop", "location": "http://x", "database": "shop"})
        cls.customer = cls.env["res.partner"].create({"name": "Ada"})
        cls.salesman = new_test_user(
            cls.env, "salesman", "connector.group_connector_user,sales_team.group_sale_salesman"
        )
        for user in cls.user + cls.salesman:
            user.group_ids += cls.env.ref("base.group_allow_export")
        cls.own, cls.others = (
            cls.env["odoo.sale.order"].create(
                {
                    "backend_id": cls.backend.id,
                    "external_id": seller.login,
                    "partner_id": cls.customer.id,
                    "user_id": seller.id,
                    "note": f"<p>secret of {seller.login}</p>",
                }
            )
            for seller in (cls.salesman, cls.user)
        )
        product = cls.env["product.product"].create({"name": "Chair", "list_price": 50})
        for order in cls.own + cls.others:
            cls.env["odoo.sale.order.line"].create(
                {
                    "odoo_order_id": order.id,
                    "backend_id": cls.backend.id,
                    "external_id": order.external_id,
                    "product_id": product.id,
                }
            )

    def ways(self, model):
        """Return the ways to use an inherited field without reading it, by their names."""
        of_backend = [("backend_id", "=", self.backend.id)]
        return {
            "search": lambda: model.search([*of_backend, ("note", "ilike", "secret")]),
            "search by a path": lambda: model.search([*of_backend, ("odoo_id.note", "ilike", "secret")]),
            "search by a part": lambda: model.search([*of_backend, ("odoo_id", "any", [("note", "ilike", "secret")])]),
            "search by its absence": lambda: model.search([*of_backend, "!", ("amount_total", ">", 1_000_000)]),
            "search by the customer": lambda: model.search([*of_backend, ("partner_id.name", "=", "Ada")]),
            "search by the name": lambda: model.search([*of_backend, ("display_name", "ilike", "S")]),
            "search for the record": lambda: model.search([*of_backend, ("odoo_id", "in", self.own.odoo_id.ids)]),
            "search by the lines": lambda: model.search([*of_backend, ("odoo_line_ids.price_unit", ">", 0)]),
            "search the lines": lambda: (
                self.env["odoo.sale.order.line"].with_user(model.env.user).search([*of_backend, ("price_unit", ">", 0)])
            ),
            "count": lambda: model.search_count([*of_backend, ("amount_total", ">", 10)]),
            "name_search": lambda: model.name_search("S", of_backend),
            "order": lambda: model.search(of_backend, order="amount_total"),
            "order of what is read": lambda: model.search_read(of_backend, ["external_id"], order="note desc"),
            "order by the record": lambda: model.search(of_backend, order="odoo_id"),
            "sum": lambda: model.formatted_read_group(of_backend, [], ["amount_total:sum"]),
            "sum on the web": lambda: model.web_read_group(of_backend, ["backend_id"], ["amount_total:sum"]),
            "maximum": lambda: model._read_group(of_backend, [], ["amount_total:max"]),
            "list of the records": lambda: model._read_group(of_backend, [], ["odoo_id:recordset"]),
            "group": lambda: model.formatted_read_group(of_backend, ["partner_id"], ["__count"]),
            "group by the record": lambda: model.formatted_read_group(of_backend, ["odoo_id"], ["__count"]),
            "group by the month": lambda: model.formatted_read_group(of_backend, ["date_order:month"], ["__count"]),
            "having": lambda: model._read_group(
                of_backend, ["backend_id"], ["__count"], having=[("amount_total:sum", ">", 1)]
            ),
            "progress": lambda: model.read_progress_bar(
                of_backend, "state", {"field": "state", "colors": {"draft": "x"}}
            ),
            "read": lambda: model.search(of_backend).read(["note"]),
            "read of the record": lambda: model.search(of_backend).read(["odoo_id"]),
            "read on the web": lambda: model.search(of_backend).web_read({"odoo_id": {"fields": {"display_name": {}}}}),
            "export": lambda: model.search(of_backend).export_data(["external_id", "amount_total"]),
        }

    def test_s9_an_inherited_field_is_for_those_who_may_read_such_records(self):
        model = self.env["odoo.sale.order"].with_user(self.user)
        self.env.invalidate_all()
        for name, way in self.ways(model).items():
            with self.subTest(name), self.assertRefused():
                way()

    def test_s9_the_fields_of_the_binding_itself_are_for_all_who_may_read_it(self):
        model = self.env["odoo.sale.order"].with_user(self.user)
        self.env.invalidate_all()
        bindings = model.search([("backend_id", "=", self.backend.id)], order="external_id")
        self.assertEqual(bindings.mapped("external_id"), ["role user", "salesman"])
        self.assertEqual(len(model.search_read([("sync_state", "=", "never")], ["external_id", "backend_id"])), 2)

    def test_s9_a_salesman_sees_the_bindings_of_the_orders_that_he_sees(self):
        model = self.env["odoo.sale.order"].with_user(self.salesman)
        self.env.invalidate_all()
        seen = self.own.odoo_id
        self.assertEqual(model.env["sale.order"].search([("id", "in", (self.own + self.others).odoo_id.ids)]), seen)
        results = {name: way() for name, way in self.ways(model).items()}
        for name in (
            "search",
            "search by a path",
            "search by a part",
            "search by the name",
            "order",
            "search by the lines",
        ):
            with self.subTest(name):
                self.assertEqual(results[name].ids, self.own.ids)
        self.assertEqual(results["count"], 1)
        self.assertEqual(results["sum"][0]["amount_total:sum"], self.own.amount_total)
        self.assertEqual(results["maximum"], [(self.own.amount_total,)])
        with self.assertRefused():
            self.others.with_user(self.salesman).read(["note"])

    def test_s9_the_screens_of_bindings_open_for_those_who_may_not_read_the_records(self):
        model = self.env["odoo.sale.order"].with_user(self.user)
        self.env.invalidate_all()
        got = model.get_views([(False, "list"), (False, "form"), (False, "search")])
        known = got["models"][model._name]["fields"]
        for kind, view in got["views"].items():
            fields = etree.fromstring(view["arch"]).xpath("//field[not(ancestor::field)]")
            shown = {node.get("name") for node in fields}
            with self.subTest(kind):
                self.assertFalse(shown - known.keys())

    def test_s9_code_that_works_as_superuser_is_asked_for_nothing(self):
        model = self.env["odoo.sale.order"]
        domain = [("backend_id", "=", self.backend.id), ("amount_total", ">", 10)]
        model.search(domain)
        with self.assertQueryCount(1):
            model.search(domain, order="amount_total").mapped("id")
