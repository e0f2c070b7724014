"""Wizard: what the connection test of a backend has found."""

from odoo import Command, api, fields, models

from ..backend import reference

OUTCOMES = [("ok", "All Right"), ("unknown", "Not Known"), ("wrong", "Wrong"), ("not_asked", "Not Asked")]


class ConnectorConnectionTest(models.TransientModel):
    _name = "connector.connection.test"
    _description = "Connection Test"

    backend_id = fields.Reference(selection="_select_backends", required=True, readonly=True)
    outcome = fields.Selection(OUTCOMES, compute="_compute_outcome")
    waits = fields.Boolean(compute="_compute_waits", help="The jobs of the backend wait, whatever the test has found")
    line_ids = fields.One2many("connector.connection.test.line", "test_id", readonly=True)

    @api.model
    def _select_backends(self):
        return self.env["connector.checkpoint"]._select_backends()

    @api.depends("line_ids.outcome")
    def _compute_outcome(self):
        for test in self:
            found = test.line_ids.mapped("outcome")
            test.outcome = next((outcome for outcome in ("wrong", "not_asked", "unknown") if outcome in found), "ok")

    @api.depends("backend_id")
    def _compute_waits(self):
        for test in self:
            test.waits = not test.backend_id.active or test.backend_id.state != "ready"

    @api.model
    def _show(self, backend, findings):
        """Return the action that shows findings.

        :param findings: list of :class:`~..unit.connection_test.finding.Finding`
        """
        test = self.create(
            {
                "backend_id": reference(backend),
                "line_ids": [
                    Command.create({"subject": found.subject, "outcome": found.outcome, "text": found.text})
                    for found in findings
                ],
            }
        )
        action = self.env["ir.actions.act_window"]._for_xml_id("connector.connector_connection_test_action")
        return {**action, "res_id": test.id}


class ConnectorConnectionTestLine(models.TransientModel):
    _name = "connector.connection.test.line"
    _description = "Finding of a Connection Test"

    test_id = fields.Many2one("connector.connection.test", required=True, ondelete="cascade")
    subject = fields.Char(readonly=True)
    outcome = fields.Selection(OUTCOMES, readonly=True)
    text = fields.Text(string="Found", readonly=True)
