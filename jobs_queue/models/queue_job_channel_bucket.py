"""Token buckets for the rates of channels.

Claims write them all the time, so they are not in the row that people edit.
"""

from odoo import fields, models


class QueueJobChannelBucket(models.Model):
    _name = "queue.job.channel.bucket"
    _description = "Token Bucket of a Channel"
    _log_access = False
    _rec_name = "channel_id"

    channel_id = fields.Many2one("queue.job.channel", required=True, readonly=True, ondelete="cascade")
    tokens = fields.Float(required=True, readonly=True, help="How many jobs could start at that time")
    date_filled = fields.Datetime(required=True, readonly=True)

    _channel_uniq = models.UniqueIndex("(channel_id)")
