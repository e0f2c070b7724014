"""Export intents: the creation of a record in an external system, stored before the call.

The transaction that stores the id from the call deletes the intent. An intent on which no job works
shows that a job died, or lost its connection, in between. Nobody here knows then whether the record
exists there. The next attempt of the export asks for it by the key.
"""

from odoo import fields, models
from odoo.exceptions import UserError

from ..backend import reference


class ConnectorExportIntent(models.Model):
    _name = "connector.export.intent"
    _description = "Export Intent"
    _order = "id desc"
    _rec_name = "idempotency_key"

    model = fields.Char(string="Binding Model", required=True, readonly=True)
    binding_id = fields.Many2oneReference(model_field="model", required=True, readonly=True)
    backend_id = fields.Reference(
        selection=lambda self: self.env["connector.checkpoint"]._select_backends(),
        required=True,
        readonly=True,
    )
    company_id = fields.Many2one("res.company", readonly=True)
    idempotency_key = fields.Char(
        required=True, readonly=True, help="By it the external system tells whether it has created the record"
    )
    create_date = fields.Datetime(string="Begun at", readonly=True)

    _binding_uniq = models.UniqueIndex("(model, binding_id)")

    def _of(self, binding):
        """Return the intent to create the record of a binding, or an empty recordset."""
        return self.search([("model", "=", binding._name), ("binding_id", "=", binding.id)])

    def _declare(self, binding, backend_record, idempotency_key):
        """Return a new intent to create the record of a binding."""
        return self.create(
            {
                "model": binding._name,
                "binding_id": binding.id,
                "backend_id": reference(backend_record),
                "company_id": backend_record.company_id.id,
                "idempotency_key": idempotency_key,
            }
        )

    def action_open_binding(self):
        """Open the binding whose record is being created."""
        self.ensure_one()
        self.check_access("read")
        binding = self.env[self.model].browse(self.binding_id).exists()
        if not binding:
            raise UserError(
                self.env._(
                    "The binding was deleted meanwhile. Look for the record in the other system, then delete this intent."
                )
            )
        return binding.get_formview_action()
