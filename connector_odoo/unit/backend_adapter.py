"""How we speak with the other Odoo: over JSON-2 from version 19.0 on, over XML-RPC before."""

import json
import xmlrpc.client
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from xml.parsers.expat import ExpatError

import requests

from odoo.addons.connector.exception import (
    FailedJobError,
    IDMissingInBackend,
    InvalidDataError,
    NetworkRetryableError,
    RetryableJobError,
)
from odoo.addons.connector.unit.backend_adapter import CRUDAdapter

from ..backend import odoo_19, odoo_legacy

#: Seconds without a byte from the other Odoo after which a call is given up
TIMEOUT = 60


class OdooAdapter(CRUDAdapter):
    """Reads and writes records of the other Odoo; its models have the names that ours have.

    The protocols differ in :meth:`_call`. All else is shared, the table from what goes wrong to an exception above all:

    ======================================================  ========================
    unreachable, time-out, HTTP 5xx, fault without a name   NetworkRetryableError
    HTTP 429, 409 (the record is locked there)              RetryableJobError
    HTTP 3xx, 401, 403, 404; AccessDenied, AccessError      FailedJobError
    MissingError; a record that is not among the answers    IDMissingInBackend
    other HTTP 4xx; UserError; not an answer of an Odoo     InvalidDataError
    ======================================================  ========================

    Who catches one finds no secret in it.
    """

    def __init__(self, environment):
        super().__init__(environment)
        # one connection for all that is read for one import, whichever the model
        self._http = environment.open("http", requests.Session)
        #: What the other side's clock showed with its last answer: datetime in UTC, None while unknown
        self.clock = None

    # What the flows use

    def search(self, filters=None, limit=None, order="id"):
        """Return the ids of the records, archived ones included, that match a domain of the other Odoo."""
        # not the method search, whose argument has another name in each version
        records = self._call(
            self._external_model, "search_read", domain=filters or [], fields=["id"], limit=limit, order=order
        )
        return [record["id"] for record in self._checked(records, ["id"])]

    def search_read(self, filters=None, fields=None):
        """Return the records, archived ones included, that match a domain, as a list of dicts; many2one values are ids."""
        return self._read(self._external_model, self.search(filters), fields)

    def read(self, external_id, fields=None):
        """Return a record as a dict; many2one values are ids.

        :raise IDMissingInBackend: it does not exist any more
        """
        return self._read_one(self._external_model, external_id, fields)

    def create(self, data):
        """Create a record; return its id."""
        created = self._create(data)
        if not isinstance(created, list) or len(created) != 1 or not isinstance(created[0], int):
            raise self._nonsense()
        return created[0]

    def write(self, external_id, data):
        """Change a record.

        :raise IDMissingInBackend: it does not exist any more
        """
        return self._call(self._external_model, "write", [int(external_id)], vals=data)

    def delete(self, external_id):
        """Delete a record.

        :raise IDMissingInBackend: it does not exist any more
        """
        return self._call(self._external_model, "unlink", [int(external_id)])

    def read_code(self, model_name, external_id):
        """Return the ``code`` of a record of a model without bindings, such as a country; it is read once an environment."""
        codes = self.environment.open("codes", dict)
        if (model_name, external_id) not in codes:
            codes[model_name, external_id] = self._read_one(model_name, external_id, ["code"])["code"]
        return codes[model_name, external_id]

    def who_am_i(self):
        """Return the login of the user of the other Odoo that we work as: a call that proves that we may."""
        return self._read_one("res.users", self._user_id, ["login"])["login"]

    # What is shared

    @property
    def _external_model(self):
        return self.binder_for().unwrap_model()

    def _read(self, model_name, external_ids, fields):
        return self._checked(self._call(model_name, "read", external_ids, fields=fields, load=None), fields)

    def _read_one(self, model_name, external_id, fields):
        records = self._read(model_name, [int(external_id)], fields)
        if not records:
            raise IDMissingInBackend(
                self._(
                    "%(model)s %(id)s does not exist any more in %(system)s",
                    model=model_name,
                    id=external_id,
                    system=self._label,
                )
            )
        return records[0]

    def _checked(self, records, fields):
        """Return the records if they are what an Odoo answers: a list of dicts that have all the fields."""
        if not isinstance(records, list) or not all(
            isinstance(record, dict) and record.keys() >= set(fields or ()) for record in records
        ):
            raise self._nonsense()
        return records

    def _call(self, model_name, method, ids=None, **kwargs):
        """Return what a method of a model of the other Odoo answers.

        :param ids: list of ids of the records to call it on; None for a method of the model itself
        :param kwargs: arguments of the method by name
        """
        raise NotImplementedError

    def _create(self, data):
        """Create a record; return a list with its id."""
        raise NotImplementedError

    @property
    def _user_id(self):
        """The id of the user of the other Odoo that we work as."""
        raise NotImplementedError

    @property
    def _context(self):
        return {
            "lang": self.backend_record.default_lang_id.code,
            "active_test": False,
            "display_default_code": False,  # the display_name of a product without the code in brackets before it
        }

    @property
    def _api_key(self):
        return self.backend_record.sudo().stored_api_key or ""

    @property
    def _label(self):
        return f"{self.backend_record.name} ({self.backend_record.location})"

    def _post(self, path, body, headers, auth=None):
        """Send a request, raise if it did not succeed, return the response."""
        url = self.backend_record.location.rstrip("/") + path
        try:
            response = self._http.post(url, body, headers=headers, auth=auth, timeout=TIMEOUT, allow_redirects=False)
        except requests.exceptions.SSLError as error:
            said = {"system": self._label, "message": self._mask(error)}
            raise FailedJobError(self._("The certificate of %(system)s is not valid: %(message)s", **said)) from None
        except requests.exceptions.Timeout:
            raise NetworkRetryableError(
                self._("%(system)s has not answered for %(seconds)s seconds", system=self._label, seconds=TIMEOUT)
            ) from None
        except requests.exceptions.RequestException as error:
            said = {"system": self._label, "message": self._mask(error)}
            raise NetworkRetryableError(self._("%(system)s cannot be reached: %(message)s", **said)) from None
        self.clock = _parse_date(response.headers.get("Date"))
        return response

    def _error(self, status, message, name="", response=None):
        """Return the exception for what went wrong.

        :param status: status of HTTP, or the one that a fault comes to
        :param message: what the other Odoo says about it
        :param name: class of the exception there, if it is known
        """
        said = {"system": self._label, "message": self._mask(message)}
        if name.endswith("MissingError"):
            return IDMissingInBackend(self._("%(system)s does not have the record any more: %(message)s", **said))
        if 300 <= status < 400:
            return FailedJobError(
                self._(
                    "%(system)s redirects to %(message)s: enter the address it really has as the backend's location.",
                    **said,
                )
            )
        if status in (401, 403):
            return FailedJobError(
                self._(
                    "%(system)s refuses access: %(message)s. "
                    "Enter a valid API key in the backend, or give its user there the rights; then requeue the job.",
                    **said,
                )
            )
        if status == 404:
            return FailedJobError(
                self._(
                    "%(system)s does not know the database %(database)r or what is asked for: %(message)s. Check location, database "
                    "and version of the backend, and whether the addon is installed there; then requeue the job.",
                    database=self.backend_record.database,
                    **said,
                )
            )
        if status in (409, 429):
            return RetryableJobError(self._("%(system)s is busy: %(message)s", **said), seconds=_retry_after(response))
        if status >= 500:
            return NetworkRetryableError(
                self._("%(system)s has a problem: %(message)s", **said), seconds=_retry_after(response)
            )
        return InvalidDataError(self._("%(system)s refuses: %(message)s", **said))

    def _nonsense(self):
        return InvalidDataError(
            self._(
                "What %s answers is not what an Odoo of this version answers. Check location and version of the backend.",
                self._label,
            )
        )

    def _mask(self, message):
        """Return a text of the other side, short enough for a message and without our API key."""
        message = " ".join(str(message).split()).rstrip(".")
        return (message.replace(self._api_key, "***") if self._api_key else message)[:500]


@odoo_19
class Json2Adapter(OdooAdapter):
    """Speaks with the other Odoo over JSON-2, with an API key."""

    def _call(self, model_name, method, ids=None, **kwargs):
        body = {"context": self._context, **kwargs}
        if ids is not None:
            body["ids"] = ids
        headers = {"Content-Type": "application/json", "X-Odoo-Database": self.backend_record.database.encode()}
        response = self._post(f"/json/2/{model_name}/{method}", json.dumps(body), headers, _BearerAuth(self._api_key))
        if response.status_code != 200:
            raise self._http_error(response)
        try:
            return response.json()
        except ValueError:
            raise self._nonsense() from None

    def _http_error(self, response):
        """Return the exception for an answer that is none of success, whose body is JSON with the name and message of an exception."""
        try:
            body = response.json()
        except ValueError:
            body = {}
        error = body if isinstance(body, dict) else {}
        message = response.headers.get("Location") or error.get("message") or response.reason
        return self._error(response.status_code, message, str(error.get("name", "")), response)

    def _create(self, data):
        return self._call(self._external_model, "create", vals_list=[data])

    @property
    def _user_id(self):
        context = self._call("res.users", "context_get")
        if not isinstance(context, dict) or "uid" not in context:
            raise self._nonsense()
        return context["uid"]


class _BearerAuth(requests.auth.AuthBase):
    """As an auth object the key takes precedence over one of a ``.netrc``, and does not follow to another host."""

    def __init__(self, key):
        self._key = key

    def __call__(self, request):
        request.headers["Authorization"] = f"Bearer {self._key}".encode()
        return request


# (location, database, login): id of the user there; asking costs as much as the call itself
_user_ids = {}

_FAULT_STATUS = {
    "AccessDenied": 401,
    "AccessError": 403,
    "MissingError": 404,
    "UserError": 422,
    "ValidationError": 422,
    "Warning": 422,
}


@odoo_legacy
class XmlRpcAdapter(OdooAdapter):
    """Speaks with the other Odoo over XML-RPC, with a login and an API key or password.

    Of the two sets of end points it takes the older one: its faults name the exception, the newer one's do not.
    """

    def _call(self, model_name, method, ids=None, **kwargs):
        kwargs["context"] = self._context
        return self._execute(model_name, method, [] if ids is None else [ids], kwargs)

    def _create(self, data):
        # by position: the argument has another name in each version
        return [self._execute(self._external_model, "create", [data], {"context": self._context})]

    def _execute(self, *call):
        user_id = self._user_id
        try:
            return self._request("object", "execute_kw", self.backend_record.database, user_id, self._api_key, *call)
        except (FailedJobError, IDMissingInBackend):
            # what is refused or missing may be the user, who then has another id by now
            _user_ids.pop(self._account, None)
            if self._user_id == user_id:
                raise
            return self._execute(*call)

    @property
    def _user_id(self):
        record = self.backend_record
        if self._account not in _user_ids:
            user_id = self._request("common", "authenticate", record.database, record.login, self._api_key, {})
            if not user_id:
                raise self._error(401, self._("wrong login or API key"))
            _user_ids[self._account] = user_id
        return _user_ids[self._account]

    @property
    def _account(self):
        record = self.backend_record
        return record.location, record.database, record.login

    def _request(self, service, method, *params):
        body = xmlrpc.client.dumps(params, method, allow_none=True)
        response = self._post(f"/xmlrpc/{service}", body.encode(), {"Content-Type": "text/xml"})
        if response.status_code != 200:
            raise self._error(
                response.status_code, response.headers.get("Location") or response.reason, response=response
            )
        try:
            (answer,), _method = xmlrpc.client.loads(response.content)
        except xmlrpc.client.Fault as fault:
            raise self._fault_error(fault) from None
        except (ExpatError, xmlrpc.client.ResponseError, ValueError, TypeError):
            raise self._nonsense() from None
        return answer

    def _fault_error(self, fault):
        """Return the exception for a fault, whose code is a text such as ``warning -- MissingError``, a blank line and the message."""
        kind, _, message = str(fault.faultCode).partition("\n\n")
        name = kind.rpartition(" -- ")[2]
        if name in _FAULT_STATUS:
            return self._error(_FAULT_STATUS[name], message or fault.faultString, name)
        return self._error(500, kind)


def _parse_date(text):
    """Return a date of HTTP as a datetime in UTC, None if it is none."""
    try:
        return parsedate_to_datetime(text).astimezone(UTC).replace(tzinfo=None)
    except (TypeError, ValueError):
        return None


def _retry_after(response):
    """Return how many seconds the response asks to wait, None if it does not."""
    value = response.headers.get("Retry-After", "") if response is not None else ""
    if value.isdecimal():
        return int(value)
    date = _parse_date(value)
    return max((date - datetime.now(UTC).replace(tzinfo=None)).total_seconds(), 0) if date else None
