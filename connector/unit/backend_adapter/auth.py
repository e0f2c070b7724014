"""Authentication methods for HTTP requests: basic, bearer token, HMAC and OAuth 2.

Each is an auth object of ``requests``, and names its secrets, so that they can be left out of
messages. Auth objects take precedence over a ``.netrc``. The headers that they add are not sent to
another host.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from requests import PreparedRequest
from requests.auth import AuthBase, HTTPBasicAuth

from odoo.addons.jobs_queue.seconds import as_seconds

if TYPE_CHECKING:
    from .http import HttpAdapter


class BasicAuth(HTTPBasicAuth):
    """User and password, as text in any script."""

    def __init__(self, user: str, password: str) -> None:
        super().__init__(user.encode(), password.encode())
        self.secrets = (password,)


class BearerAuth(AuthBase):
    """A token in the header ``Authorization``."""

    def __init__(self, token: str) -> None:
        self.secrets = (token,)
        self._token = token

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}".encode()
        return request


class HmacAuth(AuthBase):
    """A signature of the body in a header.

    For a system that signs more than the body, override :meth:`signed`.

    :param key: the shared secret
    :param header: name of the header
    :param digest: name of the hash function, as of ``hashlib``
    :param prefix: text before the hexadecimal signature, such as ``sha256=``
    """

    def __init__(self, key: str, header: str = "X-Signature", digest: str = "sha256", prefix: str = "") -> None:
        self.secrets = (key,)
        self._key, self._header, self._digest, self._prefix = key, header, digest, prefix

    def signed(self, request: PreparedRequest) -> bytes:
        """Return the bytes that are signed.

        :param request: :class:`requests.PreparedRequest`
        """
        body: Any = request.body or b""  # a text or bytes, see sending.py
        return body.encode() if isinstance(body, str) else body

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        signature = hmac.new(self._key.encode(), self.signed(request), getattr(hashlib, self._digest)).hexdigest()
        request.headers[self._header] = self._prefix + signature
        return request


# (token address, client, scope, hash of its secret): (token, time when it expires); shared by the
# jobs of a process
_tokens: dict[tuple[Any, ...], tuple[str, float]] = {}

#: Seconds for which a token is used if its answer names no expiry
_USUAL = 3600
#: Seconds before its expiry from which a token is not used any more
_MARGIN = 30


class ClientCredentialsAuth(AuthBase):
    """OAuth 2 token by client credentials, cached in this process until it expires.

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
        self._adapter, self._token_url, self._scope = adapter, token_url, scope
        self._client = BasicAuth(client_id, client_secret)
        self._key = token_url, client_id, scope, hashlib.sha256(client_secret.encode()).digest()

    @property
    def secrets(self) -> tuple[str, ...]:
        return self._client.secrets + _tokens.get(self._key, ())[:1]

    def renew(self) -> None:
        """Forget the token that the system has refused; the next request asks for a new one."""
        _tokens.pop(self._key, None)

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        token, ends = _tokens.get(self._key, (None, 0))
        if ends < time.time():
            token = self._ask()
        request.headers["Authorization"] = f"Bearer {token}".encode()
        return request

    def _ask(self) -> str:
        form = {"grant_type": "client_credentials", **({"scope": self._scope} if self._scope else {})}
        answer = self._adapter.request_token(self._token_url, form, self._client)
        _tokens[self._key] = answer["access_token"], time.time() + _seconds_of(answer) - _MARGIN
        return answer["access_token"]


def _seconds_of(answer: Mapping[str, Any]) -> float:
    """Return for how many seconds a token is valid.

    A token without an expiry is renewed when it is refused.
    """
    try:
        return as_seconds(float(answer["expires_in"]), "expires_in", clamp=True)
    except (KeyError, OverflowError, TypeError, ValueError):
        return _USUAL
