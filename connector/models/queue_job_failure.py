"""Name ``connector`` as a framework, so that failures are located in the addons that use it."""

from odoo import api, models


class QueueJobFailure(models.Model):
    _inherit = "queue.job.failure"

    @api.model
    def _frameworks(self):
        return super()._frameworks() | {"connector"}
