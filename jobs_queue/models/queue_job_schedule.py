"""Schedules: they delay a job again and again, at the times of a cron expression.

A light scheduled action of Odoo looks for due schedules once a minute. A schedule never has two
jobs at once. As long as its last job has not ended, the next one waits or is left out, as the
catch-up policy says.
"""

import json
import logging
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from .. import store
from ..exception import NotReadableJobError
from ..graph import chain
from ..jobs import code_options, find_function, named_arguments, prepare
from ..jobs.environment import ARCHIVED
from .cron_words import in_words
from .plain_fields import PlainMany2one

_logger = logging.getLogger(__name__)

#: A tick that is found later than this counts as missed.
GRACE = timedelta(minutes=5)
#: Missed ticks that are caught up at once, at most.
TICKS_OF_A_PASS = 100


class QueueJobSchedule(models.Model):
    _name = "queue.job.schedule"
    _inherit = "queue.checked.access"
    _description = "Schedule of Jobs"
    _order = "next_run, id"

    name = fields.Char(required=True, translate=True)
    active = fields.Boolean(default=True)
    function = fields.Char(required=True, help="What runs: the dotted path of a job function, or model.method")
    model_name = fields.Char(string="Model", help="The model that a job function is about, such as res.partner")
    arguments = fields.Text(
        required=True, default="{}", help='The arguments by their names, as JSON: {"warehouse_id": 1, "force": true}'
    )
    expression = fields.Char(
        required=True,
        default="0 * * * *",
        help="When: minute, hour, day of the month, month, day of the week, as cron has them. “30 6 * * 1-5”: at half past six from Monday "
        "to Friday. @hourly, @daily, @weekly, @monthly and @yearly are short for the usual ones.",
    )
    when = fields.Char(compute="_compute_when", string="In Words")
    timezone = fields.Selection(
        "_select_time_zones",
        required=True,
        default=lambda self: self.env.user.tz or "UTC",
        help="In which the times are meant",
    )
    catch_up = fields.Selection(
        [
            ("skip", "Leave them out"),
            ("once", "Run once for all of them"),
            ("each", "Run once for each, one after the other"),
        ],
        required=True,
        default="once",
        string="Missed Times",
        help="What to do about times at which no worker was there or the job before still ran",
    )
    user_id = fields.Many2one(
        "res.users", required=True, default=lambda self: self.env.user, help="As whom the jobs run"
    )
    company_id = fields.Many2one("res.company", help="In which company the jobs run; empty means the user's own")
    next_run = fields.Datetime(compute="_compute_next_run", store=True, readonly=True, copy=False)
    job_id = PlainMany2one("queue.job", readonly=True, copy=False, string="Last Job")
    job_state = fields.Selection(related="job_id.state", string="State of the Last Job")

    _due_idx = models.Index("(next_run) WHERE active")

    # Times

    @api.model
    def _select_time_zones(self) -> list[tuple[str, str]]:
        return self.env["res.partner"]._fields["tz"]._description_selection(self.env)

    @api.depends("expression", "timezone", "active")
    def _compute_next_run(self) -> None:
        for schedule in self:
            schedule.next_run = schedule.active and schedule._tick_after(fields.Datetime.now())

    @api.depends("expression", "timezone")
    @api.depends_context("lang", "tz", "uid")
    def _compute_when(self) -> None:
        lang = self.env["res.lang"]._get_data(code=self.env.lang or "en_US")
        has_24_hours = "%I" not in (lang.time_format or "")
        for schedule in self:
            words = in_words(schedule.expression or "", self.env.lang or "en_US", has_24_hours)
            is_of_user = not schedule.timezone or schedule.timezone == str(self.env.tz)
            schedule.when = words if is_of_user else f"{words} ({schedule.timezone})"

    def _tick_after(self, moment: datetime) -> datetime:
        """Return the first time after a moment at which the schedule runs.

        Both are in UTC, without a zone. When clocks go forward, a time that does not exist is moved
        to the end of the gap. When they go back, a time of day that comes twice counts once.
        Expressions for every hour go on every hour.

        :raise ValidationError: the expression is not valid, or names no time
        """
        # a worker that has no schedules to look after starts without it
        from croniter import CroniterError, croniter

        zone = ZoneInfo(self.timezone or "UTC")
        try:
            if len((self.expression or "").split()) > 5:
                raise CroniterError(self.env._("it has more than five fields"))
            ticks = croniter(self.expression or "", moment.replace(tzinfo=UTC).astimezone(zone))
            tick = ticks.get_next(datetime)
            while tick.fold and ticks.expanded[1] != ["*"]:
                tick = ticks.get_next(datetime)
        except (CroniterError, ValueError) as error:
            raise ValidationError(
                self.env._(
                    "“%(expression)s” of the schedule “%(name)s” is not a cron expression that names a time: %(error)s. "
                    "Write minute, hour, day of the month, month and day of the week, such as “30 6 * * 1-5”.",
                    expression=self.expression or "",
                    name=self.name,
                    error=error,
                )
            ) from None
        return tick.astimezone(UTC).replace(tzinfo=None)

    # Constraints

    @api.constrains("expression", "timezone")
    def _check_expression(self) -> None:
        for schedule in self:
            schedule._tick_after(fields.Datetime.now())

    @api.constrains("function", "model_name", "arguments")
    def _check_function(self) -> None:
        # the job functions of an addon are not known yet while its own data is loaded
        for schedule in self if self.env.registry.ready else self.browse():
            try:
                find_function(self.env, schedule.function)
            except NotReadableJobError as error:
                raise ValidationError(
                    self.env._("The schedule “%(name)s” cannot run: %(error)s", name=schedule.name, error=error)
                ) from None
            if schedule.model_name and schedule.model_name not in self.env:
                raise ValidationError(
                    self.env._(
                        "The schedule “%(name)s” cannot run: there is no model %(model)s.",
                        name=schedule.name,
                        model=schedule.model_name,
                    )
                )
            try:
                named_arguments(self.env, code_options(self.env, schedule.function), *schedule._call(self.env))
            except TypeError as error:
                raise ValidationError(
                    self.env._(
                        "The arguments of the schedule “%(name)s” are not those of %(function)s: %(error)s",
                        name=schedule.name,
                        function=schedule.function,
                        error=error,
                    )
                ) from None

    @api.constrains("arguments")
    def _check_arguments(self) -> None:
        for schedule in self:
            schedule._named_arguments()

    def _named_arguments(self) -> dict[str, Any]:
        """Return the arguments by their names.

        :raise ValidationError: they are not a JSON object
        """
        try:
            arguments = json.loads(self.arguments)
        except ValueError:
            arguments = None
        if not isinstance(arguments, dict):
            raise ValidationError(
                self.env._(
                    "The arguments of the schedule “%(name)s” are not a JSON object, such as {“force”: true}: %(arguments)s",
                    name=self.name,
                    arguments=self.arguments,
                )
            )
        return arguments

    def _call(self, env: api.Environment) -> tuple[str | None, tuple[Any, ...], dict[str, Any]]:
        """Return the call of the job: ``(model's name, arguments, arguments by name)``."""
        of_method = self.function.rpartition(".")[0]
        if of_method in env:
            return of_method, (env[of_method],), self._named_arguments()
        return self.model_name or None, (), self._named_arguments()

    # Running

    def button_run(self) -> dict[str, Any]:
        """Run the job now, once, in addition to the times of the schedule.

        :raise AccessError: the user may not read these schedules, or write none
        :raise UserError: the last job has not ended
        """
        self.check_access("read")
        self.browse().check_access("write")  # of the model: one that has an owner may be run, too
        for schedule in self:
            if schedule._is_busy():
                raise UserError(self.env._("The last job of the schedule “%s” has not ended yet.", schedule.name))
            schedule._delay(1)
        return self.env["queue.worker"]._answer(self.env._("The job runs in the background:"), self.job_id)

    def action_open_job(self) -> dict[str, Any]:
        """Open the last job."""
        self.ensure_one()
        self.check_access("read")
        return self.job_id.get_formview_action()

    @api.model
    def _run_due(self) -> None:
        """Delay the jobs of the due schedules, each in a transaction of its own.

        See ``store/schedules.py``. A schedule that cannot run stays due, and does not keep the
        others from running. One reason is that its function now takes other arguments.
        """
        seen: set[int] = set()
        while id_ := self._run_one(seen):
            seen.add(id_)

    @api.model
    def _run_one(self, passed_over: Collection[int]) -> int | None:
        """Delay the job of one due schedule.

        :param passed_over: ids of the schedules that this pass has done already
        :return: the schedule's id, or None if no further one is due
        """
        with store.sql.own_cursor(self.env) as cr:
            due = store.schedules.lock_due(cr, passed_over)
            if not due:
                return None
            id_, now = due
            schedule = self.with_env(self.env(cr=cr)).browse(id_)
            # read after the lock
            schedule.invalidate_recordset()
            try:
                with cr.savepoint():
                    schedule._run(now)
            except Exception:
                _logger.exception("The schedule %r cannot run; it is tried again in a minute", schedule.name)
        self.invalidate_model()
        return id_

    def _run(self, now: datetime) -> None:
        """Delay the jobs of a due and locked schedule, and compute when it is due next.

        While its last job has not ended, nothing is delayed. The times that pass are caught up
        after the end of that job, or are left out.
        """
        busy = self._is_busy()
        if self.catch_up == "skip":
            timely = self._tick_after(max(now - GRACE, self.next_run - timedelta(minutes=1))) <= now
            if timely and not busy:
                self._delay(1)
            else:
                _logger.info("%s UTC is left out by the schedule %r", self.next_run, self.name)
            self.next_run = self._tick_after(now)
        elif busy:
            return
        elif self.catch_up == "once":
            self._delay(1)
            self.next_run = self._tick_after(now)
        else:
            ticks, tick = 0, self.next_run
            while tick <= now and ticks < TICKS_OF_A_PASS:
                ticks, tick = ticks + 1, self._tick_after(tick)
            self._delay(ticks)
            self.next_run = tick

    def _is_busy(self) -> models.BaseModel | bool:
        return self.job_id.exists() and self.job_id.state not in ("done", "failed", "cancelled")

    def _delay(self, times: int) -> None:
        """Delay the job once, or several times as a chain."""
        user = self.user_id
        company = self.company_id or user.company_id
        context = {"lang": user.lang, "tz": user.tz, "allowed_company_ids": company.ids, ARCHIVED: False}
        env = self.env(user=user, su=False, context=context)
        call = self._call(env)
        jobs = [prepare(env, self.function, *call, description=self.name) for _n in range(times)]
        (chain(*jobs, on_failure="continue") if times > 1 else jobs[0]).delay()
        self.sudo().write({"job_id": jobs[-1].id})
