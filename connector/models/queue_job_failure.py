"""Aspect of ``queue.job.failure``: whose fault it is, and of which records it tells.

The fault is not ``connector``'s, but that of addons on it.
"""

from odoo import api, models


class QueueJobFailure(models.Model):
    _inherit = "queue.job.failure"

    @api.model
    def _frameworks(self):
        return super()._frameworks() | {"connector"}

    def _group(self, jobs):
        jobs = list(jobs)
        self.env["connector.open.record"]._add_failed(jobs)
        return super()._group(jobs)
