"""Whose orders are which, and their addresses."""

from odoo.tests import tagged

from .shop_case import ShopCase

_BERLIN = {"road": "Main Street 1", "post_code": "10115", "town": "Berlin", "land": "DE"}
_HAMBURG = {"road": "Side Street 2", "post_code": "20095", "town": "Hamburg", "land": "DE"}


class CustomersCase(ShopCase):
    def place_of_guest(self, ref, mail="grace@example.com", place=_BERLIN, **more):
        guest = {"full_name": "Grace Hopper", "mail": mail, "place": place, **more}
        return self.shop.place(ref, guest, [("g-1", 1)])

    def partners(self, *refs):
        return [self.order(ref).partner_id for ref in refs]


@tagged("post_install", "-at_install")
class TestGuests(CustomersCase):
    def test_a_guest_with_a_known_e_mail_address_is_the_same_partner(self):
        self.backend.guest_policy = "email"
        self.place_of_guest("P-1")
        self.place_of_guest("P-2", "Grace@Example.com ")
        self.place_of_guest("P-3", "other@example.com")
        self.import_orders()
        first, second, third = self.partners("P-1", "P-2", "P-3")
        self.assertEqual(first, second)
        self.assertNotEqual(first, third)
        self.assertEqual((first.name, first.city, first.country_id.code), ("Grace Hopper", "Berlin", "DE"))

    def test_a_colleague_and_a_contact_of_a_company_are_no_guests(self):
        self.backend.guest_policy = "email"
        self.env["res.users"].create({"name": "Colleague", "login": "colleague", "email": "grace@example.com"})
        firm = self.env["res.partner"].create({"name": "Firm", "is_company": True})
        self.env["res.partner"].create({"name": "Contact", "parent_id": firm.id, "email": "grace@example.com"})
        self.place_of_guest("P-1")
        self.import_orders()
        self.assertEqual(self.order("P-1").partner_id.name, "Grace Hopper")

    def test_each_order_can_have_a_partner_of_its_own(self):
        self.backend.guest_policy = "own"
        self.place_of_guest("P-1")
        self.place_of_guest("P-2")
        self.import_orders()
        first, second = self.partners("P-1", "P-2")
        self.assertNotEqual(first, second)
        self.shop.revise("P-1", 1, 3)
        self.import_orders()
        self.assertEqual(self.order("P-1").amount_total, 59.97)
        self.assertEqual(self.partners("P-1", "P-2"), [first, second])

    def test_one_partner_can_have_the_orders_of_all_guests(self):
        collecting = self.env["res.partner"].create({"name": "Guests"})
        self.backend.write({"guest_policy": "collect", "guest_partner_id": collecting.id})
        self.place_of_guest("P-1")
        self.place_of_guest("P-2", place=_HAMBURG)
        self.import_orders()
        self.assertEqual(self.partners("P-1", "P-2"), [collecting, collecting])
        self.assertEqual(self.order("P-2").partner_shipping_id.city, "Hamburg")
        self.assertFalse(collecting.city)

    def test_a_guest_without_an_e_mail_address_gets_a_partner_for_the_order(self):
        self.backend.guest_policy = "email"
        self.place_of_guest("P-1", mail="")
        self.place_of_guest("P-2", mail="")
        self.import_orders()
        self.assertNotEqual(*self.partners("P-1", "P-2"))

    def test_a_guest_of_an_order_stays_when_the_policy_changes(self):
        self.backend.guest_policy = "own"
        self.place_of_guest("P-1")
        self.import_orders()
        [partner] = self.partners("P-1")
        self.backend.guest_policy = "collect"
        self.backend.guest_partner_id = self.env["res.partner"].create({"name": "Guests"})
        self.shop.revise("P-1", 1, 3)
        self.import_orders()
        self.assertEqual(self.partners("P-1"), [partner])


@tagged("post_install", "-at_install")
class TestFirms(CustomersCase):
    def test_a_firm_is_a_company_with_a_contact(self):
        self.place_of_guest("P-1", firm="Navy Ltd", vat_no="DE136695976")
        self.import_orders()
        firm = self.order("P-1").partner_id
        self.assertEqual((firm.name, firm.is_company, firm.vat), ("Navy Ltd", True, "DE136695976"))
        self.assertEqual(firm.child_ids.mapped("name"), ["Grace Hopper"])
        self.assertEqual(self.order("P-1").partner_invoice_id.name, "Grace Hopper")
        self.assertEqual(self.order("P-1").partner_invoice_id.commercial_company_name, "Navy Ltd")

    def test_a_wrong_vat_number_is_not_taken_and_told(self):
        self.place_of_guest("P-1", firm="Navy Ltd", vat_no="DE123")
        self.import_orders()
        order = self.order("P-1")
        self.assertEqual((order.state, order.partner_id.vat), ("sale", False))
        told = self.env["connector.checkpoint"].search(
            [("record_id", "=", order.partner_id.id), ("model", "=", "res.partner")]
        )
        self.assertIn("Order P-1 has the VAT number DE123", told.message)


@tagged("post_install", "-at_install")
class TestAddresses(CustomersCase):
    def addresses(self, ref):
        return self.order(ref).partner_invoice_id + self.order(ref).partner_shipping_id

    def test_equal_addresses_are_one_archived_contact(self):
        self.shop.place("P-1", "b-1", [("g-1", 1)])
        self.shop.place("P-2", "b-1", [("g-1", 1)])
        self.import_orders()
        address = self.order("P-1").partner_invoice_id
        self.assertEqual(self.addresses("P-1") | self.addresses("P-2"), address)
        self.assertEqual((address.active, address.city, address.parent_id.name), (False, "Berlin", "Ada Lovelace"))

    def test_what_changes_later_changes_no_address_of_an_earlier_order(self):
        self.shop.place("P-1", "b-1", [("g-1", 1)])
        self.import_orders()
        before = self.addresses("P-1")
        # the customer moves, here and there
        self.order("P-1").partner_id.write({"street": "Elsewhere 9", "city": "Bonn"})
        self.shop.add_buyer("b-1", "Ada King", "ada@example.com", place=_HAMBURG)
        self.shop.place("P-2", "b-1", [("g-1", 1)])
        self.import_orders()
        self.assertEqual(self.addresses("P-1"), before)
        self.assertEqual(
            (before[0].street, before[0].city, before[0].name), ("Main Street 1", "Berlin", "Ada Lovelace")
        )
        self.assertEqual((self.addresses("P-2")[0].city, self.addresses("P-2")[0].name), ("Hamburg", "Ada King"))

    def test_an_order_whose_address_is_corrected_in_the_shop_gets_another_contact(self):
        purchase = self.shop.place("P-1", "b-1", [("g-1", 1)])
        self.import_orders()
        before = self.order("P-1").partner_shipping_id
        purchase["send_to"] = _HAMBURG
        self.shop.revise("P-1", 1, 2)
        self.import_orders()
        self.assertEqual(self.order("P-1").partner_shipping_id.city, "Hamburg")
        self.assertEqual((before.city, self.order("P-1").partner_invoice_id), ("Berlin", before))

    def test_an_order_without_a_delivery_has_the_address_of_the_invoice(self):
        purchase = self.shop.place("P-1", "b-1", [("g-1", 1)])
        purchase["send_to"] = None
        self.import_orders()
        self.assertEqual(len(self.addresses("P-1").ids), 2)
        self.assertEqual(*self.addresses("P-1"))

    def test_an_address_without_a_known_country_blocks_the_order_alone(self):
        self.place_of_guest("P-1", place={**_BERLIN, "land": "??"})
        self.shop.place("P-2", "b-1", [("g-1", 1)])
        self.import_orders()
        self.assertEqual((self.order("P-1").state, self.order("P-2").state), ("draft", "sale"))
        self.assertTrue(self.order("P-1").is_shop_blocked)
