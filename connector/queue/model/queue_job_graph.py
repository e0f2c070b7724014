"""What the screens show of jobs that wait for other jobs, see ``graph.py``."""

from odoo import api, fields, models
from odoo.exceptions import UserError


class QueueJob(models.Model):
    _inherit = "queue.job"

    graph_uuid = fields.Char(readonly=True, string="Graph")
    # Whether an ended job has let its children go; empty again when it is run or set to done once more
    children_released = fields.Boolean(readonly=True)
    parent_ids = fields.Many2many("queue.job", compute="_compute_graph", string="Waits for")
    child_ids = fields.Many2many("queue.job", compute="_compute_graph", string="Lets Run")
    graph_job_count = fields.Integer(compute="_compute_graph", string="Jobs of the Graph")

    _graph_idx = models.Index("(graph_uuid) WHERE graph_uuid IS NOT NULL")
    # Normally empty: the ended jobs whose children still have to be released
    _unreleased_idx = models.Index(
        "(id) WHERE graph_uuid IS NOT NULL AND children_released IS NULL AND state IN ('done', 'failed', 'cancelled')"
    )

    @api.depends("graph_uuid")
    def _compute_graph(self):
        edges = self.env["queue.job.dependency"].search(
            ["|", ("child_id", "in", self.ids), ("parent_id", "in", self.ids)]
        )
        for job in self:
            job.parent_ids = edges.filtered(lambda edge, job=job: edge.child_id == job).parent_id._filtered_access(
                "read"
            )
            job.child_ids = edges.filtered(lambda edge, job=job: edge.parent_id == job).child_id._filtered_access(
                "read"
            )
            job.graph_job_count = len(job._graph_jobs())

    @api.depends("graph_uuid")
    def _compute_wait_reason(self):
        super()._compute_wait_reason()
        for job in self.filtered(lambda job: job.graph_uuid and job.state == "wait_dependencies"):
            job.wait_reason = job._wait_reason_of_graph()

    def _wait_reason_of_graph(self):
        stopping = (
            self.env["queue.job.dependency"].search([("child_id", "=", self.id), ("on_failure", "=", "stop")]).parent_id
        )
        broken = stopping.filtered(lambda parent: parent.state in ("failed", "cancelled"))
        if broken:
            return self.env._(
                "The job waits for another one that has failed or was cancelled (%s). Requeue that one, or cancel the graph.",
                ", ".join(f"{parent.name}, {parent.id}" for parent in broken[:5]),
            )
        return self.env._("The job waits until the jobs before it in its graph have ended.")

    def _graph_jobs(self):
        uuids = [uuid for uuid in self.mapped("graph_uuid") if uuid]
        return self.search([("graph_uuid", "in", uuids)], order="id") if uuids else self.browse()

    def button_cancel_graph(self):
        """Cancel the jobs of the graph that have not ended."""
        self.check_access("read")
        return self._graph_jobs().filtered(lambda job: job.state not in ("done", "cancelled")).button_cancel()

    def button_requeue_graph(self):
        """Requeue the jobs of the graph that have failed or were cancelled, in their order; what is done stays so.

        :raise UserError: there is none
        """
        self.check_access("read")
        jobs = self._graph_jobs().filtered(lambda job: job.state in ("failed", "cancelled"))
        if not jobs:
            raise UserError(self.env._("No job of this graph has failed or was cancelled."))
        return jobs.button_requeue()

    def action_open_graph(self):
        """Open the jobs of the graph."""
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id("connector.queue_job_action_of")
        action["domain"] = [("graph_uuid", "in", self.mapped("graph_uuid"))]
        return action
