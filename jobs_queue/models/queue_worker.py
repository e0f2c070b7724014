"""Screen of workers: pause, resume or stop them; and the method by which Odoo's cron runs jobs.

Only ``store/`` writes these rows.
"""

from typing import Any

from lxml import etree
from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import AccessError

from .. import store
from ..hosts.cron import run_in_cron
from ..store import wakeup

_EMPTY_LIST = Markup('<p class="o_view_nocontent_neutral_face">%s</p><p>%s</p>')


class QueueWorker(models.Model):
    _name = "queue.worker"
    _description = "Worker"
    _order = "id"
    _log_access = False

    name = fields.Char(compute="_compute_name")
    uuid = fields.Char(required=True, readonly=True, string="UUID")
    host = fields.Char(required=True, readonly=True)
    pid = fields.Integer(required=True, readonly=True, string="PID", aggregator=None)
    kind = fields.Selection(
        [("cron", "Cron"), ("server", "Server"), ("command", "Command")], required=True, readonly=True
    )
    capacity = fields.Integer(readonly=True, help="How many jobs it runs at once")
    state = fields.Selection(
        [("running", "Running"), ("paused", "Paused"), ("draining", "Draining"), ("stopping", "Stopping")],
        readonly=True,
        default="running",
    )
    memory = fields.Integer(string="Memory (MB)", readonly=True, aggregator=None, help="What its process uses")
    date_started = fields.Datetime(readonly=True, string="Started at")
    date_heartbeat = fields.Datetime(readonly=True, string="Last Heartbeat")
    # The life of the operating system's process in which the worker lives; the parent of that
    # process knows it
    process = fields.Char(readonly=True)
    # The server and the database of this row, see store.workers.place_of. A copy has the same row,
    # and so has a standby that was promoted
    place = fields.Char(readonly=True)
    # The server's process for the worker's control connection, and its start. Both are empty behind
    # a pooler
    backend_pid = fields.Integer(readonly=True, aggregator=None)
    backend_start = fields.Float(readonly=True, aggregator=None)
    # The server's processes that work for it in this database: {pid: start}
    backends = fields.Json(readonly=True)
    is_alive = fields.Boolean(compute="_compute_is_alive")
    is_pooled = fields.Boolean(compute="_compute_is_pooled")
    job_ids = fields.One2many("queue.job", "worker_id", readonly=True, string="Jobs")
    job_count = fields.Integer(compute="_compute_job_count", string="Jobs Held")

    _uuid_uniq = models.UniqueIndex("(uuid)")

    @api.model
    def _run_in_cron(self) -> None:
        """Run jobs for a while in Odoo's cron, unless another host's workers serve the database."""
        run_in_cron(self.env)

    @api.model
    def _cron_slots(self) -> models.BaseModel:
        """Return the scheduled actions that run jobs.

        Each record allows one more job at once in Odoo's cron.
        """
        action = self.env.ref("jobs_queue.cron_run_jobs", raise_if_not_found=False)
        if not action:
            return self.env["ir.cron"]
        return self.env["ir.cron"].search([("model_id", "=", action.model_id.id), ("code", "=", action.code)])

    def action_pause(self) -> None:
        """Let the workers take no more jobs until they are resumed."""
        return self._give_order("paused")

    def action_resume(self) -> None:
        """Let paused or draining workers take jobs again."""
        return self._give_order("running")

    def action_drain(self) -> None:
        """Let the workers finish the jobs that they run, however long it takes, and then end."""
        return self._give_order("draining")

    def action_stop(self) -> None:
        """Let the workers end within the grace time.

        Jobs that still run then are released without losing a try.
        """
        return self._give_order("stopping")

    def _give_order(self, state: str) -> None:
        if not self.env.user.has_group("jobs_queue.group_jobs_manager"):
            raise AccessError(self.env._("Only a jobs manager may give orders to workers."))
        self.check_access("read")
        with store.sql.own_cursor(self.env) as cr:
            store.workers.order(cr, self.ids, state)
        self.invalidate_recordset()
        wakeup.wake(self.env.cr.dbname)

    @api.model
    def _remember_database(self) -> None:
        """Store in which database the addon is installed; workers serve no copies of it."""
        store.database.remember(self.env.cr)

    def action_adopt_database(self) -> dict[str, Any]:
        """Declare this restored or copied database to be the production database.

        Its jobs run from now on.
        """
        if not self.env.user.has_group("jobs_queue.group_jobs_manager"):
            raise AccessError(self.env._("Only a jobs manager can say that this is the production database."))
        store.database.adopt(self.env.cr)
        self.env.invalidate_all()
        wakeup.after_commit(self.env.cr)
        # all of it: the views differ, too
        return {"type": "ir.actions.client", "tag": "reload"}

    @api.model
    def get_empty_list_help(self, help_message: str) -> str:
        if not self.has_access("read"):
            return super().get_empty_list_help(help_message)
        if not store.database.is_original(self.env.cr):
            return _EMPTY_LIST % (
                self.env._("This database is a copy: no job runs in it"),
                self.env._(
                    "It was restored or copied from the database where the addon was installed. If its jobs shall run, and call the "
                    "external systems for real, a jobs manager presses the button “This is the production database”."
                ),
            )
        if reason := self._reason_no_job_runs():
            return _EMPTY_LIST % (self.env._("Nobody runs jobs"), reason)
        return super().get_empty_list_help(help_message)

    @api.model
    def _get_view_cache_key(
        self, view_id: int | None = None, view_type: str = "form", **options: Any
    ) -> tuple[Any, ...]:
        return (*super()._get_view_cache_key(view_id, view_type, **options), store.database.is_original(self.env.cr))

    @api.model
    def _get_view(
        self, view_id: int | None = None, view_type: str = "form", **options: Any
    ) -> tuple[etree._Element, models.BaseModel]:
        arch, view = super()._get_view(view_id, view_type, **options)
        if store.database.is_original(self.env.cr):
            for button in arch.xpath("//button[@name='action_adopt_database']"):
                button.getparent().remove(button)
        return arch, view

    @api.depends("host", "pid")
    def _compute_name(self) -> None:
        for worker in self:
            worker.name = f"{worker.host}:{worker.pid}"

    @api.depends("backend_pid")
    def _compute_is_pooled(self) -> None:
        for worker in self:
            worker.is_pooled = not worker.backend_pid

    def _compute_is_alive(self) -> None:
        alive = store.workers.alive(self.env.cr)
        for worker in self:
            worker.is_alive = worker.id in alive

    def _compute_job_count(self) -> None:
        counts = dict(
            self.env["queue.job"]._read_group(
                [("worker_id", "in", self.ids), ("state", "in", ("enqueued", "started"))], ["worker_id"], ["__count"]
            )
        )
        for worker in self:
            worker.job_count = counts.get(worker, 0)
