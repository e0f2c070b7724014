"""Attempts of jobs that have ended, one row each.

One row may also stand for several attempts in a row, see ``times``.
"""

from odoo import fields, models

from .plain_fields import PlainMany2one

#: The outcomes with which a job was given back and no try was counted.
UNCOUNTED = ("interrupted", "unknown", "no_resources")


class QueueJobAttempt(models.Model):
    _name = "queue.job.attempt"
    _description = "Attempt of a Job"
    _order = "id desc"
    _log_access = False
    _rec_name = "number"

    job_id = PlainMany2one("queue.job", required=True, readonly=True, index=True)
    number = fields.Integer(readonly=True, aggregator=None)
    worker = fields.Char(readonly=True, help="host:pid of the worker")
    date_started = fields.Datetime(readonly=True, string="Started at")
    date_ended = fields.Datetime(readonly=True, string="Ended at")
    outcome = fields.Selection(
        [
            ("done", "Done"),
            ("retry", "Retried"),
            ("failed", "Failed"),
            ("cancelled", "Cancelled"),
            ("lost", "Worker lost"),
            ("interrupted", "Interrupted"),
            ("unknown", "Unknown to the worker"),
            ("no_resources", "No Resources"),
            ("waits", "Waits"),
        ],
        readonly=True,
    )
    times = fields.Integer(readonly=True, help="For how many tries in a row it stands, if for several", aggregator=None)
    exc_name = fields.Char(readonly=True, string="Exception")
    message = fields.Text(readonly=True)
    exc_info = fields.Text(readonly=True, string="Traceback", groups="jobs_queue.group_jobs_manager", prefetch=False)
    log = fields.Text(readonly=True, help="What the job has logged", prefetch=False)
    queries = fields.Integer(readonly=True, help="How many queries it made")
    cpu = fields.Float(readonly=True, string="CPU (s)", digits=(16, 3))
    memory = fields.Float(
        readonly=True,
        aggregator="max",
        string="Memory Growth (MB)",
        digits=(16, 1),
        help="By how much the peak of its process's memory grew; 0 if it stayed below what a job before it had used",
    )
