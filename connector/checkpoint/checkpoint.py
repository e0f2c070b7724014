"""Checkpoints: records that somebody must review, because a connector has imported them with something to decide or to check."""

from odoo import api, fields, models


class ConnectorCheckpoint(models.Model):
    _name = "connector.checkpoint"
    _description = "Connector Checkpoint"
    _order = "id desc"

    model_id = fields.Many2one("ir.model", required=True, readonly=True, ondelete="cascade", index=True)
    model = fields.Char(related="model_id.model", string="Model Name")
    record_id = fields.Many2oneReference(
        string="Record ID", required=True, readonly=True, model_field="model", index=True
    )
    name = fields.Char(string="Record", compute="_compute_name", compute_sudo=True)
    backend_id = fields.Reference(selection="_select_backends", string="Imported from", required=True, readonly=True)
    company_id = fields.Many2one("res.company", readonly=True, index=True)
    message = fields.Text(readonly=True, help="What there is to review")
    state = fields.Selection(
        [("need_review", "To Review"), ("reviewed", "Reviewed")],
        default="need_review",
        required=True,
        readonly=True,
        index=True,
    )

    @api.model
    def _select_backends(self):
        backends = self.env.registry.descendants(["connector.backend"], "_inherit")
        return [(name, self.env[name]._description) for name in backends if not self.env[name]._abstract]

    @api.depends("model_id", "record_id")
    def _compute_name(self):
        for checkpoints in self.grouped("model").values():
            names = {record.id: record.display_name for record in checkpoints._records()}
            for checkpoint in checkpoints:
                checkpoint.name = names.get(checkpoint.record_id) or self.env._("deleted record")

    def _records(self):
        """Return the records to review, all of one model, that still exist."""
        if self[:1].model not in self.env:  # its addon has been removed
            return self.browse()
        return self.env[self[:1].model].browse(self.mapped("record_id")).exists()

    def action_reviewed(self):
        """Mark as reviewed."""
        # Nobody has the right to write these rows: by another model_id the name would show any record of the database
        self.check_access("read")
        self.sudo().write({"state": "reviewed"})

    def action_related(self):
        """Open the record to review."""
        self.ensure_one()
        record = self._records()
        if not record:
            return {
                "type": "ir.actions.client",
                "tag": "display_notification",
                "params": {"type": "warning", "message": self.env._("The record to review does not exist any more.")},
            }
        return record.get_formview_action()


def add_checkpoint(session, model_name, record_id, backend_record, message=None):
    """Ask for the review of a record. One that is already waiting for its review with the same message is not asked for twice.

    :param session: :class:`~odoo.addons.connector.session.ConnectorSession`
    :param model_name: name of the record's model
    :param record_id: its id
    :param backend_record: record of the backend it concerns
    :param message: what there is to review, for the user
    :return: the ``connector.checkpoint`` record
    """
    checkpoints = session.env["connector.checkpoint"].sudo()
    values = {
        "model_id": session.env["ir.model"]._get_id(model_name),
        "record_id": record_id,
        "backend_id": f"{backend_record._name},{backend_record.id}",
        "message": message or False,
        "state": "need_review",
    }
    waiting = checkpoints.search([(name, "=", value) for name, value in values.items()], limit=1)
    return waiting or checkpoints.create({**values, "company_id": backend_record.company_id.id})
