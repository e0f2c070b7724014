"""Abstract model ``odoo.binding``: a binding to a backend that is another Odoo."""

from odoo import fields, models


class OdooBinding(models.AbstractModel):
    _name = "odoo.binding"
    _inherit = "external.binding"
    _description = "Binding of a record with one of another Odoo"

    backend_id = fields.Many2one("odoo.backend", string="Odoo Backend", required=True, index=True, ondelete="restrict")
