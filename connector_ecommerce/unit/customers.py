"""Customers and addresses of orders."""

from odoo.exceptions import UserError
from odoo.tools import email_normalize

from odoo.addons.connector import ConnectorUnit, add_checkpoint, general, lock_to_create


@general
class Customers(ConnectorUnit):
    """Finds or creates the partner of an order, and its addresses.

    The addresses of an order stay as they were when it was placed. So they are archived contacts of
    the customer: people are offered them for no other order, and a new address of the customer does
    not change them. One with the same content is used again.
    """

    def partners_of(self, order, partner_model, known=None):
        """Return the customer of an order, the address of the invoice and that of the delivery.

        :param order: :class:`~odoo.addons.connector_ecommerce.said.ShopOrder`
        :param partner_model: name of the binding model of customers
        :param known: customer of the order if it is here already: a guest stays the same one
        :return: three res.partner records. Without a delivery, the third one is the second
        """
        partner = self._partner_of(order, partner_model, known)
        invoice = self._address_of(partner, order.invoice, "invoice")
        delivery = self._address_of(partner, order.delivery, "delivery") if order.delivery else invoice
        return partner, invoice, delivery

    def _partner_of(self, order, partner_model, known):
        customer = order.customer
        registered = customer.external_id is not None and self.binder_for(partner_model).to_internal(
            customer.external_id, unwrap=True
        )
        return registered or known or self._guest_of(order)

    # Guests

    def _guest_of(self, order):
        """Return the partner of an order of somebody without an account."""
        backend = self.backend_record
        if backend.guest_policy == "collect" and backend.guest_partner_id:
            return backend.guest_partner_id
        email = email_normalize(order.customer.email or order.invoice.email)
        if backend.guest_policy == "email" and email:
            return self._find_by_email(self.env, email) or self._create_once(order, email)
        return self._create_partner(order)

    def _create_once(self, order, email):
        """Create the partner with an e-mail address, also if two orders of it come at once."""
        name = f"guest {email} of company {self.backend_record.company_id.id}"
        lock_to_create(self.binder_for(), name, lambda env: self._find_by_email(env, email))
        return self._create_partner(order)

    def _find_by_email(self, env, email):
        """Return the partner with an e-mail address; the oldest one, if there are several.

        A contact of a company is not one, and a colleague is none.
        """
        domain = [
            ("email_normalized", "=", email),
            ("parent_id", "=", False),
            ("partner_share", "=", True),
            ("company_id", "in", (self.backend_record.company_id.id, False)),
        ]
        return env["res.partner"].sudo().search(domain, order="id", limit=1)

    def _create_partner(self, order):
        """Create the partner of a guest: a person, or a company with a contact."""
        customer, address = order.customer, order.invoice
        email = customer.email or address.email
        name = customer.name or address.name or email or order.number
        firm = customer.company or address.company
        partner = self._partners.create(
            {
                **self._values(address),
                "name": firm or name,
                "is_company": bool(firm),
                "email": email or False,
                "company_id": self.backend_record.company_id.id,
            }
        )
        self._set_vat(partner, order, customer.vat or address.vat)
        if firm and name != firm:
            self._partners.create({"name": name, "parent_id": partner.id, "type": "contact", "email": email or False})
        return partner

    def _set_vat(self, partner, order, vat):
        """Set the VAT number if it is one: an order does not fail as somebody has mistyped it."""
        if not vat:
            return
        try:
            with self.env.cr.savepoint():
                partner.vat = vat
        except UserError as error:
            text = self._("Order %(order)s has the VAT number %(vat)s: %(why)s", order=order.number, vat=vat, why=error)
            add_checkpoint(self.session, partner._name, partner.id, self.backend_record, text, severity="warning")

    # Addresses

    def _address_of(self, partner, address, type_):
        """Return the contact of a customer with that address, a new one if there is none."""
        values = {**self._values(address), "parent_id": partner.id, "active": False}
        firm = address.company.strip()
        if firm and firm not in (partner.name, values["name"]):  # a contact has no name of a firm of its own
            values["name"] = f"{firm}, {values['name']}"
        domain = [(name, "=", value) for name, value in values.items()]
        return self._partners.search(domain, order="id", limit=1) or self._partners.create({**values, "type": type_})

    @property
    def _partners(self):
        return self.env["res.partner"].sudo().with_context(tracking_disable=True)

    def _values(self, address):
        """Return what an address is in Odoo."""
        country = self._country_of(address.country.strip())
        return {
            "name": address.name.strip() or address.company.strip() or False,
            **{
                name: getattr(address, name).strip() or False
                for name in ("street", "street2", "zip", "city", "phone", "email")
            },
            "state_id": self._state_of(country, address.state.strip()),
            "country_id": country,
        }

    def _country_of(self, code):
        if len(code) != 2:  # Odoo would cut “Germany” to GE, which is Georgia
            return False
        find = self.env["res.country"].search
        return self.environment.open(f"country {code}", lambda: find([("code", "=", code.upper())]).id)

    def _state_of(self, country, name):
        """Return the id of the state with that code or name."""
        if not (country and name):
            return False
        domain = [("country_id", "=", country), "|", ("code", "=ilike", name), ("name", "=ilike", name)]
        find = self.env["res.country.state"].search
        return self.environment.open(f"state {country} {name}", lambda: find(domain, limit=1).id)
