"""Payment rules, delivery methods and taxes of a shop."""

from datetime import timedelta

from odoo.exceptions import AccessError
from odoo.tests import tagged

from odoo.addons.connector import ConnectorSession
from odoo.addons.connector.unit.importer.bulk import import_page
from odoo.addons.connector.unit.importer.record import import_record
from odoo.addons.connector_ecommerce import DeliveryMethods, TaxMatcher

from .shop_case import ShopCase


class RulesCase(ShopCase):
    def rule(self, means="card"):
        return self.env["connector.payment.rule"].search(
            [("backend_id", "=", f"corner.backend,{self.backend.id}"), ("code", "=", means)]
        )

    def checkpoints(self, *models):
        """Return the checkpoints about records of some models."""
        domain = [("backend_id", "=", f"corner.backend,{self.backend.id}"), ("model_id.model", "in", models)]
        return self.env["connector.checkpoint"].search(domain)

    def place_unpaid(self, ref, means="transfer", **paid):
        paid_by = {"means": means, "settled_minor": 0, "held": False, "at": None, **paid}
        return self.shop.place(ref, "b-1", [("g-1", 1)], paid_by=paid_by)

    def waiting_jobs(self):
        self.env.invalidate_all()
        return self.env["queue.job"].search([("state", "=", "scheduled"), ("waits_for", "!=", False)], order="id")


@tagged("post_install", "-at_install")
class TestPaymentRules(RulesCase):
    def test_a_new_kind_of_payment_gets_a_rule_and_one_checkpoint_for_all_orders(self):
        for number in range(5):
            self.place_unpaid(f"P-{number}", "barter")
        self.import_orders()
        self.assertEqual(self.rule("barter").import_when, "always")
        self.assertEqual(len(self.checkpoints("connector.payment.rule")), 1)
        self.assertTrue(all(self.order(f"P-{number}").id for number in range(5)))

    def test_a_new_kind_of_payment_is_seen_while_its_only_order_waits(self):
        self.backend.default_import_when = "paid"
        self.place_unpaid("P-1", "barter")
        import_record.delay(ConnectorSession.from_env(self.env), "corner.sale.order", self.backend.id, "P-1")
        self.run_jobs()
        self.assertEqual(self.waiting_jobs().waits_for, "the payment: barter")
        self.assertEqual(self.rule("barter").import_when, "paid")
        self.assertEqual(len(self.checkpoints("connector.payment.rule")), 1)

    def test_a_page_that_fails_loses_no_rule_and_no_method_of_its_other_orders(self):
        self.place_unpaid("P-1", "barter")
        self.place_unpaid("P-2", "barter")
        self.shop.purchases["P-2"]["placed"] = "no date"
        import_page.delay(
            ConnectorSession.from_env(self.env), "corner.sale.order", self.backend.id, external_ids=["P-1", "P-2"]
        )
        self.run_jobs()
        self.assertTrue(self.order("P-1"))
        self.assertEqual(len(self.rule("barter")), 1)
        self.assertEqual(len(self.checkpoints("connector.payment.rule", "connector.delivery.method")), 2)

    def test_an_order_waits_until_it_is_paid_and_is_given_up_after_the_days(self):
        self.env["connector.payment.rule"].create(
            {
                "backend_id": f"corner.backend,{self.backend.id}",
                "code": "transfer",
                "name": "Transfer",
                "import_when": "paid",
                "give_up_days": 7,
            }
        )
        paid, unpaid = self.place_unpaid("P-1"), self.place_unpaid("P-2")
        self.import_orders()
        jobs = self.waiting_jobs()
        self.assertEqual(set(jobs.mapped("waits_for")), {"the payment: Transfer"})
        self.assertEqual(len(jobs), 2)
        paid["paid_by"]["settled_minor"] = paid["to_pay_minor"]
        self.assertLess(unpaid["paid_by"]["settled_minor"], unpaid["to_pay_minor"])
        self.env.cr.execute(
            "UPDATE queue_job SET waits_since = waits_since - interval '8 days' WHERE waits_for IS NOT NULL"
        )
        self.env.invalidate_all()
        self.run_jobs(at=max(jobs.mapped("eta")) + timedelta(seconds=1))
        self.assertEqual(self.order("P-1").amount_total, 19.99)
        self.assertFalse(self.order("P-2"))
        given_up = self.checkpoints("corner.backend")
        self.assertEqual(given_up.external_ids, ["P-2"])
        self.assertIn("after 7 days: the payment: Transfer", given_up.message)

    def test_the_days_do_not_concern_an_old_order_that_is_paid(self):
        self.backend.default_import_when = "paid"
        self.shop.place("P-1", "b-1", [("g-1", 1)], placed="2020-01-01T00:00:00Z")
        self.import_orders()
        self.assertTrue(self.order("P-1"))

    def test_authorised_money_is_enough_for_its_rule_alone(self):
        self.backend.default_import_when = "authorised"
        self.place_unpaid("P-1", held=True)
        self.place_unpaid("P-2")
        self.import_orders()
        self.assertTrue(self.order("P-1"))
        self.assertFalse(self.order("P-2"))

    def test_a_rule_can_leave_orders_out(self):
        self.backend.default_import_when = "never"
        self.shop.place("P-1", "b-1", [("g-1", 1)])
        self.import_orders()
        self.assertFalse(self.order("P-1"))
        self.assertFalse(self.waiting_jobs())

    def test_a_free_order_waits_for_nothing(self):
        self.backend.default_import_when = "paid"
        self.shop.place("P-1", "b-1", [("g-1", 1)], rebate=1999)
        self.import_orders()
        self.assertEqual(self.order("P-1").amount_total, 0)

    def test_an_order_gets_the_payment_method_of_its_rule(self):
        journal = self.env["account.journal"].search(
            [("type", "=", "bank"), ("company_id", "=", self.company.id)], limit=1
        )
        backend = f"corner.backend,{self.backend.id}"
        rule = self.env["connector.payment.rule"].create(
            {"backend_id": backend, "code": "card", "name": "Card", "journal_id": journal.id}
        )
        self.assertEqual(rule.payment_method_line_id.journal_id, journal)
        self.shop.place("P-1", "b-1", [("g-1", 1)])
        self.import_orders()
        self.assertEqual(self.order("P-1").preferred_payment_method_line_id, rule.payment_method_line_id)

    def test_rules_and_methods_go_with_their_shop(self):
        self.place_unpaid("P-1", "barter")
        self.import_orders()
        self.assertEqual(self.rule("barter").company_id, self.company)
        other = self.env["res.company"].create({"name": "Other Ltd"})
        self.backend.company_id = other
        self.assertEqual(self.rule("barter").company_id, other)
        empty = self.backend.create({"name": "Empty", "company_id": self.company.id})
        reference = f"corner.backend,{empty.id}"
        rule = self.env["connector.payment.rule"].create({"backend_id": reference, "code": "x", "name": "x"})
        empty.unlink()
        self.assertFalse(rule.exists())


@tagged("post_install", "-at_install")
class TestDeliveryMethods(RulesCase):
    def method(self, code="post"):
        return self.env["connector.delivery.method"].search(
            [("backend_id", "=", f"corner.backend,{self.backend.id}"), ("code", "=", code)]
        )

    def test_a_new_method_gets_a_carrier_that_all_companies_may_use(self):
        product = self.env.ref("connector_ecommerce.product_shipping")
        self.shop.place("P-1", "b-1", [("g-1", 1)], carriage=490)
        self.shop.place("P-2", "b-1", [("g-1", 1)], carriage=490)
        self.import_orders()
        self.assertEqual(self.method().carrier_id.name, "Parcel Post")
        self.assertFalse(self.method().carrier_id.company_id | product.company_id)
        self.assertEqual(self.order("P-2").carrier_id, self.method().carrier_id)
        self.assertEqual(len(self.checkpoints("connector.delivery.method")), 1)

    def test_a_new_method_gets_the_carrier_of_the_backend(self):
        self.backend.default_carrier_id = carrier = self.env.ref("delivery.free_delivery_carrier")
        self.shop.place("P-1", "b-1", [("g-1", 1)])
        self.import_orders()
        self.assertEqual((self.method().carrier_id, self.order("P-1").carrier_id), (carrier, carrier))

    def test_the_code_of_a_carrier_for_tracking_is_that_of_its_methods(self):
        carrier = self.env.ref("delivery.free_delivery_carrier")
        values = {"backend_id": f"corner.backend,{self.backend.id}", "carrier_id": carrier.id}
        self.env["connector.delivery.method"].create(
            [
                {**values, "code": "slow", "name": "Slow"},
                {**values, "code": "fast", "name": "Fast", "tracking_code": "dhl"},
            ]
        )
        with self.backend.work_on("corner.sale.order") as environment:
            methods = environment.get_connector_unit(DeliveryMethods)
            self.assertEqual(methods.code_of(carrier), "dhl")
            self.assertEqual(methods.code_of(carrier.copy({"name": "Other"})), "")
            self.assertEqual((methods.carrier_of("slow"), methods.carrier_of("fast")), (carrier, carrier))


@tagged("post_install", "-at_install")
class TestTaxMatcher(RulesCase):
    def match(self, *rates, included=True, country="base.de", company=None):
        with self.backend.work_on("corner.sale.order") as environment:
            matcher = environment.get_connector_unit(TaxMatcher)
            return matcher.match(rates, included, self.env.ref(country), company or self.company)

    def tax(self, amount, **values):
        values = {"name": f"tax {amount} {values}", "amount": amount, "company_id": self.company.id, **values}
        return self.env["account.tax"].create({"type_tax_use": "sale", **values})

    def test_a_tax_is_found_by_its_rate_within_a_hundredth(self):
        for rate in (19, 19.009, 18.991):
            self.assertEqual(self.match(rate), self.tax_19)
        self.assertIsNone(self.match(19.02))

    def test_prices_with_tax_need_a_tax_in_the_price(self):
        excluded = self.tax(19, price_include_override="tax_excluded")
        self.assertEqual(self.match(19, included=True), self.tax_19)
        self.assertEqual(self.match(19, included=False), excluded)
        self.assertIsNone(self.match(7, included=False))

    def test_what_the_company_has_as_default_counts_for_taxes_that_say_nothing(self):
        tax = self.tax(11)
        self.company.account_price_include = "tax_included"
        self.assertEqual(self.match(11, included=True), tax)

    def test_other_taxes_are_none(self):
        self.tax(5, type_tax_use="purchase", price_include_override="tax_included")
        self.tax(5, amount_type="fixed", price_include_override="tax_included")
        self.tax(5, active=False, price_include_override="tax_included")
        self.assertIsNone(self.match(5))
        self.assertIsNone(self.match(19, company=self.env["res.company"].create({"name": "Other Ltd"})))

    def test_that_of_the_country_of_the_delivery_goes_first(self):
        self.env["account.tax.group"].create(
            {"name": "Belgium", "company_id": self.company.id, "country_id": self.env.ref("base.be").id}
        )
        belgian = self.tax(19, country_id=self.env.ref("base.be").id, price_include_override="tax_included")
        self.assertEqual(self.match(19, country="base.be"), belgian)
        self.assertEqual(self.match(19, country="base.de"), self.tax_19)
        self.assertEqual(self.match(19, country="base.fr"), self.tax_19)

    def test_several_rates_need_all_their_taxes(self):
        self.assertEqual(self.match(7, 19), self.tax_7 + self.tax_19)
        self.assertIsNone(self.match(7, 20))

    def test_no_rate_and_a_rate_of_0_are_no_tax(self):
        self.assertEqual(self.match(), self.env["account.tax"])
        self.assertEqual(self.match(0), self.env["account.tax"])


@tagged("post_install", "-at_install")
class TestRights(RulesCase):
    def user_of(self, *groups):
        values = {"name": "Somebody", "login": "-".join(groups) or "employee", "company_ids": self.company.ids}
        values["group_ids"] = [self.env.ref(group).id for group in ("base.group_user", *groups)]
        return self.env["res.users"].create({**values, "company_id": self.company.id})

    def test_a_sales_manager_edits_rules_without_reading_backends(self):
        self.place_unpaid("P-1", "barter")
        self.import_orders()
        boss = self.user_of("sales_team.group_sale_manager")
        rule = self.rule("barter").with_user(boss)
        rule.web_save({"import_when": "never"}, {"name": {}, "backend_name": {}})
        self.assertEqual((rule.import_when, rule.backend_name), ("never", "Corner"))
        with self.assertRaises(AccessError):
            rule.copy({"code": "other"})
        with self.assertRaises(AccessError):
            self.backend.with_user(boss).read(["location"])

    def test_a_salesman_reads_rules_and_an_employee_does_not(self):
        self.place_unpaid("P-1", "barter")
        self.import_orders()
        rule = self.rule("barter").with_user(self.user_of("sales_team.group_sale_salesman"))
        self.assertEqual(rule.import_when, "always")
        with self.assertRaises(AccessError):
            rule.name = "Mine"
        with self.assertRaises(AccessError):
            rule.with_user(self.user_of()).read(["name"])

    def test_nobody_sees_the_rules_and_methods_of_another_company(self):
        self.place_unpaid("P-1", "barter")
        self.import_orders()
        boss = self.user_of("sales_team.group_sale_manager", "connector.group_connector_manager")
        self.assertTrue(self.env["connector.payment.rule"].with_user(boss).search([]))
        self.backend.company_id = self.env["res.company"].create({"name": "Other Ltd"})
        self.assertFalse(self.env["connector.payment.rule"].with_user(boss).search([]))
        self.assertFalse(self.env["connector.delivery.method"].with_user(boss).search([]))


@tagged("post_install", "-at_install")
class TestPageOfTheBackend(RulesCase):
    def test_the_form_of_a_shop_has_the_page_with_each_setting_once(self):
        arch = self.env["corner.backend"].get_view(view_type="form")["arch"]
        for name in ("guest_policy", "default_import_when", "confirm_since", "order_prefix", "stock_warehouse_id"):
            self.assertEqual(arch.count(f'<field name="{name}"'), 1, name)
        self.assertEqual((arch.count('name="orders" string="Orders"'), arch.count('name="location"')), (1, 1))

    def test_its_buttons_open_what_is_of_the_shop_alone(self):
        self.place_unpaid("P-1", "barter")
        self.import_orders()
        other = self.backend.create({"name": "Other", "company_id": self.company.id})
        for shop, count in ((self.backend, 1), (other, 0)):
            for action in (shop.action_open_payment_rules(), shop.action_open_delivery_methods()):
                self.assertEqual(self.env[action["res_model"]].search_count(action["domain"]), count)
