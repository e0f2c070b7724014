"""Authentication with a token that the system gives: asked for once, kept for all jobs."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from requests import PreparedRequest
from requests.auth import AuthBase

from odoo.models import BaseModel
from odoo.tools import hmac

from odoo.addons.jobs_queue.seconds import as_seconds

from ...credentials.origin import origin_of
from .auth import BasicAuth, header_value

if TYPE_CHECKING:
    from .http import HttpAdapter


class TokenAnswer(NamedTuple):
    """What a system answers to who asks for a token."""

    access: str
    #: With it the next token is asked for; None: as before
    refresh: str | None = None
    #: Seconds for which the access token is valid; None: until it is refused
    seconds: float | None = None


class Token(NamedTuple):
    """A token as this process knows it."""

    access: str
    #: Which of the tokens for the purpose it is: each renewal adds one
    number: int
    #: ``time.monotonic()`` from which it is looked up again
    ends: float
    #: ``time.monotonic()`` at which this process saw that it replaces another one; None: nobody
    #: knows how old it is
    replaced: float | None = None


#: Seconds for which a process uses a token without looking it up: a person may have authorised us
#: anew, as another user, or the database may have been restored.
KNOWN_SECONDS = 60
#: Seconds for which a token that replaces another one counts as new, from when a process sees it.
#: That is at most twice :data:`KNOWN_SECONDS` after the system has given it.
NEW_SECONDS = 60

#: The tokens that this process has used: (database, model and id of the backend, purpose) to token.
_known: dict[tuple[str, str, int, str], Token] = {}


class StoredTokenAuth(AuthBase):
    """A token that the system gives, the same for all jobs of the backend until it ends.

    It is kept in ``connector.token``. When the system refuses it, or its time is over, one job asks
    for another one, and all others use that.

    :param adapter: who needs it
    :param purpose: what tells it apart from other tokens of the backend: where it is from, for
        which user, for which rights. Any value that JSON has; only a keyed hash of it is stored.
        With another secret, another token is asked for
    :param ask: ``function(refresh token or None)``, asks the system and returns a
        :class:`TokenAnswer`
    :param header: name of the header for the token
    :param prefix: what stands before the token in it
    """

    def __init__(
        self,
        adapter: HttpAdapter,
        purpose: Any,
        ask: Callable[[str | None], TokenAnswer],
        header: str = "Authorization",
        prefix: str = "Bearer ",
    ) -> None:
        self._backend: BaseModel = adapter.backend_record
        self._ask, self._header, self._prefix = ask, header, prefix
        # a token is for the server for which it was given
        self.purpose = self._hashed([repr(origin_of(adapter._base_url)), purpose])
        self._used: int | None = None
        self._refused: int | None = None

    @property
    def secrets(self) -> tuple[str, ...]:
        """The token, if this process knows it."""
        token = _known.get(self._key)
        return () if token is None else (token.access,)

    @property
    def is_new(self) -> bool:
        """Whether the token is too new to have ended.

        Each process knows it of the tokens whose renewal it sees. So what looks as if a token had
        ended makes one renewal a minute, and another one for each process that begins.
        """
        token = _known.get(self._key)
        if token is None or token.number != self._used or token.replaced is None:
            return False
        return time.monotonic() < token.replaced + NEW_SECONDS

    def renew(self) -> None:
        """Note that the system has refused the token; the next request needs another one."""
        self._refused = self._used

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        token = _known.get(self._key)
        if token is None or token.number == self._refused or token.ends < time.monotonic():
            token = _known[self._key] = self._looked_up(token)
        self._used = token.number
        request.headers[self._header] = header_value(f"{self._prefix}{token.access}")
        return request

    def _looked_up(self, before: Token | None) -> Token:
        """Return the token that is valid.

        :param before: the token that this process knows
        """
        tokens = self._backend.env["connector.token"]
        token: Token = tokens._current(self._backend, self.purpose, self._refused, self._ask)
        if before is None:
            return token
        if token.number == before.number:
            return token._replace(replaced=before.replaced)
        # one that this process has not used for long may have been replaced at any time since
        now = time.monotonic()
        return token._replace(replaced=now) if now < before.ends + KNOWN_SECONDS else token

    def _hashed(self, purpose: Any) -> str:
        """Return a text that tells purposes apart, and does not tell the secrets in them."""
        env = self._backend.env(su=True)
        return hmac(env, "connector.token", json.dumps(purpose, default=str, sort_keys=True))

    @property
    def _key(self) -> tuple[str, str, int, str]:
        backend = self._backend
        return backend.env.cr.dbname, backend._name, backend.id, self.purpose


class ClientCredentialsAuth(StoredTokenAuth):
    """OAuth 2 token by client credentials (RFC 6749, section 4.4).

    :param adapter: the :class:`~odoo.addons.connector.unit.backend_adapter.http.HttpAdapter` that
        requests the token
    :param token_url: address of the token endpoint
    :param client_id: name of the client
    :param client_secret: secret of the client
    :param scope: permissions to ask for, None if the system does not need a scope
    """

    def __init__(
        self, adapter: HttpAdapter, token_url: str, client_id: str, client_secret: str, scope: str | None = None
    ) -> None:
        client = BasicAuth(client_id, client_secret)
        form = {"grant_type": "client_credentials", **({"scope": scope} if scope else {})}

        def ask(_refresh_token: str | None) -> TokenAnswer:
            return token_in(adapter.request_token(token_url, form, client))

        super().__init__(adapter, [token_url, client_id, client_secret, scope], ask)
        self._client = client

    @property
    def secrets(self) -> tuple[str, ...]:
        return self._client.secrets + super().secrets


def token_in(answer: Mapping[str, Any]) -> TokenAnswer:
    """Return the token in the answer of a token endpoint (RFC 6749, section 5.1).

    :param answer: dict with ``access_token``
    """
    refresh = answer.get("refresh_token")
    return TokenAnswer(answer["access_token"], refresh if isinstance(refresh, str) else None, _seconds_of(answer))


def _seconds_of(answer: Mapping[str, Any]) -> float | None:
    """Return for how many seconds a token is valid, None if the system does not say it."""
    try:
        seconds = as_seconds(float(answer["expires_in"]), "expires_in", clamp=True)
    except (KeyError, OverflowError, TypeError, ValueError):
        return None
    return seconds if seconds > 0 else None
