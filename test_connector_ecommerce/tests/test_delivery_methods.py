"""Delivery methods: carriers by the codes of the shop, and codes by carriers."""

from odoo.tests import tagged

from odoo.addons.connector_ecommerce import DeliveryMethods

from .shop_case import ShopCase


@tagged("post_install", "-at_install")
class TestDeliveryMethods(ShopCase):
    def place(self, ref, way="post", label="Parcel Post"):
        carriage = {"way": way, "label": label, "minor": 490, "percent": "19.00"}
        purchase = self.shop.place(ref, "b-1", [("g-1", 1)], carriage=490)
        purchase["carriage"] = carriage

    def carrier(self, name="Van", **values):
        product = self.env.ref("connector_ecommerce.product_shipping")
        return self.env["delivery.carrier"].create({"name": name, "product_id": product.id, **values})

    def method(self, code, carrier, **values):
        return self.env["connector.delivery.method"].create(
            {
                "backend_id": self.backend._reference(),
                "code": code,
                "name": code,
                "carrier_id": carrier.id,
                **values,
            }
        )

    @property
    def methods(self):
        return self.env["connector.delivery.method"].search([("backend_id", "=", self.backend._reference())])

    def checkpoints(self):
        domain = [("model", "=", "connector.delivery.method"), ("record_id", "in", self.methods.ids)]
        return self.env["connector.checkpoint"].search(domain)

    def code_of(self, carrier):
        with self.backend.work_on("corner.sale.order") as environment:
            return environment.get_connector_unit(DeliveryMethods).code_of(carrier)

    def test_several_codes_of_the_shop_are_one_carrier_here(self):
        van = self.carrier()
        self.method("post", van)
        self.method("express", van)
        self.place("P-1", "post")
        self.place("P-2", "express")
        self.import_orders()
        self.assertEqual(self.order("P-1").carrier_id | self.order("P-2").carrier_id, van)
        self.assertEqual(len(self.methods), 2)
        self.assertFalse(self.checkpoints())

    def test_a_code_that_is_new_gets_one_carrier_and_one_checkpoint_for_many_orders(self):
        for number in range(60):
            self.place(f"P-{number}", "drone", "By Air")
        self.import_orders()
        [method] = self.methods
        self.assertEqual((method.code, method.name, method.company_id), ("drone", "By Air", self.company))
        self.assertEqual(method.carrier_id.name, "By Air")
        self.assertFalse(method.carrier_id.product_id.company_id)  # the shops of all companies share it
        self.assertEqual(self.order("P-59").carrier_id, method.carrier_id)
        self.assertIn("By Air", self.checkpoints().message)
        self.import_orders()
        self.assertEqual((self.methods, len(self.checkpoints())), (method, 1))

    def test_a_code_that_is_new_gets_the_carrier_of_unknown_methods(self):
        self.backend.default_carrier_id = self.carrier()
        before = self.env["delivery.carrier"].search_count([])
        self.place("P-1", "drone")
        self.import_orders()
        self.assertEqual(self.order("P-1").carrier_id, self.backend.default_carrier_id)
        self.assertEqual(self.env["delivery.carrier"].search_count([]), before)
        self.assertTrue(self.checkpoints())

    def test_a_code_without_a_name_is_named_by_it(self):
        self.place("P-1", "drone", "")
        self.import_orders()
        self.assertEqual((self.methods.name, self.methods.carrier_id.name), ("drone", "drone"))

    def test_an_order_that_says_no_method_has_no_carrier(self):
        self.place("P-1", "")
        self.import_orders()
        self.assertFalse(self.order("P-1").carrier_id)
        self.assertFalse(self.methods)

    def test_a_carrier_that_was_archived_still_serves_its_code(self):
        van = self.carrier()
        self.method("post", van)
        van.active = False
        self.place("P-1")
        self.import_orders()
        self.assertEqual(self.order("P-1").carrier_id, van)

    def test_the_shop_is_told_its_own_code_of_the_carrier(self):
        van, bike = self.carrier(), self.carrier("Bike")
        self.method("post", van)
        self.method("express", van, tracking_code="dhl")
        self.assertEqual((self.code_of(van), self.code_of(bike)), ("dhl", ""))
        self.assertEqual(self.code_of(self.env["delivery.carrier"]), "")

    def test_the_code_of_another_shop_is_not_told(self):
        van = self.carrier()
        other = self.backend.copy({"name": "Other"})
        self.method("post", van, tracking_code="dhl", backend_id=other._reference())
        self.assertEqual(self.code_of(van), "")

    def test_the_methods_of_a_shop_are_deleted_with_it(self):
        method = self.method("post", self.carrier())
        self.backend.unlink()
        self.assertFalse(method.exists())
