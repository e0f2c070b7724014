"""Tokens that systems have given us: each in a row of its own, renewed by one job for all."""

import time
from collections.abc import Callable

from psycopg2.errors import LockNotAvailable

from odoo import SUPERUSER_ID, api, fields, models

from odoo.addons.jobs_queue import store
from odoo.addons.jobs_queue.exception import ConnectorException, FailedJobError, RetryableJobError

from ..exception import CredentialsRefused
from ..unit.backend_adapter.tokens import KNOWN_SECONDS, Token, TokenAnswer

#: Seconds for which a job waits for another one that renews the token; then it is run again later.
_PATIENCE = 60
#: Seconds for which a person waits for it, whose code is valid once: longer than a request takes.
_PATIENCE_OF_PERSON = 700
#: Seconds before its end from which a token is not used any more: a request takes time.
_MARGIN = 30


class ConnectorToken(models.Model):
    """A token of a backend for a purpose.

    It is written by a short transaction of its own, never by that of a job. So a refresh token that
    the system has replaced survives when the job is rolled back, and people who edit the backend
    do not wait for it.
    """

    _name = "connector.token"
    _description = "Token of a Backend"
    _log_access = False
    _rec_name = "purpose"

    backend_model = fields.Char(required=True, readonly=True)
    backend_id = fields.Many2oneReference(model_field="backend_model", required=True, readonly=True)
    purpose = fields.Char(required=True, readonly=True)
    access_token = fields.Char(prefetch=False, readonly=True, groups=fields.NO_ACCESS)
    refresh_token = fields.Char(prefetch=False, readonly=True, groups=fields.NO_ACCESS)
    number = fields.Integer(readonly=True, aggregator=None, help="How many tokens there were for this purpose")
    date_end = fields.Datetime(readonly=True, help="From then on it is not used. Empty: until it is refused")

    _purpose_uniq = models.UniqueIndex("(backend_model, backend_id, purpose)")

    @api.model
    def _current(
        self, backend: models.BaseModel, purpose: str, refused: int | None, ask: Callable[[str | None], TokenAnswer]
    ) -> Token:
        """Return a valid token of a backend; ask the system for one if there is none.

        One request serves all who need a token at the same time. The row stays locked while the
        system is asked. Who comes meanwhile waits for the lock, and reads what was committed before
        it was released: so he sees a token with another number than the one that was refused to
        him. Nobody who holds the lock waits for another token, so there is no deadlock.

        :param purpose: which token is meant, also of which system and user
        :param refused: number of the token that the system has refused, None if none was
        :param ask: ``function(refresh token or None)``, asks the system
        :raise RetryableJobError: another job has been renewing the token for too long
        :raise FailedJobError: this database is a copy
        """
        with store.sql.own_cursor(self.env) as cr:
            tokens = self.with_env(self.env(cr=cr, user=SUPERUSER_ID, su=True))
            token: Token | ConnectorException
            row = tokens._locked(backend, purpose, _PATIENCE)
            try:
                token = row._valid(refused, ask)
            except ConnectorException as error:
                # what asking has noted on the backend is committed already; but in a test it is a
                # part of this transaction, which must not be rolled back
                token = error
                if isinstance(error, CredentialsRefused):
                    row.access_token = False  # it has ended, and there is no other one
            if not backend.with_env(tokens.env).exists():
                cr.rollback()  # nobody knows whether the backend will be committed
        if isinstance(token, ConnectorException):
            raise token
        return token

    @api.model
    def _keep(self, backend: models.BaseModel, purpose: str, answer: TokenAnswer) -> None:
        """Store a token that a person has authorised, in a transaction of its own."""
        with store.sql.own_cursor(self.env) as cr:
            tokens = self.with_env(self.env(cr=cr, user=SUPERUSER_ID, su=True))
            row = tokens._locked(backend, purpose, _PATIENCE_OF_PERSON)
            row.refresh_token = False  # that of the person before
            row._store(answer)

    @api.model
    def _locked(self, backend: models.BaseModel, purpose: str, patience: int) -> "ConnectorToken":
        """Return the row of a purpose, locked until the end of the transaction.

        It is created if there is none. Who creates it at the same time waits here for the other
        one.

        :param patience: seconds to wait
        :raise RetryableJobError: it is locked for longer
        """
        key = (backend._name, backend.id, purpose)
        # the server may end sessions that wait in a transaction; this one waits for the system
        self.env.cr.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        try:
            with self.env.cr.savepoint():
                self.env.cr.execute("SET LOCAL lock_timeout = %s", (f"{patience}s",))
                self.env.cr.execute(
                    "INSERT INTO connector_token (backend_model, backend_id, purpose, number) VALUES (%s, %s, %s, 0) "
                    "ON CONFLICT DO NOTHING",
                    key,
                )
                # a statement of its own: it sees what the former holder of the lock has committed
                self.env.cr.execute(
                    "SELECT id FROM connector_token WHERE (backend_model, backend_id, purpose) = (%s, %s, %s) FOR UPDATE",
                    key,
                )
                return self.browse(self.env.cr.fetchone())
        except LockNotAvailable:
            raise RetryableJobError(
                f"Another job has been renewing the token of {backend.display_name} for {patience} s",
                ignore_retry=True,
            ) from None

    def _valid(self, refused: int | None, ask: Callable[[str | None], TokenAnswer]) -> Token:
        """Return the token of this locked row; ask for another one if it is not valid."""
        seconds = self._seconds_left()
        if not self.access_token or self.number == refused or seconds <= 0:
            self._check_is_original()
            self._store(ask(self.refresh_token or None))
            seconds = self._seconds_left()
        return Token(self.access_token, self.number, time.monotonic() + min(seconds, KNOWN_SECONDS))

    def _store(self, answer: TokenAnswer) -> None:
        self.access_token = answer.access
        if answer.refresh:
            self.refresh_token = answer.refresh
        self.number += 1
        self.flush_recordset()
        self.env.cr.execute(
            f"UPDATE connector_token SET date_end = {store.sql.NOW} + make_interval(secs => %s) WHERE id = %s",
            (None if answer.seconds is None else answer.seconds - min(_MARGIN, answer.seconds / 2), self.id),
        )
        self.invalidate_recordset(["date_end"], flush=False)

    def _seconds_left(self) -> float:
        """Return for how many seconds the token may be used, by the clock of the database."""
        self.env.cr.execute(
            f"SELECT extract(epoch FROM date_end - {store.sql.NOW})::float8 FROM connector_token WHERE id = %s",
            (self.id,),
        )
        (seconds,) = self.env.cr.fetchone()
        return float("inf") if seconds is None else seconds

    def _check_is_original(self) -> None:
        """Check that this database may ask for tokens.

        A system that gives a new token may end the one from before: it would log production out.

        :raise FailedJobError: this database is a copy
        """
        if not store.database.is_original(self.env.cr):
            raise FailedJobError(
                "This database is a copy, so it asks for no token: the system might refuse that of the production database "
                "then. A button on the screen of workers makes this database the production database."
            )
