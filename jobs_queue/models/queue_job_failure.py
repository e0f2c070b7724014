"""Failed jobs in groups: jobs that failed in the same way are one failure.

A failure is requeued, cancelled and reported as one. Jobs are grouped after they have failed, so
that a failing job touches no row that others touch. Workers group them, a scheduled action does,
and so do the screens when people look. ``models/fingerprint.py`` says when two jobs have failed in
the same way.

The followers of a failure get a message when it is first seen, and at most one a day while it goes
on. The followers of a channel follow the failures there and in the channels below it, as far as
they may read them: a channel that all companies share has followers of each.
"""

import contextlib
import time
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any, Self

from markupsafe import Markup
from psycopg2.errors import LockNotAvailable

from odoo import api, fields, models, tools

from .. import addon as this_addon
from .. import store
from ..store.failures import FailedJob
from ..texts import TRACEBACK, storable
from .fingerprint import Places, fingerprint, merged, names_and_words, title
from .html_text import html_text
from .plain_fields import PlainMany2one

#: Failed jobs that are grouped in one transaction.
PAGE = 200
#: Pages that one pass of the scheduled action, or of a worker, groups at most.
PAGES_OF_A_PASS = 250
#: Seconds that a person who opens the screen of failures waits at most for the grouping.
SECONDS_TO_LOOK = 0.1
# Failures that one pass of the vacuum deletes at most
_VACUUM_LIMIT = 1000
#: Time between two messages to the followers of one failure.
TIME_BETWEEN_DIGESTS = timedelta(days=1)


class QueueJobFailure(models.Model):
    _name = "queue.job.failure"
    _description = "Failure of Jobs"
    _inherit = ["mail.thread"]
    _order = "date_last desc, id desc"
    _mail_post_access = "read"

    name = fields.Char(required=True, readonly=True, string="Failure")
    fingerprint = fields.Char(required=True, readonly=True)
    function = fields.Char(required=True, readonly=True)
    exc_name = fields.Char(readonly=True, string="Exception")
    pattern = fields.Char(readonly=True, help="The words of the message, without what differs from job to job")
    place = fields.Char(readonly=True, help="Where in the code of the addons the exception was raised")
    message = fields.Text(readonly=True, string="First Message")
    exc_info = fields.Text(
        readonly=True, string="First Traceback", groups="jobs_queue.group_jobs_manager", prefetch=False
    )
    company_id = fields.Many2one("res.company", readonly=True)
    date_first = fields.Datetime(readonly=True, string="First Seen")
    date_last = fields.Datetime(readonly=True, string="Last Seen")
    count = fields.Integer(readonly=True, default=0, string="Failures", help="How often a job has failed like this")
    untold_count = fields.Integer(readonly=True, default=0)
    date_told = fields.Datetime(readonly=True, string="Followers Told at")
    job_id = PlainMany2one("queue.job", readonly=True, string="Last Job")
    job_ids = fields.One2many("queue.job", "failure_id", readonly=True)
    failed_count = fields.Integer(compute="_compute_failed_count", string="Jobs Still Failed")
    summary = fields.Char(compute="_compute_summary")

    # Not unique: failures with one fingerprint differ in the words of their messages
    _fingerprint_idx = models.Index("(fingerprint)")

    def _compute_failed_count(self) -> None:
        counts = self.env["queue.job"]._count_by("failure_id", self.ids, [("state", "=", "failed")])
        for failure in self:
            failure.failed_count = counts.get(failure.id, 0)

    @api.depends("count", "date_first")
    @api.depends_context("lang", "tz")
    def _compute_summary(self) -> None:
        for failure in self:
            since = tools.format_datetime(self.env, failure.date_first, dt_format="EEEE d MMMM, HH:mm")
            failure.summary = (
                self.env._("One job failed like this, %s.", since)
                if failure.count == 1
                else self.env._("%(count)s jobs failed like this since %(since)s.", count=failure.count, since=since)
            )

    # Buttons

    def button_requeue(self) -> dict[str, Any]:
        """Requeue all jobs that are still failed like this."""
        return self._change("requeue_failed")

    def button_cancel(self) -> dict[str, Any]:
        """Cancel all jobs that are still failed like this."""
        return self._change("cancel_failed")

    def _change(self, kind: str) -> dict[str, Any]:
        self.env["queue.job"]._check_may_change()
        self.check_access("read")
        return self.env["queue.job"]._change_all(kind, self._failed_jobs_domain())

    def _failed_jobs_domain(self) -> list[tuple[str, str, Any]]:
        return [("failure_id", "in", self.ids), ("state", "=", "failed")]

    def action_open_jobs(self) -> dict[str, Any]:
        """Open the jobs that are still failed like this."""
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id("jobs_queue.queue_job_action_of")
        action["domain"] = self._failed_jobs_domain()
        return action

    # Looking

    @api.model
    def web_search_read(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        with self._grouped() as failures:
            return super(QueueJobFailure, failures).web_search_read(*args, **kwargs)

    @api.model
    def web_read_group(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        with self._grouped() as failures:
            return super(QueueJobFailure, failures).web_read_group(*args, **kwargs)

    @contextlib.contextmanager
    def _grouped(self) -> Iterator[Self]:
        """Group failed jobs for a moment, and give the model in a transaction that sees the groups.

        A new transaction is needed, as the caller's own one began before.
        """
        self.check_access("read")
        until = time.monotonic() + SECONDS_TO_LOOK
        number = store.failures.has_ungrouped(self.env.cr) and self._group_page()
        if not number:
            yield self
            return
        while number == PAGE and time.monotonic() < until:
            number = self._group_page()
        with self.env.registry.cursor() as cr:
            yield self.with_env(self.env(cr=cr))

    @api.model
    def get_empty_list_help(self, help_message: str) -> str:
        if not self.has_access("read") or not self._hides_jobs():
            return super().get_empty_list_help(help_message)
        return Markup('<p class="o_view_nocontent_neutral_face">%s</p>') % self._still_grouping()

    @api.model
    def list_warning(self) -> str:
        """Return the warning to show above the list of failures, or an empty text."""
        self.check_access("read")
        grouping = self._hides_jobs() and self._still_grouping()
        reasons = [grouping, self.env["queue.worker"]._reason_no_job_runs()]
        return " ".join(filter(None, reasons))

    @api.model
    def _hides_jobs(self) -> bool:
        """Return whether a failed job that the user may read has no group yet."""
        if not store.failures.has_ungrouped(self.env.cr):  # whoever may read it
            return False
        ungrouped = [("state", "=", "failed"), ("failure_id", "=", False)]
        return bool(self.env["queue.job"].search_count(ungrouped, limit=1))

    def _still_grouping(self) -> str:
        return self.env._("More jobs have failed than are shown here: they are being grouped. Look again in a moment.")

    # Grouping

    @api.model
    def _group_and_tell(self) -> None:
        """Group the jobs that have failed since the last pass.

        The followers are told the news.
        """
        self._group_new()
        self._tell_followers()

    @api.model
    def _group_new(self) -> None:
        """Group the jobs that have failed since the last pass."""
        for _page in range(PAGES_OF_A_PASS):
            if self._group_page() < PAGE:
                break

    @api.model
    def _group_page(self) -> int:
        """Group a page of failed jobs, and commit it at once.

        :return: how many jobs it was; 0 also while somebody else has been grouping for long
        """
        try:
            return self._group_locked_page()
        except LockNotAvailable:
            return 0

    @api.model
    def _group_locked_page(self) -> int:
        with store.sql.own_cursor(self.env) as cr:
            failures = self.with_env(self.env(cr=cr, su=True))
            jobs = store.failures.lock_ungrouped(cr, PAGE)
            for failure, similar in failures._group(jobs):
                failure.flush_recordset()
                store.failures.put_in_group(cr, failure.id, similar)
        self.env.invalidate_all()
        return len(jobs)

    def _group(self, jobs: Iterable[FailedJob]) -> Iterable[tuple[Self, list[FailedJob]]]:
        """Find the failures of failed jobs, and create those that are new.

        :return: ``[(failure, jobs)]``
        """
        places = Places(self._addon_ranks())
        known: dict[str, list[tuple[Self, list[str]]]] = {}
        groups: dict[Self, list[FailedJob]] = {}
        for job in jobs:
            fields_of_model = self.env[job.model_name]._fields if job.model_name in self.env else ()
            names, words = names_and_words(job, fields_of_model, self._names_in_code())
            place = places.of(job.exc_info)
            key = fingerprint(job, place, names)
            if key not in known:
                same = self.search([("fingerprint", "=", key)], order="id")
                known[key] = [(failure, (failure.pattern or "").split()) for failure in same]
            failure = self._join(known[key], words) or self._create_for(job, key, place, names, words)
            if not any(failure == other for other, _pattern in known[key]):
                known[key].append((failure, words))
            groups.setdefault(failure, []).append(job)
        for failure, similar in groups.items():
            failure._subscribe_followers_of_channels(similar)
        return groups.items()

    def _join(self, candidates: list[tuple[Self, list[str]]], words: list[str]) -> Self | None:
        """Return the failure whose pattern the words of a message match, or None.

        Words that come close to the pattern match, too. The pattern then becomes their common part.
        """
        for number, (failure, pattern) in enumerate(candidates):
            common = merged(pattern, words)
            if common is not None:
                if common != pattern:
                    candidates[number] = failure, common
                    failure.pattern = " ".join(common)
                return failure
        return None

    @api.model
    @tools.ormcache()
    def _names_in_code(self) -> frozenset[str]:
        """Return the names of models, tables, constraints and fields of this database.

        Names of one word, such as ``color``, are left out, as they may be values.
        """
        names: set[str] = set()
        for name, model in self.env.registry.items():
            names.update((name, model._table, *model._fields, *model._table_objects))
        return frozenset(name for name in names if name and ("_" in name or "." in name))

    @api.model
    @tools.ormcache()
    def _addon_ranks(self) -> dict[str, int]:
        """Return ``{addon: rank}``; the lines of addons of the lowest rank say most.

        These are the addons of other people. Ours come next, then Odoo's.
        """
        addons = self.env["ir.module.module"].sudo().search([("state", "=", "installed")])
        return {
            addon.name: 2 if (addon.author or "").startswith("Odoo") else int(addon.name in self._frameworks())
            for addon in addons
        }

    @api.model
    def _frameworks(self) -> set[str]:
        """Return the addons on which those of other people build."""
        return {this_addon.NAME}

    def _create_for(self, job: FailedJob, key: str, place: str, names: list[str], words: list[str]) -> Self:
        text = title(job.message) or job.exc_name or job.function
        hidden = [name for name in names if name not in text]
        return self.with_context(mail_create_nolog=True, mail_create_nosubscribe=True).create(
            {
                "name": f"{text} ({', '.join(hidden)})" if hidden else text,
                "fingerprint": key,
                "pattern": " ".join(words),
                "function": job.function,
                "exc_name": job.exc_name,
                "place": place,
                "message": storable(job.message),
                "exc_info": storable(job.exc_info, TRACEBACK),
                "company_id": job.company_id,
            }
        )

    def _subscribe_followers_of_channels(self, jobs: Iterable[FailedJob]) -> None:
        """Subscribe followers of channels to a failure that is new.

        They are the followers of the jobs' channels and of the channels above them.
        """
        if not self.count:
            channels = self.env["queue.job.channel"].search([("id", "parent_of", [job.channel_id for job in jobs])])
            self.message_subscribe(self._readers(channels.message_partner_ids).ids)

    def _readers(self, partners: models.BaseModel) -> models.BaseModel:
        """Return those of these people who may read this failure.

        They are colleagues: internal users who may read it in one of their companies.
        """
        return partners.filtered(lambda partner: any(map(self._may_be_read_by, partner.user_ids)))

    def _may_be_read_by(self, user: models.BaseModel) -> bool:
        failure = self.with_user(user).with_context(allowed_company_ids=user.company_ids.ids)
        return user._is_internal() and failure.has_access("read")

    @api.model
    def _tell_followers(self) -> None:
        """Post the news of the failures to their followers.

        There is one message for each failure, at most once a day.
        """
        now = fields.Datetime.now()
        for failure in self.search(
            [
                ("untold_count", ">", 0),
                "|",
                ("date_told", "=", False),
                ("date_told", "<=", now - TIME_BETWEEN_DIGESTS),
            ]
        ):
            followers = failure.message_partner_ids
            # the rights and the companies of a person may have changed
            failure.message_unsubscribe((followers - failure._readers(followers)).ids)
            news = failure.date_told and self.env._("New since the last message: %s.", failure.untold_count)
            failure.message_post(
                body=html_text("\n".join(filter(None, [failure.summary, news, failure.message or failure.name]))),
                subject=self.env._("Jobs failed: %s", failure.name),
                message_type="notification",
                subtype_xmlid="mail.mt_comment",
            )
            failure.write({"untold_count": 0, "date_told": now})

    @api.autovacuum
    def _gc_failures(self) -> tuple[int, bool]:
        """Delete old failures without failed jobs.

        These were not seen for ``jobs_queue.job_retention_days`` (30) days.

        :return: ``(number of deleted failures, whether there may be more)``
        """
        before = fields.Datetime.now() - timedelta(days=self.env["queue.job"]._retention_days())
        failed = self.env["queue.job"]._search([("state", "=", "failed"), ("failure_id", "!=", False)])
        domain = [("date_last", "<", before), ("id", "not in", failed.subselect("failure_id"))]
        old = self.search(domain, limit=_VACUUM_LIMIT)
        old.unlink()
        return len(old), len(old) == _VACUUM_LIMIT
