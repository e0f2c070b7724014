"""Aspect of ``connector.backend``: its tokens, and the persons who authorise us."""

import base64
import hashlib
import logging
from contextlib import contextmanager
from urllib.parse import urlencode, urlsplit

from odoo import api, models
from odoo.exceptions import UserError

from odoo.addons.jobs_queue import store
from odoo.addons.jobs_queue.exception import ConnectorException
from odoo.addons.jobs_queue.session import ConnectorSession

from ..exception import ExtensionConflict, InvalidBackend, ManyConnectorUnitError, NoConnectorUnitError
from ..unit.backend_adapter.crud import BackendAdapter
from ..unit.unit_list import model_names

_logger = logging.getLogger(__name__)

#: Path to which the other system leads a person back.
CALLBACK = "/connector/oauth/callback"


class ConnectorBackend(models.AbstractModel):
    """The tokens that a system has given us, and how a person makes it do so."""

    _inherit = "connector.backend"

    def _compute_is_authorized(self):
        for backend in self:
            names = backend._models_to_authorize()
            tokens = backend._tokens_for(names) if backend.id else ()
            backend.needs_authorization = bool(names)
            backend.is_authorized = bool(names) and sum(bool(token.access_token) for token in tokens) == len(names)
            backend.was_authorized = any(token.number for token in tokens)

    def _tokens_for(self, names):
        """Return the tokens that the adapters of some models need, as far as there are any."""
        purposes = []
        try:
            purposes = [self._purpose(name) for name in names]
        except Exception as error:
            # what they need to ask for one is not entered yet. The form has to open all the same
            _logger.info("Whether %s is authorised cannot be told: %s", self, error)
        return self._tokens().filtered(lambda token: token.purpose in purposes)

    def _compute_authorization_callback(self):
        for backend in self:
            saved = backend._origin
            name = saved and f"{saved._name}-{saved.id}"
            backend.authorization_callback = f"{backend.get_base_url()}{CALLBACK}/{name}" if name else False

    def _tokens(self):
        return (
            self.env["connector.token"]
            .sudo()
            .search([("backend_model", "=", self._name), ("backend_id", "in", self.ids)])
        )

    def _models_to_authorize(self):
        """Return the names of models for whose adapters a person has to authorise us.

        For adapters that authenticate in the same way, one model stands.
        """
        session, found = ConnectorSession.from_env(self.env), {}
        try:
            backend = self.get_backend()
        except InvalidBackend:
            return []
        for model_name in model_names(backend, session):
            try:
                adapter = backend.get_class(BackendAdapter, session, model_name)
            except (NoConnectorUnitError, ManyConnectorUnitError, ExtensionConflict):
                continue
            if getattr(auth := getattr(adapter, "auth", None), "authorize", None) is not None:
                found.setdefault((repr(auth), repr(adapter.base)), model_name)
        return list(found.values())

    def _purpose(self, model_name):
        """Return the purpose of the token that the adapter of a model needs."""
        with self._adapter(model_name) as adapter:
            return adapter.auth.of(adapter).purpose

    @contextmanager
    def _adapter(self, model_name):
        with self.work_on(model_name) as environment:
            yield environment.get_connector_unit(BackendAdapter)

    def action_authorize(self):
        """Lead the user to the page of the other system where he authorises us.

        If several tokens are needed, it is the page for one that is not there.
        """
        self.ensure_one()
        self.check_access("write")
        names = self._models_to_authorize()
        if not names:
            raise UserError(self.env._("Nobody has to authorise us for %s.", self.display_name))
        if not store.database.is_original(self.env.cr):
            raise UserError(
                self.env._("This database is a copy: the system would refuse the production database then.")
            )
        there = {token.purpose for token in self._tokens() if token.access_token}
        try:
            model_name = next((name for name in names if self._purpose(name) not in there), names[0])
            with self._adapter(model_name) as adapter:
                address, parameters = adapter.auth.page(adapter)
        except ConnectorException as error:
            raise UserError(str(error)) from error
        state, verifier = self.env["connector.authorization"]._begin(self, model_name, self.authorization_callback)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        parameters |= {
            "redirect_uri": self.authorization_callback,
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        joint = "&" if urlsplit(address).query else "?"
        return {"type": "ir.actions.act_url", "target": "self", "url": f"{address}{joint}{urlencode(parameters)}"}

    @api.private
    def authorize_with(self, model_name, code, verifier, callback):
        """Take the code that a person has brought from the other system; the jobs go on.

        :param model_name: name of the model whose adapter needs the token
        :param verifier: text that belongs to the code
        :param callback: address to which the person was led
        :raise CredentialsRefused: the other system refuses the code
        :raise FailedJobError: this database is a copy
        """
        self.env["connector.token"]._check_is_original()
        with self._adapter(model_name) as adapter:
            answer = adapter.auth.with_code(adapter, code, verifier, callback)
            purpose = adapter.auth.of(adapter).purpose
        self.env["connector.token"]._keep(self, purpose, answer)
        self._requeue_refused()
        self._forget_findings()
        # in a transaction of its own: others may have written the status meanwhile
        with self._shared_status() as (backend, status):
            if status:
                backend._set_ready()

    def _other_credentials(self):
        kept = any(token.access_token or token.refresh_token for token in self._tokens())
        return [*super()._other_credentials(), *([self.env._("Access Token")] if kept else [])]

    def _forget_credentials(self):
        self._tokens().unlink()
        return super()._forget_credentials()

    def unlink(self):
        self._tokens().unlink()
        begun = self.env["connector.authorization"].sudo()
        begun.search([("backend_model", "=", self._name), ("backend_id", "in", self.ids)]).unlink()
        return super().unlink()
