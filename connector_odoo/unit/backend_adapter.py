"""Adapters of the other Odoo: over JSON-2 from version 19.0 on, over XML-RPC before."""

from odoo.addons.connector import Bookmark, CRUDAdapter, Refusal
from odoo.addons.connector.declaration import Bearer, Call, RpcAdapter, field, secret
from odoo.addons.connector.exception import FailedJobError, IDMissingInBackend, RetryableJobError, UnreadableAnswer

from ..backend import odoo_19, odoo_legacy

# Methods that only read: they may be sent twice
_READING = ("read", "search_read", "context_get")


class OdooAdapter(RpcAdapter):
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

    base = field("location")
    path: str  # of the endpoint, which the protocols define
    _exceptions = {404: FailedJobError, 409: RetryableJobError}
    _page_size = 1000  # ids of a list

    # Methods that the synchronizers use

    def search(self, filters=None):
        """Return the ids of the records that match a domain, archived ones included.

        :param filters: domain of the other Odoo
        """
        return [id_ for page in self.list_pages(filters) for id_ in page]

    def list_pages(self, filters=None, fields=None, bookmark=None):
        """Yield these ids by the page, in their order."""
        if type(self).search is not OdooAdapter.search:
            yield from CRUDAdapter.list_pages(self, filters, fields, bookmark)
            return
        bookmark, self.list_clock = bookmark or Bookmark(), None
        while not bookmark.has_ended:
            ids = self._ids_after(bookmark.place or 0, filters, limit=self._page_size)
            if len(ids) < self._page_size:
                # An Odoo may leave out of a page what our user may not see: this is not the end yet
                ids += self._ids_after(ids[-1] if ids else bookmark.place or 0, filters)
                bookmark.end()
            else:
                bookmark.go_to(ids[-1])
            yield ids

    def _ids_after(self, last, filters, **options):
        # The method search is not used: its argument has another name in each version
        domain = [*(filters or []), ("id", ">", last)]
        found = self._search_read(self._external_model, domain, ["id"], order="id", **options)
        self.list_clock = self.list_clock or self.clock
        return [record["id"] for record in found]

    def read_many(self, external_ids, fields=None):
        """Return the records that exist, as a list of dicts; many2one values are ids.

        They are read by one call.
        """
        return self._read_records(self._external_model, list(map(int, external_ids)), fields) if external_ids else []

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
        model_name = self._external_model
        created = self._load(data, idempotency_key) if idempotency_key else self._call(model_name, "create", [data])
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

    def first_page(self):
        return self._ids_after(0, None, limit=1)

    def who_am_i(self):
        """Return the login of our user in the other Odoo."""
        [context] = self._checked([self._call("res.users", "context_get")], ["uid"])
        return self._read_one("res.users", context["uid"], ["login"])["login"]

    # How they do it

    @property
    def _external_model(self):
        return self.binder_for().unwrap_model()

    @property
    def _context(self):
        return {
            "lang": self.env.lang,  # that of the backend, unless it is not active here any more
            "active_test": False,
            "display_default_code": False,  # the display_name of a product without the code in brackets before it
        }

    def _call(self, model_name, method, first=None, **named):
        """Call a method of a model of the other Odoo and return its result.

        :param first: the ids of the records on which it is called, or the values of those to
            create, as a list; None for another method of the model itself
        :param named: arguments of the method by name; a context replaces the usual one
        """
        raise NotImplementedError

    def _search_read(self, model_name, domain, fields, **options):
        return self._checked(self._call(model_name, "search_read", domain=domain, fields=fields, **options), fields)

    def _read_records(self, model_name, external_ids, fields):
        return self._checked(self._call(model_name, "read", external_ids, fields=fields, load=None), fields)

    def _read_one(self, model_name, external_id, fields):
        for record in self._read_records(model_name, [int(external_id)], fields):
            return record
        record = f"{model_name} {external_id}"
        raise IDMissingInBackend(
            self._("%(record)s does not exist any more in %(system)s", record=record, system=self._label)
        )

    def _checked(self, records, fields):
        """Return records, if they are a list of dicts that have all the fields, as an Odoo answers.

        :raise UnreadableAnswer: they are not
        """
        needed = set(fields or ())
        if not isinstance(records, list) or not all(
            isinstance(item, dict) and item.keys() >= needed for item in records
        ):
            raise self._nonsense()
        return records

    def _load(self, data, key):
        """Write the record with an external identifier, or create it; return a list with its id.

        It is created if no record has the identifier.
        """
        known = self.env[self._external_model]._fields
        many2one = [name for name in data if name in known and known[name].type == "many2one"]
        columns = ["id", *(f"{name}/.id" if name in many2one else name for name in data)]
        texts = ("" if value is None or value is False else str(value) for value in data.values())
        row = [f"__connector__.{key}", *texts]
        [loaded] = self._checked([self._call(self._external_model, "load", fields=columns, data=[row])], ["ids"])
        if not loaded["ids"]:
            raise self._error(422, " ".join(message.get("message", "") for message in loaded.get("messages", ())))
        return loaded["ids"]

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

    protocol, path = "json", "/json/2"
    auth, headers = Bearer(secret("api_key")), {"X-Odoo-Database": field("database")}

    def _call(self, model_name, method, first=None, **named):
        if first is not None:
            named["vals_list" if method == "create" else "ids"] = first
        reads = method in _READING
        return self.call(f"{model_name}/{method}", {"context": self._context, **named}, idempotent=reads, reads=reads)

    def system_version(self):
        answer = self.request_json("GET", "/json/version")
        return answer.get("version") if isinstance(answer, dict) else None

    def refusal_of(self, fault):
        is_missing = str(fault.name).endswith("MissingError")
        return Refusal(410 if is_missing else 500, fault.message)  # by 500, the status of the answer decides


@odoo_legacy
class XmlRpcAdapter(OdooAdapter):
    """Adapter of the other Odoo over XML-RPC, with a login and an API key or password.

    There are two sets of end points. The older one is used: its faults name the exception, those of
    the newer one do not. The session is the id of our user there.
    """

    path, login_path = "/xmlrpc/object", "/xmlrpc/common"
    login = Call("authenticate", field("database"), field("login"), secret("api_key"), {})
    through = Call("{method}", field("database"), "{session}", secret("api_key"), "{*arguments}")
    expired = {"AccessDenied"}

    def _call(self, model_name, method, first=None, **named):
        # By position: the argument of create has another name in each version
        arguments = [[] if first is None else [first], {"context": self._context, **named}]
        reads = method in _READING
        return self.call("execute_kw", [model_name, method, *arguments], idempotent=reads, reads=reads)

    def who_am_i(self):
        self._call("res.users", "context_get")  # it has no uid before version 16
        return self.backend_record.login

    def system_version(self):
        answer = self._result("version", "version", [], True, True, self.login_path)
        return answer.get("server_version") if isinstance(answer, dict) else None

    def refusal_of(self, fault):
        # The code is a text such as "warning -- MissingError", then a blank line and the message
        kind, _, message = str(fault.code).partition("\n\n")
        statuses = {"AccessDenied": 401, "warning -- AccessError": 403, "warning -- MissingError": 410}
        unknown = 422 if kind.startswith("warning -- ") else 500
        return Refusal(statuses.get(kind, unknown), message or kind)

    def _may_have_ended(self, auth, refusal, response):
        # Perhaps the user is what is missing: then it has another id by now
        if super()._may_have_ended(auth, refusal, response):
            return True
        return bool(refusal and refusal.status == 410 and auth.is_other)
