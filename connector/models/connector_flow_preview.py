"""Aspect of ``connector.flow``: what a run would do; a preview of an import, or a rehearsal."""

from odoo import fields, models
from odoo.exceptions import UserError

from odoo.addons.jobs_queue.exception import ConnectorException
from odoo.addons.jobs_queue.jobs.environment import kept_context
from odoo.addons.jobs_queue.session import ConnectorSession

from ..unit.flow import ImportFlow, open_flow
from ..unit.importer.preview import ImportPreview


class ConnectorFlow(models.Model):
    _inherit = "connector.flow"

    is_rehearsal = fields.Boolean(compute="_compute_is_rehearsal", compute_sudo=True)

    def _compute_is_rehearsal(self):
        for flow in self:
            flow.is_rehearsal = flow._backend().is_rehearsal

    def action_preview(self):
        """Show what the next import would do with the first records that it lists.

        They are imported with the rights and in the company of a job, and all of it is rolled back.

        :raise UserError: nothing can be looked at; the message says why
        """
        self.ensure_one()
        self._check_may_run()
        if self.direction != "import":
            raise UserError(
                self.env._(
                    "Only an import can be previewed. To see what an export would send, switch on the rehearsal of the backend."
                )
            )
        self._check_ready()
        backend = self.sudo()._backend()
        if not backend.active:
            raise UserError(self.env._("%s is archived: unarchive it first.", backend.display_name))
        self._lock_preview(backend)
        session = ConnectorSession.from_env(backend.env(context=kept_context(backend.env)))
        session = session.with_company(backend.company_id)
        try:
            with open_flow(session, self.model_name, backend.id, ImportFlow, self.code) as environment:
                preview = ImportPreview(environment).run()
        except (ConnectorException, NotImplementedError) as error:
            raise UserError(
                self.env._("%(backend)s cannot be looked at: %(error)s", backend=backend.display_name, error=error)
            ) from error
        return self.env["connector.preview"]._show(self, preview)

    def _lock_preview(self, backend):
        """Lock the previews of a backend until the end of the transaction.

        Two at once would stop each other.

        :raise UserError: there is one just now
        """
        self.env.cr.execute(
            "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [f"preview,{backend._name},{backend.id}"]
        )
        if not self.env.cr.fetchone()[0]:
            raise UserError(
                self.env._(
                    "Somebody is just looking at a preview of %s. Press Preview again in a minute.",
                    backend.display_name,
                )
            )
