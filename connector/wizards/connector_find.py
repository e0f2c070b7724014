"""Dialog: find a record by the number that people know, there and here."""

from odoo import Command, api, fields, models
from odoo.exceptions import UserError

from odoo.addons.jobs_queue.exception import ConnectorException

from ..unit.find.fetch import ABSENT, Fetching

OUTCOMES = [
    ("imported", "Imported"),
    ("waits", "Waits"),
    ("blocked", "Blocked"),
    ("absent", "Not There"),
    ("several", "Choose"),
    ("unknown", "Not Known"),
]
_LONGEST_NUMBER = 250  # characters


class ConnectorFind(models.TransientModel):
    """What somebody looks for, what came of asking for it, and what has arrived of it before."""

    _name = "connector.find"
    _description = "Search by Number"

    backend_id = fields.Reference(selection="_select_backends", required=True, readonly=True)
    number = fields.Char(help="An order's number, a SKU, an e-mail address, or the ID in the other system")
    may_fetch = fields.Boolean(compute="_compute_may_fetch")
    found_number = fields.Char(readonly=True)
    answer_ids = fields.One2many("connector.find.answer", "find_id", string="Now", readonly=True)
    not_asked = fields.Char(readonly=True)
    line_ids = fields.One2many("connector.find.line", "find_id", string="What Has Arrived", readonly=True)
    searched = fields.Text(readonly=True, help="Where the search has looked")

    @api.model
    def _select_backends(self):
        return self.env["connector.checkpoint"]._select_backends()

    @api.depends("backend_id")
    def _compute_may_fetch(self):
        for find in self:
            find.may_fetch = find.backend_id.has_access("write")

    def action_find(self):
        """Fetch what has the number, if the user may, and tell what has arrived of it.

        :raise UserError: no number was entered
        """
        self.ensure_one()
        number = (self.number or "").strip()[:_LONGEST_NUMBER]
        if not number:
            raise UserError(self.env._("Enter an order's number, a SKU, an e-mail address or an ID."))
        backend = self.backend_id
        backend.check_access("read")
        fetched, not_asked = [], []
        if self.may_fetch:
            fetching = Fetching(backend)
            try:
                fetched = fetching.by_number(number)
            except ConnectorException as error:  # no code serves the backend
                raise UserError(str(error)) from error
            fetched.sort(key=lambda one: one.outcome == ABSENT)  # what was found comes first
            not_asked = fetching.not_asked
        self.sudo().write(
            {
                "number": number,
                "found_number": number,
                "not_asked": ", ".join(map(self._model_label, not_asked)),
                "answer_ids": [Command.clear(), *map(Command.create, map(self._answer_values, fetched))],
            }
        )
        self._tell_story()
        return self._show()

    def _answer_values(self, fetched):
        record = fetched.record
        return {
            "outcome": fetched.outcome,
            "subject": self._model_label(fetched.model_name) if fetched.model_name else self.backend_id.display_name,
            "text": fetched.text,
            "model_name": fetched.model_name,
            "external_id": fetched.external_id is not None and str(fetched.external_id),
            "is_number": isinstance(fetched.external_id, int),
            "record_model": record._name if record else False,
            "record_id": record.id if record else False,
        }

    def _model_label(self, model_name):
        return self.env["ir.model"]._get(model_name).name or model_name

    def _show(self):
        return {**self.backend_id.action_find(), "res_id": self.id}


class ConnectorFindAnswer(models.TransientModel):
    """What came of one record, or of the question to one model."""

    _name = "connector.find.answer"
    _description = "Answer to a Search by Number"

    find_id = fields.Many2one("connector.find", required=True, ondelete="cascade")
    outcome = fields.Selection(OUTCOMES, readonly=True)
    subject = fields.Char(readonly=True)
    text = fields.Text(string="Answer", readonly=True)
    model_name = fields.Char(readonly=True)
    external_id = fields.Char(readonly=True)
    is_number = fields.Boolean(readonly=True, help="Whether the other system has a whole number as ID")
    record_model = fields.Char(readonly=True)
    record_id = fields.Many2oneReference(model_field="record_model", readonly=True)

    def action_fetch(self):
        """Import the record that somebody has chosen among several with one number."""
        self.ensure_one()
        self.check_access("read")
        find = self.find_id
        find.backend_id.check_access("write")
        external_id = int(self.external_id) if self.is_number else self.external_id
        fetched = Fetching(find.backend_id).one(self.model_name, external_id)
        self.sudo().write(find._answer_values(fetched))
        find._tell_story()
        return find._show()

    def action_open(self):
        """Open the record, or the job that imports it."""
        return _open(self, self.record_model, self.record_id)


def _open(row, model_name, record_id):
    """Return the action that opens the record of a row.

    :raise UserError: there is none any more
    """
    row.ensure_one()
    row.check_access("read")
    record = row.env[model_name].browse(record_id).exists() if model_name in row.env else None
    if not record:
        raise UserError(row.env._("It does not exist any more."))
    return record.get_formview_action()
