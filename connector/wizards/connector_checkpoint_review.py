from odoo import api, fields, models
from odoo.fields import Domain

from ..selection import selected_domain


class ConnectorCheckpointReview(models.TransientModel):
    _name = "connector.checkpoint.review"
    _description = "Review of Checkpoints"

    checkpoint_ids = fields.Many2many(
        "connector.checkpoint", string="Checkpoints", default=lambda self: self._default_checkpoint_ids()
    )

    @api.model
    def _default_checkpoint_ids(self):
        """The checkpoints that are selected in the list and still need a review."""
        checkpoints = self.env["connector.checkpoint"]
        ids = self.env.context.get("active_ids", [])
        domain = selected_domain(self.env, checkpoints._name, len(ids))
        selected = Domain("id", "in", ids) if domain is None else Domain(domain)
        return checkpoints.search(selected & Domain("state", "=", "need_review"))

    def action_reviewed(self):
        self.ensure_one()
        self.check_access("write")
        waiting = self.checkpoint_ids.filtered(lambda checkpoint: checkpoint.state == "need_review")
        return waiting.action_reviewed() or {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "message": self.env._("%s checkpoints are reviewed.", len(waiting)),
                "next": {"type": "ir.actions.act_window_close"},
            },
        }
