"""Taxes of a shop, matched by their rates."""

from decimal import Decimal

from odoo.tests import tagged

from odoo.addons.connector_ecommerce import TaxMatcher

from .shop_case import ShopCase


@tagged("post_install", "-at_install")
class TestTaxes(ShopCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.home, cls.france = cls.company.account_fiscal_country_id, cls.env.ref("base.fr")

    def tax(self, amount, included=True, **values):
        company = values.get("company_id", self.company.id)
        country = values.get("country_id", self.home.id)
        groups = self.env["account.tax.group"]
        group = groups.create({"name": "Tax", "company_id": company, "country_id": country})
        return self.env["account.tax"].create(
            {
                "name": f"{amount} {included} {values}",
                "tax_group_id": group.id,
                "amount": amount,
                "type_tax_use": "sale",
                "price_include_override": "tax_included" if included else "tax_excluded",
                "company_id": self.company.id,
                **values,
            }
        )

    def match(self, *rates, included=True, country=None):
        rates = [Decimal(rate) for rate in rates]
        with self.backend.work_on("corner.sale.order") as environment:
            matcher = environment.get_connector_unit(TaxMatcher)
            return matcher.match(rates, included, self.home if country is None else country, self.company)

    def test_a_rate_is_matched_within_a_hundredth_of_a_percent(self):
        self.assertEqual(self.match("19"), self.tax_19)
        self.assertEqual(self.match("19.01"), self.tax_19)
        self.assertIsNone(self.match("19.02"))

    def test_the_nearest_of_two_rates_is_taken(self):
        self.tax(8.87)
        near = self.tax(8.875)
        self.assertEqual(self.match("8.875"), near)

    def test_no_rate_and_a_rate_of_zero_are_no_tax(self):
        self.assertEqual(self.match(), self.env["account.tax"])
        self.assertEqual(self.match("0"), self.env["account.tax"])
        self.assertEqual(self.match("0", "7"), self.tax_7)

    def test_a_price_with_tax_needs_a_tax_in_the_price(self):
        on_top = self.tax(19, included=False)
        self.assertEqual(self.match("19"), self.tax_19)
        self.assertEqual(self.match("19", included=False), on_top)
        self.assertIsNone(self.match("7", included=False))

    def test_a_tax_that_leaves_it_to_the_company_is_as_the_company_says(self):
        tax = self.tax(5, price_include_override=False)
        self.assertEqual(self.match("5", included=False), tax)
        self.assertIsNone(self.match("5"))
        self.company.account_price_include = "tax_included"
        self.assertEqual(self.match("5"), tax)

    def test_several_rates_are_several_taxes(self):
        self.assertEqual(self.match("7", "19"), self.tax_7 | self.tax_19)
        self.assertIsNone(self.match("7", "18"))

    def test_the_same_rate_twice_is_two_taxes(self):
        self.assertIsNone(self.match("19", "19"))
        other = self.tax(19, sequence=99)
        self.assertEqual(self.match("19", "19"), self.tax_19 | other)

    def test_a_tax_of_the_country_of_the_delivery_goes_first(self):
        french = self.tax(19, country_id=self.france.id)
        self.assertEqual(self.match("19", country=self.france), french)
        self.assertEqual(self.match("19"), self.tax_19)
        self.assertEqual(self.match("7", country=self.france), self.tax_7)

    def test_an_unknown_country_has_the_taxes_of_the_company(self):
        self.assertEqual(self.match("19", country=self.env["res.country"]), self.tax_19)

    def test_taxes_for_something_else_are_not_taken(self):
        self.tax(3, type_tax_use="purchase")
        self.tax(3, amount_type="fixed")
        self.tax(3, amount_type="division")
        self.tax(3, active=False)
        elsewhere = self.env["res.company"].create({"name": "Elsewhere", "country_id": self.home.id})
        self.tax(3, company_id=elsewhere.id)
        self.assertIsNone(self.match("3"))

    def test_a_rate_that_is_unknown_leaves_a_quotation_that_names_rate_and_line(self):
        self.shop.place("P-1", "b-1", [("g-1", 1)], percent="5.5")
        self.import_orders()
        order = self.order("P-1")
        self.assertEqual(order.state, "draft")
        self.assertRegex(order.shop_reasons, "Chair.*5.5 %")
