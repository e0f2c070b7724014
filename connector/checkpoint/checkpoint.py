"""Checkpoints: records that somebody must review, because a connector has imported them with something to decide or to check."""

from odoo import api, fields, models
from odoo.exceptions import UserError

from odoo.addons.jobs_queue.jobs import job
from odoo.addons.jobs_queue.session import checked_session
from odoo.addons.jobs_queue.texts import storable_or_none


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
    state = fields.Selection(
        [("need_review", "To Review"), ("reviewed", "Reviewed")],
        default="need_review",
        required=True,
        readonly=True,
    )

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

    def _records(self):
        """Return the records to review, all of one model, that still exist."""
        if self[:1].model not in self.env:  # its addon has been removed
            return self.browse()
        return self.env[self[:1].model].browse(self.mapped("record_id")).exists()

    def action_reviewed(self):
        """Mark as reviewed, and do with each record what its connector has asked to be done then, as the current user.

        A record with which that cannot be done stays to be reviewed.

        :return: action that tells which ones these are and why, and what else there is to tell; None when there is nothing
        """
        # Nobody has the right to write these rows: by another model_id the name would show any record of the database
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
        """Mark as reviewed and call the method of the record; return what to tell the person, None when that is nothing."""
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


@job
def review_checkpoints(session, model_name, checkpoint_ids):
    """Mark checkpoints as reviewed, and do what their connectors have asked for"""
    # those that the user may not see any more are left out
    checkpoints = session.env[model_name].search([("id", "in", checkpoint_ids)])
    told = checkpoints.action_reviewed()
    return told and told["params"]["message"]


def add_checkpoint(
    session, model_name, record_id, backend_record, message=None, severity="info", user=None, on_review=None
):
    """Ask for the review of a record. One that is already waiting for its review with the same message is not asked for twice.

    What concerns no record in particular is asked for the backend itself. No mail is sent: the person finds an activity, and who
    follows the backend gets one message a day that tells what is new.

    ::

        add_checkpoint(session, "sale.order", order.id, backend, "The total differs. Once reviewed, the order is confirmed.",
                       severity="warning", user=order.user_id, on_review="action_confirm")

    :param session: :class:`~odoo.addons.jobs_queue.session.ConnectorSession`
    :param model_name: name of the record's model
    :param record_id: its id
    :param backend_record: record of the backend it concerns
    :param message: what there is to review, for the user
    :param severity: ``"info"``, ``"warning"`` or ``"error"``
    :param user: record of ``res.users``: the person who is asked to review it and gets an activity; None: whoever comes first
    :param on_review: name of a method of the record, called without arguments and with the rights of the person who has reviewed it;
        a ``UserError`` leaves the record to be reviewed, a text that it returns is told to that person. The message should say what it
        does
    :return: the ``connector.checkpoint`` record
    :raise ValueError: the severity is unknown, or the record has no such method
    """
    checked_session(session)
    if on_review and not callable(getattr(type(session.env[model_name]), on_review, None)):
        raise ValueError(f"{model_name} has no method {on_review!r} that could be called on review")
    checkpoints = session.env["connector.checkpoint"].sudo()
    values = {
        "model_id": session.env["ir.model"]._get_id(model_name),
        "record_id": record_id,
        "backend_id": f"{backend_record._name},{backend_record.id}",
        "message": storable_or_none(message) or False,
        "on_review": on_review or False,
        "state": "need_review",
    }
    waiting = checkpoints.search([(name, "=", value) for name, value in values.items()], limit=1)
    if waiting:
        return waiting
    # an activity each would be a mail each, too: the reviewer reads the digest
    checkpoints = checkpoints.with_context(
        mail_create_nolog=True, mail_create_nosubscribe=True, mail_activity_quick_update=True
    )
    checkpoint = checkpoints.create(
        {
            **values,
            "severity": severity,
            "user_id": user.id if user else False,
            "company_id": backend_record.company_id.id,
        }
    )
    if user:
        summary = checkpoint.with_context(lang=user.lang).env._("Review %s", checkpoint.name)
        checkpoint.activity_schedule("mail.mail_activity_data_todo", summary=summary, user_id=user.id)
    return checkpoint
