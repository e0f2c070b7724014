"""The model ``queue.job``: jobs as people see them, with the buttons.

Only ``store/`` writes the state of a job: nobody may create or write these rows.
"""

import logging
from itertools import takewhile
from typing import Any, Literal

from odoo import api, fields, models, tools
from odoo.exceptions import AccessError, UserError
from odoo.orm.domains import DomainCondition
from odoo.orm.utils import COLLECTION_TYPES
from odoo.tools import Query

from .. import store
from ..exception import NotReadableJobError
from ..jobs import Job, StoredJob, buffer, describe_arguments, environment, function_options
from ..jobs.keys import possible_keys
from ..jobs.retry import RetryPolicy
from ..mass_change import SECONDS_AT_ONCE, MassChange
from ..selection import selected_domain
from ..setting import number_of
from ..texts import ARGUMENTS, ARGUMENTS_TO_LAY_OUT, storable
from .plain_fields import BigInteger, PlainMany2one
from .queue_job_attempt import UNCOUNTED

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


_KEYS = ("identity_key", "concurrency_key", "group_key")
_LOOK_UPS = {"=": "in", "=?": "in", "in": "in", "!=": "not in", "not in": "not in"}


def _with_stored_key(condition: DomainCondition) -> fields.Domain:
    """Change a domain condition on keys, so that it looks for the keys as they are stored.

    Any other condition is returned as it is.
    """
    operator = _LOOK_UPS.get(condition.operator)
    keys = [condition.value] if isinstance(condition.value, str) else condition.value
    if condition.field_expr not in _KEYS or not operator or not isinstance(keys, COLLECTION_TYPES):
        return condition
    stored = [name for key in keys for name in (possible_keys(key) if isinstance(key, str) else [key])]
    return fields.Domain(condition.field_expr, operator, stored)


class QueueJob(models.Model):
    _name = "queue.job"
    _description = "Job"
    _order = "id desc"
    _log_access = False
    _rec_name = "name"

    name = fields.Char(compute="_compute_name", search="_search_name", string="Description")
    description = fields.Char(readonly=True, string="Own Description")
    # People find the job of a record by these two; they are given when the job is delayed
    external_id = fields.Char(readonly=True, string="External ID", help="Of the record that the job is about")
    record_name = fields.Char(readonly=True, string="Record", help="Name or number of the record that the job is about")
    function = fields.Char(required=True, readonly=True, help="Dotted path of a function, or model.method")
    model_name = fields.Char(readonly=True, string="Model")
    # Not read together with other fields, because it may be long
    payload = fields.Text(required=True, readonly=True, string="Stored Arguments", prefetch=False)
    arguments = fields.Text(compute="_compute_arguments")
    context = fields.Char(readonly=True)
    state = fields.Selection(STATES, required=True, readonly=True)
    message = fields.Text(readonly=True, help="What the job returned, or why it failed, waits or was cancelled")
    waits_for = fields.Char(
        readonly=True, help="What a scheduled job waits for that nobody here can hasten, such as a payment"
    )
    waits_since = fields.Datetime(readonly=True, help="When it began to wait for that")
    done_by_id = PlainMany2one("queue.job", readonly=True, string="Put Right by", help="The job that has done its work")
    wait_reason = fields.Text(compute="_compute_wait_reason", help="Why a pending job does not start")
    result = fields.Text(readonly=True, help="What the job returned, for the jobs that depend on it", prefetch=False)

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
    group_key = fields.Char(readonly=True, help="Jobs of the same function and key run together, as one call")

    user_id = PlainMany2one("res.users", readonly=True)
    company_id = PlainMany2one("res.company", readonly=True)
    su = fields.Boolean(readonly=True, string="As Superuser")

    retry = fields.Integer(readonly=True, string="Tries", aggregator=None)
    max_retries = fields.Integer(
        readonly=True, aggregator=None, help="The job fails after so many tries; 0 means without limit"
    )
    time_limit = fields.Integer(readonly=True, aggregator=None, string="Time Limit (s)")
    memory_limit = fields.Integer(readonly=True, aggregator=None, string="Memory Limit (MB)")
    runs_alone = fields.Boolean(
        readonly=True, help="Its process died while it and others ran: no other job runs beside it the next time"
    )
    worker_id = PlainMany2one("queue.worker", readonly=True)
    lease_token = BigInteger(readonly=True, aggregator=None)

    date_created = fields.Datetime(readonly=True, string="Delayed at")
    date_started = fields.Datetime(readonly=True, string="Started at")
    date_done = fields.Datetime(readonly=True, string="Ended at")
    duration = fields.Float(readonly=True, string="Duration (s)", aggregator="avg")
    # The failure of the last attempt, if the job failed. It is set when failed jobs are grouped,
    # and emptied when the job is made runnable again
    failure_id = PlainMany2one("queue.job.failure", readonly=True)
    attempt_ids = fields.One2many("queue.job.attempt", "job_id", readonly=True)
    given_back = fields.Integer(
        compute="_compute_given_back", help="How often in a row a worker gave it back without counting a try"
    )
    progress = fields.Float(compute="_compute_progress", string="Progress (%)")
    progress_message = fields.Char(compute="_compute_progress")
    log = fields.Text(compute="_compute_log", string="Last Log", help="What the job has logged in its last attempt")
    exc_info = fields.Text(compute="_compute_exc_info", string="Last Traceback", groups="jobs_queue.group_jobs_manager")

    # Each change of a job's state opens and locks all of these indexes. That takes some
    # microseconds for each, and before PostgreSQL 18 more for those beyond the sixteenth. So one
    # index serves several queries. The texts that people search for are in another table, see
    # queue_job_label.py

    # The jobs that a worker may claim, in the order in which it claims them
    _ready_idx = models.Index("(channel_id, priority, ready_seq) WHERE state = 'pending'")
    _scheduled_idx = models.Index(f"(({store.sql.DUE_AT})) WHERE state = 'scheduled'")
    _leased_idx = models.Index("(worker_id) WHERE state IN ('enqueued', 'started')")
    # The states that screens count and filter; most jobs are in none of these
    _resting_idx = models.Index("(state, id) WHERE state IN ('wait_dependencies', 'scheduled', 'cancelled', 'failed')")
    _retried_idx = models.Index("(id) WHERE retry > 0")
    # For the filter of today's jobs. The index has ranges of pages, so a job that changes its state
    # does not touch it
    _date_created_idx = models.Index("USING brin (date_created) WITH (pages_per_range = 32)")
    # Also the failed jobs without a group: those that have failed since jobs were last grouped
    _failure_idx = models.Index("(failure_id, id) WHERE state = 'failed'")
    # The first index ensures that at most one job of a key runs, whatever the code does. The second
    # one finds the other jobs with the same key, and whether one was done after another
    _identity_leased_idx = models.UniqueIndex(
        "(identity_key) WHERE identity_key IS NOT NULL AND state IN ('enqueued', 'started')"
    )
    _identity_idx = models.Index(
        "(identity_key, state, date_done) WHERE identity_key IS NOT NULL "
        "AND state IN ('pending', 'scheduled', 'wait_dependencies', 'failed', 'done')"
    )
    _concurrency_leased_idx = models.Index(
        "(concurrency_key) WHERE concurrency_key IS NOT NULL AND state IN ('enqueued', 'started')"
    )
    # The jobs that wait for something outside
    _waits_idx = models.Index("(channel_id, id) WHERE state = 'scheduled' AND waits_for IS NOT NULL")
    # The jobs that wait for an identity key or a concurrency key
    _parked_idx = models.Index("(concurrency_key, id) WHERE state = 'wait_dependencies' AND is_parked")
    # The jobs that could join a batch, in the order in which they join
    _group_idx = models.Index(
        "(function, group_key, channel_id, priority, ready_seq) WHERE state = 'pending' AND group_key IS NOT NULL"
    )
    # For the order of sequential channels, and for the failed jobs of any channel
    _in_order_idx = models.Index(f"(channel_id, state, (id::bigint)) WHERE {store.sql.is_in_order('queue_job')}")

    def init(self) -> None:
        store.insert.create_sequences(self.env.cr)

    @api.depends("description", "function", "record_name", "external_id")
    def _compute_name(self) -> None:
        for job in self:
            name = job.description or function_options(self.env, job.function).description or job.function
            record = job.record_name or job.external_id
            job.name = f"{name}: {record}" if record and not job.description else name

    @api.depends("function", "payload")
    def _compute_arguments(self) -> None:
        for job in self:
            job.arguments = storable(job._describe_arguments(), ARGUMENTS)

    def _describe_arguments(self) -> str:
        if len(self.payload or "") > ARGUMENTS_TO_LAY_OUT:
            return self.payload
        try:
            return describe_arguments(self.env, self.function, self.payload)
        except (NotReadableJobError, TypeError):
            return self.payload

    @api.depends("state", "channel_id")
    def _compute_wait_reason(self) -> None:
        for job in self:
            trouble = job.state in ("pending", "scheduled") and store.trouble.claim(self.env.cr, job.id)
            if trouble:
                job.wait_reason = self.env._(
                    "PostgreSQL refuses to change the job's row; it is tried again: %s", trouble
                )
            else:
                job.wait_reason = job.state == "pending" and job._wait_reason()

    def _wait_reason(self) -> str | Literal[False]:
        if reason := self.channel_id._reason_no_job_starts():
            return reason
        first = store.channels.next_in_order(self.env.cr, self.channel_id.id)
        if first and first != self.id:
            return self.env._("The channel runs its jobs one by one, and job %s comes first.", first)
        workers = self.env["queue.worker"]
        if reason := workers._reason_no_job_runs():
            return reason
        if workers._runs_in_cron():
            return self.env._(
                "No worker is running now. Odoo's scheduled actions run the job at their next pass; to run jobs at once, start a worker: "
                "%s",
                workers._command(),
            )
        return False

    @api.depends("attempt_ids.outcome", "state")
    def _compute_given_back(self) -> None:
        for job in self:
            ended = job.state in ("done", "failed", "cancelled")
            last = () if ended else takewhile(lambda attempt: attempt.outcome in UNCOUNTED, job.attempt_ids)
            job.given_back = sum(attempt.times or 1 for attempt in last)

    @api.depends("attempt_ids.log")
    def _compute_log(self) -> None:
        for job in self:
            job.log = job.attempt_ids[:1].log

    @api.depends("attempt_ids.exc_info")
    def _compute_exc_info(self) -> None:
        for job in self:
            job.exc_info = job.attempt_ids[:1].exc_info

    def _compute_progress(self) -> None:
        notes = {
            note.job_id.id: note for note in self.env["queue.job.progress"].sudo().search([("job_id", "in", self.ids)])
        }
        for job in self:
            note = notes.get(job.id) if job.state == "started" else None
            job.progress = note and note.total and min(100, 100 * note.done / note.total)
            job.progress_message = note and (
                note.message or f"{note.done}" + (f" / {note.total}" if note.total else "")
            )

    @api.model
    @tools.ormcache("user_id", "archived")
    def _may_work(self, user_id: int, archived: bool = False) -> bool:
        """Return whether jobs may run as a user.

        The user has to exist and must not be archived. A public user is always archived, and jobs
        may run as it.

        :param archived: whether the user may be archived
        """
        # the context is the job's, in which active_test may have any value
        user = self.env["res.users"].sudo().with_context(active_test=False).search([("id", "=", user_id)])
        return bool(user) and (archived or user.active or user._is_public())

    @api.model
    @tools.ormcache("user_id", "su", "stored")
    def _usable_context(self, user_id: int, su: bool, stored: str | None) -> tuple[dict[str, Any], list[str]]:
        """Return the usable context of jobs from the cache, as it is the same for many jobs.

        See :func:`~odoo.addons.jobs_queue.jobs.environment.usable_context`.
        """
        # the caller's context may be the one that cannot be used
        return environment.usable_context(self.env(context={}), user_id, su, stored)

    @api.model
    @tools.ormcache("user_id", "su", "stored", "function")
    def _terms(
        self, user_id: int, su: bool, stored: str | None, function: str
    ) -> tuple[dict[str, Any], list[str], RetryPolicy]:
        """Return the data that each job asks for, by one look-up in the cache.

        :return: the two values of :meth:`_usable_context`, and the retry policy of the function
        """
        return *self._usable_context(user_id, su, stored), function_options(self.env, function).retry

    @api.model
    def _search(self, domain: api.DomainType, *args: Any, **kwargs: Any) -> Query:
        # jobs that this transaction has delayed are found, too
        buffer.flush(self.env.cr)
        return super()._search(fields.Domain(domain).map_conditions(_with_stored_key), *args, **kwargs)

    @api.model
    def _prepare_job_values(self, job: Job) -> dict[str, Any]:
        """Return values for columns that an addon has added to the table; a hook.

        :param job: the job that is being delayed
        :return: ``{column name: value}``
        """
        return {}

    @api.model
    def list_warning(self) -> str:
        """Return the warning to show above the list of jobs, or an empty text."""
        self.check_access("read")
        return self.env["queue.worker"]._reason_no_job_runs() or ""

    # Buttons

    def button_requeue(self) -> dict[str, Any]:
        """Make failed, cancelled, done and scheduled jobs runnable now.

        They get all their tries again.
        """
        return self._change("requeue")

    def button_done(self) -> dict[str, Any]:
        """Set jobs that do not run to done, without running them."""
        return self._change("done")

    def button_cancel(self) -> dict[str, Any]:
        """Cancel jobs that have not started, and ask the workers to stop those that run."""
        return self._change("cancel")

    def _change(self, kind: str) -> dict[str, Any]:
        """Change these jobs, or all that the user has selected in a list.

        The user is told the result.
        """
        self._check_may_change()
        if (domain := selected_domain(self.env, self._name, len(self))) is not None:
            # the domain comes from the client: jobs that the user may not see are not changed
            return self.sudo(False)._change_all(kind, domain)
        self.check_access("read")
        return self._change_all(kind, [("id", "in", self.ids)])

    def _check_may_change(self) -> None:
        if not self.env.su and not self.env.user.has_group("jobs_queue.group_jobs_manager"):
            raise AccessError(self.env._("Only a jobs manager may change jobs."))

    @api.model
    def _change_all(self, kind: str, domain: list[Any]) -> dict[str, Any]:
        """Change the jobs of a domain, as far as the user sees them; see ``mass_change.py``.

        :return: the action that tells the user the result, and reloads the screen
        """
        change = MassChange(self.env, kind, domain)
        finished = change.run(SECONDS_AT_ONCE)
        self.env.invalidate_all()
        message, links = change.text(), []
        if not finished:
            job = change.go_on_as_job()
            links = [{"label": self.env._("Job %s", job.id), "url": f"/odoo/queue-jobs/{job.id}"}]
            reasons, _some_start = self.env["queue.worker"]._reasons_to_wait([job])
            # the client puts the link where the message has %s
            rest = self.env._("The rest goes on as %s, which shows how far it is and can be cancelled.", "%s")
            message, *reasons = (text.replace("%", "%%") for text in (message, *reasons))
            message = " ".join([message, rest, *reasons])
        done = finished and change.position.changed == change.position.total
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success" if done else "warning",
                "message": message,
                "links": links,
                "sticky": not done,
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }

    def button_related(self) -> dict[str, Any]:
        """Open the subject of the job.

        That is the related action of the job function, or the records among the job's arguments.
        """
        self.ensure_one()
        self.check_access("read")
        action = StoredJob.load(self).related_action(self.env)
        if not action:
            raise UserError(self.env._("Nothing is related to this job."))
        return action

    @api.autovacuum
    def _gc_jobs(self) -> tuple[int, bool]:
        """Delete old done and cancelled jobs.

        These have ended more than ``jobs_queue.job_retention_days`` (30) days ago.
        """
        with store.sql.own_cursor(self.env) as cr:
            return store.actions.delete_ended(cr, self._retention_days())

    def _retention_days(self) -> float:
        text = self.env["ir.config_parameter"].sudo().get_param("jobs_queue.job_retention_days")
        return number_of(text, "jobs_queue.job_retention_days", "days", 30, _logger)
