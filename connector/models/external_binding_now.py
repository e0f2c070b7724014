"""Aspect of ``external.binding``: buttons that import or export its record now."""

from odoo import models
from odoo.exceptions import UserError

from ..exception import InvalidBackend, ManyConnectorUnitError, NoConnectorUnitError
from ..unit.binding.selecting import is_chosen, selection_of
from ..unit.binding.state import is_import_due, is_in_conflict, remember
from ..unit.exporter.consumers import delay_bulk_export
from ..unit.exporter.record import export_record
from ..unit.exporter.resend import forget_sent
from ..unit.flow import BulkExportFlow, ExportFlow, ImportFlow, flow_class
from ..unit.importer.record import import_record
from ..unit.importer.unsent import is_sent_in_bulk
from ..unit.jobs.keys import export_identity, import_identity
from ..unit.mapper.mapper import ExportMapper, ImportMapper

_NO_UNIT = (InvalidBackend, ManyConnectorUnitError, NoConnectorUnitError)


class ExternalBinding(models.AbstractModel):
    _inherit = "external.binding"

    def action_import_now(self):
        """Delay jobs that import the records, whether they have changed there or not.

        What was changed here and is not sent yet is not overwritten: the import comes after it.

        :raise UserError: none of the records can be imported
        """
        refusal = self.env._(
            "None of these records can be imported. A record can be if it has an external ID and is not in conflict, if its backend is "
            "not archived, and if the connector imports such records and that flow is on."
        )
        bindings = self._for_button(lambda binding: binding._can_import(), refusal)
        # what is due is imported even if unchanged there; an error stays until it is mended
        remember(bindings.filtered(lambda binding: not is_import_due(binding)), {"sync_state": "to_import"})
        jobs = []
        for binding in bindings:
            record = binding._name, binding.backend_id.id, binding.external_id
            jobs.append(import_record.delay(binding._job_session(), *record, identity_key=import_identity(*record)))
        message = self.env._("Records that are imported in the background, changed there or not: %s.", len(jobs))
        return self._answer_now(message, jobs)

    def action_export_now(self):
        """Delay jobs that export the whole records, also what was sent before.

        :raise UserError: none of the records can be exported
        """
        refusal = self.env._(
            "None of these records can be exported. A record can be if it is not in conflict and not marked as “Not Exported”, if its "
            "backend is not archived, and if the connector exports such records and that flow is on and is for this record."
        )
        bindings = self._for_button(lambda binding: binding._can_export(), refusal)
        forget_sent(bindings)
        remember(bindings, {"sync_state": "to_export"})
        jobs = [job for binding in bindings for job in binding._delay_export()]
        message = self.env._("Records that are sent as a whole in the background: %s.", len(jobs))
        return self._answer_now(message, jobs)

    def _for_button(self, can, refusal):
        """Return the bindings that a button can synchronise, in superuser mode.

        :param can: function of a binding, returns whether the button can
        :param refusal: text, what to say if there is none
        :raise AccessError: the user may not change them
        :raise UserError: there is none
        """
        self.check_access("write")
        self.backend_id.check_access("read")
        if not (bindings := self.sudo().filtered(can)):
            raise UserError(refusal)
        return bindings

    def _answer_now(self, message, jobs):
        return self.env["queue.worker"]._answer(message, jobs, linked=len(jobs) == 1)

    def _delay_export(self):
        if self._is_sent_in_bulk():
            return delay_bulk_export(self._job_session(), self)
        identity = export_identity(self._name, self.id)
        return [export_record.delay(self._job_session(), self._name, self.id, identity_key=identity)]

    def _can_import(self):
        """Return whether the button can import the record of this binding."""
        return bool(
            self.external_id
            and self._may_be_synchronized()
            and self._has_unit(ImportMapper)
            and self._is_on(ImportFlow)
        )

    def _can_export(self):
        """Return whether the button can export the record of this binding."""
        return bool(
            not self.no_export
            and self._may_be_synchronized()
            and self._has_unit(ExportMapper)
            and (self.external_id or not self._is_sent_in_bulk())
            and self._is_on(ExportFlow, BulkExportFlow)
            and is_chosen(self, selection_of(self._job_session(), self, self._kind_of_export()))
        )

    def _kind_of_export(self):
        return BulkExportFlow if self._is_sent_in_bulk() else ExportFlow

    def _may_be_synchronized(self):
        return self.backend_id.active and not is_in_conflict(self)

    def _has_unit(self, unit_class):
        session = self._job_session()
        try:
            self.backend_id.get_backend().get_class(unit_class, session, self._name)
        except _NO_UNIT:
            return False
        return True

    def _is_sent_in_bulk(self):
        """Return whether all that is exported of the record is sent in bulk, such as its stock."""
        with self.backend_id.work_on(self._name) as environment:
            return is_sent_in_bulk(environment)

    def _is_on(self, *kinds):
        """Return whether the flow of one of some kinds is on, or the model has none."""
        session, backend = self._job_session(), self.backend_id
        flows = [flow_class(backend.get_backend(), session, self._name, kind) for kind in kinds]
        flows = [flow for flow in flows if flow is not None]
        return not flows or any(self.env["connector.flow"]._is_on(backend, flow.code) for flow in flows)
