"""Jobs, workers, channels and functions as Odoo models: what the screens show and what a manager configures.

A job's and a worker's state is written by ``store.py`` only. Nobody has the right to create or write these rows.
"""

import json
import logging
from dataclasses import replace

from markupsafe import Markup

from odoo import api, fields, models, tools
from odoo.exceptions import AccessError, UserError, ValidationError

from ..exception import NotReadableJobError
from . import buffer, store, wakeup
from .fields import BigInteger, PlainMany2one
from .hosts.cron import run_in_cron
from .job import (
    Job,
    code_options,
    delay,
    describe_arguments,
    function_options,
    installed_functions,
    prepare,
)
from .retry import Pattern

_logger = logging.getLogger(__name__)

STATES = [
    ("wait_dependencies", "Waiting"),
    ("scheduled", "Scheduled"),
    ("pending", "Pending"),
    ("enqueued", "Enqueued"),
    ("started", "Started"),
    ("done", "Done"),
    ("failed", "Failed"),
    ("cancelled", "Cancelled"),
]

IDENTITY_POLICY_CHOICES = [
    ("skip", "The first one runs"),
    ("replace", "The newest one runs"),
    ("debounce", "The one with the latest date runs"),
]


class QueueJob(models.Model):
    _name = "queue.job"
    _description = "Job"
    _order = "id desc"
    _log_access = False
    _rec_name = "name"

    name = fields.Char(compute="_compute_name", search="_search_name", string="Description")
    description = fields.Char(readonly=True, string="Own Description")
    function = fields.Char(required=True, readonly=True, help="Dotted path of a function, or model.method")
    model_name = fields.Char(readonly=True, string="Model")
    payload = fields.Text(required=True, readonly=True, string="Stored Arguments")
    arguments = fields.Text(compute="_compute_arguments")
    context = fields.Char(readonly=True)
    state = fields.Selection(STATES, required=True, readonly=True)
    message = fields.Text(readonly=True, help="What the job returned, or why it failed, waits or was cancelled")
    wait_reason = fields.Text(compute="_compute_wait_reason", help="Why a pending job does not start")
    result = fields.Text(readonly=True, help="What the job returned, for the jobs that depend on it")

    channel_id = PlainMany2one("queue.job.channel", readonly=True)
    priority = fields.Integer(readonly=True, aggregator=None, help="0 runs first")
    ready_seq = BigInteger(readonly=True, aggregator=None)
    eta = fields.Datetime(readonly=True, string="Not Before", help="The job runs at this time or later")
    identity_key = fields.Char(
        readonly=True, help="Of the jobs waiting with the same key, one runs and the others are cancelled"
    )
    identity_policy = fields.Selection(IDENTITY_POLICY_CHOICES, readonly=True)
    concurrency_key = fields.Char(readonly=True, help="Only so many jobs with the same key run at once")
    concurrency_limit = fields.Integer(readonly=True, aggregator=None)
    is_parked = fields.Boolean(readonly=True, help="Waits until a job with the same key has ended")

    user_id = PlainMany2one("res.users", readonly=True)
    company_id = PlainMany2one("res.company", readonly=True)
    su = fields.Boolean(readonly=True, string="As Superuser")

    retry = fields.Integer(readonly=True, string="Tries", aggregator=None)
    max_retries = fields.Integer(
        readonly=True, aggregator=None, help="The job fails after so many tries; 0 means without limit"
    )
    time_limit = fields.Integer(readonly=True, aggregator=None, string="Time Limit (s)")
    memory_limit = fields.Integer(readonly=True, aggregator=None, string="Memory Limit (MB)")
    worker_id = PlainMany2one("queue.worker", readonly=True)
    lease_token = BigInteger(readonly=True, aggregator=None)

    date_created = fields.Datetime(readonly=True, string="Delayed at")
    date_started = fields.Datetime(readonly=True, string="Started at")
    date_done = fields.Datetime(readonly=True, string="Ended at")
    duration = fields.Float(readonly=True, string="Duration (s)", aggregator="avg")
    attempt_ids = fields.One2many("queue.job.attempt", "job_id", readonly=True)
    progress = fields.Float(compute="_compute_progress", string="Progress (%)")
    progress_message = fields.Char(compute="_compute_progress")
    exc_info = fields.Text(
        compute="_compute_exc_info", string="Last Traceback", groups="connector.group_connector_manager"
    )

    # What a worker may claim, in the order in which it claims
    _ready_idx = models.Index("(channel_id, priority, ready_seq) WHERE state = 'pending'")
    _scheduled_idx = models.Index("(eta) WHERE state = 'scheduled'")
    _leased_idx = models.Index("(worker_id) WHERE state IN ('enqueued', 'started')")
    _failed_idx = models.Index("(date_done) WHERE state = 'failed'")
    # At most one job of a key runs, whatever the code does; and the twins of a job are found
    _identity_leased_idx = models.UniqueIndex(
        "(identity_key) WHERE identity_key IS NOT NULL AND state IN ('enqueued', 'started')"
    )
    _identity_waiting_idx = models.Index(
        "(identity_key) WHERE identity_key IS NOT NULL AND state IN ('pending', 'scheduled', 'wait_dependencies')"
    )

    _concurrency_leased_idx = models.Index(
        "(concurrency_key) WHERE concurrency_key IS NOT NULL AND state IN ('enqueued', 'started')"
    )
    _concurrency_parked_idx = models.Index(
        "(concurrency_key, id) WHERE concurrency_key IS NOT NULL AND state = 'wait_dependencies' AND is_parked"
    )
    _identity_parked_idx = models.Index(
        "(identity_key) WHERE identity_key IS NOT NULL AND state = 'wait_dependencies' AND is_parked"
    )
    # The order of sequential channels
    _in_order_idx = models.Index(f"(channel_id, (id::bigint)) WHERE {store.IN_ORDER}")

    def init(self):
        store.create_sequences(self.env.cr)

    @api.depends("description", "function")
    def _compute_name(self):
        for job in self:
            job.name = job.description or function_options(self.env, job.function).description or job.function

    def _search_name(self, operator, value):
        domain = fields.Domain("description", operator, value)
        if operator in fields.Domain.NEGATIVE_OPERATORS:
            return domain & fields.Domain("function", operator, value)
        return domain | fields.Domain("function", operator, value)

    @api.depends("function", "payload")
    def _compute_arguments(self):
        for job in self:
            try:
                job.arguments = describe_arguments(self.env, job.function, job.payload)
            except (NotReadableJobError, TypeError):
                job.arguments = job.payload

    @api.depends("state", "channel_id")
    def _compute_wait_reason(self):
        for job in self:
            job.wait_reason = job.state == "pending" and job._wait_reason()

    def _wait_reason(self):
        if not store.is_original(self.env.cr):
            return self.env._(
                "This database is a copy: no job runs until a manager says on the screen of workers that it is the production database."
            )
        changing = (
            self.env["ir.module.module"].sudo().search([("state", "in", ("to install", "to upgrade", "to remove"))])
        )
        if changing:
            return self.env._(
                "No job starts while addons are to be installed, updated or removed: %s. Finish that, or cancel it on the screen of apps.",
                ", ".join(changing.mapped("name")),
            )
        paused = self.env["queue.job.channel"].search(
            [("id", "parent_of", self.channel_id.id), ("is_paused", "=", True)], limit=1
        )
        if paused:
            return self.env._("The channel “%s” is paused: its jobs wait until it is resumed.", paused.complete_name)
        if held := store.held(self.env.cr, self.channel_id.id):
            reason, channel = held
            return self.env._("The channel “%(channel)s” is held: %(reason)s", channel=channel, reason=reason)
        first = store.next_in_order(self.env.cr, self.channel_id.id)
        if first and first != self.id:
            return self.env._("The channel runs its jobs one by one, and job %s comes first.", first)
        if not store.alive_workers(self.env.cr):
            return self.env._(
                "No worker is running now. Odoo's scheduled actions run the job at their next pass; to run jobs at once, start a worker: "
                "odoo connector_worker -d %s",
                self.env.cr.dbname,
            )
        return False

    @api.depends("attempt_ids.exc_info")
    def _compute_exc_info(self):
        for job in self:
            job.exc_info = job.attempt_ids[:1].exc_info

    def _compute_progress(self):
        notes = {
            note.job_id.id: note for note in self.env["queue.job.progress"].sudo().search([("job_id", "in", self.ids)])
        }
        for job in self:
            note = notes.get(job.id) if job.state == "started" else None
            job.progress = note and note.total and 100 * note.done / note.total
            job.progress_message = note and (
                note.message or f"{note.done}" + (f" / {note.total}" if note.total else "")
            )

    @api.model
    @tools.ormcache("user_id")
    def _may_work(self, user_id):
        """Return whether jobs may run as a user: whether it exists and is not archived."""
        # the context is the job's, in which archived users may count
        users = self.env["res.users"].sudo().with_context(active_test=True)
        return bool(users.search_count([("id", "=", user_id)]))

    @api.model
    def _search(self, domain, *args, **kwargs):
        # what this transaction has delayed is found too
        buffer.flush(self.env.cr)
        return super()._search(domain, *args, **kwargs)

    @api.model
    def _prepare_job_values(self, job):
        """Return the values of columns that an addon has added to the table, for a job that is being delayed.

        :param job: the :class:`~odoo.addons.connector.queue.job.Job`
        :return: dict, column to value
        """
        return {}

    # Buttons

    def button_requeue(self):
        """Make failed, cancelled and done jobs runnable again, with all their tries."""
        return self._change(store.requeue, self.env._("requeued"))

    def button_done(self):
        """Set jobs that do not run to done, without running them."""
        message = self.env._("Set to done by %s", self.env.user.name)
        return self._change(store.set_done, self.env._("set to done"), message)

    def button_cancel(self):
        """Cancel jobs that have not started, and ask the workers to stop those that run."""

        def cancel(cr, ids):
            message = self.env._("Cancelled by %s", self.env.user.name)
            return store.cancel(cr, ids, message) + store.request_cancellation(cr, ids, self.env.user.name)

        return self._change(cancel, self.env._("cancelled, or asked to stop"))

    def _change(self, operation, done, *args):
        """Call an operation of the store with these jobs on a cursor of its own and tell the user how many changed."""
        if not self.env.su and not self.env.user.has_group("connector.group_connector_manager"):
            raise AccessError(self.env._("Only a connector manager may change jobs."))
        self.check_access("read")
        with store.own_cursor(self.env) as cr:
            changed = operation(cr, self.ids, *args)
            cr.commit()  # pylint: disable=invalid-commit; a cursor of its own, and what follows needs to see that end
            store.release_waiting(cr, self.ids)
        self.env.invalidate_all()
        wakeup.wake(self.env.cr.dbname)
        return self._tell(changed, len(self), done)

    @api.model
    def _tell(self, changed, total, done):
        """Return the action that tells the user how many jobs a button has changed, and loads the screen anew."""
        text = self.env._("%(changed)s of %(total)s jobs %(done)s.", changed=changed, total=total, done=done)
        if changed < total:
            text += " " + self.env._("The others were in a state in which this is not possible.")
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success" if changed == total else "warning",
                "message": text,
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }

    def button_related(self):
        """Open what the job is about: the job function's related action, or the records among its arguments."""
        self.ensure_one()
        action = Job.load(self).related_action(self.env)
        if not action:
            raise UserError(self.env._("Nothing is related to this job."))
        return action

    @api.autovacuum
    def _gc_jobs(self):
        """Delete done and cancelled jobs that ended more than ``connector.job_retention_days`` (30) days ago."""
        with store.own_cursor(self.env) as cr:
            return store.delete_ended(cr, self._retention_days())

    def _retention_days(self):
        text = self.env["ir.config_parameter"].sudo().get_param("connector.job_retention_days", "30")
        if not text.strip().isdigit():
            _logger.warning(
                "The system parameter connector.job_retention_days is %r, not a number of days: 30 is used", text
            )
            return 30
        return int(text)


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
        ],
        readonly=True,
    )
    exc_name = fields.Char(readonly=True, string="Exception")
    message = fields.Text(readonly=True)
    exc_info = fields.Text(readonly=True, string="Traceback", groups="connector.group_connector_manager")
    log = fields.Text(readonly=True, help="What the job has logged")
    queries = fields.Integer(readonly=True, help="How many queries it made")
    cpu = fields.Float(readonly=True, string="CPU (s)", digits=(16, 3))
    memory = fields.Float(
        readonly=True,
        aggregator="max",
        string="Memory Growth (MB)",
        digits=(16, 1),
        help="By how much the peak of its process's memory grew; 0 if it stayed below what a job before it had used",
    )


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


class QueueJobCancellation(models.Model):
    _name = "queue.job.cancellation"
    _description = "Request to Stop a Running Job"
    _log_access = False
    _rec_name = "who"

    job_id = PlainMany2one("queue.job", required=True, readonly=True)
    who = fields.Char(readonly=True)

    _job_uniq = models.UniqueIndex("(job_id)")


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
    # The life of the operating system's process in which it lives, known to the parent of that process
    process = fields.Char(readonly=True)
    # The server's process and start of the worker's control connection; both empty behind a pooler
    backend_pid = fields.Integer(readonly=True, aggregator=None)
    backend_start = fields.Float(readonly=True, aggregator=None)
    # All the server's processes that work for it: {pid: start}
    backends = fields.Json(readonly=True)
    is_alive = fields.Boolean(compute="_compute_is_alive")
    is_pooled = fields.Boolean(compute="_compute_is_pooled")
    job_ids = fields.One2many("queue.job", "worker_id", readonly=True, string="Jobs")
    job_count = fields.Integer(compute="_compute_job_count", string="Jobs Held")

    _uuid_uniq = models.UniqueIndex("(uuid)")

    @api.model
    def _run_in_cron(self):
        """Run jobs for a while in Odoo's cron, unless another host's workers serve the database."""
        run_in_cron(self.env)

    @api.model
    def _cron_slots(self):
        """Return the scheduled actions that run jobs: each record is one more job at once in Odoo's cron."""
        action = self.env.ref("connector.cron_run_jobs", raise_if_not_found=False)
        if not action:
            return self.env["ir.cron"]
        return self.env["ir.cron"].search([("model_id", "=", action.model_id.id), ("code", "=", action.code)])

    def action_pause(self):
        """Let the workers take no more jobs until they are resumed."""
        return self._give_order("paused")

    def action_resume(self):
        """Let paused or draining workers take jobs again."""
        return self._give_order("running")

    def action_drain(self):
        """Let the workers end the jobs that they run, however long that takes, and then end themselves."""
        return self._give_order("draining")

    def action_stop(self):
        """Let the workers end within the grace time; jobs that still run then are freed without losing a try."""
        return self._give_order("stopping")

    def _give_order(self, state):
        if not self.env.user.has_group("connector.group_connector_manager"):
            raise AccessError(self.env._("Only a connector manager may give orders to workers."))
        self.check_access("read")
        with store.own_cursor(self.env) as cr:
            store.order_workers(cr, self.ids, state)
        self.invalidate_recordset()
        wakeup.wake(self.env.cr.dbname)

    @api.model
    def _remember_database(self):
        """Store in which database the addon is installed; workers serve no copies of it."""
        store.remember_database(self.env.cr)

    @api.model
    def action_adopt_database(self):
        """Say that this database, restored or copied from another one, is the production database: its jobs run from now on."""
        if not self.env.user.has_group("connector.group_connector_manager"):
            raise AccessError(self.env._("Only a connector manager can say that this is the production database."))
        store.adopt_database(self.env.cr)
        wakeup.after_commit(self.env.cr)
        return {"type": "ir.actions.client", "tag": "soft_reload"}

    @api.model
    def get_empty_list_help(self, help_message):
        if store.is_original(self.env.cr):
            return super().get_empty_list_help(help_message)
        return Markup('<p class="o_view_nocontent_smiling_face">%s</p><p>%s</p>') % (
            self.env._("This database is a copy: no job runs in it"),
            self.env._(
                "It was restored or copied from the database where the addon was installed. If its jobs shall run, and call the external "
                "systems for real, press the button “This is the production database”."
            ),
        )

    @api.model
    def _get_view_cache_key(self, view_id=None, view_type="form", **options):
        return (*super()._get_view_cache_key(view_id, view_type, **options), store.is_original(self.env.cr))

    @api.model
    def _get_view(self, view_id=None, view_type="form", **options):
        arch, view = super()._get_view(view_id, view_type, **options)
        if store.is_original(self.env.cr):
            for button in arch.xpath("//button[@name='action_adopt_database']"):
                button.getparent().remove(button)
        return arch, view

    @api.depends("host", "pid")
    def _compute_name(self):
        for worker in self:
            worker.name = f"{worker.host}:{worker.pid}"

    @api.depends("backend_pid")
    def _compute_is_pooled(self):
        for worker in self:
            worker.is_pooled = not worker.backend_pid

    def _compute_is_alive(self):
        alive = store.alive_workers(self.env.cr)
        for worker in self:
            worker.is_alive = worker.id in alive

    def _compute_job_count(self):
        counts = dict(
            self.env["queue.job"]._read_group(
                [("worker_id", "in", self.ids), ("state", "in", ("enqueued", "started"))], ["worker_id"], ["__count"]
            )
        )
        for worker in self:
            worker.job_count = counts.get(worker, 0)


class QueueJobChannel(models.Model):
    _name = "queue.job.channel"
    _description = "Channel of Jobs"
    _order = "complete_name"
    _rec_name = "complete_name"
    _parent_store = True

    name = fields.Char(required=True)
    complete_name = fields.Char(compute="_compute_complete_name", store=True, recursive=True, readonly=True)
    parent_id = fields.Many2one("queue.job.channel", ondelete="restrict", index=True, domain="[('id', '!=', id)]")
    parent_path = fields.Char(index=True)
    child_ids = fields.One2many("queue.job.channel", "parent_id")
    capacity = fields.Integer(
        default=0,
        aggregator=None,
        help="So many jobs of the channel and the channels below it run at once, on all machines together; 0 means without limit",
    )
    is_sequential = fields.Boolean(
        string="Sequential",
        help="Jobs of the channel and the channels below it run one at a time, in the order in which they were delayed. One that failed or "
        "waits for another try holds up those behind it until it is done, cancelled or set to done.",
    )
    rate = fields.Integer(
        default=0,
        aggregator=None,
        help="So many jobs of the channel and the channels below it start in a period, on all machines together; 0 means without limit",
    )
    rate_period = fields.Integer(
        default=1, aggregator=None, string="Period (s)", help="Seconds for which the rate counts"
    )
    weight = fields.Integer(
        default=1,
        aggregator=None,
        help="While channels compete for workers, one of weight 2 gets twice the turns of one of weight 1",
    )
    is_paused = fields.Boolean(
        string="Paused", help="No job of the channel or the channels below it starts until it is resumed"
    )
    hold_reason = fields.Char(compute="_compute_hold_reason", string="Held")
    pending_count = fields.Integer(compute="_compute_counts", string="Pending")
    running_count = fields.Integer(compute="_compute_counts", string="Running")
    failed_count = fields.Integer(compute="_compute_counts", string="Failed")

    _name_uniq = models.UniqueIndex(
        "(COALESCE(parent_id, 0), name)", "Two channels cannot have the same name and parent."
    )
    _capacity_check = models.Constraint(
        "CHECK (capacity >= 0)", "The capacity of a channel cannot be negative; 0 means without limit."
    )

    _rate_check = models.Constraint(
        "CHECK (rate >= 0)", "The rate of a channel cannot be negative; 0 means without limit."
    )
    _rate_period_check = models.Constraint(
        "CHECK (rate_period > 0)", "The period of a channel's rate is at least one second."
    )
    _weight_check = models.Constraint(
        "CHECK (weight > 0)", "The weight of a channel is at least 1; to stop it, pause it."
    )

    @api.depends("name", "parent_id.complete_name")
    def _compute_complete_name(self):
        for channel in self:
            parent = channel.parent_id
            channel.complete_name = f"{parent.complete_name}.{channel.name}" if parent else channel.name

    def _compute_counts(self):
        groups = self.env["queue.job"]._read_group(
            [("channel_id", "in", self.ids), ("state", "in", ("pending", "enqueued", "started", "failed"))],
            ["channel_id", "state"],
            ["__count"],
        )
        counts = {(channel.id, state): count for channel, state, count in groups}
        for channel in self:
            channel.pending_count = counts.get((channel.id, "pending"), 0)
            channel.running_count = counts.get((channel.id, "enqueued"), 0) + counts.get((channel.id, "started"), 0)
            channel.failed_count = counts.get((channel.id, "failed"), 0)

    def _compute_hold_reason(self):
        for channel in self:
            held = channel.id and store.held(self.env.cr, channel.id)
            channel.hold_reason = held and held[0]

    @api.constrains("name")
    def _check_name(self):
        for channel in self:
            if not channel.name or "." in channel.name or channel.name != channel.name.strip():
                raise ValidationError(
                    self.env._(
                        "“%s” is not a channel name: it may hold neither a dot nor spaces at its ends.", channel.name
                    )
                )

    @api.constrains("name", "parent_id")
    def _check_parent(self):
        root = self._root()
        for channel in self:
            if channel == root and (channel.parent_id or channel.name != "root"):
                raise ValidationError(self.env._("The channel “root” keeps its name and has no parent."))
            if not channel.parent_id and channel.name != "root":
                raise ValidationError(
                    self.env._("The channel “%s” needs a parent: all channels are below “root”.", channel.name)
                )

    def _check_no_cycle(self, parent):
        """Refuse to move channels below themselves; Odoo's own refusal does not say which one."""
        for channel in self:
            if parent.parent_path.startswith(channel.parent_path):
                raise ValidationError(
                    self.env._(
                        "The channel “%(channel)s” cannot be below “%(parent)s”, which is the same channel or below it.",
                        channel=channel.complete_name,
                        parent=parent.complete_name,
                    )
                )

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        if self._root() in self:
            raise UserError(self.env._("The channel “root” cannot be deleted."))
        used = (
            self.env["queue.job"]
            .sudo()
            .search([("channel_id", "in", self.ids), ("state", "not in", ("done", "cancelled"))], limit=1)
        )
        if used:
            raise UserError(
                self.env._(
                    "The channel “%s” still has jobs: wait for them, or cancel them, then delete it.",
                    used.channel_id.complete_name,
                )
            )

    def _root(self):
        return self.env.ref("connector.channel_root", raise_if_not_found=False) or self.browse()

    @api.model_create_multi
    def create(self, vals_list):
        channels = super().create(vals_list)
        self.env.registry.clear_cache()
        return channels

    def write(self, vals):
        if parent := self.browse(vals.get("parent_id") or ()):
            self._check_no_cycle(parent)
        result = super().write(vals)
        self.env.registry.clear_cache()
        if vals.keys() & {"is_paused", "capacity", "rate", "rate_period", "is_sequential"}:
            wakeup.after_commit(self.env.cr)
        return result

    def unlink(self):
        self.env.registry.clear_cache()
        return super().unlink()

    @api.model
    @tools.ormcache("complete_name")
    def _id_of(self, complete_name):
        """Return the id of the channel with that complete name.

        :raise ValueError: there is none
        """
        channel = self.sudo().search([("complete_name", "=", complete_name)])
        if not channel:
            known = ", ".join(self.sudo().search([], limit=20).mapped("complete_name"))
            raise ValueError(f"There is no channel {complete_name!r}: create it first. Known channels: {known}")
        return channel.id

    @api.model
    def _nearest_id(self, complete_name):
        """Return the id of the channel with that complete name, or of the nearest one above it."""
        channels = {channel.complete_name: channel.id for channel in self.sudo().search([])}
        name = complete_name
        while name and name not in channels:
            name = name.rpartition(".")[0]
        if name != complete_name:
            _logger.warning(
                "There is no channel %s: its jobs go to %s. Update the addon that names it",
                complete_name,
                name or "root",
            )
        return channels[name or "root"]

    def action_pause(self):
        """Let no further job of these channels start."""
        self.write({"is_paused": True})

    def action_resume(self):
        """Let jobs of these channels start again."""
        self.write({"is_paused": False})

    def _release_holds(self):
        """Let jobs of these channels start again that a program holds."""
        for channel in self:
            store.release_holds(self.env.cr, channel.id)
        wakeup.after_commit(self.env.cr)

    @api.model
    def _ensure(self, complete_name):
        """Return the channel of that complete name, created with its parents where it does not exist.

        :param complete_name: such as ``root.shop.import``
        """
        channel = self._root()
        names = complete_name.split(".")
        if names[0] != channel.name:
            raise ValidationError(
                self.env._("The channel “%(name)s” is not below “root”: call it “root.%(name)s”.", name=complete_name)
            )
        for name in names[1:]:
            parent = channel
            channel = self.search([("parent_id", "=", parent.id), ("name", "=", name)])
            channel = channel or self.create({"name": name, "parent_id": parent.id})
        return channel


class QueueJobChannelBucket(models.Model):
    """What is left of a channel's rate. Claims write it all the time, so it is not in the row that people edit."""

    _name = "queue.job.channel.bucket"
    _description = "Token Bucket of a Channel"
    _log_access = False
    _rec_name = "channel_id"

    channel_id = fields.Many2one("queue.job.channel", required=True, readonly=True, ondelete="cascade")
    tokens = fields.Float(required=True, readonly=True, help="How many jobs could start at that time")
    date_filled = fields.Datetime(required=True, readonly=True)

    _channel_uniq = models.UniqueIndex("(channel_id)")


class QueueJobChannelHold(models.Model):
    """Why a program lets the jobs of a channel wait, and until when; people pause a channel by its own field."""

    _name = "queue.job.channel.hold"
    _description = "Hold of a Channel"
    _log_access = False
    _rec_name = "reason"

    channel_id = fields.Many2one("queue.job.channel", required=True, readonly=True, ondelete="cascade")
    holder = fields.Char(required=True, readonly=True)
    reason = fields.Char(required=True, readonly=True)
    date_until = fields.Datetime(readonly=True, string="Until", help="Empty means until it is released")

    _holder_uniq = models.UniqueIndex("(channel_id, holder)")


class QueueJobFunction(models.Model):
    _name = "queue.job.function"
    _description = "Job Function"
    _order = "name"

    name = fields.Char(required=True, readonly=True, help="Dotted path of a function, or model.method")
    description = fields.Char(readonly=True)
    module = fields.Char(readonly=True, string="Addon")
    default_channel = fields.Char(readonly=True, help="The channel that the code names")
    channel_id = fields.Many2one(
        "queue.job.channel",
        ondelete="set null",
        help="The channel of its jobs; empty means the one that the code names",
    )
    retry_pattern = fields.Char(
        help='Try number to seconds until the next try, such as {"1": 10, "5": 60}: 10 seconds after the first tries, '
        "a minute from the fifth on. Empty means what the code says."
    )
    max_retries = fields.Integer(aggregator=None, help="A job fails after so many tries; 0 means what the code says")
    identity_policy = fields.Selection(
        IDENTITY_POLICY_CHOICES,
        help="Which of the jobs waiting with the same identity key runs; empty means what the code says",
    )
    concurrency_limit = fields.Integer(
        aggregator=None,
        help="How many jobs with the same concurrency key run at once; 0 means what the code says",
    )
    time_limit = fields.Integer(
        aggregator=None,
        string="Time Limit (s)",
        help="A running job is stopped after so many seconds, which counts as a try; 0 means what the code says",
    )
    memory_limit = fields.Integer(
        aggregator=None,
        string="Memory Limit (MB)",
        help="A running job is stopped when its process uses more memory; 0 means what the code says",
    )

    _name_uniq = models.UniqueIndex("(name)")
    _limits_check = models.Constraint(
        "CHECK (time_limit >= 0 AND memory_limit >= 0)", "The limits of time and memory cannot be negative."
    )
    _max_retries_check = models.Constraint("CHECK (max_retries >= 0)", "The number of tries cannot be negative.")
    _concurrency_limit_check = models.Constraint(
        "CHECK (concurrency_limit >= 0)", "The number of jobs that run at once cannot be negative."
    )

    @api.constrains("retry_pattern")
    def _check_retry_pattern(self):
        for function in self.filtered("retry_pattern"):
            try:
                Pattern(json.loads(function.retry_pattern))
            except ValueError as error:
                raise ValidationError(
                    self.env._("The retry pattern of %(name)s: %(error)s", name=function.name, error=error)
                ) from None

    @api.model_create_multi
    def create(self, vals_list):
        functions = super().create(vals_list)
        self.env.registry.clear_cache()
        return functions

    def write(self, vals):
        if not self.env.su and any(function.name != vals.get("name", function.name) for function in self):
            raise UserError(self.env._("The name of a job function comes from the code and cannot be changed."))
        result = super().write(vals)
        self.env.registry.clear_cache()
        return result

    @api.model
    @tools.ormcache("name")
    def _options(self, name):
        """Return the :class:`~odoo.addons.connector.queue.job.JobOptions` of a job function.

        What its record says wins over what the code says.
        """
        options = code_options(self.env, name)
        record = self.sudo().search([("name", "=", name)])
        return replace(
            options,
            channel_of=None if record.channel_id else options.channel_of,
            channel_id=record.channel_id.id
            or self.env["queue.job.channel"]._nearest_id(options.default_channel or "root"),
            retry=options.retry.with_pattern(json.loads(record.retry_pattern))
            if record.retry_pattern
            else options.retry,
            max_retries=record.max_retries or options.max_retries,
            identity_policy=record.identity_policy or options.identity_policy,
            concurrency_limit=record.concurrency_limit or options.concurrency_limit,
            time_limit=record.time_limit or options.time_limit,
            memory_limit=record.memory_limit or options.memory_limit,
        )

    def _register_hook(self):
        """Bring the records in step with the code after an install or update of addons."""
        super()._register_hook()
        if self.env.registry.updated_modules:
            self.sudo()._synchronize()

    @api.model
    def _synchronize(self):
        """Have one record for each job function of the installed addons, and the channels that they name."""
        known = {function.name: function for function in self.search([])}
        for name, options in installed_functions(self.env).items():
            values = {
                "description": options.description,
                "module": options.module,
                "default_channel": options.default_channel,
            }
            if options.default_channel:
                self.env["queue.job.channel"]._ensure(options.default_channel)
            function = known.pop(name, None)
            if not function:
                self.create({"name": name, **values})
            elif any(function[field] != (value or False) for field, value in values.items()):
                function.write(values)
        self.browse([function.id for function in known.values()]).unlink()


class Delayable:
    """The records whose next method call is prepared or delayed instead of made; see ``delayable`` and ``with_delay``."""

    def __init__(self, make_job, records, options):
        self._make_job = make_job
        self._records = records
        self._options = options

    def __getattr__(self, method_name):
        records = self._records
        name = f"{records._name}.{method_name}"
        if not callable(getattr(type(records), method_name, None)):
            raise AttributeError(f"{records._name} has no method {method_name!r} that could be delayed")

        def make_job(*args, **kwargs):
            return self._make_job(records.env, name, records._name, (records, *args), kwargs, **self._options)

        return make_job


class Base(models.AbstractModel):
    _inherit = "base"

    @api.private
    def with_delay(self, **options):
        """Delay the method that is called on what this returns: ``record.with_delay(priority=5).export_record(["name"])``.

        :param options: those of :func:`odoo.addons.connector.queue.job.prepare`
        :return: an object on which the method is called; the call returns the :class:`~odoo.addons.connector.queue.job.Job`
        """
        return Delayable(delay, self, options)

    @api.private
    def delayable(self, **options):
        """Prepare the method that is called on what this returns as a part of a graph, see ``graph.py``: nothing is delayed yet.

        :param options: those of :func:`odoo.addons.connector.queue.job.prepare`
        :return: an object on which the method is called; the call returns the :class:`~odoo.addons.connector.queue.job.Job`
        """
        return Delayable(prepare, self, options)
