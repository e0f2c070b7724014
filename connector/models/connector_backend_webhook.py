"""Aspect of ``connector.backend``: its webhook, with an address and a secret."""

import secrets

from odoo import api, models

from odoo.addons.jobs_queue.session import ConnectorSession

from ..backend import reference
from ..exception import InvalidBackend, ManyConnectorUnitError, NoConnectorUnitError
from ..unit.webhook_receiver import WebhookReceiver


class ConnectorBackend(models.AbstractModel):
    """The address and the secret of a backend's webhook."""

    _inherit = "connector.backend"

    def _compute_has_webhook(self):
        for backend in self:
            try:
                backend.get_backend().get_class(WebhookReceiver, ConnectorSession.from_env(self.env), backend._name)
                backend.has_webhook = True
            except (InvalidBackend, NoConnectorUnitError, ManyConnectorUnitError):
                backend.has_webhook = False

    @api.depends("stored_webhook_token")
    def _compute_webhook_url(self):
        for backend in self:
            token = backend.stored_webhook_token
            address = f"{backend.get_base_url()}/connector/webhook/{backend._name}-{backend.id}/{token}"
            backend.webhook_url = token and address

    def _compute_webhook_secret(self):
        self.webhook_secret = False

    def _inverse_webhook_secret(self):
        for backend in self.filtered("webhook_secret"):
            backend.sudo().stored_webhook_secret = backend.webhook_secret.strip()
        self.invalidate_recordset(["webhook_secret"], flush=False)

    def action_renew_webhook(self):
        """Give these backends new webhook addresses.

        The former addresses are not known any more.
        """
        self.check_access("write")
        for backend in self:
            backend.sudo().stored_webhook_token = secrets.token_urlsafe(32)

    def unlink(self):
        keys = [reference(backend) for backend in self]
        self.env["connector.webhook.delivery"].sudo().search([("backend_id", "in", keys)]).unlink()
        return super().unlink()
