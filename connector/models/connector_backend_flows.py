"""Aspect of ``connector.backend``: its flows."""

from odoo import api, models
from odoo.exceptions import UserError


class ConnectorBackend(models.AbstractModel):
    _inherit = "connector.backend"

    @api.model_create_multi
    def create(self, vals_list):
        backends = super().create(vals_list)
        for backend in backends:
            self.env["connector.flow"]._sync(backend, is_new=True)
        self.env.registry.clear_cache()
        return backends

    def write(self, vals):
        result = super().write(vals)
        if "version" in vals:
            for backend in self:
                self.env["connector.flow"]._sync(backend, is_new=True)
            self.flow_ids.invalidate_recordset(["name"])
        if not vals.keys().isdisjoint(("version", "active")):
            self.env.registry.clear_cache()
        return result

    def _register_hook(self):
        super()._register_hook()
        if self.env.registry.updated_modules and not self._abstract:
            for backend in self.search([("active", "in", (True, False))]):
                self.env["connector.flow"]._sync(backend)

    @api.private
    def channel_ids_of_jobs(self):
        """Return the ids of the channels of the backend and of its flows, a set."""
        settings = self.env["connector.flow"]._settings(self._name, self.id)
        return {self.sudo().channel_id.id, *(flow.channel_id for flow in settings.values())}

    @api.private
    def flow(self, code):
        """Return a flow of the backend, a ``connector.flow`` record.

        :param code: its ``code`` in the connector
        :raise UserError: the backend has no such flow
        """
        self.ensure_one()
        flow = self.flow_ids.filtered(lambda flow: flow.code == code)
        if not flow:
            codes = ", ".join(self.flow_ids.mapped("code"))
            raise UserError(
                self.env._(
                    "%(backend)s has no flow “%(code)s”. It has: %(codes)s",
                    backend=self.display_name,
                    code=code,
                    codes=codes or self.env._("none"),
                )
            )
        return flow
