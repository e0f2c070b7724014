"""Channels: they limit the jobs that run, and people may pause them."""

import logging
from typing import Any, Literal, Self

from odoo import api, fields, models, tools
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain
from odoo.tools import SQL

from .. import store
from ..store import wakeup
from .shared import check_may_change_shared

_logger = logging.getLogger(__name__)


class QueueJobChannel(models.Model):
    _name = "queue.job.channel"
    _description = "Channel of Jobs"
    _inherit = ["queue.checked.access", "mail.thread"]
    _order = "complete_name"
    _rec_name = "complete_name"
    _parent_store = True
    _written_by_code = ("company_id",)

    name = fields.Char(required=True)
    complete_name = fields.Char(compute="_compute_complete_name", store=True, recursive=True, readonly=True)
    parent_id = fields.Many2one("queue.job.channel", ondelete="restrict", index=True, domain="[('id', '!=', id)]")
    parent_path = fields.Char(index=True)
    child_ids = fields.One2many("queue.job.channel", "parent_id")
    company_id = fields.Many2one(
        "res.company",
        readonly=True,
        copy=False,
        help="Who sees the channel and may pause it: people of this company. Without one, all share it.",
    )
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
    def _compute_complete_name(self) -> None:
        for channel in self:
            parent = channel.parent_id
            channel.complete_name = f"{parent.complete_name}.{channel.name}" if parent else channel.name

    def _compute_counts(self) -> None:
        # the condition follows from the state; it names the index by which the jobs are counted
        in_order = Domain.custom(to_sql=lambda _jobs, _alias, _query: SQL(store.sql.is_in_order("queue_job")))
        counts = {
            field: self.env["queue.job"]._count_by("channel_id", self.ids, domain)
            for field, domain in (
                ("pending_count", Domain("state", "=", "pending")),
                ("running_count", Domain("state", "in", ["enqueued", "started"])),
                ("failed_count", Domain("state", "=", "failed") & in_order),
            )
        }
        for channel in self:
            for field, by_channel in counts.items():
                channel[field] = by_channel.get(channel.id, 0)

    def _compute_hold_reason(self) -> None:
        for channel in self:
            held = channel.id and store.channels.held(self.env.cr, channel.id)
            channel.hold_reason = held and held[0]

    def _reason_no_job_starts(self) -> str | Literal[False]:
        """Return why no job of the channel starts, or False.

        The reason is that the channel, or one above it, is paused or held.
        """
        paused = self.sudo().search([("id", "parent_of", self.ids), ("is_paused", "=", True)], limit=1)
        if paused:
            return self.env._("The channel “%s” is paused: its jobs wait until it is resumed.", paused.complete_name)
        if held := store.channels.held(self.env.cr, self.id):
            reason, channel = held
            return self.env._("The channel “%(channel)s” is held: %(reason)s", channel=channel, reason=reason)
        return False

    @api.constrains("name")
    def _check_name(self) -> None:
        for channel in self:
            if not channel.name or "." in channel.name or channel.name != channel.name.strip():
                raise ValidationError(
                    self.env._(
                        "“%s” is not a channel name: it may hold neither a dot nor spaces at its ends.", channel.name
                    )
                )

    @api.constrains("name", "parent_id")
    def _check_parent(self) -> None:
        root = self._root()
        for channel in self:
            if channel == root and (channel.parent_id or channel.name != "root"):
                raise ValidationError(self.env._("The channel “root” keeps its name and has no parent."))
            if not channel.parent_id and channel.name != "root":
                raise ValidationError(
                    self.env._("The channel “%s” needs a parent: all channels are below “root”.", channel.name)
                )

    def _check_no_cycle(self, parent: Self) -> None:
        """Refuse to move channels below themselves.

        Odoo's own refusal does not say which channel it is.
        """
        for channel in self:
            if parent.parent_path.startswith(channel.parent_path):
                raise ValidationError(
                    self.env._(
                        "The channel “%(channel)s” cannot be below “%(parent)s”, which is the same channel or below it.",
                        channel=channel.complete_name,
                        parent=parent.complete_name,
                    )
                )

    @api.constrains("parent_id")
    def _check_parent_company(self) -> None:
        for channel in self:
            company = channel.parent_id.company_id
            if company and channel.company_id != company:
                raise ValidationError(
                    self.env._(
                        "The channel “%(channel)s” cannot be below “%(parent)s”, which is for the company %(company)s alone. "
                        "Create another one there.",
                        channel=channel.name,
                        parent=channel.parent_id.complete_name,
                        company=company.name,
                    )
                )

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self) -> None:
        if self._root() in self:
            raise UserError(self.env._("The channel “root” cannot be deleted."))
        if used := self._unfinished_job():
            raise UserError(
                self.env._(
                    "The channel “%s” still has jobs: wait for them, or cancel them, then delete it.",
                    used.channel_id.complete_name,
                )
            )

    def _unfinished_job(self) -> models.BaseModel:
        """Return a job of these channels that has not ended well, empty if there is none."""
        unfinished = [("channel_id", "in", self.ids), ("state", "not in", ("done", "cancelled"))]
        return self.env["queue.job"].sudo().search(unfinished, limit=1)

    def _root(self) -> Self:
        return self.env.ref("jobs_queue.channel_root", raise_if_not_found=False) or self.browse()

    @api.model_create_multi
    def create(self, vals_list: list[dict[str, Any]]) -> Self:
        channels = super().create(vals_list)
        channels._check_may_change()
        self.env.registry.clear_cache()
        return channels

    def _values_by_code(self, vals: dict[str, Any]) -> dict[str, Any]:
        # always the company of the parent, whatever the caller gives
        return {"company_id": self.sudo().browse(vals.get("parent_id") or ()).company_id.id}

    def _share_with(self, company: models.BaseModel) -> None:
        """Let one company alone see these channels and those below them.

        :param company: if it is empty, all companies see them
        """
        self.sudo().search([("id", "child_of", self.ids)]).company_id = company

    def _check_may_change(self) -> None:
        """Check that the user may change these channels for all who share them.

        :raise AccessError: he may not
        """
        if not all(channel.company_id for channel in self.sudo()):
            check_may_change_shared(self.env)

    def write(self, vals: dict[str, Any]) -> bool:
        self.check_access("write")
        self._check_may_change()
        if parent := self.browse(vals.get("parent_id") or ()):
            self._check_no_cycle(parent)
        result = super().write(vals)
        self.env.registry.clear_cache()
        if vals.keys() & {"is_paused", "capacity", "rate", "rate_period", "is_sequential"}:
            wakeup.after_commit(self.env.cr)
        return result

    def unlink(self) -> bool:
        self.check_access("unlink")
        self._check_may_change()
        self.env.registry.clear_cache()
        return super().unlink()

    @api.model
    @tools.ormcache("complete_name")
    def _id_of(self, complete_name: str) -> int:
        """Return the id of the channel with that complete name.

        :raise ValueError: there is none
        """
        channel = self.sudo().search([("complete_name", "=", complete_name)])
        if not channel:
            known = ", ".join(self.sudo().search([], limit=20).mapped("complete_name"))
            raise ValueError(f"There is no channel {complete_name!r}: create it first. Known channels: {known}")
        return channel.id

    @api.model
    def _nearest_id(self, complete_name: str) -> int:
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

    def action_pause(self) -> None:
        """Let no further job of these channels start."""
        self.write({"is_paused": True})

    def action_resume(self) -> None:
        """Let jobs of these channels start again."""
        self.write({"is_paused": False})

    def _release_holds(self, holder: str | None = None, but: str = "") -> None:
        """Release the holds that programs have set on these channels, so that jobs start again.

        :param holder: whose hold; None: those of all holders
        :param but: the holder whose hold stays
        """
        for channel in self:
            store.channels.release_holds(self.env.cr, channel.id, holder, but)
        wakeup.after_commit(self.env.cr)

    @api.model
    def _ensure(self, complete_name: str) -> Self:
        """Return the channel with that complete name, and create it and its parents if missing.

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
            # a channel that the user may not see exists all the same
            channel = self.sudo().search([("parent_id", "=", parent.id), ("name", "=", name)]).with_env(self.env)
            channel = channel or self.create({"name": name, "parent_id": parent.id})
        return channel
