"""Aspect of ``odoo.backend``: its warehouses here and there, and the export of all stock."""

from odoo import fields, models
from odoo.exceptions import UserError

from odoo.addons.connector import ConnectorSession, delay_bulk_export


class OdooBackend(models.Model):
    _inherit = "odoo.backend"

    stock_warehouse_id = fields.Many2one(
        "stock.warehouse",
        string="Warehouse Here",
        help="The warehouse whose stock the other Odoo is told. Without one, it is told nothing.",
    )
    external_warehouse = fields.Char(
        string="Warehouse There",
        default="WH",
        help="Short name of the warehouse of the other Odoo that gets this stock",
    )

    def action_export_stock(self):
        """Export the stock of all storable products to the other Odoo, in the background.

        A quantity that the other Odoo knows already is not sent.
        """
        self.check_access("write")
        if without := self.filtered(lambda backend: not backend.stock_warehouse_id):
            raise UserError(
                self.env._("Choose the warehouse here whose stock is told first: %s", ", ".join(without.mapped("name")))
            )
        bindings = (
            self.env["odoo.product.product"]
            .sudo()
            .search([("backend_id", "in", self.ids), ("odoo_id.is_storable", "=", True)])
        )
        jobs = delay_bulk_export(ConnectorSession.from_env(self.env), bindings)
        if not jobs:
            raise UserError(self.env._("There is no product whose stock would be sent."))
        message = self.env._("Products whose stock is sent in the background: %s.", len(jobs))
        return self.env["queue.worker"]._answer(message, jobs, linked=False)
