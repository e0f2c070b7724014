"""Aspect of ``queue.job.schedule``: schedules that belong to a record of another addon.

The owner's code says when they run. People see and run them here, but change them there.
"""

import json
import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Self

from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import AccessError

from ..jobs import current_name

_logger = logging.getLogger(__name__)


class QueueJobSchedule(models.Model):
    _inherit = "queue.job.schedule"
    _written_by_code = ("owner_model", "owner_id")

    owner_model = fields.Char(readonly=True, copy=False)
    owner_id = fields.Many2oneReference(model_field="owner_model", readonly=True, copy=False)
    owner = fields.Reference(
        selection="_select_owner_models",
        compute="_compute_owner",
        string="Belongs To",
        help="The record that decides when the schedule runs. Change it there.",
    )

    _owner_uniq = models.UniqueIndex(
        "(owner_model, owner_id, function) WHERE owner_model IS NOT NULL", "A record has one schedule a job function."
    )

    @api.model
    def _select_owner_models(self) -> list[tuple[str, str]]:
        schedules = self.sudo().with_context(active_test=False)
        names = schedules._read_group([("owner_model", "!=", False)], ["owner_model"])
        return [(name, self.env[name]._description) for (name,) in names if name in self.env]

    @api.depends("owner_model", "owner_id")
    def _compute_owner(self) -> None:
        for schedule in self:
            is_known = schedule.owner_model and schedule.owner_model in self.env
            schedule.owner = is_known and self.env[schedule.owner_model].browse(schedule.owner_id).exists()

    def _has_lost_owner(self) -> bool:
        """Return whether the schedule has belonged to a record that does not exist any more.

        If only this process does not know the owner's model, the owner is not lost: another server
        may have the addon.
        """
        if not self.owner_model or self.owner:
            return False
        is_installed = self.env["ir.model"].sudo().search_count([("model", "=", self.owner_model)], limit=1)
        return self.owner_model in self.env or not is_installed

    def _run(self, now: datetime) -> None:
        """Delete the schedule if its owner does not exist any more, else run it."""
        if self._has_lost_owner():
            owner = f"{self.owner_model},{self.owner_id}"
            _logger.info("The schedule %r is deleted: its owner %s does not exist any more", self.name, owner)
            self.unlink()
        else:
            super()._run(now)

    # Rights

    def _check_access(self, operation: str) -> tuple[Self, Callable[[], Exception]] | None:
        """Refuse that people write or delete a schedule that has an owner."""
        refused = super()._check_access(operation)
        if refused is None and operation in ("write", "unlink"):
            owned = self.filtered(lambda schedule: schedule.sudo().owner)
            if owned:
                return owned, owned._owner_decides
        return refused

    def _owner_decides(self) -> AccessError:
        schedule = self[0].sudo()
        return AccessError(
            self.env._(
                "The schedule “%(name)s” belongs to “%(owner)s” (%(model)s): change it there.",
                name=schedule.name,
                owner=schedule.owner.display_name,
                model=schedule.owner._description,
            )
        )

    def copy(self, default: dict[str, Any] | None = None) -> Self:
        # the copy would have no owner, and run as the superuser
        self.check_access("write")
        return super().copy(default)

    # For the code of owners

    @api.model
    def _of(self, owners: models.BaseModel) -> Self:
        """Return the schedules of records, archived ones too, in superuser mode.

        The owner's ``unlink`` deletes them, because no foreign key does::

            self.env["queue.job.schedule"]._of(self).unlink()

        A schedule whose owner does not exist any more is deleted when it is due.
        """
        schedules = self.sudo().with_context(active_test=False)
        return schedules.search([("owner_model", "=", owners._name), ("owner_id", "in", owners.ids)])

    @api.model
    def _own(
        self,
        owner: models.BaseModel,
        name: str,
        function: str,
        model_name: str | None,
        arguments: Mapping[str, Any],
        expression: str | None,
        timezone: str | None = None,
        company: models.BaseModel | None = None,
    ) -> Self:
        """Create or change the schedule of a record for a job function, or archive it.

        The jobs run as superuser. Only what differs is written: if the times stay, so does the next
        run.

        :param owner: the record; it has one schedule a function
        :param name: what the schedule and its jobs are called
        :param function: dotted path of a job function, or ``model.method``
        :param model_name: the model that a job function is about; None for a method
        :param arguments: arguments by name, of types that JSON has
        :param expression: the times, as cron has them; None or empty archives the schedule
        :param timezone: in which they are meant. None keeps the one of the schedule; that of a new
            one is the user's.
        :param company: in which the jobs run, and whose people see the schedule; None or empty
            means the superuser's company, and everybody
        :return: the schedule, in superuser mode; empty if there is none and nothing to create
        :raise TypeError: JSON cannot have an argument
        :raise ValidationError: the expression is not valid, there is no such function or model, or
            the function does not take the arguments
        """
        owner.ensure_one()
        schedule = self._of(owner).filtered(lambda own: current_name(own.function) == current_name(function))
        values: dict[str, Any] = {"active": False}
        if expression:
            values = {
                "active": True,
                "name": name,
                "function": function,
                "model_name": model_name or False,
                "arguments": json.dumps(dict(arguments)),
                "expression": expression,
                "timezone": timezone or schedule.timezone or self.env.user.tz or "UTC",
                "user_id": SUPERUSER_ID,
                "company_id": company.id if company else False,
            }
        if not schedule:
            place = {"owner_model": owner._name, "owner_id": owner.id}
            return schedule.create({**values, **place}) if expression else schedule
        stored = schedule._convert_to_write({field: schedule[field] for field in values})
        if changed := {field: value for field, value in values.items() if stored[field] != value}:
            schedule.write(changed)
        return schedule
