"""Mixin for records that belong to a backend, of whichever model it is."""

from odoo import api, fields, models


class ConnectorBackendPart(models.AbstractModel):
    """A record that belongs to a backend, is seen by its company, and goes with it.

    No foreign key ties it to the backend, because backends are of many models. See
    ``_PARTS`` of ``connector_backend.py``.
    """

    _name = "connector.backend.part"
    _inherit = "queue.checked.access"
    _description = "Part of a Backend"
    _written_by_code = ("backend_model", "backend_id", "company_id")

    backend_model = fields.Char(required=True, readonly=True)
    backend_id = fields.Many2oneReference(model_field="backend_model", required=True, readonly=True)
    company_id = fields.Many2one("res.company", readonly=True, index=True)

    @api.model
    def _of_backend(self, backend):
        """Return the domain of what belongs to a backend."""
        return [("backend_model", "=", backend._name), ("backend_id", "=", backend.id)]

    @api.model
    def _backend_values(self, backend):
        """Return the values of a new record that belongs to a backend."""
        return {
            "backend_model": backend._name,
            "backend_id": backend.id,
            "company_id": backend.sudo().company_id.id,
        }

    def _backend(self):
        """Return the backend of the record, empty if it does not exist any more."""
        self.ensure_one()
        backends = self.env.get(self.backend_model)
        return self.env["connector.backend"] if backends is None else backends.browse(self.backend_id).exists()

    def _is_of_no_model(self):
        """Return whether the model of the backend was removed with its addon.

        If only this process does not know the model, another server may have the addon.
        """
        is_known = self.backend_model in self.env
        return not is_known and not self.env["ir.model"].sudo().search_count([("model", "=", self.backend_model)])

    def _check_backends(self):
        """Check that the user may change the backends of these records.

        :raise AccessError: the user may not
        """
        for record in () if self.env.su else self:
            record._backend().check_access("write")
