"""Aspect of ``connector.flow``: what people read of its jobs and bindings.

No job writes any of it. It is read from the channel, the jobs and the bindings when somebody looks.
"""

from odoo import api, fields, models
from odoo.fields import Domain

from odoo.addons.jobs_queue import store

from ..unit.exporter.flow import UNSENT
from .queue_job import BEGIN, function_name

#: How many records are counted at most.
MOST_COUNTED = 10_000
#: States of bindings at which a person has to look.
_TROUBLED = ("conflict", "error", "missing", "different")

STATES = [
    ("off", "Off"),
    ("held", "Waits"),
    ("failing", "Failed Jobs"),
    ("running", "Running"),
    ("never", "Never Run"),
    ("done", "Done"),
]


class ConnectorFlow(models.Model):
    _inherit = "connector.flow"

    state = fields.Selection(STATES, compute="_compute_state")
    state_reason = fields.Char(
        compute="_compute_state", help="Why its jobs wait, or what the last one that failed says"
    )
    is_paused = fields.Boolean(related="channel_id.is_paused")
    waiting_count = fields.Integer(string="Waiting", related="channel_id.pending_count")
    running_count = fields.Integer(string="Running", related="channel_id.running_count")
    failed_count = fields.Integer(string="Failed", related="channel_id.failed_count")
    not_yet_count = fields.Integer(
        string="Not Yet",
        compute="_compute_not_yet_count",
        help="Records that wait for something outside, such as a payment",
    )
    last_run = fields.Datetime(compute="_compute_runs", help="When it last began to synchronise")
    last_success = fields.Datetime(
        string="Last Complete", compute="_compute_runs", help="When all that a run has found was last synchronised"
    )
    next_run = fields.Datetime(compute="_compute_next_run")
    times = fields.Char(string="Schedule", compute="_compute_next_run", help="When it runs, in words")
    can_open = fields.Boolean(compute="_compute_counts", help="Whether the user may see the bindings")
    bound_count = fields.Integer(string="Bound", compute="_compute_counts")
    troubled_count = fields.Integer(
        string="To Look At", compute="_compute_counts", help="In conflict, failed, missing there, or different there"
    )
    unsent_count = fields.Integer(string="To Export", compute="_compute_counts")
    uncreated_count = fields.Integer(
        compute="_compute_uncreated_count", help="Bound records that a run without a filter creates there"
    )

    def _compute_state(self):
        for flow in self:
            flow.state, flow.state_reason = flow._state_and_reason()

    def _state_and_reason(self):
        if not self.is_on:
            return "off", False
        if self.channel_id and (reason := self.channel_id._reason_no_job_starts()):
            return "held", reason
        if self.failed_count:
            return "failing", self._last_error()
        if self.waiting_count or self.running_count:
            return "running", False
        return ("done" if self.last_success else "never"), False

    def _last_error(self):
        """Return what the job of the flow says that has failed last, its first line."""
        self.env["queue.job"].flush_model()
        self.env.cr.execute(
            f"""
            SELECT message FROM queue_job
            WHERE channel_id = %s AND state = 'failed' AND {store.sql.is_in_order("queue_job")}
            ORDER BY id::bigint DESC LIMIT 1
            """,
            (self.channel_id.id,),
        )
        row = self.env.cr.fetchone()
        return row and (row[0] or "").partition("\n")[0]

    def _compute_not_yet_count(self):
        jobs = self.env["queue.job"]
        counts = jobs._count_by("channel_id", self.channel_id.ids, self._not_yet()) if jobs.has_access("read") else {}
        for flow in self:
            flow.not_yet_count = counts.get(flow.channel_id.id, 0)

    def _not_yet(self):
        """Return the domain of the jobs that wait for something outside."""
        return [("state", "=", "scheduled"), ("waits_for", "!=", False)]

    def _compute_runs(self):
        for flow in self:
            flow.last_run = flow._last_end("done", "failed", "cancelled")
            watermark = flow.direction == "import" and flow.sudo()._watermark()
            if watermark:
                flow.last_success = watermark.moved_at
            else:
                # nothing tells where a run ends: it is complete when there is no job any more
                is_idle = not (flow.waiting_count or flow.running_count or flow.failed_count)
                flow.last_success = is_idle and flow._last_end("done")

    def _last_end(self, *states):
        """Return when a run last ended in one of some states.

        One that ended because the flow was off was none.
        """
        runs = self._runs(*states)
        if self.date_off:
            since_on = Domain("date_done", ">=", self.date_on) if self.is_on and self.date_on else Domain.FALSE
            runs &= Domain("date_done", "<", self.date_off) | since_on
        return self.env["queue.job"].sudo().search(runs, order="id desc", limit=1).date_done

    def _runs(self, *states):
        """Return the domain of the jobs with which the flow has begun to synchronise."""
        of_channel = Domain("channel_id", "=", self.channel_id.id)
        return of_channel & Domain("function", "in", BEGIN) & Domain("state", "in", states)  # as in the index

    @api.depends("expression", "is_on", "date_begun")
    def _compute_next_run(self):
        for flow in self:
            schedule = (
                flow.env["queue.job.schedule"]
                .sudo()
                ._of(flow)
                .filtered(lambda schedule, flow=flow: schedule.function == function_name(flow._function()))
            )
            flow.next_run = schedule.next_run
            flow.times = schedule.when or (
                flow.expression and not flow.date_begun and flow.env._("After the first run")
            )

    def _compute_counts(self):
        for flow in self:
            flow.can_open = flow.model_name in self.env and self.env[flow.model_name].has_access("read")
            flow.bound_count = flow._count([])
            flow.troubled_count = flow._count([("sync_state", "in", _TROUBLED)])
            flow.unsent_count = flow.direction == "export" and flow._count_unsent()

    def _count_unsent(self):
        """Count the bindings that the next run exports; none if the domain cannot be used."""
        if self.domain_error:
            return 0
        unsent = fields.Domain("sync_state", "=", "to_export")
        if selection := self._selection():
            # who looks need not have the right to see the fields of the domain
            unsent &= fields.Domain("id", "in", self.env[self.model_name].sudo()._search(selection.of_bindings()))
        return self._count(unsent)

    def _compute_uncreated_count(self):
        for flow in self:
            is_one_by_one = flow.direction == "export" and flow._class() and not flow._is_in_bulk()
            flow.uncreated_count = is_one_by_one and flow._count(
                [("external_id", "=", False), ("no_export", "=", False), ("sync_state", "in", UNSENT)]
            )

    def _count(self, domain):
        """Count bindings, at most one more than :data:`MOST_COUNTED`."""
        if not self.can_open:
            return 0
        domain = fields.Domain(self._domain([])) & fields.Domain(domain)
        return self.env[self.model_name].search_count(domain, limit=MOST_COUNTED + 1)

    def _domain(self, domain):
        return [("backend_id", "=", self.backend_id), *domain]

    # Buttons that open what is counted

    def action_open_bound(self):
        """Open the bindings of the flow's model on the backend."""
        return self._open_bindings([])

    def action_open_troubled(self):
        """Open the bindings at which somebody has to look."""
        return self._open_bindings([("sync_state", "in", _TROUBLED)])

    def _open_bindings(self, domain):
        self.ensure_one()
        self.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "name": f"{self.name}: {self.backend_name}",
            "res_model": self.model_name,
            "view_mode": "list,form",
            "domain": self._domain(domain),
        }

    def action_open_not_yet(self):
        """Open the jobs of these flows that wait for something outside."""
        action = self.action_open_jobs()
        action["domain"] += self._not_yet()
        action["context"] = {"search_default_group_by_waits_for": 1}
        return action

    def action_open_jobs(self):
        """Open the jobs of these flows."""
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id("jobs_queue.queue_job_action_of")
        action["domain"] = [("channel_id", "in", self.channel_id.ids)]
        return action
