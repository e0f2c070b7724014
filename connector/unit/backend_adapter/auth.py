"""Ways to authenticate. Each is an auth object of ``requests``, and names its secrets, so that they can be left out of messages.

As auth objects they take precedence over a ``.netrc``, and what they add does not follow to another host.
"""

import hashlib
import hmac
import time

from requests.auth import AuthBase, HTTPBasicAuth

from odoo.addons.jobs_queue.seconds import as_seconds


class BasicAuth(HTTPBasicAuth):
    """User and password, as text of any script."""

    def __init__(self, user, password):
        super().__init__(user.encode(), password.encode())
        self.secrets = (password,)


class BearerAuth(AuthBase):
    """A token in the header ``Authorization``."""

    def __init__(self, token):
        self.secrets = (token,)
        self._token = token

    def __call__(self, request):
        request.headers["Authorization"] = f"Bearer {self._token}".encode()
        return request


class HmacAuth(AuthBase):
    """A signature of the body, in a header.

    Systems that sign more than the body override :meth:`signed`.

    :param key: the secret that both sides know
    :param header: name of the header
    :param digest: name of the hash function, as of ``hashlib``
    :param prefix: text before the hexadecimal signature, such as ``sha256=``
    """

    def __init__(self, key, header="X-Signature", digest="sha256", prefix=""):
        self.secrets = (key,)
        self._key, self._header, self._digest, self._prefix = key, header, digest, prefix

    def signed(self, request):
        """Return the bytes that are signed.

        :param request: :class:`requests.PreparedRequest`
        """
        body = request.body or b""
        return body.encode() if isinstance(body, str) else body

    def __call__(self, request):
        signature = hmac.new(self._key.encode(), self.signed(request), getattr(hashlib, self._digest)).hexdigest()
        request.headers[self._header] = self._prefix + signature
        return request


# (token address, client, scope, hash of its secret): (token, time when it ends); shared by the jobs of a process
_tokens: dict[tuple, tuple[str, float]] = {}

#: Seconds for which a token is used that does not say how long it is good
_USUAL = 3600
#: Seconds before its end from which a token is not used any more
_MARGIN = 30


class ClientCredentialsAuth(AuthBase):
    """A token of OAuth 2 that is asked for with the client's credentials, kept by this process until it ends.

    :param adapter: the :class:`~odoo.addons.connector.unit.backend_adapter.http.HttpAdapter` over which the token is asked for
    :param token_url: address that gives tokens
    :param client_id: the client's name
    :param client_secret: its secret
    :param scope: what the token shall allow, None where the system does not ask
    """

    def __init__(self, adapter, token_url, client_id, client_secret, scope=None):
        self._adapter, self._token_url, self._scope = adapter, token_url, scope
        self._client = BasicAuth(client_id, client_secret)
        self._key = token_url, client_id, scope, hashlib.sha256(client_secret.encode()).digest()

    @property
    def secrets(self):
        return self._client.secrets + _tokens.get(self._key, ())[:1]

    def renew(self):
        """Forget the token, which the system has refused; the next request asks for another one."""
        _tokens.pop(self._key, None)

    def __call__(self, request):
        token, ends = _tokens.get(self._key, (None, 0))
        if ends < time.time():
            token = self._ask()
        request.headers["Authorization"] = f"Bearer {token}".encode()
        return request

    def _ask(self):
        form = {"grant_type": "client_credentials", **({"scope": self._scope} if self._scope else {})}
        answer = self._adapter.request_token(self._token_url, form, self._client)
        _tokens[self._key] = answer["access_token"], time.time() + _seconds_of(answer) - _MARGIN
        return answer["access_token"]


def _seconds_of(answer):
    """Return for how many seconds a token is good; one that does not say it is asked for anew when it is refused."""
    try:
        return as_seconds(float(answer["expires_in"]), "expires_in", clamp=True)
    except (KeyError, OverflowError, TypeError, ValueError):
        return _USUAL
