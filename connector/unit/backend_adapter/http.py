"""An adapter for systems that speak HTTP."""

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
#: Seconds in which an answer has to be there
_LONGEST_READING = 300
#: Characters of a message of the other side that are looked at
_LONGEST_MESSAGE = 10_000


class HttpAdapter(Paging, CRUDAdapter):
    """Speaks with the external system over HTTP. A connector says where it is and who we are, and asks with :meth:`request`::

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

    All adapters of an environment share one pool of connections. What goes wrong becomes an exception that says what to do with the job:

    ===================================================  ========================
    unreachable, time-out, connection lost               NetworkRetryableError
    certificate not valid                                NetworkRetryableError, and the backend is paused at once
    address or header not valid                          FailedJobError
    an answer that is too long, or cannot be read        UnreadableAnswer
    an answer that is none of success                    see :func:`~odoo.addons.connector.unit.backend_adapter.errors.exception_for`
    ===================================================  ========================

    A redirection is not followed: the credentials are for the address that somebody has entered. No message tells a secret.
    """

    #: Seconds to wait for a connection, and seconds without a byte, after which a request is given up
    _timeout = (10, 60)

    #: Bytes of the longest answer that is read, after decompression
    _longest_answer = 50_000_000

    #: Values of the JSON of an answer that are read, each list and dict being one
    _most_values = MOST_VALUES

    #: Statuses that mean something else in this system than elsewhere: {status: class of exception}
    _exceptions: dict[int, type[Exception]] = {}

    def __init__(self, environment):
        super().__init__(environment)
        #: id of the ``connector.exchange`` that was kept last, None while there is none
        self.last_exchange_id = None
        #: What the other side's clock showed with its last answer: datetime in UTC, None while unknown
        self.clock = None

    # What a connector says

    @property
    def _base_url(self):
        """The address below which the system is; what :meth:`request` takes comes after it."""
        raise NotImplementedError(f"{type(self).__name__} does not define _base_url, a property")

    @property
    def _longest_reading(self):
        """Seconds in which an answer has to be there, from before the request is sent to the last byte: by default 300, or as many as
        :attr:`_timeout` allows before the first byte, if they are more."""
        return max(_LONGEST_READING, sum(filter(None, self._timeout)))

    def _auth(self):
        """Return the auth object of ``requests``, see ``auth.py``, that shows who we are; None: nothing does."""
        return None

    def _secrets(self):
        """Return the texts that no message may show; by default those of :meth:`_auth`."""
        return getattr(self._auth(), "secrets", ())

    def _said(self, response):
        """Return what a response that is none of success says to a person."""
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

    # What units use

    def request(self, method, path, *, params=None, json=None, data=None, headers=None, idempotent=None):
        """Send a request and return its response, a :class:`requests.Response` of success.

        :param method: verb of HTTP
        :param path: what comes after the base address, or a whole address on the same server
        :param params: dict, what comes after the ``?``
        :param json: what the body says, sent as JSON
        :param data: the body as bytes or text, or a dict that is sent as a form
        :param headers: dict of further headers
        :param idempotent: whether a second request changes nothing more: then one whose connection was lost is sent once more at once.
            By default the verb says it: not for POST and PATCH
        :raise ConnectorException: it did not succeed, see above
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
        """Send a request as :meth:`request` does, and return what the JSON of its response says."""
        return self.json_of(self.request(method, path, **options))

    def json_of(self, response):
        """Return what the JSON of a response says.

        :raise UnreadableAnswer: it is not JSON, or has too many values
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
        """Return what the address that gives tokens answers to a form: a dict with ``access_token``.

        :raise CredentialsRefused: it refuses the client
        """
        response = self._send("POST", url, auth, True, data=form)
        if response.status_code == 400:
            # an error of OAuth 2: invalid_client, invalid_scope and so on
            raise self._error(401, self._said(response), response)
        answer = self.json_of(self._checked_response(response))
        if not isinstance(answer, dict) or not isinstance(answer.get("access_token"), str):
            raise self._nonsense()
        return answer

    def probe(self):
        """See whether the system can be reached: by default, whether it answers at its address, whatever it says.

        :return: True
        :raise NetworkRetryableError: it cannot
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
                # the backend itself: each probe is a try, after which the next one comes later
                self.backend_record.sudo().note_untrusted(str(refusal), self.environment.model_name)
            raise refusal from None
        if response.status_code in UNAVAILABLE:
            raise self._error_of(response)
        return True

    # One request

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
        """The connections to the system, which all adapters of the environment share."""
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
        """Send a request, twice if it is idempotent and the connection is lost; return the response, whatever its status."""
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
                # with each request: as an attribute of the session it would give way to variables of the environment
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
        """Keep an exchange, if the backend wants it to be kept."""
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

    # What goes wrong

    def _no_answer(self, error):
        """Return the exception for a request that got no response."""
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
            # an address or header that is none; no request was sent
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
        """Let the backend know what an exception means for it, such as credentials that are refused; return the exception."""
        self._traffic.refused(error)
        return error

    def _error_of(self, response):
        """Return the exception for a response that is none of success."""
        return self._error(response.status_code, self._said(response), response)

    def _error(self, status, message, response=None):
        """Return the exception for what the system has refused.

        :param status: status of HTTP, or the one that a fault of another protocol comes to
        :param message: what the system says about it
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
        """Return a text of the other side, short enough for a message and without our secrets."""
        message = " ".join(str(message)[:_LONGEST_MESSAGE].split()).rstrip(".")
        return without_userinfo(without(message, self._secrets()))[:500]


def _reason_of(error):
    """Return the exception of urllib3 for which ``requests`` has given up, None where there is none."""
    return getattr(error.args[0], "reason", None) if error.args else None


def _is_distrust(error):
    """Return whether a request was not sent because the system has shown no valid certificate."""
    reason = _reason_of(error)
    return bool(reason and reason.args) and isinstance(reason.args[0], ssl.SSLCertVerificationError)


def _may_have_arrived(error):
    """Return whether a request that got no response may have arrived."""
    return not isinstance(error, requests.ConnectTimeout | requests.exceptions.SSLError) and not isinstance(
        _reason_of(error), NewConnectionError
    )
