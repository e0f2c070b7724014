"""Adapter for external systems with an HTTP API."""

import ssl
import time
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import NewConnectionError

from odoo.addons.jobs_queue.by_code import by_code
from odoo.addons.jobs_queue.exception import FailedJobError, NetworkRetryableError, RetryableJobError

from ...exception import CredentialsRefused, InvalidDataError, UnreadableAnswer
from .answer import MOST_VALUES, AnswerTooLong, AnswerTooSlow, TimedSession, TooManyValues, ask, json_content
from .auth import BearerAuth
from .crud import CRUDAdapter
from .errors import UNAVAILABLE, exception_for, parse_date, retry_after, what_happened
from .masking import masked_body, masked_headers, masked_url, without, without_userinfo
from .paging import Paging

_IDEMPOTENT = ("GET", "HEAD", "OPTIONS", "PUT", "DELETE")
_NOT_MODIFIED = 304
#: Seconds in which an answer has to be complete
_LONGEST_READING = 300
#: Characters of a message of the external system that are used
_LONGEST_MESSAGE = 10_000


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
                return self.request_json("GET", f"/products/{external_id}")

            def search(self, filters=None):
                return [product["id"] for page in self.pages_by_number("/products", filters) for product in page]

    All adapters of an environment share one pool of connections. Errors become exceptions that
    decide what happens to the job:

    ======================================  ========================
    unreachable, time-out, connection lost  NetworkRetryableError
    certificate not valid                   NetworkRetryableError; the backend is paused at once
    address or header not valid             FailedJobError
    answer too long or not readable         UnreadableAnswer
    unsuccessful answer                     see ``exception_for`` in ``errors.py``
    ======================================  ========================

    Redirections are not followed: the credentials are only for the address that a person has
    entered. No message contains a secret.
    """

    #: Seconds to wait for a connection, and seconds without a byte after which a request is given
    #: up
    _timeout = (10, 60)

    #: Maximum bytes of an answer, after decompression
    _longest_answer = 50_000_000

    #: Maximum number of values in the JSON of an answer, where each list and dict is one
    _most_values = MOST_VALUES

    #: Statuses with a special meaning in this system: {status: class of exception}
    _exceptions: dict[int, type[Exception]] = {}

    def __init__(self, environment):
        super().__init__(environment)
        #: id of the last ``connector.exchange`` that was stored, None if there is none
        self.last_exchange_id = None
        #: The clock of the external system at its last answer: datetime in UTC, None if unknown
        self.clock = None

    # For connectors to override

    @property
    def _base_url(self):
        """The base address of the system; the paths of :meth:`request` are below it."""
        raise NotImplementedError(f"{type(self).__name__} does not define _base_url, a property")

    @property
    def _longest_reading(self):
        """Maximum seconds from before the request is sent to the last byte of the answer.

        By default 300, or the time that :attr:`_timeout` allows before the first byte, if it is
        more.
        """
        return max(_LONGEST_READING, sum(filter(None, self._timeout)))

    def _auth(self):
        """Return the auth object of ``requests``, see ``auth.py``, None for no authentication."""
        return None

    def _secrets(self):
        """Return the texts that no message may contain, by default those of :meth:`_auth`."""
        return getattr(self._auth(), "secrets", ())

    def _said(self, response):
        """Return the message of an unsuccessful response for a person."""
        if 300 < response.status_code < 400 and "Location" in response.headers:
            return response.headers["Location"]
        try:
            body = json_content(response, self._most_values)
        except ValueError:
            body = None
        if isinstance(body, dict):
            for key in ("message", "error_description", "detail", "title", "error"):
                if isinstance(body.get(key), str):
                    return body[key]
        return response.reason or str(response.status_code)

    # For units to call

    def request(self, method, path, *, params=None, json=None, data=None, headers=None, idempotent=None):
        """Send a request and return its successful response, a :class:`requests.Response`.

        :param method: HTTP method
        :param path: path below the base address, or a whole address on the same server
        :param params: dict, the query string
        :param json: body, sent as JSON
        :param data: body as bytes or text, or a dict that is sent as a form
        :param headers: dict of further headers
        :param idempotent: whether sending the request twice has the same effect as once. If so, it
            is sent once more at once when the connection is lost. By default it depends on the
            method: False for POST and PATCH
        :raise ConnectorException: the request did not succeed, see :class:`HttpAdapter`
        """
        if idempotent is None:
            idempotent = method.upper() in _IDEMPOTENT
        url, auth = self._url(path), self._checked_auth()
        content = {"params": params, "json": json, "data": data, "headers": headers}
        response = self._send(method, url, auth, idempotent, **content)
        if response.status_code == 401 and hasattr(auth, "renew"):
            auth.renew()
            response = self._send(method, url, auth, idempotent, **content)
        return self._checked_response(response)

    def request_json(self, method, path, **options):
        """Send a request as :meth:`request` does, and return the JSON value of its response."""
        return self.json_of(self.request(method, path, **options))

    def json_of(self, response):
        """Return the value of the JSON of a response.

        :raise UnreadableAnswer: it is not JSON, or it has too many values
        """
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

    def request_token(self, url, form, auth):
        """Return the answer of a token endpoint to a form: a dict with ``access_token``.

        :raise CredentialsRefused: the client is refused
        """
        response = self._send("POST", url, auth, True, data=form)
        if response.status_code == 400:
            # an OAuth 2 error: invalid_client, invalid_scope and so on
            raise self._error(401, self._said(response), response)
        answer = self.json_of(self._checked_response(response))
        if not isinstance(answer, dict) or not isinstance(answer.get("access_token"), str):
            raise self._nonsense()
        return answer

    def probe(self):
        """Check whether the system can be reached.

        By default it can if its base address answers, with any status but 502, 503 and 504.

        :return: True
        :raise NetworkRetryableError: it cannot be reached
        """
        return self._probe("GET", self._base_url)

    def _probe(self, method, url, **content):
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

    def _checked_auth(self):
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

    @property
    def _http(self):
        """The connections to the system, shared by all adapters of the environment."""
        return self.environment.open("http", TimedSession)

    def _url(self, path):
        base = self._base_url
        if not base or not isinstance(base, str):
            raise FailedJobError(
                f"{type(self).__name__}, _base_url is {base!r}, but must be an address. "
                + ("Is it marked with @property?" if callable(base) else "Is it entered in the backend?")
            )
        if "://" not in path:
            return f"{base.rstrip('/')}/{path.lstrip('/')}"
        if urlsplit(path)[:2] != urlsplit(base)[:2]:
            raise InvalidDataError(
                self._(
                    "%(system)s names an address on another server, where our credentials must not go: %(url)s",
                    system=self._label,
                    url=self._mask(path),
                )
            )
        return path

    def _send(self, method, url, auth, idempotent, **content):
        """Send a request and return the response, whatever its status.

        It is sent twice if it is idempotent and the connection is lost.
        """
        self._traffic.admit()
        try:
            try:
                response = self._send_once(method, url, auth, **content)
            except requests.ConnectionError as error:
                if not idempotent or isinstance(error, requests.Timeout):
                    raise
                response = self._send_once(method, url, auth, **content)
        except requests.RequestException as error:
            refusal = self._no_answer(error)
            if _is_distrust(error):
                self._traffic.untrusted(refusal, self.environment.model_name)
            elif isinstance(refusal, NetworkRetryableError):
                self._traffic.unreachable(refusal, self.environment.model_name, _may_have_arrived(error))
            raise refusal from None
        self.clock = parse_date(response.headers.get("Date"))
        return response

    def _send_once(self, method, url, auth, **content):
        began, response, failure = time.monotonic(), None, None
        try:
            response = ask(
                self._http,
                method,
                url,
                self._longest_answer,
                self._longest_reading,
                auth=auth,
                timeout=self._timeout,
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

    def _log(self, response, failure, seconds):
        """Store an exchange, if the backend is configured for it."""
        wanted = (
            "all" if by_code(self.env.context, "connector_log_exchange") else self.backend_record.sudo().exchange_log
        )
        is_error = response is None or response.status_code >= 400
        request = getattr(failure if response is None else response, "request", None)
        if request is None or wanted == "off" or (wanted == "errors" and not is_error):
            return
        secrets = tuple(self._secrets())
        values = {
            "model_name": self.environment.model_name,
            "method": request.method,
            "url": masked_url(request.url, secrets),
            "request_headers": masked_headers(request.headers, secrets),
            "request_body": masked_body(request.body, secrets),
            "seconds": seconds,
            "is_error": is_error,
        }
        if response is None:
            values["error"] = self._mask(failure)
        else:
            values["status"] = response.status_code
            values["response_headers"] = masked_headers(response.headers, secrets)
            values["response_body"] = masked_body(response.content, secrets)
        self.last_exchange_id = self.backend_record.log_exchange(values)

    # Errors

    def _no_answer(self, error):
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
            seconds = self._longest_reading
            return NetworkRetryableError(
                self._(
                    "The answer of %(system)s has not ended after %(seconds)s seconds",
                    system=self._label,
                    seconds=seconds,
                )
            )
        if isinstance(error, requests.ReadTimeout):
            seconds = self._timeout[1]
            return NetworkRetryableError(
                self._("%(system)s has not answered for %(seconds)s seconds", system=self._label, seconds=seconds)
            )
        if isinstance(error, ValueError):
            # the address or a header is not valid; no request was sent
            return FailedJobError(self._("%(system)s cannot be asked: %(message)s", **said))
        return NetworkRetryableError(self._("%(system)s cannot be reached: %(message)s", **said))

    def _checked_response(self, response):
        status = response.status_code
        if 200 <= status < 300 or status == _NOT_MODIFIED:
            self._traffic.accepted()
            return response
        refusal = self._error_of(response)
        if status in UNAVAILABLE:
            self._traffic.unreachable(refusal, self.environment.model_name, was_sent=status != 503)
        raise self._noted(refusal)

    def _noted(self, error):
        """Note on the backend what an exception means for it, such as refused credentials.

        :return: the exception
        """
        self._traffic.refused(error)
        return error

    def _error_of(self, response):
        """Return the exception for an unsuccessful response."""
        return self._error(response.status_code, self._said(response), response)

    def _error(self, status, message, response=None):
        """Return the exception for a refusal of the system.

        :param status: HTTP status, or the one that an error of another protocol corresponds to
        :param message: message of the system
        :param response: :class:`requests.Response`, which may ask to wait
        """
        kind = self._exceptions.get(status) or exception_for(status)
        text = self._error_text(kind, status, {"system": self._label, "message": self._mask(message)})
        if not issubclass(kind, RetryableJobError):
            return kind(text)
        return kind(text, seconds=None if response is None else retry_after(response))

    def _error_text(self, kind, status, said):
        if 300 < status < 400:
            return self._(
                "%(system)s redirects to %(message)s: enter the address it really has in the backend.", **said
            )
        if issubclass(kind, CredentialsRefused):
            return self._(
                "%(system)s refuses our credentials: %(message)s. Enter valid ones in the backend, then requeue the job.",
                **said,
            )
        if issubclass(kind, NetworkRetryableError):
            return self._("%(system)s has a problem: %(message)s", **said)
        if issubclass(kind, RetryableJobError):
            return self._("%(system)s is busy: %(message)s", **said)
        return self._("%(system)s refuses: %(message)s", **said)

    def _nonsense(self):
        return UnreadableAnswer(
            self._("What %s answers is not what is expected of it: check the address in the backend.", self._label)
        )

    @property
    def _label(self):
        return f"{self.environment.backend_name} ({without_userinfo(str(self._base_url))})"

    def _mask(self, message):
        """Return a text of the external system, short enough for a message and without secrets."""
        message = " ".join(str(message)[:_LONGEST_MESSAGE].split()).rstrip(".")
        return without_userinfo(without(message, self._secrets()))[:500]


def _reason_of(error):
    """Return the exception of urllib3 that made ``requests`` give up, None if there is none."""
    return getattr(error.args[0], "reason", None) if error.args else None


def _is_distrust(error):
    """Return whether a request was not sent because the certificate of the system is not valid."""
    reason = _reason_of(error)
    return bool(reason and reason.args) and isinstance(reason.args[0], ssl.SSLCertVerificationError)


def _may_have_arrived(error):
    """Return whether a request without a response may have arrived."""
    return not isinstance(error, requests.ConnectTimeout | requests.exceptions.SSLError) and not isinstance(
        _reason_of(error), NewConnectionError
    )
