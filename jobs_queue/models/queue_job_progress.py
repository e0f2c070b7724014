"""Progress of running jobs.

It is in rows beside those of the jobs, because nobody touches a job's row while the job runs.
"""

from odoo import fields, models

from .plain_fields import PlainMany2one


class QueueJobProgress(models.Model):
    _name = "queue.job.progress"
    _description = "Progress of a Running Job"
    _log_access = False
    _rec_name = "message"

    job_id = PlainMany2one("queue.job", required=True, readonly=True)
    done = fields.Float(readonly=True)
    total = fields.Float(readonly=True)
    message = fields.Char(readonly=True)
    date = fields.Datetime(readonly=True)

    _job_uniq = models.UniqueIndex("(job_id)")
