"""Jobs whose rows PostgreSQL refuses to change.

They are rows beside those of the jobs, and exist as long as PostgreSQL refuses.
"""

from odoo import fields, models

from .plain_fields import PlainMany2one


class QueueJobTrouble(models.Model):
    _name = "queue.job.trouble"
    _description = "Why a Job Cannot Be Claimed"
    _log_access = False
    _rec_name = "message"

    job_id = PlainMany2one("queue.job", required=True, readonly=True)
    sqlstate = fields.Char(readonly=True, string="SQLSTATE")
    message = fields.Text(readonly=True)
    date_since = fields.Datetime(readonly=True, string="Since", help="The first of the tries in a row")
    date_tried = fields.Datetime(readonly=True, string="Last Tried at")
    date_next = fields.Datetime(readonly=True, string="Tried Again at")

    _job_uniq = models.UniqueIndex("(job_id)")
