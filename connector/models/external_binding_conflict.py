"""Aspect of ``external.binding``: buttons that settle a conflict, a change on both sides."""

from odoo import models
from odoo.exceptions import UserError

from odoo.addons.jobs_queue.session import ConnectorSession

from ..event.no_export import without_export
from ..unit.exporter.record import export_record
from ..unit.importer.record import import_record
from ..unit.jobs.keys import export_identity, import_identity


class ExternalBinding(models.AbstractModel):
    _inherit = "external.binding"

    def action_keep_ours(self):
        """Delay jobs that export the whole records that are here, over those that are there."""
        jobs = []
        for binding in self._settle():
            # what was last seen there does not matter any more, nor what was last sent
            forgotten = dict.fromkeys(["external_version", "import_checksum", "export_checksum"], False)
            binding.write({**forgotten, "sync_state": "to_export", "sync_error": False})
            identity = export_identity(binding._name, binding.id)
            jobs.append(export_record.delay(binding._job_session(), binding._name, binding.id, identity_key=identity))
        message = self.env._("Records that are sent in the background: %s.", len(jobs))
        return self.env["queue.worker"]._answer(message, jobs, linked=False)

    def action_take_theirs(self):
        """Delay jobs that import the records that are there, over those that are here."""
        jobs = []
        for binding in self._settle():
            record = binding._name, binding.backend_id.id, binding.external_id
            identity = import_identity(*record, force=True)
            jobs.append(import_record.delay(binding._job_session(), *record, force=True, identity_key=identity))
        message = self.env._("Records that are imported in the background: %s.", len(jobs))
        return self.env["queue.worker"]._answer(message, jobs, linked=False)

    def _settle(self):
        """Return those of the bindings that are in conflict, in superuser mode.

        The checkpoints that ask about them are marked as reviewed.

        :raise UserError: none of them is in conflict
        """
        self.check_access("write")
        bindings = without_export(self.sudo()).filtered(lambda b: b.sync_state == "conflict")
        if not bindings:
            raise UserError(self.env._("None of these records waits for somebody to keep ours or take theirs."))
        for binding in bindings:
            checkpoints = (
                self.env["connector.checkpoint"]
                .sudo()
                .search(
                    [
                        ("model", "=", binding.odoo_id._name),
                        ("record_id", "=", binding.odoo_id.id),
                        ("message", "=", binding.sync_error),
                        ("state", "=", "need_review"),
                    ]
                )
            )
            checkpoints.write({"state": "reviewed"})
        return bindings

    def _job_session(self):
        return ConnectorSession.from_env(self.with_context(no_connector_export=False).env).with_company(
            self.backend_id.company_id
        )
