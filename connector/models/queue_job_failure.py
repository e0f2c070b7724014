"""Aspect of ``queue.job.failure``: failures are located in the addons that use ``connector``."""

from odoo import api, models


class QueueJobFailure(models.Model):
    _inherit = "queue.job.failure"

    @api.model
    def _frameworks(self):
        return super()._frameworks() | {"connector"}
