"""Edges of graphs of jobs: a job waits for another one, see ``graph.py``."""

from odoo import fields, models

from .plain_fields import PlainMany2one


class QueueJobDependency(models.Model):
    _name = "queue.job.dependency"
    _description = "Edge Between Two Jobs of a Graph"
    _order = "id"
    _log_access = False
    _rec_name = "parent_id"

    parent_id = PlainMany2one("queue.job", required=True, readonly=True, index=True)
    child_id = PlainMany2one("queue.job", required=True, readonly=True, index=True)
    on_failure = fields.Selection(
        [("stop", "Wait until it is done"), ("continue", "Run all the same")],
        required=True,
        readonly=True,
        help="What the child does when the parent has failed or was cancelled",
    )
    # Whether the parent may have ended before anybody could see the edge; see store/dependencies.py
    is_unchecked = fields.Boolean(readonly=True)

    # The edges that somebody still has to check; normally there are none
    _unchecked_idx = models.Index("(child_id) WHERE is_unchecked")
