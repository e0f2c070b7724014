"""Aspect of ``odoo.backend``: buttons and fields for sale orders."""

from odoo import fields, models


class OdooBackend(models.Model):
    _inherit = "odoo.backend"

    order_count = fields.Integer(string="Orders", compute="_compute_order_count")

    def _compute_order_count(self):
        groups = self.env["odoo.sale.order"]._read_group([("backend_id", "in", self.ids)], ["backend_id"], ["__count"])
        counts = {backend.id: count for backend, count in groups}
        for backend in self:
            backend.order_count = counts.get(backend.id, 0)

    def action_import_orders(self):
        return self._delay_imports(["odoo.sale.order"])
