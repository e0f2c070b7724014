"""What is stored of jobs that run together, see ``grouped.py``."""

from odoo import fields, models


class QueueJob(models.Model):
    _inherit = "queue.job"

    group_key = fields.Char(readonly=True, help="Jobs of the same function and key run together, as one call")

    # Those that could join a group, in the order in which they do
    _group_idx = models.Index(
        "(function, group_key, channel_id, priority, ready_seq) WHERE state = 'pending' AND group_key IS NOT NULL"
    )
