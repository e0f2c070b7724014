from odoo import api, fields, models


class ConnectorCheckpointReview(models.TransientModel):
    _name = "connector.checkpoint.review"
    _description = "Review of Checkpoints"

    checkpoint_ids = fields.Many2many(
        "connector.checkpoint", string="Checkpoints", default=lambda self: self._default_checkpoint_ids()
    )

    @api.model
    def _default_checkpoint_ids(self):
        """The checkpoints that are selected in the list and still need a review."""
        selected = self.env["connector.checkpoint"].browse(self.env.context.get("active_ids", []))
        return selected.filtered(lambda checkpoint: checkpoint.state == "need_review")

    def action_reviewed(self):
        self.ensure_one()
        self.check_access("write")
        return self.checkpoint_ids.action_reviewed() or {"type": "ir.actions.act_window_close"}
