"""What this addon adds to the mixins of the framework; the models that use them are loaded before it."""

from odoo import fields, models


class ConnectorBackend(models.AbstractModel):
    _inherit = "connector.backend"

    remark = fields.Char()

    def marks(self):
        """Return what a method of the mixin gives to the models that use it."""
        return ["extension"]


class ExternalBinding(models.AbstractModel):
    _inherit = "external.binding"

    remark = fields.Char()
