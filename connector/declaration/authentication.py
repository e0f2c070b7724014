"""How an adapter authenticates, declared as a value: ``auth = Bearer(secret("token"))``."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from requests import PreparedRequest
from requests.auth import AuthBase

from odoo.addons.jobs_queue.exception import FailedJobError
from odoo.addons.jobs_queue.texts import shown

from ..unit.backend_adapter.auth import BasicAuth, BearerAuth, HmacAuth, header_value
from ..unit.backend_adapter.json_paths import check_path
from ..unit.backend_adapter.masking import without_userinfo
from ..unit.backend_adapter.tokens import StoredTokenAuth, TokenAnswer
from .values import fields_in, frozen

if TYPE_CHECKING:
    from .adapter import DeclaredAdapter

_DIGESTS = ("sha1", "sha256", "sha384", "sha512")
_JWT_ALGORITHMS = ("HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "ES512", "EdDSA")
_OAUTH1_SIGNATURES = ("HMAC-SHA1", "HMAC-SHA256", "HMAC-SHA512", "PLAINTEXT")
_JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"  # RFC 7523, section 2.1


class Authentication:
    """Base of the values for ``auth``.

    Each option may be a text, ``field()`` or ``secret()``. To authenticate in another way, inherit
    this class and write :meth:`of`.
    """

    def of(self, adapter: DeclaredAdapter) -> Any:
        """Return the auth object of ``requests`` for an adapter.

        :raise CredentialsRefused: a secret that it needs is empty on the backend
        """
        raise NotImplementedError(f"{type(self).__name__} does not say how it authenticates: it needs a method of()")


@dataclass(frozen=True)
class Basic(Authentication):
    """User and password: ``Basic(field("login"), secret("password"))``."""

    user: Any
    password: Any

    def of(self, adapter: DeclaredAdapter) -> Any:
        return BasicAuth(_text(adapter, self.user), _text(adapter, self.password))


@dataclass(frozen=True)
class Bearer(Authentication):
    """A token that somebody has entered: ``Bearer(secret("token"))``."""

    token: Any

    def of(self, adapter: DeclaredAdapter) -> Any:
        return BearerAuth(_text(adapter, self.token))


@dataclass(frozen=True)
class ApiKey(Authentication):
    """A key in a header, or as a parameter in the address.

    ``ApiKey(secret("api_key"), header="X-Api-Key")``, or ``parameter="key"``. Prefer a header:
    proxies write addresses into their logs.

    :param key: the key
    :param header: name of the header
    :param parameter: name of the parameter
    """

    key: Any
    header: str | None = None
    parameter: str | None = None

    def __post_init__(self) -> None:
        if bool(self.header) == bool(self.parameter):
            raise ValueError('ApiKey: name where the key is sent, either header="X-Api-Key" or parameter="key"')

    def of(self, adapter: DeclaredAdapter) -> Any:
        return _KeyAuth(_text(adapter, self.key), self.header, self.parameter)


@dataclass(frozen=True, kw_only=True)
class Hmac(Authentication):
    """A signature of the body in a header, made with a shared key.

    :param key: the key
    :param header: name of the header
    :param digest: sha1, sha256, sha384 or sha512
    :param prefix: text before the hexadecimal signature, such as ``sha256=``
    """

    key: Any
    header: str = "X-Signature"
    digest: str = "sha256"
    prefix: str = ""

    def __post_init__(self) -> None:
        _check_choice("Hmac, digest", self.digest, _DIGESTS)

    def of(self, adapter: DeclaredAdapter) -> Any:
        return HmacAuth(_text(adapter, self.key), self.header, self.digest, self.prefix)


@dataclass(frozen=True, kw_only=True)
class OAuth1(Authentication):
    """OAuth 1.0a with an access token that somebody has entered (RFC 5849).

    :param client: key of the client, also called the consumer
    :param secret: secret of the client
    :param token: access token
    :param token_secret: secret of the token
    :param signature: HMAC-SHA1, HMAC-SHA256, HMAC-SHA512 or PLAINTEXT
    """

    client: Any
    secret: Any
    token: Any
    token_secret: Any
    signature: str = "HMAC-SHA256"

    def __post_init__(self) -> None:
        _check_choice("OAuth1, signature", self.signature, _OAUTH1_SIGNATURES)

    def of(self, adapter: DeclaredAdapter) -> Any:
        declared = (self.client, self.secret, self.token, self.token_secret)
        client, secret, token, token_secret = (_text(adapter, value) for value in declared)
        return _OAuth1Auth(client, secret, token, token_secret, self.signature)


@dataclass(frozen=True, kw_only=True)
class OAuth2(Authentication):
    """OAuth 2 (RFC 6749): a token that the system gives, renewed when it ends, shared by all jobs.

    - ``OAuth2(token="/oauth/token", client=field("client_id"), secret=secret("client_secret"))``:
      client credentials.
    - with ``refresh=secret("refresh_token")``: a refresh token that somebody has entered.
    - with ``authorize="/oauth/authorize"``: somebody presses *Authorise* on the backend, and agrees
      on the system's page (authorization code with PKCE, RFC 7636). The system has to know our
      address ``/connector/oauth/callback``, which the backend shows.

    :param token: path below the base address, or a whole address, of the token endpoint
    :param client: id of the client
    :param secret: secret of the client; None for a public client
    :param scope: permissions to ask for, separated by spaces
    :param refresh: the first refresh token
    :param authorize: path or whole address of the page where a person agrees
    :param in_body: whether id and secret of the client are sent in the body, not by Basic
    :param extra: dict of further parameters for both addresses, such as ``audience``
    """

    token: Any
    client: Any
    secret: Any = None
    scope: Any = None
    refresh: Any = None
    authorize: Any = None
    in_body: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("token", "authorize"):
            _check_place(f"OAuth2, {name}", getattr(self, name), name == "authorize")
        if self.refresh is not None and self.authorize is not None:
            raise ValueError(
                "OAuth2 has refresh and authorize: the first refresh token is either entered or authorised"
            )
        if self.secret is None and self.refresh is None and self.authorize is None:
            raise ValueError('OAuth2 has no secret: client credentials need one, secret=secret("client_secret")')
        if not isinstance(self.extra, Mapping):
            raise ValueError(f'OAuth2, extra is {shown(self.extra)}: it must be a dict such as {{"audience": "api"}}')
        if self.authorize is not None and any(
            shown.is_secret for shown in fields_in([self.client, self.scope, self.extra])
        ):
            raise ValueError("OAuth2 has a secret in client, scope or extra: with authorize, the browser shows these")
        object.__setattr__(self, "extra", frozen(self.extra))

    def of(self, adapter: DeclaredAdapter) -> StoredTokenAuth:
        def ask(refresh_token: str | None) -> TokenAnswer:
            return self._ask(adapter, self._grant(adapter, refresh_token))

        return StoredTokenAuth(adapter, self._purpose(adapter), ask)

    def with_code(self, adapter: DeclaredAdapter, code: str, verifier: str, callback: str) -> TokenAnswer:
        """Ask for the token of a code that a person has brought from the system's page.

        :param verifier: the text whose hash was sent to that page (RFC 7636)
        :param callback: the address to which that page has led back
        :raise CredentialsRefused: the system refuses the code
        """
        grant = {"grant_type": "authorization_code", "code": code, "redirect_uri": callback, "code_verifier": verifier}
        return self._ask(adapter, grant)

    def page(self, adapter: DeclaredAdapter) -> tuple[str, dict[str, Any]]:
        """Return the address of the page where a person agrees, and its parameters."""
        parameters = {"response_type": "code", "client_id": _text(adapter, self.client), **adapter._values(self.extra)}
        if self.scope is not None:
            parameters["scope"] = _text(adapter, self.scope)
        return without_userinfo(_address(adapter, self.authorize)), parameters

    def _purpose(self, adapter: DeclaredAdapter) -> list[Any]:
        purpose = [_address(adapter, self.token), _text(adapter, self.client), self._scope(adapter)]
        if self.authorize is not None:
            return [*purpose, "code"]  # the grant of the person lasts longer than a secret of the client
        return [*purpose, _text(adapter, self.secret if self.refresh is None else self.refresh)]

    def _scope(self, adapter: DeclaredAdapter) -> str | None:
        return None if self.scope is None else _text(adapter, self.scope)

    def _grant(self, adapter: DeclaredAdapter, refresh_token: str | None) -> dict[str, str]:
        if self.refresh is not None:
            refresh_token = refresh_token or _text(adapter, self.refresh)
        elif self.authorize is None:
            refresh_token = None  # some systems give one for client credentials, too
        elif not refresh_token:
            raise adapter.needs_person()
        if refresh_token:
            return {"grant_type": "refresh_token", "refresh_token": refresh_token}
        scope = self._scope(adapter)
        return {"grant_type": "client_credentials", **({"scope": scope} if scope else {})}

    def _ask(self, adapter: DeclaredAdapter, grant: dict[str, str]) -> TokenAnswer:
        form = {**grant, **adapter._values(self.extra)}
        client = _text(adapter, self.client)
        secret = None if self.secret is None else _text(adapter, self.secret)
        auth = None if secret is None or self.in_body else BasicAuth(client, secret)
        if auth is None:
            form |= {"client_id": client, **({} if secret is None else {"client_secret": secret})}
        return adapter.token_by_form(_address(adapter, self.token), form, auth, self.authorize is not None)


@dataclass(frozen=True, kw_only=True)
class Jwt(Authentication):
    """A JSON Web Token that we sign (RFC 7519).

    ``Jwt(key=secret("private_key"), claims={"iss": field("account")}, algorithm="RS256")``. With
    ``token="/oauth/token"``, it is exchanged there for an access token (RFC 7523), as service
    accounts do.

    :param key: the shared key, or the private key as PEM
    :param claims: dict; the times ``iat`` and ``exp`` are added
    :param algorithm: such as HS256, RS256 or ES256
    :param headers: dict of further headers of the JWT, such as ``kid``
    :param seconds: how long a JWT is valid
    :param token: path or whole address of the token endpoint, None to send the JWT itself
    """

    key: Any
    claims: Mapping[str, Any]
    algorithm: str = "HS256"
    headers: Mapping[str, Any] = field(default_factory=dict)
    seconds: int = 300
    token: Any = None

    def __post_init__(self) -> None:
        _check_choice("Jwt, algorithm", self.algorithm, _JWT_ALGORITHMS)
        _check_place("Jwt, token", self.token, True)
        for name in ("claims", "headers"):
            if not isinstance(getattr(self, name), Mapping):
                raise ValueError(
                    f'Jwt, {name} is {shown(getattr(self, name))}: it must be a dict such as {{"iss": "odoo"}}'
                )
            object.__setattr__(self, name, frozen(getattr(self, name)))

    def of(self, adapter: DeclaredAdapter) -> Any:
        if self.token is None:
            return BearerAuth(self._signed(adapter))
        address = _address(adapter, self.token)

        def ask(_refresh_token: str | None) -> TokenAnswer:
            return adapter.token_by_form(
                address, {"grant_type": _JWT_GRANT, "assertion": self._signed(adapter)}, None, False
            )

        purpose = [address, adapter._values(self.claims), _text(adapter, self.key)]
        return StoredTokenAuth(adapter, purpose, ask)

    def _signed(self, adapter: DeclaredAdapter) -> str:
        # a process without such an adapter starts without it
        import jwt

        now = int(time.time())
        claims = {**adapter._values(self.claims), "iat": now, "exp": now + self.seconds}
        try:
            return jwt.encode(claims, _text(adapter, self.key), self.algorithm, headers=adapter._values(self.headers))
        except (jwt.exceptions.PyJWTError, TypeError, ValueError):
            raise FailedJobError(
                adapter._(
                    "The key of %(backend)s is none for %(algorithm)s: enter the right one, as PEM if it is a private key.",
                    backend=adapter.environment.backend_name,
                    algorithm=self.algorithm,
                )
            ) from None


@dataclass(frozen=True, kw_only=True)
class Login(Authentication):
    """A call that logs in and gives a token, which is sent until the system refuses it.

    ``Login(path="/login", json={"user": field("login"), "password": secret("password")},
    token="data.token")``

    :param path: path or whole address of the login
    :param json: dict, the body of the request
    :param token: JMESPath to the token in the answer; None: the answer is the token
    :param seconds: how long a token is valid; None: until it is refused
    :param header: name of the header for the token
    :param prefix: what stands before the token in it
    """

    path: Any
    json: Mapping[str, Any]
    token: str | None = None
    seconds: float | None = None
    header: str = "Authorization"
    prefix: str = "Bearer "

    def __post_init__(self) -> None:
        _check_place("Login, path", self.path, False)
        if not isinstance(self.json, Mapping):
            raise ValueError(f'Login, json is {shown(self.json)}: it must be a dict such as {{"user": field("login")}}')
        if self.token is not None:
            check_path(self.token, "Login, token")
        object.__setattr__(self, "json", frozen(self.json))

    def of(self, adapter: DeclaredAdapter) -> StoredTokenAuth:
        address, body = _address(adapter, self.path), adapter._values(self.json)

        def ask(_refresh_token: str | None) -> TokenAnswer:
            return TokenAnswer(adapter.token_of_login(address, body, self.token), None, self.seconds)

        return StoredTokenAuth(adapter, [address, body], ask, self.header, self.prefix)


class _KeyAuth(AuthBase):
    def __init__(self, key: str, header: str | None, parameter: str | None) -> None:
        self.secrets = (key,)
        self._key, self._header, self._parameter = key, header, parameter

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        if self._header:
            request.headers[self._header] = header_value(self._key)
        elif self._parameter:
            request.prepare_url(_without(request.url or "", self._parameter), {self._parameter: self._key})
        return request


class _OAuth1Auth(AuthBase):
    def __init__(self, client: str, secret: str, token: str, token_secret: str, signature: str) -> None:
        # a process without such an adapter starts without it
        from requests_oauthlib import OAuth1 as Signature

        self.secrets = (secret, token, token_secret)
        self._sign = Signature(client, secret, token, token_secret, signature_method=signature)

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        return self._sign(request)


def _text(adapter: DeclaredAdapter, declared: Any) -> str:
    return str(adapter._value(declared))


def _without(url: str, name: str) -> str:
    """Return an address without a parameter: a link to the next page may have it already."""
    parts = urlsplit(url)
    pairs = parts.query.split("&")
    return urlunsplit(parts._replace(query="&".join(pair for pair in pairs if pair.partition("=")[0] != name)))


def _address(adapter: DeclaredAdapter, place: str) -> str:
    """Return the whole address of a path below the base address, or of a whole address."""
    return place if "://" in place else adapter._url(place)


def _check_place(name: str, place: Any, is_optional: bool) -> None:
    # no field(): who may change it could have the secrets sent to a server of his own
    if not (place is None and is_optional) and not (isinstance(place, str) and place):
        raise ValueError(f"{name} is {shown(place)}: it must be a path such as '/oauth/token', or a whole address")


def _check_choice(name: str, value: Any, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ValueError(f"{name} is {shown(value)}: it must be one of {', '.join(choices)}")
