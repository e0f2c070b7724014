"""Payment rules: whether an order is imported, by how it is paid."""

from decimal import Decimal

from odoo.addons.connector import general
from odoo.addons.connector.exception import NotYet

from .shop_codes import ShopCodes

# Shops compute with more digits than people pay
_LESS_THAN_PEOPLE_PAY = Decimal("0.005")


@general
class PaymentRules(ShopCodes):
    """Finds the rule of a shop's code of payment, and obeys it."""

    _code_model = "connector.payment.rule"

    def check(self, order):
        """Look whether an order may be imported now.

        The days of the rule count for an order that waits: one that is paid is never too old.

        :param order: :class:`~odoo.addons.connector_ecommerce.said.ShopOrder`
        :return: None: it may; a text: it is not imported, and why
        :raise NotYet: it waits for its payment; given up after the days of the rule
        """
        rule = self.rule_of(order.payment.code)
        if rule.import_when == "never":
            names = {"order": order.number, "payment": rule.name}
            return self._("Order %(order)s: orders with this payment are not imported: %(payment)s.", **names)
        if self._is_passed(rule, order):
            return None
        # without the number of the order, so that people see how many wait for what
        raise NotYet(self._("the payment: %s", rule.name), give_up_days=rule.give_up_days or None)

    def rule_of(self, code):
        """Return the payment rule of a code; a new code gets one with the backend's default.

        :param code: the shop's code of the kind of payment; "": the shop does not say it
        :return: connector.payment.rule record
        """
        backend, name = self.backend_record, code or self._("No Payment")
        text = self._("The shop has a kind of payment that is new here: “%s”. Look at the rule for it.", name)
        return self._record_of(code or "-", lambda: {"name": name, **backend._default_payment_rule()}, text)

    def _is_passed(self, rule, order):
        if rule.import_when == "always" or order.total - order.payment.paid < _LESS_THAN_PEOPLE_PAY:
            return True
        return rule.import_when == "authorised" and order.payment.is_authorised
