"""Adapter for external systems with an HTTP API."""

import logging
import re
import ssl
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import psycopg2
import requests
from urllib3.exceptions import NewConnectionError

from odoo.addons.jobs_queue.by_code import by_code
from odoo.addons.jobs_queue.exception import (
    CONCURRENCY_ERRORS,
    FailedJobError,
    JobError,
    NetworkRetryableError,
    RetryableJobError,
)
from odoo.addons.jobs_queue.texts import shown, storable

from ...credentials.origin import origin_of
from ...exception import CredentialsRefused, InvalidDataError, UnreadableAnswer
from ...extension import class_name
from ..connector_unit import Environment
from ..types import ExternalId
from .answer import AnswerTooLong, AnswerTooSlow, TimedSession, ask
from .auth import BearerAuth
from .crud import CRUDAdapter
from .decoding import MOST_VALUES, TooManyValues, header_text, json_content, json_or_none
from .errors import (
    UNAVAILABLE,
    VAGUE,
    Refusal,
    exception_for,
    message_in,
    noting,
    parse_date,
    retry_after,
    what_happened,
)
from .masking import masked_body, masked_headers, masked_start, masked_url, without_userinfo
from .paging import Paging
from .paths import path_below, what_is_unquoted
from .rehearsal import hold_back, is_held_back
from .sending import prepared

_logger = logging.getLogger(__name__)

_IDEMPOTENT = ("GET", "HEAD", "OPTIONS", "PUT", "DELETE")
_READING = ("GET", "OPTIONS")
_WITHOUT_WRITING = ("GET", "HEAD", "OPTIONS")
_NOT_MODIFIED = 304
# The beginning of a whole address
_WHOLE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_WITHOUT_CONTENT = (204, 205)
# Errors of a token endpoint that say nothing about our credentials (RFC 6749, section 4.1.2.1)
_PASSING = ("server_error", "slow_down", "temporarily_unavailable")
# Errors of a token endpoint by which our request is wrong, not our credentials (section 5.2)
_OF_REQUEST = ("invalid_request", "invalid_scope", "unsupported_grant_type")
# What the form for a token has that nobody else may see
_SECRETS_OF_FORM = ("assertion", "client_assertion", "client_secret", "code", "code_verifier", "refresh_token")
# Errors that the network causes. All others are due to the request, and say nothing about whether
# the system can be reached
_OF_THE_NETWORK = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)
# What code raises that looks in an answer for what is not there; a SyntaxError is one of XML
_AT_READING = (UnreadableAnswer, LookupError, TypeError, AttributeError, ValueError, SyntaxError)
#: Seconds in which an answer has to be complete
_LONGEST_READING = 300
#: Characters of a message of the external system that are looked at, and that are shown
_LONGEST_MESSAGE = 10_000
_LONGEST_SHOWN = 500


class HttpAdapter(Paging, CRUDAdapter):
    """Adapter for an external system with an HTTP API.

    A connector defines the address and the credentials, and sends requests with :meth:`request`::

        @shop
        class ProductAdapter(HttpAdapter):
            _model_name = "shop.product.product"

            @property
            def _base_url(self):
                return self.backend_record.location

            def _auth(self):
                return BearerAuth(self.backend_record.sudo().token)

            def read(self, external_id, fields=None):
                return self.request_json("GET", self.path("/products", external_id))

            def search(self, filters=None):
                pages = self.pages_by_number("/products", filters)
                return [product["id"] for page in pages for product in page]

    All adapters of an environment share one pool of connections. Errors become exceptions that
    decide what happens to the job:

    ======================================  ========================
    unreachable, time-out, connection lost  NetworkRetryableError
    answer cut                              NetworkRetryableError
    certificate not valid                   NetworkRetryableError; the backend is paused at once
    address or header not valid             FailedJobError
    body that cannot be sent, path unquoted InvalidDataError
    answer too long or not readable         UnreadableAnswer
    unsuccessful answer, :meth:`refusal`    see ``exception_for`` in ``errors.py``
    ======================================  ========================

    Redirections are not followed: the credentials are only for the address that a person has
    entered. No message contains a secret.
    """

    holds_back_requests = True

    # the way to quote an id, for a message
    _how_to_quote = 'self.path("/products", external_id)'

    #: Seconds to wait for a connection, and seconds without a byte after which a request is given
    #: up
    _timeout: tuple[float | None, float | None] = (10, 60)

    #: Maximum bytes of an answer, after decompression
    _longest_answer: int = 50_000_000

    #: Maximum number of values in the JSON of an answer, where each list and dict is one
    _most_values: int = MOST_VALUES

    #: Statuses with a special meaning in this system: {status: class of exception}
    _exceptions: dict[int, type[Exception]] = {}

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        #: id of the last ``connector.exchange`` that was stored, None if there is none
        self.last_exchange_id: int | None = None
        #: The clock of the external system at its last answer: datetime in UTC, None if unknown
        self.clock: datetime | None = None

    # For connectors to override

    @property
    def _base_url(self) -> str:
        """The base address of the system; the paths of :meth:`request` are below it."""
        raise NotImplementedError(f"{type(self).__name__} does not define _base_url, a property")

    @property
    def _longest_reading(self) -> float:
        """Maximum seconds from before the request is sent to the last byte of the answer.

        By default 300, or the time that :attr:`_timeout` allows before the first byte, if it is
        more.
        """
        return max(_LONGEST_READING, sum(filter(None, self._timeout)))

    def _auth(self) -> Any:
        """Return the auth object of ``requests``, see ``auth.py``, None for no authentication."""
        return None

    def _secrets(self) -> Iterable[str]:
        """Return the texts that no message may contain, by default those of :meth:`_auth`."""
        return getattr(self._auth(), "secrets", ())

    def refusal(self, answer: requests.Response) -> Refusal | None:
        """Return the refusal in the content of an answer; None: its status says all.

        It is asked about each answer, whatever its status, before it is accepted. Systems need it
        that answer every request with success, as GraphQL, JSON-RPC and SOAP do, or that say by one
        status what differs::

            def refusal(self, answer):
                body = self.json_of(answer)
                for error in body.get("errors", ()) if isinstance(body, dict) else ():
                    code = error["extensions"]["code"]
                    statuses = {"UNAUTHENTICATED": 401, "FORBIDDEN": 403, "THROTTLED": 429}
                    status = statuses.get(code, 422)
                    return Refusal(status, error["message"])

        An unsuccessful answer may be that of a gateway: where it cannot be read, its status
        decides. So it does where the refusal has the status 422 or 500, which say no more; its
        seconds to wait count all the same.

        :param answer: :class:`requests.Response`
        :return: :class:`~odoo.addons.connector.unit.backend_adapter.errors.Refusal`. What its
            status means is what an answer with this status means: by 401 a token that can be
            renewed is renewed once; by 403 the job fails, and nothing else
        """
        return None

    def _said(self, response: requests.Response) -> str:
        """Return the message of an unsuccessful response for a person."""
        if 300 < response.status_code < 400 and "Location" in response.headers:
            return header_text(response.headers["Location"])
        said = message_in(json_or_none(response, self._most_values))
        return header_text(response.reason or "") or str(response.status_code) if said is None else said

    # For units to call

    def path(self, path: str, *external_ids: ExternalId) -> str:
        """Return a path with ids below it, quoted so that each stays one part of the path.

        ``self.path("/customers", external_id, "orders")`` is ``/customers/A%2F1/orders`` for the id
        ``A/1``.

        :param path: path below the base address
        :param external_ids: ids, or other words, that follow it
        :raise InvalidDataError: one is empty, ``.`` or ``..``, and would lead to something else
        """
        return path_below(path, *external_ids)

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Any = None,
        json: Any = None,
        data: Any = None,
        headers: Mapping[str, Any] | None = None,
        idempotent: bool | None = None,
        reads: bool | None = None,
    ) -> requests.Response:
        """Send a request and return its successful response, a :class:`requests.Response`.

        What is sent is made before anything is asked. Dates, decimals and bytes have a form, see
        ``json_body`` in ``sending.py``.

        :param method: HTTP method
        :param path: path below the base address, ids in it by :meth:`path`; or a whole address on
            the same server
        :param params: dict, the query string
        :param json: body, sent as JSON
        :param data: body as bytes or text, or a dict that is sent as a form
        :param headers: dict of further headers
        :param idempotent: whether sending the request twice has the same effect as once. If so, it
            is sent once more at once when the connection is lost. By default it depends on the
            method: False for POST and PATCH
        :param reads: whether it changes nothing there: such requests are sent in a rehearsal, too.
            By default it depends on the method: True for GET, HEAD and OPTIONS
        :raise Rehearsed: it may change something there, and is held back
        :raise ConnectorException: the request did not succeed, see :class:`HttpAdapter`
        """
        if idempotent is None:
            idempotent = method.upper() in _IDEMPOTENT
        if reads is None:
            reads = method.upper() in _WITHOUT_WRITING
        url, content = self._url(path), prepared(params, json, data, headers)
        if not reads and is_held_back(self):
            # without its authentication, which may ask for a token
            held = requests.Request(method, url, **content).prepare()
            told = self._told_request(method, held.url or url)
            hold_back(self, method, held.url or url, held.headers, held.body, self._all_secrets(), told)
        auth = self._checked_auth()
        response = self._send(method, url, auth, idempotent, **content)
        refusal = self._expressed(response)
        if self._may_have_ended(auth, refusal, response):
            auth.renew()
            response = self._send(method, url, auth, idempotent, **content)
            refusal = self._expressed(response)
        return self._accepted(response, refusal)

    def _told_request(self, method: str, url: str) -> str:
        """Return what a request would do, for a person."""
        return f"{method} {masked_url(url, self._all_secrets())}"

    def request_json(self, method: str, path: str, **options: Any) -> Any:
        """Send a request as :meth:`request` does, and return the JSON value of its response.

        :return: None if there is no content, see :meth:`json_of`
        """
        return self.json_of(self.request(method, path, **options))

    def json_of(self, response: requests.Response) -> Any:
        """Return the value of the JSON of a response.

        :return: None for status 204 and 205, and for an answer without content to a method that
            writes
        :raise UnreadableAnswer: it is not JSON, or it has too many values
        """
        if response.status_code in _WITHOUT_CONTENT:
            return None
        if not response.content.strip() and response.request.method not in _READING:
            return None
        try:
            return json_content(response, self._most_values)
        except TooManyValues:
            raise UnreadableAnswer(
                self._(
                    "%(system)s answers with more than %(number)s values at once: that is not read.",
                    system=self._label,
                    number=self._most_values,
                )
            ) from None
        except ValueError:
            raise self._nonsense() from None

    def request_token(
        self, url: str, form: Mapping[str, Any], auth: Any, *, idempotent: bool = True, is_authorised: bool = False
    ) -> dict[str, Any]:
        """Return the answer of a token endpoint to a form: a dict with ``access_token``.

        What it means for the backend that the system has answered is not noted: only what is done
        with the token tells whether our requests are accepted.

        :param idempotent: whether the form may be sent twice: not if it has a code or a refresh
            token, as a system takes who sends one again for a thief
        :param is_authorised: whether a person has authorised us, and can do it again
        :raise CredentialsRefused: the client is refused, or the authorisation has ended
        """
        # until the next form: an answer may name what was sent before
        self._of_form = tuple(str(value) for name, value in form.items() if name in _SECRETS_OF_FORM)
        response = self._send("POST", url, auth, idempotent, **prepared(None, None, form, None))
        is_success = _is_success(response.status_code)
        answer = self.json_of(response) if is_success else json_or_none(response, self._most_values)
        if not isinstance(answer, dict):
            answer = {}
        if is_success and (token := answer.get("access_token")):
            if isinstance(token, str) and token.isprintable():
                return answer
            raise self._nonsense()
        code = answer.get("error")
        if code in _PASSING:
            raise self._noted(self._error(503, self._said(response), response))
        if code in _OF_REQUEST:
            raise self._error(403, self._said(response), response)  # no person can mend that on the backend
        if code == "invalid_grant" and is_authorised:
            raise self._noted(self._authorisation_ended(self._said(response)))
        if response.status_code == 401 or (isinstance(code, str) and (is_success or response.status_code == 400)):
            raise self._noted(self._error(401, self._said(response), response))
        if is_success:
            raise self._nonsense()
        self._accepted(response)
        raise self._nonsense()

    def _authorisation_ended(self, message: str) -> CredentialsRefused:
        return CredentialsRefused(
            self._(
                "The authorisation by %(system)s has ended: %(message)s. Press “Authorise Again” on the backend, then its jobs go on.",
                system=self._label,
                message=self._mask(message),
            )
        )

    def probe(self) -> bool:
        """Check whether the system can be reached.

        By default it can if its base address answers, with any status but 502, 503 and 504.

        :return: True
        :raise NetworkRetryableError: it cannot be reached
        """
        return self._probe("GET", self._base_url)

    def _probe(self, method: str, url: str, **content: Any) -> bool:
        try:
            response = self._send_once(method, url, None, **content)
        except requests.RequestException as error:
            refusal = self._no_answer(error)
            if isinstance(refusal, UnreadableAnswer):
                return True
            if _is_distrust(error):
                # on the backend itself, not by the traffic: each probe has to count as an attempt,
                # so that the next one comes later
                self.backend_record.sudo().note_untrusted(str(refusal), self.environment.model_name)
            raise refusal from None
        if response.status_code in UNAVAILABLE:
            raise self._error_of(response)
        return True

    # Sending a request

    # what the last form for a token had that nobody else may see
    _of_form: tuple[str, ...] = ()

    def _all_secrets(self) -> tuple[str, ...]:
        return (*self._secrets(), *self._of_form)

    def _checked_auth(self) -> Any:
        auth = self._auth()
        if auth is not None and not callable(auth):
            raise TypeError(f"{type(self).__name__}, _auth() must return an auth object such as BearerAuth(token)")
        if isinstance(auth, BearerAuth) and not all(auth.secrets):
            raise self._noted(
                CredentialsRefused(
                    self._("The token for %s is empty: enter it in the backend, then requeue the job.", self._label)
                )
            )
        return auth

    def _may_have_ended(self, auth: Any, refusal: Refusal | None, response: requests.Response) -> bool:
        """Return whether a token that can be renewed may have ended, by what the system says."""
        if not hasattr(auth, "renew") or (refusal.status if refusal else response.status_code) != 401:
            return False
        # else each job that lacks a right would log in anew, and log the others out
        return not (refusal and refusal.right and getattr(auth, "is_new", False))

    @property
    def _http(self) -> requests.Session:
        """The connections to the system, shared by all adapters of the environment."""
        return self.environment.open("http", TimedSession)

    def _url(self, path: str) -> str:
        base = self._base_url
        if not base or not isinstance(base, str):
            raise FailedJobError(
                f"{type(self).__name__}, _base_url is {base!r}, but must be an address. "
                + ("Is it marked with @property?" if callable(base) else "Is it entered in the backend?")
            )
        if not _WHOLE.match(path):
            if unquoted := what_is_unquoted(path):
                raise InvalidDataError(
                    f"The path {shown(path)} has {unquoted}. If that comes from an id, {type(self).__name__} has to quote it: "
                    f"{self._how_to_quote}"
                )
            return f"{base.rstrip('/')}/{path.lstrip('/')}"
        if origin_of(path) != origin_of(base):
            raise InvalidDataError(
                self._(
                    "%(system)s names an address on another server, where our credentials must not go: %(url)s",
                    system=self._label,
                    url=self._mask(path),
                )
            )
        return path

    def _expressed(self, response: requests.Response) -> Refusal | None:
        """Return the refusal in the content of a response; None: its status says all."""
        is_unsuccessful = response.status_code >= 300
        try:
            refusal = self.refusal(response)
        except Exception as error:
            if not is_unsuccessful or isinstance(error, (JobError, *CONCURRENCY_ERRORS)):
                raise
            # a gateway answers in a form of its own. The author sees by the log what else it may be
            is_of_answer = isinstance(error, _AT_READING)
            _logger.log(
                logging.INFO if is_of_answer else logging.WARNING,
                "%s.refusal() %s an answer %s: %s: %s",
                class_name(type(self)),
                "cannot read" if is_of_answer else "fails for",
                response.status_code,
                type(error).__name__,
                self._mask(error),
            )
            return None
        if refusal is not None and not isinstance(refusal, Refusal):
            raise TypeError(
                f"{type(self).__name__}.refusal() returned {shown(refusal)}, but must return a Refusal or None"
            )
        if not refusal or not is_unsuccessful or refusal.status not in VAGUE:
            return refusal
        if refusal.seconds is None or not 400 <= response.status_code < 600:
            return None
        return replace(refusal, status=response.status_code)

    def _send(self, method: str, url: str, auth: Any, idempotent: bool, **content: Any) -> requests.Response:
        """Send a request and return the response, whatever its status.

        It is sent twice if it is idempotent and the connection is lost.
        """
        self._traffic.admit()
        try:
            try:
                response = self._send_once(method, url, auth, **content)
            except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError) as error:
                if not idempotent or isinstance(error, requests.Timeout):
                    raise
                response = self._send_once(method, url, auth, **content)
        except requests.RequestException as error:
            refusal = self._no_answer(error)
            if _is_distrust(error):
                self._traffic.untrusted(refusal, self.environment.model_name)  # type: ignore[arg-type]  # it is one
            elif isinstance(refusal, NetworkRetryableError):
                self._traffic.unreachable(refusal, self.environment.model_name, _may_have_arrived(error))
            raise refusal from None
        self.clock = parse_date(response.headers.get("Date"))
        return response

    def _send_once(self, method: str, url: str, auth: Any, **content: Any) -> requests.Response:
        began, response, failure = time.monotonic(), None, None
        limited = self._traffic.limited
        try:
            response = ask(
                self._http,
                method,
                url,
                self._longest_answer,
                limited(self._longest_reading),
                auth=auth,
                timeout=(limited(self._timeout[0]), limited(self._timeout[1])),
                allow_redirects=False,
                # set for each request: environment variables would override an attribute of the
                # session
                verify=self.backend_record.sudo().verify_ssl,
                **content,
            )
            return response
        except requests.RequestException as error:
            failure = error
            raise
        finally:
            self._log(response, failure, time.monotonic() - began)

    def _log(self, response: requests.Response | None, failure: Any, seconds: float) -> None:
        """Store an exchange, if the backend is configured for it."""
        wanted = (
            "all" if by_code(self.env.context, "connector_log_exchange") else self.backend_record.sudo().exchange_log
        )
        is_error = response is None or response.status_code >= 400
        request = getattr(failure if response is None else response, "request", None)
        if request is None or wanted == "off" or (wanted == "errors" and not is_error):
            return
        secrets = self._all_secrets()
        values = {
            "model_name": self.environment.model_name,
            "method": request.method,
            "url": masked_url(request.url, secrets),
            "request_headers": masked_headers(request.headers, secrets),
            "request_body": masked_body(request.body, secrets, request.headers.get("Content-Type")),
            "seconds": seconds,
            "is_error": is_error,
        }
        if response is None:
            values["error"] = self._mask(failure)
        else:
            values["status"] = response.status_code
            values["response_headers"] = masked_headers(response.headers, secrets)
            values["response_body"] = masked_body(response.content, secrets, response.headers.get("Content-Type"))
        try:
            self.last_exchange_id = self.backend_record.log_exchange(values)
        except psycopg2.Error as error:
            # the answer counts: it may have the id of a new record, or a token that comes once
            _logger.warning("An exchange with %s is not stored: %s", self.environment.backend_name, error)

    # Errors

    def _no_answer(self, error: requests.RequestException) -> Exception:
        """Return the exception for a request without a response."""
        said = {"system": self._label, "message": self._mask(what_happened(error))}
        if _is_distrust(error):
            return NetworkRetryableError(
                self._("The certificate of %(system)s is not valid: %(message)s. Once it is, the jobs go on.", **said)
            )
        if isinstance(error, AnswerTooLong):
            return UnreadableAnswer(
                self._(
                    "%(system)s answers with more than %(bytes)s bytes, or compresses them several times: that is not read.",
                    system=self._label,
                    bytes=self._longest_answer,
                )
            )
        if isinstance(error, requests.exceptions.ContentDecodingError):
            return self._nonsense()
        if isinstance(error, AnswerTooSlow):
            seconds: float = self._traffic.limited(self._longest_reading)
            return NetworkRetryableError(
                self._(
                    "The answer of %(system)s has not ended after %(seconds)s s",
                    system=self._label,
                    seconds=seconds,
                )
            )
        if isinstance(error, requests.ReadTimeout):
            seconds = self._traffic.limited(self._timeout[1])
            return NetworkRetryableError(
                self._("%(system)s has not answered for %(seconds)s s", system=self._label, seconds=seconds)
            )
        if not isinstance(error, _OF_THE_NETWORK):
            # the address or a header is not valid; no request was sent
            return FailedJobError(self._("%(system)s cannot be asked: %(message)s", **said))
        if isinstance(error, requests.exceptions.ChunkedEncodingError):
            return NetworkRetryableError(self._("The answer of %(system)s was cut: %(message)s", **said))
        return NetworkRetryableError(self._("%(system)s cannot be reached: %(message)s", **said))

    def _accepted(self, response: requests.Response, refusal: Refusal | None = None) -> requests.Response:
        """Return a response that is no refusal.

        :param refusal: the :class:`Refusal` that it expresses, None if it expresses none
        """
        if refusal:
            status, error = refusal.status, self._expressed_error(refusal, response)
        elif not _is_success(response.status_code):
            status, error = response.status_code, self._error_of(response)
        else:
            self._traffic.accepted()
            return response
        if status in UNAVAILABLE:
            model_name, was_sent = self.environment.model_name, status != 503
            self._traffic.unreachable(error, model_name, was_sent)  # type: ignore[arg-type]  # or what _exceptions says
        raise self._noted(error)

    def _expressed_error(self, refusal: Refusal, response: requests.Response) -> Exception:
        """Return the exception for a refusal by the content of a response."""
        if not refusal.right:
            return self._error(refusal.status, refusal.message, response, refusal.seconds)
        said = {"system": self._label, "message": self._mask(refusal.message), "right": self._mask(refusal.right)}
        if refusal.status == 401:
            text = self._(
                "%(system)s refuses: %(message)s. Our user lacks the right %(right)s there, or our credentials are not valid "
                "any more: see to it, then requeue the job.",
                **said,
            )
        else:
            text = self._(
                "%(system)s refuses: %(message)s. Our user lacks the right %(right)s there: give it to him, then requeue the job.",
                **said,
            )
        return noting(FailedJobError(text), refusal.status, said["message"], said["right"])

    def _noted(self, error: Exception) -> Exception:
        """Note on the backend what an exception means for it, such as refused credentials.

        :return: the exception
        """
        self._traffic.refused(error)
        return error

    def _error_of(self, response: requests.Response) -> Exception:
        """Return the exception for an unsuccessful response."""
        return self._error(response.status_code, self._said(response), response)

    def _error(
        self,
        status: int,
        message: object,
        response: requests.Response | None = None,
        seconds: float | None = None,
    ) -> Exception:
        """Return the exception for a refusal of the system.

        :param status: HTTP status, or the one that an error of another protocol corresponds to
        :param message: message of the system
        :param response: :class:`requests.Response`, which may ask to wait
        :param seconds: how long it asks us to wait; None: as the header of the response says
        """
        kind = self._exceptions.get(status) or exception_for(status)
        said = self._mask(message)
        text = self._error_text(kind, status, {"system": self._label, "message": said})
        if seconds is None and response is not None:
            seconds = retry_after(response)
        error = kind(text, seconds=seconds) if issubclass(kind, RetryableJobError) else kind(text)
        return noting(error, status, said)

    def _error_text(self, kind: type[Exception], status: int, said: dict[str, Any]) -> str:
        if 300 < status < 400:
            return self._(
                "%(system)s redirects to %(message)s: enter the address it really has in the backend.", **said
            )
        if issubclass(kind, CredentialsRefused):
            if fields := self._labels(self._login_fields()):
                return self._(
                    "%(system)s refuses our credentials: %(message)s. Enter valid ones in the backend (%(fields)s), then its "
                    "jobs go on.",
                    fields=fields,
                    **said,
                )
            return self._(
                "%(system)s refuses our credentials: %(message)s. Enter valid ones in the backend, then its jobs go on.",
                **said,
            )
        if status == 403 and issubclass(kind, FailedJobError):
            return self._(
                "%(system)s refuses access: %(message)s. Enter the credentials of another user in the backend, or give its user "
                "there the rights; then requeue the job.",
                **said,
            )
        if issubclass(kind, NetworkRetryableError):
            return self._("%(system)s has a problem: %(message)s", **said)
        if issubclass(kind, RetryableJobError):
            return self._("%(system)s is busy: %(message)s", **said)
        return self._("%(system)s refuses: %(message)s", **said)

    def _nonsense(self) -> UnreadableAnswer:
        return UnreadableAnswer(
            self._(
                "What %(system)s answers is not what is expected of it. Check in the backend: %(fields)s.",
                system=self._label,
                fields=self._address_labels(),
            )
        )

    def _address_labels(self) -> str:
        """Return how users call the fields that say which system is asked, with their values.

        The location has no value: :attr:`_label` names it.
        """
        backend, shown_fields = self.backend_record.sudo(), []
        for name in dict.fromkeys((backend._location_field, *backend._credential_fields)):
            if name in backend._fields and name not in backend._secret_fields():
                value = backend[name] if name != backend._location_field else None
                known = f" ({self._mask(value)})" if isinstance(value, str) and value else ""
                shown_fields.append(f"{self._labels([name])}{known}")
        return ", ".join(shown_fields) or self._("the address")

    @property
    def _label(self) -> str:
        return f"{self.environment.backend_name} ({without_userinfo(str(self._base_url))})"

    def _mask(self, message: object) -> str:
        """Return a text of the external system for a message: short, storable, no secrets."""
        text = masked_start(str(message), self._all_secrets(), _LONGEST_MESSAGE)
        return storable(" ".join(without_userinfo(text).split()).rstrip(".")[:_LONGEST_SHOWN])


def _is_success(status: int) -> bool:
    return 200 <= status < 300 or status == _NOT_MODIFIED


def _reason_of(error: requests.RequestException) -> Any:
    """Return the exception of urllib3 that made ``requests`` give up, None if there is none."""
    return getattr(error.args[0], "reason", None) if error.args else None


def _is_distrust(error: requests.RequestException) -> bool:
    """Return whether a request was not sent because the certificate of the system is not valid."""
    reason = _reason_of(error)
    return bool(reason and reason.args) and isinstance(reason.args[0], ssl.SSLCertVerificationError)


def _may_have_arrived(error: requests.RequestException) -> bool:
    """Return whether a request without a response may have arrived."""
    return not isinstance(error, requests.ConnectTimeout | requests.exceptions.SSLError) and not isinstance(
        _reason_of(error), NewConnectionError
    )
