"""Aspect of ``connector.flow``: its buttons and its schedules."""

from odoo import api, models
from odoo.exceptions import UserError
from odoo.fields import Domain

from odoo.addons.jobs_queue.session import ConnectorSession

from ..unit.backend_adapter.crud import BackendAdapter
from ..unit.exporter.flow import UNSENT, export_flow
from ..unit.flow import BulkExportFlow, ImportFlow, flow_argument
from ..unit.importer.batch import BatchImporter, import_batch
from ..unit.importer.left_out import import_left_out
from ..unit.reconciler import reconcile
from .queue_job import function_name


class ConnectorFlow(models.Model):
    _inherit = "connector.flow"

    # Buttons. Who may write the backend may press them

    def action_run(self):
        """Synchronise what has changed, in the background."""
        return self._answer(self._run())

    def action_run_again(self):
        """Synchronise all records, also those that have not changed.

        It is for when the mapping was changed, or something here was changed by a mistake.
        """
        self._check_may_run()
        for flow in self.sudo().filtered(lambda flow: flow.direction == "import"):
            flow._check_not_listing()
            flow._watermark().unlink()
            # a list whose pages still wait would move it past what is asked for now
            flow.times_off += 1
            flow._backend()._forget_imports_of(flow.model_name)
        return self._answer(self._run(again=True))

    def action_compare(self):
        """Compare both sides; only the states of the bindings are changed."""
        self._check_on()
        return self._answer(self._delay(reconcile))

    def action_repair(self):
        """Compare both sides, and synchronise what differs in the direction of the flow."""
        self._check_may_run()
        self._check_on()
        self._check_ready()
        jobs = [flow._delay(reconcile, repair=flow.direction) for flow in self]
        return self._answer([job for of_flow in jobs for job in of_flow])

    def _fetch(self, begin, end):
        """Import what was changed there between two times; the watermark does not move.

        :param begin: naive datetime in UTC
        :param end: likewise, or False: until now
        """
        self.ensure_one()
        self._check_may_run()
        self._check_on()
        self._check_ready()
        importer = self._unit().unit_for(BatchImporter)
        filters = importer._filters_between(begin, end or None)
        if filters is None and end and importer._filters_between(begin, None) is not None:
            raise UserError(
                self.env._(
                    "The connector cannot ask %s up to a time. Leave it empty, to fetch until now.", self.backend_name
                )
            )
        if filters is None:
            raise UserError(
                self.env._("The connector cannot ask %s for what was changed between two times.", self.backend_name)
            )
        if self.filters:
            filters = self._unit().unit_for(BackendAdapter).with_chosen(filters)
        return self._answer(self._delay(import_batch, filters=filters))

    def action_switch_off(self):
        """Let nothing of these flows begin any more; jobs that wait end, and nothing is done."""
        self._check_may_run()
        for flow in self.sudo().filtered("is_on"):
            flow.write({"is_on": False, "times_off": flow.times_off + 1, "date_off": self.env.cr.now()})

    def action_switch_on(self):
        """Let these flows run again; imports begin at the watermark.

        Exports ask whether what was changed meanwhile is sent.
        """
        self._check_may_run()
        self._check_ready()
        switched = self.filtered(lambda flow: not flow.is_on)
        switched.sudo().write({"is_on": True, "date_on": self.env.cr.now()})
        exports = self.filtered(lambda flow: flow.direction == "export")
        if len(self) == 1 and exports and (unsent := exports._unsent()):
            return exports._ask_about(unsent)
        imports = self - exports
        # a job, as it has to see what others commit until this transaction ends
        left_out = (switched & imports)._delay(import_left_out)
        begun = imports.filtered(lambda flow: flow.date_begun and not flow._count_picked())
        return begun._answer(left_out + begun._run()) if begun else None

    def action_pause(self):
        """Let the jobs of these flows wait."""
        self._check_may_run()
        self.sudo().channel_id.action_pause()

    def action_resume(self):
        """Let the jobs of these flows go on."""
        self._check_may_run()
        self.sudo().channel_id.action_resume()

    # Jobs

    def _run(self, again=False):
        """Delay the jobs that synchronise what has changed, and return them.

        :param again: export all records, also those that have not changed
        """
        self._check_may_run()
        self._check_on()
        self._check_ready()
        self.sudo().filtered(lambda flow: not flow.date_begun).write({"date_begun": self.env.cr.now()})
        jobs = []
        for flow in self:
            arguments = {"again": True} if again and flow.direction == "export" else {}
            jobs += flow._delay(flow._function(), **arguments)
        return jobs

    def _function(self):
        """Return the job function that synchronises what has changed."""
        return import_batch if self.direction == "import" else export_flow

    def _delay(self, function, **arguments):
        """Delay a job function for each of these flows, in the company of its backend.

        It runs with all rights: the user who presses the button need not have the right to change
        every product. While one waits, another one with the same arguments is not added.

        :return: list of the jobs
        """
        self._check_may_run()
        jobs = []
        for flow in self:
            backend = flow.sudo()._backend()
            values = [f"{name}={value!r}" for name, value in arguments.items()]
            key = ",".join([function.__name__, flow.model_name, str(backend.id), flow.code, *values])
            jobs.append(
                function.delay(
                    ConnectorSession.from_env(backend.env).with_company(backend.company_id),
                    flow.model_name,
                    backend.id,
                    **arguments,
                    **flow._argument(function),
                    identity_key=key,
                    description=f"{flow.name}: {flow.backend_name}",
                )
            )
        return jobs

    def _argument(self, function):
        if function is export_flow:
            return {"flow": self.code}
        backend = self._backend().get_backend()
        return flow_argument(backend, ConnectorSession.from_env(self.env), self._class(), ImportFlow)

    def _apply_schedules(self):
        """Let the schedules of these flows be as their rows say."""
        schedules = self.env["queue.job.schedule"].sudo()
        for flow in self.sudo():
            backend = flow._backend()
            if not (flow.active and flow.is_on and flow.date_begun and flow._class()):
                schedules._of(flow).unlink()
                continue
            for function, expression in ((flow._function(), flow.expression), (reconcile, flow.comparison)):
                schedules._own(
                    flow,
                    name=f"{flow.name}: {flow.backend_name}",
                    function=function_name(function),
                    model_name=flow.model_name,
                    arguments={"backend_id": backend.id, **flow._argument(function)},
                    expression=expression,
                    company=backend.company_id,
                )

    # Helpers

    def _check_may_run(self):
        """Check that the user may change the backends of these flows.

        :raise AccessError: the user may not
        :raise UserError: no installed addon declares one of them
        """
        self.check_access("write")
        self._check_backends()
        if gone := self.filtered(lambda flow: not flow._class()):
            raise UserError(self.env._("No installed addon declares it any more: %s", ", ".join(gone.mapped("code"))))

    def _check_on(self):
        """Check that these flows are on.

        :raise UserError: one is off
        """
        if off := self.filtered(lambda flow: not flow.is_on):
            raise UserError(self.env._("Switch it on first: %s", ", ".join(off.mapped("name"))))

    def _check_not_listing(self):
        """Check that no listing runs: at its end it would move the watermark past what is meant.

        :raise UserError: one does
        """
        if (
            running := self.env["connector.listing"]
            .sudo()
            ._running(self._backend(), self.model_name, self._watermark_key())
        ):
            raise UserError(running[0]._told())

    def _check_ready(self):
        """Check that nothing has to be decided before these flows can run.

        :raise UserError: something has, and what
        """
        for flow in self:
            if reason := flow._unit().not_ready():
                raise UserError(self.env._("%(flow)s: %(reason)s", flow=flow.name, reason=reason))

    def _answer(self, jobs):
        return self.env["queue.worker"]._answer(self.env._("It runs in the background:"), jobs)

    def _unit(self):
        """Return the unit of the flow, as superuser."""
        backend = self.sudo()._backend()
        environment = backend.work_on(self.model_name).for_model(flow=self.code)
        environment.domain, environment.filters = self.domain or None, self.filters or {}
        return self._class()(environment)

    def _is_in_bulk(self):
        return issubclass(self._class(), BulkExportFlow)

    def _watermark(self):
        return self.env["connector.watermark"]._of(self._backend(), self.model_name, "import", self._watermark_key())

    def _watermark_key(self):
        """Return the code of the watermark and the listings; "" for the first flow of the model."""
        return self._argument(import_batch).get("flow", "")

    def _unsent(self):
        """Return the number of bindings with changes that wait to be sent."""
        bindings = self._unit().bindings().with_context(active_test=False)
        if selection := self._selection():
            bindings = selection.among(bindings)
        # searched, as there may be very many: none of them is read
        unsent = [("id", "in", bindings.ids), ("sync_state", "in", UNSENT)]
        if self._is_in_bulk():
            unsent.append(("external_id", "!=", False))
        return bindings.search_count(unsent)

    @api.model
    def _keeps_unsent(self, backend, code):
        """Return whether changes that were noted while an export was off have no job yet.

        When it is switched on again, a person decides when it runs. That run delays their jobs.
        """
        flow = self.sudo().search([*self._of_backend(backend), ("code", "=", code)])
        if not flow.is_on:
            return bool(flow)
        runs = flow.date_on and flow._runs("done") & Domain("date_done", ">=", flow.date_on)
        return bool(runs) and not self.env["queue.job"].sudo().search_count(runs, limit=1)

    def _ask_about(self, unsent):
        """Return the dialog that asks whether what was changed meanwhile is sent."""
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Send what was changed meanwhile?"),
            "res_model": "connector.flow.start",
            "view_mode": "form",
            "target": "new",
            "context": {"default_flow_id": self.id, "default_unsent": unsent},
        }
