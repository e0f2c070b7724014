"""Aspect of ``connector.backend``: values that people match by hand, such as payment methods."""

from odoo import fields, models

from odoo.addons.jobs_queue.session import ConnectorSession

from ..unit.matcher import list_matches


class ConnectorBackend(models.AbstractModel):
    _inherit = "connector.backend"

    has_values = fields.Boolean(compute="_compute_has_values")

    def _compute_has_values(self):
        for backend in self:
            backend.has_values = bool(backend._value_models())

    def _value_models(self):
        """Return the names of the binding models whose records people match by hand."""
        return [model._name for model in self._binding_models() if model._matched_by_hand]

    def action_match_values(self):
        """List the values there that have no counterpart here, in the background."""
        self.ensure_one()
        self.check_access("write")
        matches = self.env["connector.match"]
        jobs = [matches._delay_for(self, name, None, list_matches) for name in self._value_models()]
        answer = self.env["queue.worker"]._answer(self.env._("The values there are listed in the background:"), jobs)
        return matches._opening(answer, self.action_open_matches())

    def action_open_matches(self):
        """Open the list of the records there that people match by hand."""
        self.ensure_one()
        self.check_access("read")
        return self.env["connector.match"]._open(self)

    def _job_session(self):
        """Return the session of jobs of the backend: with all rights, in its company."""
        self.ensure_one()
        return ConnectorSession.from_env(self.sudo().env).with_company(self.sudo().company_id)
