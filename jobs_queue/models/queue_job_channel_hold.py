"""Holds: a program makes the jobs of a channel wait, for a reason and until a time.

People pause a channel by its own field.
"""

from odoo import fields, models


class QueueJobChannelHold(models.Model):
    _name = "queue.job.channel.hold"
    _description = "Hold of a Channel"
    _log_access = False
    _rec_name = "reason"

    channel_id = fields.Many2one("queue.job.channel", required=True, readonly=True, ondelete="cascade")
    holder = fields.Char(required=True, readonly=True)
    reason = fields.Char(required=True, readonly=True)
    date_until = fields.Datetime(readonly=True, string="Until", help="Empty means until it is released")

    _holder_uniq = models.UniqueIndex("(channel_id, holder)")
