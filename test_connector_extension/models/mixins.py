"""Extensions of the framework's mixins, loaded after the models that use the mixins."""

from odoo import fields, models


class ConnectorBackend(models.AbstractModel):
    _inherit = "connector.backend"

    remark = fields.Char()

    def marks(self):
        """Return a mark, to show that the models have the methods that were added to a mixin."""
        return ["extension"]


class ExternalBinding(models.AbstractModel):
    _inherit = "external.binding"
    _screen_fields = ("remark",)

    remark = fields.Char()
