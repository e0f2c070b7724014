"""Aspect of ``connector.ecommerce.backend``: since when orders are confirmed."""

from odoo import fields, models

from odoo.addons.connector import FirstRunStep


class EcommerceBackend(models.AbstractModel):
    _inherit = "connector.ecommerce.backend"

    confirm_since = fields.Datetime(
        string="Confirm Orders Since",
        help="Orders that were placed before are imported as quotations: they are neither confirmed nor invoiced, "
        "nothing is reserved for them, and nobody gets a mail. Without a date, that is so for all orders.",
    )

    def write(self, vals):
        """Write; orders that are new enough by an earlier date are confirmed."""
        before = {backend: backend.confirm_since for backend in self} if "confirm_since" in vals else {}
        result = super().write(vals)
        for backend, since in before.items():
            if backend.confirm_since and (not since or backend.confirm_since < since):
                backend._go_on_with_orders(since)
        return result

    def _go_on_with_orders(self, until):
        domain = [
            ("backend_id", "=", self.id),
            ("odoo_id.state", "in", ["draft", "sent"]),
            ("odoo_id.date_order", ">=", self.confirm_since),
        ]
        if until:
            domain.append(("odoo_id.date_order", "<", until))
        for name in self.env.registry.descendants(["connector.ecommerce.order"], "_inherit"):
            orders = self.env[name].sudo()
            if not orders._abstract and orders._backend_model == self._name:
                orders.search(domain, order="id")._delay_workflow()

    def _first_run_steps(self):
        return [*super()._first_run_steps(), self._old_orders_step()]

    def _old_orders_step(self):
        step = {"code": "old_orders", "label": self.env._("Old Orders"), "place": 45}
        if self.confirm_since:
            text = self.env._("What is older is imported, but neither confirmed nor reserved, and nobody gets a mail.")
            return FirstRunStep(**step, state="done", text=text)
        text = self.env._("Say since when orders are confirmed. Until then none is.")
        return FirstRunStep(**step, state="to_do", text=text, button=self.env._("Choose"), field="confirm_since")
