"""Dialog to import again what was changed there between two times."""

from odoo import api, fields, models
from odoo.exceptions import ValidationError


class ConnectorFlowFetch(models.TransientModel):
    """Fetch what was changed there between two times.

    For example what was missed while the other system was wrong. The watermark does not move.
    """

    _name = "connector.flow.fetch"
    _description = "Import between Two Times"

    flow_id = fields.Many2one(
        "connector.flow", required=True, ondelete="cascade", default=lambda self: self.env.context.get("active_id")
    )
    begin = fields.Datetime(string="From", required=True)
    end = fields.Datetime(string="To", help="Empty: until now")

    @api.constrains("begin", "end")
    def _check_order(self):
        for fetch in self:
            if fetch.end and fetch.end <= fetch.begin:
                raise ValidationError(self.env._("The second time is not after the first one."))

    def action_fetch(self):
        """Delay the import."""
        return self.flow_id._fetch(self.begin, self.end)
