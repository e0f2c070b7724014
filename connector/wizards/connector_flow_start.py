"""Dialog after an export flow was switched on: is what was changed meanwhile sent?"""

from odoo import fields, models


class ConnectorFlowStart(models.TransientModel):
    _name = "connector.flow.start"
    _description = "Begin of a Flow"

    flow_id = fields.Many2one("connector.flow", required=True, ondelete="cascade")
    unsent = fields.Integer(readonly=True)

    def action_send(self):
        """Export the records that were changed while the flow was off."""
        return self.flow_id.action_run()
