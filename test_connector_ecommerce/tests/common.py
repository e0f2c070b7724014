"""A corner shop with a customer, a product and orders, for the tests of its orders."""

from odoo.tests import TransactionCase

from odoo.addons.connector import ConnectorSession, add_checkpoint


class CornerCase(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.backend = cls.env["corner.backend"].create({"name": "Corner", "location": "http://x"})
        cls.country = cls.env.ref("base.be")
        cls.customer = cls.env["res.partner"].create({"name": "Ada", "country_id": cls.country.id})
        cls.product = cls.env["product.product"].create(
            {"name": "Chair", "list_price": 10, "taxes_id": False, "is_storable": True, "invoice_policy": "order"}
        )
        cls.Order = cls.env["corner.sale.order"]
        cls.tax = cls.env["account.tax"].create({"name": "19 %", "amount": 19, "amount_type": "percent"})

    def order_of_shop(self, external_id="7", price=10, **values):
        """Return the binding of an order of one line with our product; the shop says the same."""
        binding = self.Order.create(
            {
                "backend_id": self.backend.id,
                "external_id": external_id,
                "external_number": f"1000{external_id}",
                "external_currency": self.env.company.currency_id.name,
                "external_total": price,
                "external_tax": 0,
                "partner_id": self.customer.id,
                **values,
            }
        )
        self.line_of_shop(binding, price)
        return binding

    def line_of_shop(self, binding, price=10, **values):
        """Return the binding of a new line of an order."""
        return self.env["corner.sale.order.line"].create(
            {
                "shop_order_id": binding.id,
                "backend_id": self.backend.id,
                "external_id": f"{binding.external_id}.{len(binding.shop_line_ids)}",
                "product_id": self.product.id,
                "price_unit": price,
                "tax_ids": False,
                **values,
            }
        )

    def codes_of(self, binding):
        """Return the codes of the reasons that block an order, renewed."""
        binding.odoo_id._renew_shop_reasons()
        return [reason.code for reason in binding.odoo_id._blocking_reasons()]

    def checkpoint_about(self, record):
        session = ConnectorSession.from_env(self.env)
        return add_checkpoint(session, record._name, record.id, self.backend, "Look at it", severity="warning")
