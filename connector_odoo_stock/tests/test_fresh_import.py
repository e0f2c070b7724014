from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from odoo.tests import tagged

from odoo.addons.connector_odoo.tests.fresh_import import EXAMPLES, FreshImportCase, change


@tagged("post_install", "-at_install")
class TestFreshImport(FreshImportCase):
    """An update ends where a fresh import ends, whatever is mapped and whatever the values are."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.product = cls.env["product.product"].create({"name": "Chair", "is_storable": True})
        warehouse = cls.env["stock.warehouse"].search([], limit=1)
        cls.types = warehouse.in_type_id + warehouse.out_type_id + warehouse.int_type_id
        cls.partners = cls.env["res.partner"].create([{"name": "Ada"}, {"name": "Bob"}])
        cls.places = cls.env["stock.location"].search([("usage", "in", ["internal", "customer", "supplier"])], limit=4)

    def test_c16_of_a_transfer(self):
        optional = {
            "partner_id": self.ids(self.partners, empty=True),
            "location_id": self.ids(self.places),
            "location_dest_id": self.ids(self.places),
            "origin": st.sampled_from([False, "S1", "S2"]),
            "move_type": st.sampled_from(["direct", "one"]),
            "priority": st.sampled_from(["0", "1"]),
            "scheduled_date": st.sampled_from([datetime(2026, 1, 31, 8, 15), datetime(2026, 2, 1)]),
            "user_id": self.ids(self.env.ref("base.user_admin"), empty=True),
            "note": st.sampled_from([False, "<p>Ring twice</p>"]),
        }

        @EXAMPLES
        @given(change({"picking_type_id": self.ids(self.types)}, optional))
        def check(values):
            self.assert_fresh("stock.picking", *values)

        check()

    def test_c16_of_a_move(self):
        picking = self.env["stock.picking"].create({"picking_type_id": self.types[1].id})
        units = self.env.ref("uom.product_uom_unit") + self.env.ref("uom.product_uom_dozen")
        optional = {
            "product_uom": self.ids(units),
            "location_id": self.ids(self.places),
            "location_dest_id": self.ids(self.places),
            "date": st.sampled_from([datetime(2026, 1, 31, 8, 15), datetime(2026, 2, 1)]),
            "origin": st.sampled_from([False, "S1", "S2"]),
            "price_unit": st.sampled_from([0, 1, 12.5]),
        }
        required = {"product_id": self.ids(self.product), "product_uom_qty": st.sampled_from([1, 2, 3.5])}

        @EXAMPLES
        @given(change(required, optional))
        def check(values):
            self.assert_fresh("stock.move", *values, picking_id=picking.id)

        check()
