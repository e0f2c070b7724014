"""Authorisations that persons have begun and not ended: each waits for one return to Odoo."""

import hashlib
import secrets
from datetime import timedelta

from odoo import api, fields, models

from odoo.addons.jobs_queue import store

#: For how long a person may stay on the page of the other system.
_LONGEST = timedelta(minutes=10)


class ConnectorAuthorization(models.Model):
    """What we remember while a person is on the page of the other system.

    It is bound to the person, the backend and the address to which the page leads back. It can be
    used once: else who learns the address with which the person returns could use it, too (RFC
    6749, section 10.12).
    """

    _name = "connector.authorization"
    _description = "Authorisation in Progress"
    _log_access = False
    _rec_name = "model_name"

    state_hash = fields.Char(required=True, readonly=True)
    verifier = fields.Char(required=True, readonly=True, groups=fields.NO_ACCESS)
    user_id = fields.Many2one("res.users", required=True, readonly=True, ondelete="cascade")
    backend_model = fields.Char(required=True, readonly=True)
    backend_id = fields.Many2oneReference(model_field="backend_model", required=True, readonly=True)
    model_name = fields.Char(required=True, readonly=True, help="Binding model of the adapter that needs the token")
    callback = fields.Char(required=True, readonly=True)
    date_end = fields.Datetime(required=True, readonly=True)

    _state_uniq = models.UniqueIndex("(state_hash)")

    @api.model
    def _begin(self, backend, model_name, callback):
        """Remember that the user goes to the page of the other system.

        :return: ``(state, verifier)``, texts that nobody can guess
        """
        state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(64)
        self.sudo().create(
            {
                "state_hash": _hash(state),
                "verifier": verifier,
                "user_id": self.env.uid,
                "backend_model": backend._name,
                "backend_id": backend.id,
                "model_name": model_name,
                "callback": callback,
                "date_end": self.env.cr.now() + _LONGEST,
            }
        )
        return state, verifier

    @api.model
    def _take(self, state):
        """Return the values of the authorisation with this state, and forget it.

        It is forgotten at once, in a transaction of its own, whatever becomes of the request. One
        DELETE finds the row: of two requests with the same state only one gets it.

        :return: dict, None if there is none, it belongs to another user, or its time is over
        """
        with store.sql.own_cursor(self.env) as cr:
            cr.execute(
                f"""
                DELETE FROM connector_authorization WHERE state_hash = %s
                RETURNING user_id = %s AND date_end > {store.sql.NOW}, verifier, backend_model, backend_id, model_name, callback
                """,
                (_hash(state), self.env.uid),
            )
            row = cr.fetchone()
        if row is None or not row[0]:
            return None
        return dict(zip(("verifier", "backend_model", "backend_id", "model_name", "callback"), row[1:], strict=True))

    @api.autovacuum
    def _delete_old(self):
        self.sudo().search([("date_end", "<", self.env.cr.now())]).unlink()


def _hash(state):
    return hashlib.sha256(state.encode()).hexdigest()
