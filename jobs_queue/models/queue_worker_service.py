"""Aspect of ``queue.worker``: the reason why no job runs, for warnings and for buttons."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Literal

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.tools import config

from .. import store
from ..jobs import Job

#: If a scheduled action is overdue by this time, nobody runs it: the server looks for due ones once
#: a minute.
OVERDUE = timedelta(minutes=3)


class QueueWorker(models.Model):
    _inherit = "queue.worker"

    @api.model
    def list_warning(self) -> str:
        """Return the warning to show above the list of workers, or an empty text.

        It says why nobody would run a job now, and the way out.
        """
        self.check_access("read")
        return self._reason_no_job_runs() or ""

    @api.model
    def _reason_no_job_runs(self) -> str | Literal[False]:
        """Return why nobody would run a job now, and the way out; False if somebody would."""
        if not store.database.is_original(self.env.cr):
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
        states = store.workers.states_of_alive(self.env.cr)
        if "running" in states:
            return False
        if states:
            return self.env._(
                "No job starts: all workers are paused, or about to end. Resume one on the screen of workers, or start another one: %s",
                self._command(),
            )
        why = self._reason_no_cron_runs()
        return why and self.env._(
            "No job runs now: there is no worker, and %(why)s. Start a worker: %(command)s",
            why=why,
            command=self._command(),
        )

    @api.model
    def _runs_in_cron(self) -> bool:
        """Return whether only Odoo's scheduled actions would run a job now."""
        return not store.workers.states_of_alive(self.env.cr) and not self._reason_no_cron_runs()

    @api.model
    def _command(self) -> str:
        return f"odoo jobs_worker -d {self.env.cr.dbname}"

    @api.model
    def _reason_no_cron_runs(self) -> str | Literal[False]:
        """Return why Odoo's scheduled actions would run no job now, False if they would."""
        slots = self.sudo()._cron_slots()
        if not slots:
            return self.env._("the scheduled actions that would run jobs are switched off")
        nextcall = max(slots.mapped("nextcall"))
        if nextcall < fields.Datetime.now() - OVERDUE:
            return self.env._(
                "nobody runs Odoo's scheduled actions, which were due at %s UTC",
                fields.Datetime.to_string(nextcall),
            )
        # another server may run them; it does if one of them has run lately
        if not config["max_cron_threads"] and not any(map(_has_run_lately, slots)):
            return self.env._("this server runs no scheduled actions (max_cron_threads = 0)")
        return False

    # Answers of buttons

    @api.model
    def _reasons_to_wait(self, jobs: Iterable[Job | models.BaseModel]) -> tuple[list[str], bool]:
        """Return why jobs that were just delayed would not start.

        :return: ``(reasons, whether some of the jobs would start)``
        """
        if reason := self._reason_no_job_runs():
            return [reason], False
        channels = self.env["queue.job.channel"].browse({int(job.channel_id) for job in jobs})
        reasons = [channel._reason_no_job_starts() for channel in channels]
        return list(dict.fromkeys(filter(None, reasons))), not reasons or not all(reasons)

    @api.model
    def _answer(self, message: str, jobs: Iterable[Job | models.BaseModel] = (), linked: bool = True) -> dict[str, Any]:
        """Return the action with which a button answers that has delayed jobs.

        It says what the button has started, or that nobody would run it.

        :param message: such as “The import runs in the background.”
        :param jobs: those that were delayed, each a :class:`~odoo.addons.jobs_queue.jobs.Job` or a
            ``queue.job`` record
        :param linked: whether to link to them
        """
        jobs = list(jobs)
        reasons, some_start = self._reasons_to_wait(jobs)
        message = " ".join([message, *reasons] if some_start else reasons)
        links = [
            {"label": self.env._("Job %s", job.id), "url": f"/odoo/queue-jobs/{job.id}"}
            for job in jobs
            if linked and job.id
        ]
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "warning" if reasons else "info",
                "sticky": bool(reasons),
                # the client puts the links where the message has %s
                "message": " ".join([message.replace("%", "%%") if links else message, *["%s"] * len(links)]),
                "links": links,
                # reloads the record or the list
                "next": {"type": "ir.actions.act_window_close"},
            },
        }


def _has_run_lately(cron: models.BaseModel) -> bool:
    """Return whether a scheduled action ran within its interval, plus :data:`OVERDUE`."""
    interval = relativedelta(**{cron.interval_type: cron.interval_number})
    return bool(cron.lastcall) and cron.lastcall + interval > fields.Datetime.now() - OVERDUE
