"""Rank ``connector`` as a framework when the origin of a failure is located."""

from odoo import api, models


class QueueJobFailure(models.Model):
    _inherit = "queue.job.failure"

    @api.model
    def _frameworks(self):
        return super()._frameworks() | {"connector"}
