"""Checkpoints: requests to a person to review a record.

A connector has imported them with something to decide or to check.
"""

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import split_every

from odoo.addons.jobs_queue.jobs import job
from odoo.addons.jobs_queue.models.plain_fields import PlainMany2one
from odoo.addons.jobs_queue.session import ConnectorSession

from ..unit.importer.bulk import PAGE_SIZE, import_page
from ..unit.open_records import import_key

#: How many of the records to import a form names.
_SHOWN_IDS = 100


class ConnectorCheckpoint(models.Model):
    _name = "connector.checkpoint"
    _description = "Connector Checkpoint"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "id desc"
    _mail_post_access = "read"

    model_id = fields.Many2one("ir.model", required=True, readonly=True, ondelete="cascade", index=True)
    model = fields.Char(related="model_id.model", string="Model Name")
    record_id = fields.Many2oneReference(string="Record ID", required=True, readonly=True, model_field="model")
    name = fields.Char(string="Record", compute="_compute_name", compute_sudo=True)
    backend_id = fields.Reference(selection="_select_backends", required=True, readonly=True)
    company_id = fields.Many2one("res.company", readonly=True, index=True)
    severity = fields.Selection(
        [("info", "Information"), ("warning", "Warning"), ("error", "Error")],
        default="info",
        required=True,
        readonly=True,
    )
    message = fields.Text(string="Reason", readonly=True, help="What there is to review")
    user_id = fields.Many2one(
        "res.users", string="Reviewer", readonly=True, help="The person who is asked to review it"
    )
    on_review = fields.Char(
        string="Called on Review", readonly=True, help="Method of the record that is called once it is reviewed"
    )
    import_model = fields.Char(readonly=True, help="Binding model of the external records to import")
    external_ids = fields.Json(readonly=True)
    external_ids_text = fields.Text(
        string="Records to Import",
        compute="_compute_external_ids_text",
        help="Their ids in the external system, the first hundred of them",
    )
    state = fields.Selection(
        [("need_review", "To Review"), ("reviewed", "Reviewed")],
        default="need_review",
        required=True,
        readonly=True,
    )

    put_right_by_id = PlainMany2one(
        "queue.job", readonly=True, string="Put Right by", help="The job that imported or exported its records later"
    )
    put_right = fields.Char(readonly=True)

    _waiting_idx = models.Index("(record_id, model_id) WHERE state = 'need_review'")

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

    @api.depends("external_ids")
    def _compute_external_ids_text(self):
        for checkpoint in self:
            external_ids = checkpoint.external_ids or []
            text = ", ".join(map(str, external_ids[:_SHOWN_IDS]))
            if (more := len(external_ids) - _SHOWN_IDS) > 0:
                text = self.env._("%(ids)s and %(count)s more", ids=text, count=more)
            checkpoint.external_ids_text = text

    def _add_to_import(self, to_import):
        """Add external records to those that the checkpoint lists.

        :param to_import: ``(binding model, external ids)``, or None
        """
        if to_import:
            _model_name, external_ids = to_import
            self.external_ids = list(dict.fromkeys([*(self.external_ids or ()), *external_ids]))

    def _lock(self, to_change):
        """Lock the checkpoint against being closed, until the end of the transaction.

        If it was closed or changed since the transaction began, PostgreSQL refuses that, and the
        job begins again: it then sees that it has to be put up anew.

        :param to_change: whether it is changed then; two who share a lock could not
        """
        strength = "NO KEY UPDATE" if to_change else "SHARE"
        self.env.cr.execute(f"SELECT FROM connector_checkpoint WHERE id = %s FOR {strength}", (self.id,))

    def _put_right(self, keys_left, by_job_id, text):
        """Take the records off the list that were imported since, and close it if none is left.

        :param keys_left: keys of the records that are left
        :param by_job_id: id of the job that has imported the last one, or 0
        :param text: for people
        """
        if keys_left:
            self.external_ids = [id_ for id_ in self.external_ids or () if import_key(id_) in set(keys_left)]
            return
        self._mark_reviewed()
        self.write({"put_right_by_id": by_job_id, "put_right": text})

    def action_import(self):
        """Delay the import of the external records that are listed, and mark it as reviewed.

        :raise UserError: it lists none
        """
        self.ensure_one()
        self.check_access("read")
        backend = self.backend_id
        backend.check_access("write")
        if not self.external_ids:
            raise UserError(self.env._("There is no record to import. Press “Mark as Reviewed” instead."))
        # with all rights, as the import that has failed: who presses need not write every product
        session = ConnectorSession.from_env(self.sudo().env).with_company(backend.company_id)
        jobs = [
            import_page.delay(session, self.import_model, backend.id, external_ids=page)
            for page in split_every(PAGE_SIZE, self.external_ids, list)
        ]
        self._mark_reviewed()
        return self.env["queue.worker"]._answer(self.env._("The import runs in the background:"), jobs)

    def _records(self):
        """Return the records to review that still exist; all are of one model."""
        if self[:1].model not in self.env:  # its addon has been removed
            return self.browse()
        return self.env[self[:1].model].browse(self.mapped("record_id")).exists()

    def action_reviewed(self):
        """Mark the checkpoints as reviewed, and call the methods that their connectors asked for.

        The methods run as the current user. If a method raises a UserError, its checkpoint stays to
        be reviewed.

        :return: action that tells which checkpoints these are and why, and what else there is to
            tell; None if there is nothing
        """
        # Nobody has the right to write these rows: with another model_id, the name would show any
        # record of the database
        self.check_access("read")
        waiting = self.filtered(lambda checkpoint: checkpoint.state == "need_review")
        with_method = waiting.filtered("on_review")
        (waiting - with_method)._mark_reviewed()
        texts = [text for checkpoint in with_method if (text := checkpoint._review())]
        return with_method._tell(texts) if texts else None

    def _mark_reviewed(self):
        self.sudo().activity_ids.unlink()
        self.sudo().write({"state": "reviewed"})

    def _review(self):
        """Mark as reviewed and call the method of the record.

        :return: text for the person, None if there is nothing to tell
        """
        name, record = self.name, self._records()
        try:
            with self.env.cr.savepoint():
                self._mark_reviewed()
                told = getattr(record, self.on_review)() if record else self.env._("There was nothing to do any more.")
        except UserError as error:
            told = str(error)
        return f"{name}: {told}" if isinstance(told, str) else None

    def _tell(self, texts):
        refused = self.filtered(lambda checkpoint: checkpoint.state == "need_review")
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "danger" if refused else "info",
                "sticky": bool(refused),
                "title": self.env._("Not reviewed: %s", len(refused)) if refused else self.env._("Reviewed"),
                "message": "\n".join(texts),
                "next": {"type": "ir.actions.act_window_close"},
            },
        }

    def action_related(self):
        """Open the record to review."""
        self.ensure_one()
        self.check_access("read")
        record = self._records()
        if not record:
            return {
                "type": "ir.actions.client",
                "tag": "display_notification",
                "params": {"type": "warning", "message": self.env._("The record to review does not exist any more.")},
            }
        return record.get_formview_action()


@job(former_names=["odoo.addons.connector.checkpoint.checkpoint.review_checkpoints"])
def review_checkpoints(session, model_name, checkpoint_ids):
    """Mark checkpoints as reviewed, and do what their connectors have asked for"""
    # checkpoints that the user may not see any more are left out
    checkpoints = session.env[model_name].search([("id", "in", checkpoint_ids)])
    told = checkpoints.action_reviewed()
    return told and told["params"]["message"]
