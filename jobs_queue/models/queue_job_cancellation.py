"""Requests to stop running jobs.

They are rows beside those of the jobs, because nobody touches a job's row while the job runs.
"""

from odoo import fields, models

from .plain_fields import PlainMany2one


class QueueJobCancellation(models.Model):
    _name = "queue.job.cancellation"
    _description = "Request to Stop a Running Job"
    _log_access = False
    _rec_name = "who"

    job_id = PlainMany2one("queue.job", required=True, readonly=True)
    who = fields.Char(readonly=True)

    _job_uniq = models.UniqueIndex("(job_id)")
