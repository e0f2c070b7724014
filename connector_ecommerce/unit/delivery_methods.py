"""Delivery methods: which carrier here belongs to which code in the shop, both ways."""

from odoo.addons.connector import general

from .shop_codes import ShopCodes


@general
class DeliveryMethods(ShopCodes):
    """Finds carriers by the codes of the shop, and the codes by carriers."""

    _code_model = "connector.delivery.method"

    def carrier_of(self, code, name=""):
        """Return the carrier for a shipping code of the shop; a code that is new gets one.

        :param code: the shop's code
        :param name: what the shop calls it
        :return: delivery.carrier record
        """
        text = self._(
            "The shop has a delivery method that is new here: “%s”. Look at the carrier for it.", name or code
        )
        return self._record_of(code, lambda: self._new_values(name or code), text).carrier_id

    def code_of(self, carrier):
        """Return the shop's code of a carrier for tracking numbers, "" if the shop has none.

        :param carrier: delivery.carrier record
        """
        domain = [*self._codes._of_backend(self.backend_record), ("carrier_id", "=", carrier.id)]
        return next(filter(None, self._codes.search(domain).mapped("tracking_code")), "")

    def _new_values(self, name):
        return {"name": name, "carrier_id": (self.backend_record.default_carrier_id or self._create_carrier(name)).id}

    def _create_carrier(self, name):
        """Create a carrier. Its company is that of its product, which all companies share."""
        product = self.env.ref("connector_ecommerce.product_shipping")
        values = {"name": name, "product_id": product.id, "delivery_type": "fixed", "fixed_price": 0}
        return self.env["delivery.carrier"].sudo().create(values)
