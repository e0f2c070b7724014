"""Backends that are shops."""

from odoo import models


class EcommerceBackend(models.AbstractModel):
    """A shop. A connector inherits it in the model of its backends."""

    _name = "connector.ecommerce.backend"
    _inherit = "connector.backend"
    _description = "Shop"

    def _reference(self):
        """Return what a reference field stores of the backend, such as ``shop.backend,3``."""
        self.ensure_one()
        return f"{self._name},{self.id}"
