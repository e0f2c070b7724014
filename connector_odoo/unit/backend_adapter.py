"""Adapters of the other Odoo: over JSON-2 from version 19.0 on, over XML-RPC before."""

import xmlrpc.client
from xml.parsers.expat import ExpatError

from odoo.addons.connector import BearerAuth, HttpAdapter, json_content
from odoo.addons.connector.exception import FailedJobError, IDMissingInBackend, RetryableJobError, UnreadableAnswer

from ..backend import odoo_19, odoo_legacy

# Methods that only read: they may be sent twice
_READING = ("read", "search_read", "context_get")


class OdooAdapter(HttpAdapter):
    """Base adapter that reads and writes records of the other Odoo.

    The models there have the same names as ours. The protocols differ in :meth:`_call`. Exceptions
    are those of every ``HttpAdapter``, and in addition:

    ======================================================  ====================
    MissingError; a record that is not among the answers    IDMissingInBackend
    AccessError: a right is missing, which it names          FailedJobError
    HTTP 404: the database, model or method is unknown      FailedJobError
    HTTP 409: the record is locked there                    RetryableJobError
    ======================================================  ====================
    """

    _exceptions = {404: FailedJobError, 409: RetryableJobError}

    # Methods that the synchronizers use

    def search(self, filters=None, limit=None, order="id"):
        """Return the ids of the records that match a domain, archived ones included.

        :param filters: domain of the other Odoo
        """
        # The method search is not used: its argument has another name in each version
        records = self._call(
            self._external_model, "search_read", domain=filters or [], fields=["id"], limit=limit, order=order
        )
        return [record["id"] for record in self._checked(records, ["id"])]

    def read_many(self, external_ids, fields=None):
        """Return the records that exist, as a list of dicts; many2one values are ids.

        They are read by one call.
        """
        return self._read(self._external_model, list(map(int, external_ids)), fields) if external_ids else []

    def read(self, external_id, fields=None):
        """Return a record as a dict; many2one values are ids.

        :raise IDMissingInBackend: it does not exist any more
        """
        return self._read_one(self._external_model, external_id, fields)

    def create(self, data, idempotency_key=None):
        """Create a record; return its id.

        With an idempotency key, the other Odoo keeps the key as the external identifier of the
        record and creates no second record with it.
        """
        created = self._load(data, idempotency_key) if idempotency_key else self._create(self._external_model, [data])
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

    def read_code(self, model_name, external_id, field="code"):
        """Return the code of a record of a model without bindings, such as a country.

        It is read once per environment.

        :param field: name of the field that has the code
        """
        codes = self.environment.open("codes", dict)
        if (model_name, external_id) not in codes:
            codes[model_name, external_id] = self._read_one(model_name, external_id, [field])[field]
        return codes[model_name, external_id]

    def who_am_i(self):
        """Return the login of our user in the other Odoo.

        The call proves that we have access.
        """
        return self._read_one("res.users", self._user_id, ["login"])["login"]

    # Methods that the protocols share

    @property
    def _base_url(self):
        return self.backend_record.location

    @property
    def _api_key(self):
        return self.backend_record.sudo().api_key or ""

    def _secrets(self):
        return (self._api_key,)

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
        """Return records, if they are a list of dicts that have all the fields, as an Odoo answers.

        :raise UnreadableAnswer: they are not
        """
        if not isinstance(records, list) or not all(
            isinstance(record, dict) and record.keys() >= set(fields or ()) for record in records
        ):
            raise self._nonsense()
        return records

    def _call(self, model_name, method, ids=None, **kwargs):
        """Call a method of a model of the other Odoo and return its result.

        :param ids: list of the ids of the records on which it is called; None for a method of the
            model itself
        :param kwargs: arguments of the method by name
        """
        raise NotImplementedError

    def _create(self, model_name, values_list, **context):
        """Create records of a model; return the list of their ids.

        :param values_list: list of dicts
        :param context: keys to add to the context of the call
        """
        raise NotImplementedError

    def _load(self, data, key):
        """Write the record with an external identifier, or create it; return a list with its id.

        It is created if no record has the identifier.
        """
        columns = ["id", *(f"{name}/.id" if self._is_many2one(name) else name for name in data)]
        texts = ("" if value is None or value is False else str(value) for value in data.values())
        row = [f"__connector__.{key}", *texts]
        loaded = self._call(self._external_model, "load", fields=columns, data=[row])
        if not isinstance(loaded, dict):
            raise self._nonsense()
        if not loaded.get("ids"):
            messages = [message.get("message", "") for message in loaded.get("messages", ())]
            raise self._error(422, " ".join(messages))
        return loaded["ids"]

    def _is_many2one(self, name):
        field = self.env[self._external_model]._fields.get(name)
        return field is not None and field.type == "many2one"

    @property
    def _user_id(self):
        """The id of our user in the other Odoo."""
        raise NotImplementedError

    @property
    def _context(self):
        return {
            "lang": self.env.lang,  # that of the backend, unless it is not active here any more
            "active_test": False,
            "display_default_code": False,  # the display_name of a product without the code in brackets before it
        }

    def _fault(self, name, status, message, response=None):
        """Return our exception for an exception of the other Odoo.

        :param name: name of its class, with or without the module
        :param status: status of HTTP that corresponds to it
        """
        if name.endswith("MissingError"):
            return IDMissingInBackend(
                self._(
                    "%(system)s does not have the record any more: %(message)s",
                    system=self._label,
                    message=self._mask(message),
                )
            )
        return self._error(status, message, response)

    def _error_text(self, kind, status, said):
        if status == 401:
            return self._(
                "%(system)s refuses access: %(message)s. Enter a valid API key in the backend, then requeue the job.",
                **said,
            )
        if status == 403:  # the message names the operation, the model and the groups that may do it
            return self._(
                "%(system)s refuses access: %(message)s. "
                "Enter the API key of another user, or give its user there the rights; then requeue the job.",
                **said,
            )
        if status == 404:
            return self._(
                "%(system)s does not know the database %(database)r or what is asked for: %(message)s. Check location, database "
                "and version of the backend, and whether the addon is installed there; then requeue the job.",
                database=self.backend_record.database,
                **said,
            )
        return super()._error_text(kind, status, said)

    def _nonsense(self):
        return UnreadableAnswer(
            self._(
                "What %s answers is not what an Odoo of this version answers. Check location and version of the backend.",
                self._label,
            )
        )


@odoo_19
class Json2Adapter(OdooAdapter):
    """Adapter of the other Odoo over JSON-2, with an API key."""

    def _auth(self):
        return BearerAuth(self._api_key)

    def probe(self):
        return self._probe("GET", self._url("/web/health"))

    def _call(self, model_name, method, ids=None, **kwargs):
        body = {"context": self._context, **kwargs}
        if ids is not None:
            body["ids"] = ids
        return self.request_json(
            "POST",
            self.path("/json/2", model_name, method),
            json=body,
            headers={"X-Odoo-Database": self.backend_record.database.encode()},
            idempotent=method in _READING,
        )

    def _error_of(self, response):
        try:
            body = json_content(response, self._most_values)
        except ValueError:
            body = None
        name = body.get("name") if isinstance(body, dict) else None
        return self._fault(str(name), response.status_code, self._said(response), response)

    def _create(self, model_name, values_list, **context):
        return self._call(model_name, "create", vals_list=values_list, context={**self._context, **context})

    @property
    def _user_id(self):
        context = self._call("res.users", "context_get")
        if not isinstance(context, dict) or "uid" not in context:
            raise self._nonsense()
        return context["uid"]


# (location, database, login) to the id of the user there. It is cached, since to ask for it costs
# as much as the call itself
_user_ids: dict[tuple, int] = {}

_FAULT_STATUS = {
    "AccessDenied": 401,
    "AccessError": 403,
    "MissingError": 404,
    "UserError": 422,
    "ValidationError": 422,
    "Warning": 422,
}


def _remote_call(method, params):
    """Return the body and headers of an XML-RPC request, as keyword arguments."""
    body = xmlrpc.client.dumps(params, method, allow_none=True).encode()
    return {"data": body, "headers": {"Content-Type": "text/xml"}}


@odoo_legacy
class XmlRpcAdapter(OdooAdapter):
    """Adapter of the other Odoo over XML-RPC, with a login and an API key or password.

    There are two sets of end points. The older one is used: its faults name the exception, those of
    the newer one do not.
    """

    def probe(self):
        # This method needs no database, no user and no page of a website
        return self._probe("POST", self._url("/xmlrpc/common"), **_remote_call("version", ()))

    def _call(self, model_name, method, ids=None, **kwargs):
        kwargs["context"] = self._context
        return self._execute(model_name, method, [] if ids is None else [ids], kwargs)

    def _create(self, model_name, values_list, **context):
        # By position: the argument has another name in each version
        return self._execute(model_name, "create", [values_list], {"context": {**self._context, **context}})

    def _execute(self, model_name, method, *arguments):
        user_id, database = self._user_id, self.backend_record.database
        call = (database, user_id, self._api_key, model_name, method, *arguments)
        try:
            return self._remote("object", "execute_kw", *call, idempotent=method in _READING)
        except (FailedJobError, IDMissingInBackend) as error:
            # Perhaps the user is what is refused or missing: then it has another id by now
            _user_ids.pop(self._account, None)
            if self._user_id == user_id:
                raise self._noted(error) from None
            return self._execute(model_name, method, *arguments)

    @property
    def _user_id(self):
        record = self.backend_record
        if self._account not in _user_ids:
            account = (record.database, record.login, self._api_key)
            user_id = self._remote("common", "authenticate", *account, {}, idempotent=True)
            if not user_id:
                raise self._noted(self._error(401, self._("wrong login or API key")))
            _user_ids[self._account] = user_id
        return _user_ids[self._account]

    @property
    def _account(self):
        record = self.backend_record
        return record.location, record.database, record.login

    def _remote(self, service, method, *params, idempotent):
        response = self.request("POST", f"/xmlrpc/{service}", **_remote_call(method, params), idempotent=idempotent)
        try:
            (answer,), _method = xmlrpc.client.loads(response.content)
        except xmlrpc.client.Fault as fault:
            raise self._fault_error(fault) from None
        except (ExpatError, xmlrpc.client.ResponseError, ValueError, TypeError, LookupError, ArithmeticError):
            raise self._nonsense() from None
        return answer

    def _fault_error(self, fault):
        """Return the exception for a fault.

        The code of the fault is a text such as ``warning -- MissingError``, then a blank line and
        the message.
        """
        kind, _, message = str(fault.faultCode).partition("\n\n")
        name = kind.rpartition(" -- ")[2]
        if name in _FAULT_STATUS:
            return self._fault(name, _FAULT_STATUS[name], message or fault.faultString)
        return self._error(500, kind)
