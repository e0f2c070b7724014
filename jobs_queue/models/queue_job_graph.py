"""Aspect of ``queue.job``: jobs that wait for other jobs, see ``graph.py``."""

from typing import Any, Self

from odoo import api, fields, models
from odoo.exceptions import UserError

#: Jobs that a form shows before and after its own one; the list of the graph has them all.
NEIGHBOURS_SHOWN = 100


class QueueJob(models.Model):
    _inherit = "queue.job"

    graph_uuid = fields.Char(readonly=True, string="Graph")
    # Whether an ended job has released its children; emptied when it is run or set to done again
    children_released = fields.Boolean(readonly=True)
    parent_ids = fields.Many2many("queue.job", compute="_compute_graph", string="Waits for")
    child_ids = fields.Many2many("queue.job", compute="_compute_graph", string="Lets Run")
    has_more_neighbours = fields.Boolean(compute="_compute_graph")
    graph_job_count = fields.Integer(compute="_compute_graph", string="Jobs of the Graph")

    _graph_idx = models.Index("(graph_uuid) WHERE graph_uuid IS NOT NULL")
    # The ended jobs whose children still have to be released; normally there are none
    _unreleased_idx = models.Index(
        "(id) WHERE graph_uuid IS NOT NULL AND children_released IS NULL AND state IN ('done', 'failed', 'cancelled')"
    )

    @api.depends("graph_uuid")
    def _compute_graph(self) -> None:
        counts = self._count_by("graph_uuid", self._graphs(), [])
        for job in self:
            before, more_before = job._neighbours("child_id", "parent_id")
            after, more_after = job._neighbours("parent_id", "child_id")
            job.parent_ids, job.child_ids, job.has_more_neighbours = before, after, more_before or more_after
            job.graph_job_count = counts.get(job.graph_uuid, 0)

    def _neighbours(self, end: str, other_end: str) -> tuple[Self, bool]:
        """Return the first neighbours of this job, and whether there are more.

        :param end: field of the edges that have this job
        :param other_end: field of these edges that has the neighbour
        """
        edges = self.env["queue.job.dependency"].search([(end, "=", self.id)], limit=NEIGHBOURS_SHOWN + 1)
        return edges[:NEIGHBOURS_SHOWN][other_end]._filtered_access("read"), len(edges) > NEIGHBOURS_SHOWN

    @api.depends("graph_uuid")
    def _compute_wait_reason(self) -> None:
        super()._compute_wait_reason()
        for job in self.filtered(lambda job: job.graph_uuid and job.state == "wait_dependencies"):
            job.wait_reason = job._wait_reason_of_graph()

    def _wait_reason_of_graph(self) -> str:
        stopped = [
            ("child_id", "=", self.id),
            ("on_failure", "=", "stop"),
            ("parent_id.state", "in", ("failed", "cancelled")),
        ]
        if broken := self.env["queue.job.dependency"].search(stopped, limit=5).parent_id:
            return self.env._(
                "The job waits for another one that has failed or was cancelled (%s). Requeue that one, or cancel the graph.",
                ", ".join(f"{parent.name}, {parent.id}" for parent in broken),
            )
        return self.env._("The job waits until the jobs before it in its graph have ended.")

    def _graphs(self) -> list[str]:
        return sorted({job.graph_uuid for job in self if job.graph_uuid})

    def button_cancel_graph(self) -> dict[str, Any]:
        """Cancel the jobs of the graph that have not ended."""
        return self._change_graph("cancel", ("state", "not in", ("done", "cancelled")))

    def button_requeue_graph(self) -> dict[str, Any]:
        """Requeue the failed and cancelled jobs of the graph, in their order.

        Jobs that are done stay done.

        :raise UserError: there is no such job
        """
        return self._change_graph(
            "requeue",
            ("state", "in", ("failed", "cancelled")),
            self.env._("No job of this graph has failed or was cancelled."),
        )

    def _change_graph(self, kind: str, which: tuple[str, str, Any], if_none: str | None = None) -> dict[str, Any]:
        """Change jobs of the graph, however many.

        :param kind: key of :data:`~odoo.addons.jobs_queue.mass_change.KINDS`
        :param which: condition of a domain
        :param if_none: text of the error if there are none; None: no error is raised
        """
        self._check_may_change()
        self.check_access("read")
        domain = [("graph_uuid", "in", self._graphs()), which]
        if if_none and not self.search_count(domain, limit=1):
            raise UserError(if_none)
        return self._change_all(kind, domain)

    def action_open_graph(self) -> dict[str, Any]:
        """Open the jobs of the graph."""
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id("jobs_queue.queue_job_action_of")
        action["domain"] = [("graph_uuid", "in", self._graphs())]
        return action
