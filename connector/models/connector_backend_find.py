"""Aspect of ``connector.backend``: the button that finds a record by its number."""

from odoo import models

from ..backend import reference


class ConnectorBackend(models.AbstractModel):
    """The search of a backend."""

    _inherit = "connector.backend"

    def action_find(self):
        """Open the dialog that fetches a record by its number, and tells what has come of it."""
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id("connector.connector_find_action")
        return {
            **action,
            "name": self.env._("Find in %s", self.display_name),
            "context": {"dialog_size": "extra-large", "default_backend_id": reference(self)},
        }
