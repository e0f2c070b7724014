"""Wizard: review the selected checkpoints, in the background if there are many."""

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import split_every

from odoo.addons.jobs_queue.selection import selected_domain
from odoo.addons.jobs_queue.session import ConnectorSession

from ..models.connector_checkpoint import review_checkpoints

#: Of more checkpoints no list is shown, and they are reviewed in the background.
SHOWN = 500
#: Checkpoints that are reviewed in one job.
CHUNK = 100


class ConnectorCheckpointReview(models.TransientModel):
    _name = "connector.checkpoint.review"
    _description = "Review of Checkpoints"

    selected = fields.Json(default=lambda self: self._default_selected())
    number = fields.Integer(default=lambda self: self._default_number())
    is_shown = fields.Boolean(default=lambda self: self._default_number() <= SHOWN)
    checkpoint_ids = fields.Many2many(
        "connector.checkpoint", string="Checkpoints", default=lambda self: self._default_checkpoint_ids()
    )

    @api.model
    def _default_selected(self):
        """Return the domain of the selected checkpoints that still need a review."""
        ids = self.env.context.get("active_ids", [])
        domain = selected_domain(self.env, "connector.checkpoint", len(ids))
        selected = Domain("id", "in", ids) if domain is None else Domain(domain)
        return list(selected & Domain("state", "=", "need_review"))

    @api.model
    def _default_number(self):
        return self.env["connector.checkpoint"].search_count(self._default_selected())

    @api.model
    def _default_checkpoint_ids(self):
        checkpoints = self.env["connector.checkpoint"].search(self._default_selected(), limit=SHOWN + 1)
        return checkpoints if len(checkpoints) <= SHOWN else checkpoints.browse()

    def action_reviewed(self):
        self.ensure_one()
        self.check_access("write")
        if not self.is_shown:
            return self._review_in_background()
        waiting = self.checkpoint_ids.filtered(lambda checkpoint: checkpoint.state == "need_review")
        return waiting.action_reviewed() or {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "message": self.env._("Checkpoints reviewed: %s.", len(waiting)),
                "next": {"type": "ir.actions.act_window_close"},
            },
        }

    def _review_in_background(self):
        # the domain comes from the client: checkpoints that the user may not see are left out
        ids = self.env["connector.checkpoint"].search(Domain(self.selected)).ids
        jobs = [
            review_checkpoints.delay(
                ConnectorSession.from_env(self.env),
                "connector.checkpoint",
                chunk,
                description=self.env._("Checkpoints to review: %s", len(chunk)),
            )
            for chunk in split_every(CHUNK, ids, list)
        ]
        message = self.env._("Checkpoints that are reviewed in the background: %s.", len(ids))
        return self.env["queue.worker"]._answer(message, jobs, linked=False)
