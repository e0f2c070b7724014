"""Common base of the tests with the corner shop."""

from odoo.addons.connector.testing import ConnectorCase

from .corner_shop import KEY, CornerShop


class ShopCase(ConnectorCase):
    """A test case with the shop, a backend for it, and a company that sells with 19 % of tax."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company = cls.env["res.company"].create(
            {
                "name": "Corner Ltd",
                "currency_id": cls.env.ref("base.EUR").id,
                "country_id": cls.env.ref("base.de").id,
            }
        )
        cls.env.ref("base.EUR").active = True
        cls.env.user.write({"company_ids": [(4, cls.company.id)], "company_id": cls.company.id})
        cls.env = cls.env(context={**cls.env.context, "allowed_company_ids": cls.company.ids})
        cls.env["account.chart.template"].try_loading("generic_coa", company=cls.company, install_demo=False)
        cls.company.currency_id = cls.env.ref("base.EUR")
        taxes = cls.env["account.tax"].create(
            [
                {
                    "name": f"{percent} % in the price",
                    "amount": percent,
                    "type_tax_use": "sale",
                    "price_include_override": "tax_included",
                    "company_id": cls.company.id,
                }
                for percent in (7, 19)
            ]
        )
        cls.tax_7, cls.tax_19 = taxes
        cls.warehouse = cls.env["stock.warehouse"].search([("company_id", "=", cls.company.id)], limit=1)

    def setUp(self):
        super().setUp()
        self.shop = CornerShop()
        self.server = self.serve(self.shop.answer)
        self.backend = self.env["corner.backend"].create(
            {
                "name": "Corner",
                "location": self.server.url,
                "key": KEY,
                "confirm_since": "2026-01-01",
                "company_id": self.company.id,
                "stock_warehouse_id": self.warehouse.id,
            }
        )
        self.backend.flow("deliveries").is_on = True
        self.backend.flow("cancellations").is_on = True
        self.shop.add_good("g-1", "CHAIR", "Chair", 1999)
        self.shop.add_good("g-2", "TABLE", "Table", 10000)
        self.shop.add_buyer("b-1", "Ada Lovelace", "ada@example.com")

    def import_orders(self):
        """Run the flow, and its jobs; none of them fails."""
        self.backend.flow("orders").action_run()
        self.assertDone(self.run_jobs())

    def order(self, ref):
        """Return the order of a purchase."""
        domain = [("backend_id", "=", self.backend.id), ("external_id", "=", ref)]
        return self.env["corner.sale.order"].search(domain).odoo_id

    def stock(self, order, count=100):
        """Have enough of the products of an order."""
        for product in order.order_line.product_id.filtered("is_storable"):
            self.env["stock.quant"]._update_available_quantity(product, self.warehouse.lot_stock_id, count)
        order.picking_ids.action_assign()

    def deliver(self, picking, *quantities):
        """Deliver a transfer; with quantities, only so much of its lines: the rest follows."""
        for move, quantity in zip(
            picking.move_ids, quantities or picking.move_ids.mapped("product_uom_qty"), strict=True
        ):
            move.write({"quantity": quantity, "picked": True})
        picking.with_context(skip_backorder=True, picking_ids_not_to_backorder=[]).button_validate()
        self.assertEqual(picking.state, "done")
