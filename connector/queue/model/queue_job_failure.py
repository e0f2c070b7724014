"""Failed jobs in groups: jobs that failed in the same way are one failure, which is requeued, cancelled and told as one.

A scheduled action groups what has failed since its last pass, so that a job that fails touches no row that others touch. The same way
means: the same function, exception, place in the code and message, apart from what differs from job to job in it (numbers, quoted text).

Who follows a failure gets a message when it is first seen, and at most one a day while it goes on. Followers of a channel follow what
fails there and in the channels below it.
"""

from datetime import timedelta

from odoo import api, fields, models, tools

from .. import store
from ..fields import PlainMany2one
from ..fingerprint import fingerprint, normalise, place_of
from ..html_text import html_text
from ..texts import TRACEBACK, storable

PAGE = 1000
#: How many pages of failed jobs one pass of the scheduled action groups at most.
PAGES_OF_A_PASS = 50
#: Between two messages to the followers of one failure.
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
    place = fields.Char(readonly=True, help="Where in the code of the addons the exception was raised")
    message = fields.Text(readonly=True, string="First Message")
    exc_info = fields.Text(
        readonly=True, string="First Traceback", groups="connector.group_connector_manager", prefetch=False
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

    _fingerprint_uniq = models.UniqueIndex("(fingerprint)")

    def _compute_failed_count(self):
        groups = self.env["queue.job"]._read_group(
            [("failure_id", "in", self.ids), ("state", "=", "failed")], ["failure_id"], ["__count"]
        )
        counts = {failure.id: count for failure, count in groups}
        for failure in self:
            failure.failed_count = counts.get(failure.id, 0)

    @api.depends("count", "date_first")
    @api.depends_context("lang", "tz")
    def _compute_summary(self):
        for failure in self:
            since = tools.format_datetime(self.env, failure.date_first, dt_format="EEEE d MMMM, HH:mm")
            failure.summary = (
                self.env._("One job failed like this, %s.", since)
                if failure.count == 1
                else self.env._("%(count)s jobs failed like this since %(since)s.", count=failure.count, since=since)
            )

    # Buttons

    def button_requeue(self):
        """Requeue all jobs that are still failed like this."""
        return self._change("requeue_failed")

    def button_cancel(self):
        """Cancel all jobs that are still failed like this."""
        return self._change("cancel_failed")

    def _change(self, kind):
        self.env["queue.job"]._check_may_change()
        self.check_access("read")
        return self.env["queue.job"]._change_all(kind, self._failed_jobs_domain())

    def _failed_jobs_domain(self):
        return [("failure_id", "in", self.ids), ("state", "=", "failed")]

    def action_open_jobs(self):
        """Open the jobs that are still failed like this."""
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id("connector.queue_job_action_of")
        action["domain"] = self._failed_jobs_domain()
        return action

    # What the scheduled action does

    @api.model
    def _group_and_tell(self):
        """Group the jobs that have failed since the last pass, and tell the followers what is new."""
        for _page in range(PAGES_OF_A_PASS):
            if not self._group_page():
                break
        self._tell_followers()

    @api.model
    def _group_page(self):
        """Group a page of failed jobs, committed at once; return whether there may be more."""
        with store.own_cursor(self.env) as cr:
            failures = self.with_env(self.env(cr=cr))
            jobs = store.lock_ungrouped(cr, PAGE)
            groups = {}
            for job in jobs:
                groups.setdefault(fingerprint(job), []).append(job)
            # in one order for all, so that two passes cannot wait for each other
            for key, similar in sorted(groups.items()):
                failure = failures.search([("fingerprint", "=", key)]) or failures._create_for(key, similar)
                failure.flush_recordset()
                store.put_in_group(cr, failure.id, similar)
        self.env.invalidate_all()
        return len(jobs) == PAGE

    def _create_for(self, key, jobs):
        first = jobs[0]
        failure = self.with_context(mail_create_nolog=True, mail_create_nosubscribe=True).create(
            {
                "name": normalise(first.message) or first.exc_name or first.function,
                "fingerprint": key,
                "function": first.function,
                "exc_name": first.exc_name,
                "place": place_of(first.exc_info),
                "message": storable(first.message),
                "exc_info": storable(first.exc_info, TRACEBACK),
                "company_id": first.company_id,
            }
        )
        channels = self.env["queue.job.channel"].search([("id", "parent_of", [job.channel_id for job in jobs])])
        failure.message_subscribe(channels.message_partner_ids.ids)
        return failure

    @api.model
    def _tell_followers(self):
        """Post what is new to the followers of the failures: one message for each failure, at most once a day."""
        now = fields.Datetime.now()
        for failure in self.search(
            [
                ("untold_count", ">", 0),
                "|",
                ("date_told", "=", False),
                ("date_told", "<=", now - TIME_BETWEEN_DIGESTS),
            ]
        ):
            news = failure.date_told and self.env._("New since the last message: %s.", failure.untold_count)
            failure.message_post(
                body=html_text("\n".join(filter(None, [failure.summary, news, failure.message or failure.name]))),
                subject=self.env._("Jobs failed: %s", failure.name),
                message_type="notification",
                subtype_xmlid="mail.mt_comment",
            )
            failure.write({"untold_count": 0, "date_told": now})

    @api.autovacuum
    def _gc_failures(self):
        """Delete failures without failed jobs that were not seen for ``connector.job_retention_days`` (30) days."""
        days = self.env["queue.job"]._retention_days()
        old = self.search([("date_last", "<", fields.Datetime.now() - timedelta(days=days))], limit=1000)
        old.filtered(lambda failure: not failure.failed_count).unlink()
