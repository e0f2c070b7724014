"""Adapters of the other Odoo: over JSON-2 from version 19.0 on, over XML-RPC before."""

from functools import cached_property

from odoo.addons.connector import Refusal
from odoo.addons.connector.declaration import Bearer, Call, KeysetPages, RpcAdapter, field, secret
from odoo.addons.connector.exception import RetryableJobError

from ..backend import odoo_19, odoo_legacy


class OdooAdapter(RpcAdapter):
    """Base adapter that reads and writes records of the other Odoo.

    The models there have the same names as ours. Archived records are listed, too, and many2one
    values are ids. The protocols differ in :meth:`call`. Exceptions are those of every
    ``RpcAdapter``, and in addition:

    ======================================================  ====================
    AccessError: a right is missing, which it names          FailedJobError
    HTTP 409: the record is locked there                    RetryableJobError
    ======================================================  ====================
    """

    protocol = "json"
    path: str  # of the endpoint, which the protocols define
    # The method search is not used: its argument has another name in each version
    list = Call(
        "{resource}/search_read",
        domain=["{*filters}", ["id", ">", "{after}"]],
        fields=["id"],
        order="id",
        limit="{limit}",
    )
    paginator = KeysetPages(size=1000, parameter="after", key="id", first=0, rest=True)
    many = Call("{resource}/read", ids="{numbers}", fields="{fields}", load=None)
    verbs = {
        "create": Call("{resource}/create", vals_list=["{data}"]).at("[0]"),
        "write": Call("{resource}/write", ids=["{number}"], vals="{data}"),
        "delete": Call("{resource}/unlink", ids=["{number}"]),
        "who_am_i": Call("res.users/context_get").at("uid"),
    }
    _exceptions = {409: RetryableJobError}
    # what people know records by; addons add their models
    _number_fields = {"res.partner": ("ref", "email"), "product.product": ("default_code", "barcode")}

    @cached_property
    def resource(self):
        return self.binder_for().unwrap_model()

    def create(self, data, idempotency_key=None):
        """Create a record; return its id.

        With an idempotency key, the other Odoo keeps the key as the external identifier of the
        record and creates no second record with it.
        """
        return self._load(data, idempotency_key) if idempotency_key else super().create(data)

    def find_by_number(self, number):
        """Return the ids of the records with this number, code or e-mail address."""
        if not (names := self._number_fields.get(self.resource)):
            return super().find_by_number(number)
        return self.search([*["|"] * (len(names) - 1), *[(name, "=", number) for name in names]])

    def read_code(self, model_name, external_id, field="code"):
        """Return the code of a record of a model without bindings, such as a country.

        :param field: name of the field that has the code
        """
        return self.of(model_name).read_once(external_id, [field])[field]

    def who_am_i(self):
        """Return the login of our user in the other Odoo."""
        return self.of("res.users").read(super().who_am_i(), ["login"])["login"]

    # How they do it

    @property
    def _context(self):
        return {
            "lang": self.env.lang,  # that of the backend, unless it is not active here any more
            "active_test": False,
            "display_default_code": False,  # the display_name of a product without the code in brackets before it
        }

    def _load(self, data, key):
        """Write the record with an external identifier, or create it; return its id.

        It is created if no record has the identifier.
        """
        known = self.env[self.resource]._fields
        many2one = [name for name in data if name in known and known[name].type == "many2one"]
        columns = ["id", *(f"{name}/.id" if name in many2one else name for name in data)]
        texts = ("" if value is None or value is False else str(value) for value in data.values())
        row = [f"__connector__.{key}", *texts]
        match self.call(f"{self.resource}/load", {"fields": columns, "data": [row]}):
            case {"ids": [int(external_id)]}:
                return external_id
            case {"ids": ids, "messages": messages} if not ids:
                raise self._error(422, " ".join(message.get("message", "") for message in messages))
        raise self._nonsense()


@odoo_19
class Json2Adapter(OdooAdapter):
    """Adapter of the other Odoo over JSON-2, with an API key."""

    path = "/json/2"
    auth, headers = Bearer(secret("api_key")), {"X-Odoo-Database": field("database")}
    missing = {"odoo.exceptions.MissingError"}

    def call(self, method, arguments=(), idempotent=False, reads=False):
        return super().call(method, {"context": self._context, **dict(arguments)}, idempotent, reads)

    def system_version(self):
        answer = self.request_json("GET", "/json/version")
        return answer.get("version") if isinstance(answer, dict) else None


@odoo_legacy
class XmlRpcAdapter(OdooAdapter):
    """Adapter of the other Odoo over XML-RPC, with a login and an API key or password.

    There are two sets of end points. The older one is used: its faults name the exception, those of
    the newer one do not. The session is the id of our user there.
    """

    protocol, path, login_path = "xmlrpc", "/xmlrpc/object", "/xmlrpc/common"
    login = Call("authenticate", field("database"), field("login"), secret("api_key"), {})
    through = Call("{method}", field("database"), "{session}", secret("api_key"), "{*arguments}")
    expired = {"AccessDenied"}

    def call(self, method, arguments=(), idempotent=False, reads=False):
        model_name, method = method.split("/")
        named = {"context": self._context, **dict(arguments)}
        # By position: the argument of create has another name in each version
        first = [named.pop(name) for name in ("ids", "vals_list") if name in named]
        return super().call("execute_kw", [model_name, method, first, named], idempotent, reads)

    def who_am_i(self):
        self.call("res.users/context_get", idempotent=True, reads=True)  # it has no uid before version 16
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
