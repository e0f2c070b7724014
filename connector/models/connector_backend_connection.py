"""Aspect of ``connector.backend``: the button that tests the connection."""

from odoo import models
from odoo.exceptions import UserError

from odoo.addons.jobs_queue.exception import ConnectorException

from ..unit.connection_test.checks import check_connection


class ConnectorBackend(models.AbstractModel):
    """The connection test of a backend."""

    _inherit = "connector.backend"

    def action_test_connection(self):
        """Ask the system what has to be right, and show what was found.

        The state of the backend stays as it is, whatever is found: saving new credentials is what
        lets its jobs go on.
        """
        self.ensure_one()
        self.check_access("write")
        try:
            findings = check_connection(self)
        except ConnectorException as error:
            raise UserError(str(error)) from error
        self._note_findings(findings)
        return self.env["connector.connection.test"]._show(self, findings)
