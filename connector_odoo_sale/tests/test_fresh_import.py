from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from odoo import Command
from odoo.tests import tagged

from odoo.addons.connector_odoo.tests.fresh_import import EXAMPLES, FreshImportCase, change

texts = st.sampled_from(["Ada", "B & C", "été"])
prices = st.sampled_from([0, 1, 12.5, 19.99, 50, 100])
quantities = st.sampled_from([1, 2, 3.5, 100])
moments = st.sampled_from([datetime(2026, 1, 31, 8, 15), datetime(2026, 2, 1)])


@tagged("post_install", "-at_install")
class TestFreshImport(FreshImportCase):
    """An update ends where a fresh import ends, whatever is mapped and whatever the values are."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        env = cls.env = cls.env(context={**cls.env.context, "tracking_disable": True})
        cls.env.user.group_ids += env.ref("sale.group_discount_per_so_line") + env.ref(
            "product.group_product_pricelist"
        )
        cls.taxes = env["account.tax"].create([{"name": f"Tax {rate}", "amount": rate} for rate in (0, 5, 21)])
        cls.terms = env["account.payment.term"].search([], limit=3)
        cls.pricelists = env["product.pricelist"].create(
            [
                {"name": "Half", "item_ids": [Command.create({"compute_price": "percentage", "percent_price": 50})]},
                {"name": "Seven", "item_ids": [Command.create({"compute_price": "fixed", "fixed_price": 7})]},
            ]
        )
        position = env["account.fiscal.position"].create({"name": "Abroad"})
        cls.partners = env["res.partner"].create(
            [
                {"name": "Ada"},
                {
                    "name": "Bob",
                    "property_product_pricelist": cls.pricelists[0].id,
                    "property_payment_term_id": cls.terms[:1].id,
                    "property_account_position_id": position.id,
                    "user_id": env.ref("base.user_admin").id,
                    "child_ids": [
                        Command.create({"name": "Bills", "type": "invoice"}),
                        Command.create({"name": "Door", "type": "delivery"}),
                    ],
                },
            ]
        )
        cls.products = env["product.product"].create(
            [
                {
                    "name": name,
                    "list_price": price,
                    "standard_price": price / 2,
                    "description_sale": f"About {name}",
                    "taxes_id": [Command.set(tax.ids)],
                }
                for name, price, tax in zip(("Chair", "Table", "Lamp"), (20, 100, 1), cls.taxes, strict=True)
            ]
        )
        cls.units = env.ref("uom.product_uom_unit") + env.ref("uom.product_uom_dozen")

    def test_c16_of_an_order(self):
        optional = {
            "partner_invoice_id": self.ids(self.partners),
            "partner_shipping_id": self.ids(self.partners),
            "pricelist_id": self.ids(self.pricelists),
            "payment_term_id": self.ids(self.terms, empty=True),
            "fiscal_position_id": self.ids(self.env["account.fiscal.position"].search([], limit=2), empty=True),
            "user_id": self.ids(self.env.ref("base.user_admin"), empty=True),
            "team_id": self.ids(self.env["crm.team"].search([], limit=2), empty=True),
            "note": st.sampled_from([False, "<p>Thanks</p>"]),
            "require_payment": st.booleans(),
            "date_order": moments,
            "client_order_ref": texts,
        }

        @EXAMPLES
        @given(change({"partner_id": self.ids(self.partners)}, optional))
        def check(values):
            self.assert_fresh("sale.order", *values)

        check()

    def test_c16_of_a_line_of_an_order(self):
        order = self.env["sale.order"].create({"partner_id": self.partners[1].id})
        optional = {
            "name": texts,
            "product_uom_id": self.ids(self.units),
            "price_unit": prices,
            "discount": st.sampled_from([0, 10]),
            "tax_ids": st.sampled_from([[Command.set(ids)] for ids in ([], self.taxes[:1].ids, self.taxes[1:].ids)]),
            "sequence": st.integers(1, 9),
            "customer_lead": st.integers(0, 3),
        }
        required = {"product_id": self.ids(self.products), "product_uom_qty": quantities}

        @EXAMPLES
        @given(change(required, optional))
        def check(values):
            self.assert_fresh("sale.order.line", *values, order_id=order.id)

        check()

    def test_c16_of_a_line_of_an_invoice(self):
        move = self.env["account.move"].create({"move_type": "out_invoice", "partner_id": self.partners[1].id})
        accounts = self.env["account.account"].search([("account_type", "=", "income")], limit=2)
        optional = {
            "name": texts,
            "product_uom_id": self.ids(self.units),
            "price_unit": prices,
            "discount": st.sampled_from([0, 10]),
            "tax_ids": st.sampled_from([[Command.set(ids)] for ids in ([], self.taxes[:1].ids, self.taxes[1:].ids)]),
            "account_id": self.ids(accounts),
            "sequence": st.integers(1, 9),
        }
        required = {"product_id": self.ids(self.products), "quantity": quantities}

        @EXAMPLES
        @given(change(required, optional))
        def check(values):
            self.assert_fresh("account.move.line", *values, move_id=move.id)

        check()

    def product_fields(self):
        return {
            "list_price": prices,
            "standard_price": prices,
            "default_code": texts,
            "weight": prices,
            "volume": prices,
            "uom_id": self.ids(self.units),
            "categ_id": self.ids(self.env["product.category"].search([], limit=2)),
            "sale_ok": st.booleans(),
            "purchase_ok": st.booleans(),
            "type": st.sampled_from(["consu", "service"]),
            "invoice_policy": st.sampled_from(["order", "delivery"]),
            "expense_policy": st.sampled_from(["no", "cost"]),
            "description_sale": texts,
            "taxes_id": st.sampled_from([[Command.set(ids)] for ids in ([], self.taxes[:1].ids, self.taxes[1:].ids)]),
        }

    def test_c16_of_a_template(self):
        @EXAMPLES
        @given(change({"name": texts}, self.product_fields()))
        def check(values):
            self.assert_fresh("product.template", *values)

        check()

    def test_c16_of_a_product(self):
        @EXAMPLES
        @given(change({"name": texts}, self.product_fields()))
        def check(values):
            self.assert_fresh("product.product", *values)

        check()

    def test_c16_of_a_partner(self):
        countries = self.env.ref("base.be") + self.env.ref("base.us")
        optional = {
            "parent_id": self.ids(self.partners, empty=True),
            "is_company": st.booleans(),
            "type": st.sampled_from(["contact", "invoice", "delivery", "other"]),
            "street": texts,
            "city": texts,
            "zip": texts,
            "country_id": self.ids(countries, empty=True),
            "email": st.sampled_from([False, "ada@example.com", "ADA <ada@example.com>"]),
            "phone": st.sampled_from([False, "+32 2 290 34 90"]),
            "lang": st.sampled_from(["en_US"]),
            "tz": st.sampled_from(["UTC", "Europe/Brussels"]),
            "user_id": self.ids(self.env.ref("base.user_admin"), empty=True),
            "comment": st.sampled_from([False, "<p>Nice</p>"]),
        }

        @EXAMPLES
        @given(change({"name": texts}, optional))
        def check(values):
            self.assert_fresh("res.partner", *values)

        check()
