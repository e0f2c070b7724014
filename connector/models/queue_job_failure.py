"""Aspect of ``queue.job.failure``: the fault is not ``connector``'s, but that of addons on it."""

from odoo import api, models


class QueueJobFailure(models.Model):
    _inherit = "queue.job.failure"

    @api.model
    def _frameworks(self):
        return super()._frameworks() | {"connector"}
