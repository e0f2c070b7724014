"""Aspect of ``connector.backend``: the check list that leads through its first run.

No job writes any of it. It is read when somebody looks, and only of a backend in its first run.
"""

from odoo import api, fields, models
from odoo.tools import format_datetime

from ..first_run import FirstRunStep
from ..unit.connection_test.finding import NOT_ASKED, OK, WRONG


class ConnectorBackend(models.AbstractModel):
    """The first run of a backend."""

    _inherit = "connector.backend"

    in_first_run = fields.Boolean(
        string="Being Set Up",
        readonly=True,
        copy=False,
        help="Its form shows a check list, until all flows have run once or somebody hides the list",
    )
    first_run_state = fields.Selection(
        [("to_do", "To Do"), ("trouble", "In Trouble"), ("over", "Over")],
        string="First Run",
        compute="_compute_first_run_state",
    )
    # what the last connection test has found: connector_backend_connection.py
    connection_tested = fields.Datetime(readonly=True, copy=False)
    connection_findings = fields.Json(
        readonly=True,
        copy=False,
        groups="connector.group_connector_user",
        help="What was found; empty when the address, the version or the credentials were changed since",
    )

    def _values_by_code(self, vals):
        return {**super()._values_by_code(vals), "in_first_run": True}

    @api.depends("in_first_run")
    def _compute_first_run_state(self):
        for backend in self:
            backend.first_run_state = backend._state_of(backend._steps()) if backend.in_first_run else "over"

    @api.model
    def _state_of(self, steps):
        """Return the state of a first run: it is over if each flow has run and nothing is wrong."""
        if any(step.state == "trouble" for step in steps):
            return "trouble"
        flows = [step for step in steps if step.code.startswith("flow_")]
        return "over" if flows and all(step.state == "done" for step in flows) else "to_do"

    def read_first_run(self):
        """Return the check list of the backend, for its form.

        Nothing is asked of the other system. If the first run is over, it is noted, and the list is
        not shown the next time.

        :return: dict: the number of ``steps`` that are ``done``; the ``steps``, in their order,
            as of :meth:`~odoo.addons.connector.first_run.FirstRunStep.shown`; ``next``, the code of
            the one to begin with, or False; ``is_over``; ``runs``, whether a flow does;
            ``may_write``
        """
        self.ensure_one()
        self.check_access("read")
        steps = self._steps()
        is_over = self._state_of(steps) == "over"
        if is_over and self.in_first_run:
            self.sudo().in_first_run = False
        shown = [step.shown(self) for step in steps]
        return {
            "steps": shown,
            "done": sum(step.state == "done" for step in steps),
            "next": next(
                (step["code"] for step in shown if step["state"] in ("trouble", "to_do") and step["button"]), False
            ),
            "is_over": is_over,
            "runs": "running" in self._flows_of_first_run().mapped("state"),
            "may_write": self.has_access("write"),
        }

    def action_hide_first_run(self):
        """Show the check lists of these backends no more."""
        self._show_first_run(False)

    def action_open_first_run(self):
        """Show the check lists of these backends, also if their first run is over."""
        self._show_first_run(True)

    def _show_first_run(self, is_shown):
        self.check_access("write")
        self.sudo().write({"in_first_run": is_shown})

    # The steps

    def _steps(self):
        return sorted(self._first_run_steps(), key=lambda step: step.place)

    def _first_run_steps(self):
        """Return the steps of the check list, a list of ``FirstRunStep``; a hook.

        An addon adds steps to what ``super()`` returns. They only read, and ask nothing of the
        other system: people wait for them.
        """
        self.ensure_one()
        steps = [
            self._connection_step(),
            self._rights_step(),
            self._records_step(),
            self._decisions_step(),
            self._matches_step(),
            self._worker_step(),
        ]
        return [*filter(None, steps), *self._flow_steps()]

    def _connection_step(self):
        step = {"code": "connection", "label": self.env._("Connection"), "place": 10}
        test = {"button": self.env._("Test Connection"), "method": "action_test_connection"}
        resume = {"button": self.env._("Resume"), "method": "action_resume"}
        if self.state != "ready":
            text = self.env._("Its jobs wait: %s", self.state_reason or "")
            return FirstRunStep(
                **step, state="trouble", text=text, **(test if self.state == "needs_attention" else resume)
            )
        if self.needs_authorization and not self.was_authorized:
            text = self.env._("Nobody has let Odoo work in the other system yet.")
            return FirstRunStep(
                **step, state="to_do", text=text, button=self.env._("Authorise"), method="action_authorize"
            )
        if not self.connection_findings:
            return FirstRunStep(**step, state="to_do", text=self._not_tested(), **test)
        found = [finding for finding in self.connection_findings if finding["check"] != "rights"]
        if wrong := [finding for finding in found if finding["outcome"] == WRONG]:
            text = "{subject}: {text}".format_map(wrong[0])
            return FirstRunStep(**step, state="trouble", text=text, **{**test, "button": self.env._("Test Again")})
        # a connector may speak with systems at several addresses
        outcomes = {finding["outcome"] for finding in found if finding["check"] in ("address", "login")}
        when = self._when(self.connection_tested)
        if outcomes == {OK}:
            return FirstRunStep(**step, state="done", text=self.env._("Address and login are right, tested %s.", when))
        text = self.env._("Tested %s: whether address and login are right is not known.", when)
        return FirstRunStep(**step, state="unknown", text=text, **{**test, "button": self.env._("Test Again")})

    def _rights_step(self):
        step = {"code": "rights", "label": self.env._("Rights There"), "place": 20}
        test = {"button": self.env._("Test Connection"), "method": "action_test_connection"}
        if not self.connection_findings:
            return FirstRunStep(**step, state="to_do", text=self._not_tested(), **test)
        test["button"] = self.env._("Test Again")
        found = [finding for finding in self.connection_findings if finding["check"] == "rights"]
        if wrong := [finding for finding in found if finding["outcome"] == WRONG]:
            return FirstRunStep(**step, state="trouble", text="{subject}: {text}".format_map(wrong[0]), **test)
        if not found:
            text = self.env._("The test could not ask for any records.")
            return FirstRunStep(**step, state="unknown", text=text, **test)
        if all(finding["outcome"] == NOT_ASKED for finding in found):
            text = self.env._("Not asked, as something else is wrong: see the connection.")
            return FirstRunStep(**step, state="to_do", text=text)
        if unknown := [finding["subject"] for finding in found if finding["outcome"] != OK]:
            text = self.env._("Whether our user may read them is not known: %s.", ", ".join(unknown))
            return FirstRunStep(**step, state="unknown", text=text, **test)
        read = ", ".join(finding["subject"] for finding in found)
        text = self.env._("Our user may read: %s. Whether it may write there is not known from the test.", read)
        return FirstRunStep(**step, state="done", text=text)

    def _not_tested(self):
        if not self.connection_tested:
            return self.env._("Not tested yet.")
        return self.env._(
            "Address, version or credentials were changed since the test of %s.", self._when(self.connection_tested)
        )

    def _records_step(self):
        step = {"code": "records", "label": self.env._("Language and Company"), "place": 30}
        language, company = self.default_lang_id, self.company_id
        if not language and len(self.env["res.lang"].get_installed()) > 1:
            text = self.env._("Choose the language in which records are exchanged.")
            return FirstRunStep(**step, state="to_do", text=text, button=self.env._("Choose"), field="default_lang_id")
        if language and not language.active:
            text = self.env._("%s is not installed here any more: choose another language.", language.name)
            return FirstRunStep(
                **step, state="trouble", text=text, button=self.env._("Choose"), field="default_lang_id"
            )
        if not company and self.env["res.company"].sudo().search_count([], limit=2) > 1:
            text = self.env._("Choose the company to which the records belong.")
            return FirstRunStep(**step, state="to_do", text=text, button=self.env._("Choose"), field="company_id")
        names = {"language": language.name, "company": company.sudo().name}
        if all(names.values()):
            text = self.env._("Records are exchanged in %(language)s, and belong to %(company)s.", **names)
        elif language:
            text = self.env._("Records are exchanged in %(language)s.", **names)
        else:
            text = self.env._("There is nothing to choose: there is one language here.")
        return FirstRunStep(**step, state="done", text=text)

    def _decisions_step(self):
        """Return the step of what has to be decided before flows can run; a hook."""
        flows = self._flows_of_first_run()
        if not flows:
            return None
        step = {"code": "decisions", "label": self.env._("Decisions"), "place": 40}
        reasons = [reason for flow in flows if (reason := flow._unit().not_ready())]
        if reasons:
            return FirstRunStep(**step, state="to_do", text=" ".join(dict.fromkeys(reasons)))
        text = self.env._(
            "Nothing has to be decided first. Click a flow below to choose what it synchronises, when, and which side wins."
        )
        return FirstRunStep(**step, state="done", text=text)

    def _matches_step(self):
        """Return the step of what exists on both sides before the first import, or None; a hook.

        It is about the first import with match keys that has not begun, and that nobody has looked
        at.
        """
        flows = self._flows_of_first_run().filtered(lambda flow: flow._can_match())
        if not flows:
            return None
        step = {"code": "matches", "label": self.env._("Matches"), "place": 50}
        for flow in flows.filtered(lambda flow: not flow.date_begun):
            names = {"flow": flow.name, "count": flow.match_count}
            if not flow._was_matched():
                text = self.env._(
                    "%(flow)s: nobody has looked yet at what exists on both sides. An import finds by itself only what has the same key.",
                    **names,
                )
                return FirstRunStep(
                    **step, state="to_do", text=text, button=self.env._("Match"), method="action_match", record=flow
                )
            if flow.match_count:
                text = self.env._(
                    "%(flow)s: %(count)s records there are not bound yet. Those without a decision are imported as they are.",
                    **names,
                )
                return FirstRunStep(
                    **step,
                    state="to_do",
                    text=text,
                    button=self.env._("Look"),
                    method="action_open_matches",
                    record=flow,
                )
        text = self.env._("Before the imports that have not begun, nothing is left to match.")
        return FirstRunStep(**step, state="done", text=text)

    def _worker_step(self):
        step = {"code": "worker", "label": self.env._("Worker"), "place": 60}
        workers = self.env["queue.worker"]
        if reason := workers._reason_no_job_runs():
            return FirstRunStep(
                **step, state="trouble", text=reason, button=self.env._("Workers"), method="action_open_workers"
            )
        if workers._runs_in_cron():
            text = self.env._(
                "Odoo's scheduled actions run the jobs, one after the other. A worker is faster: %s", workers._command()
            )
            return FirstRunStep(**step, state="done", text=text)
        return FirstRunStep(**step, state="done", text=self.env._("A worker runs jobs."))

    def action_open_workers(self):
        """Open the list of workers."""
        self.check_access("read")
        return self.env["ir.actions.act_window"]._for_xml_id("jobs_queue.queue_worker_action")

    def _flow_steps(self):
        flows = self._flows_of_first_run()
        have_run = set(flows.filtered("last_success").mapped("code"))
        return [self._flow_step(flow, have_run) for flow in flows]

    def _flow_step(self, flow, have_run):
        """Return the step of a flow.

        :param have_run: codes of the flows that have run once
        """
        directions = dict(flow._fields["direction"]._description_selection(self.env))
        label = self.env._("%(direction)s: %(flow)s", direction=directions[flow.direction], flow=flow.name)
        step = {"code": f"flow_{flow.code}", "label": label, "place": 70, "record": flow}
        run = {"button": self.env._("Run Now"), "method": "action_run"}
        reason = flow.state_reason or ""
        match flow.state:
            case "off" if flow.direction == "import":
                text = self.env._("It is off: nothing is imported.")
                return FirstRunStep(
                    **step, state="to_do", text=text, button=self.env._("Switch On"), method="action_switch_on"
                )
            case "off":
                text = self.env._("It is off: nothing is sent until you switch it on.")
                return FirstRunStep(
                    **step, state="to_do", text=text, button=self.env._("Switch On"), method="action_switch_on"
                )
            case "held" if flow.is_paused:
                return FirstRunStep(
                    **step, state="trouble", text=reason, button=self.env._("Resume"), method="action_resume"
                )
            case "held":
                return FirstRunStep(**step, state="trouble", text=reason)
            case "failing":
                text = self.env._("The last job that has failed says: %s", reason)
                return FirstRunStep(
                    **step, state="trouble", text=text, button=self.env._("Jobs"), method="action_open_jobs"
                )
            case "running" if flow.code not in have_run:
                text = self.env._("It runs now. Jobs that are left: %s.", flow.waiting_count + flow.running_count)
                return FirstRunStep(**step, state="to_do", text=text)
        if flow.code in have_run:
            return FirstRunStep(
                **step, state="done", text=self.env._("It has run, complete on %s.", self._when(flow.last_success))
            )
        text = self.env._("It has not run yet.")
        if before := [other.name for other in flow._comes_after() if other.code not in have_run]:
            text = self.env._("It has not run yet. First: %s.", ", ".join(before))
        return FirstRunStep(**step, state="to_do", text=text, **run)

    def _flows_of_first_run(self):
        """Return the flows of the backend that are declared, in their order."""
        return self.flow_ids.filtered(lambda flow: flow._class())

    def _when(self, date):
        return format_datetime(self.env, date, dt_format="short")

    # The result of the connection test

    def _note_findings(self, findings):
        """Note what a connection test has found, in its transaction.

        If somebody has changed the backend meanwhile, PostgreSQL refuses it, and Odoo begins the
        test again: what is noted was found with the address that the backend has.

        :param findings: list of :class:`~..unit.connection_test.finding.Finding`
        """
        found = [
            {"check": one.check, "subject": one.subject, "outcome": one.outcome, "text": one.text} for one in findings
        ]
        self.sudo().write({"connection_tested": fields.Datetime.now(), "connection_findings": found})

    def write(self, vals):
        result = super().write(vals)
        if self._concerns_connection(vals):
            self._forget_findings()
        return result

    def _forget_credentials(self):
        self._forget_findings()
        return super()._forget_credentials()

    def _forget_findings(self):
        """Make the last connection tests of these backends old ones."""
        self.sudo().filtered("connection_findings").write({"connection_findings": False})

    def _concerns_connection(self, vals):
        """Return whether these values make the last connection test an old one."""
        names = {self._location_field, "version", "verify_ssl", *self._credential_fields, *self._secret_fields()}
        return not names.isdisjoint(self._without_empty_secrets(vals))
