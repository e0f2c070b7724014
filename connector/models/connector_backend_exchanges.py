"""Aspect of ``connector.backend``: its exchange log; entries are written, opened and deleted."""

from odoo import api, models

from odoo.addons.jobs_queue import store
from odoo.addons.jobs_queue.by_code import JOB, by_code

from ..backend import reference


class ConnectorBackend(models.AbstractModel):
    """The exchange log of a backend."""

    _inherit = "connector.backend"

    def unlink(self):
        keys = [reference(backend) for backend in self]
        self.env["connector.exchange"].sudo().search([("backend_id", "in", keys)]).unlink()
        return super().unlink()

    def action_open_exchanges(self):
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id("connector.connector_exchange_action")
        return {**action, "domain": [("backend_id", "=", reference(self))]}

    def action_open_rehearsed(self):
        """Open what would have been sent, had there been no rehearsal."""
        action = self.action_open_exchanges()
        return {**action, "context": {"search_default_rehearsed": True}}

    @api.private
    def log_exchange(self, values):
        """Store an exchange in a transaction of its own, and return its id.

        It is kept also if the job fails. A backend that is not committed yet keeps nothing.

        :param values: dict of ``connector.exchange``
        :return: None if nothing was stored
        """
        record = self.sudo()
        with store.sql.own_cursor(self.env) as cr:
            env = self.env(cr=cr, su=True)
            if not self.with_env(env).exists():
                return None
            origin = {
                "backend_id": reference(self),
                "company_id": record.company_id.id,
                "job_id": by_code(self.env.context, JOB),
            }
            return env["connector.exchange"].create({**values, **origin}).id
