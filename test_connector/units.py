"""Units of the connector to the imaginary shop."""

from pathlib import Path

import requests

from odoo.addons.connector.backend import Backend
from odoo.addons.connector.declaration import (
    Choice,
    Date,
    Flag,
    OAuth2,
    OffsetPages,
    OnePage,
    RestAdapter,
    field,
    secret,
)
from odoo.addons.connector.exception import IDMissingInBackend
from odoo.addons.connector.unit.backend_adapter.auth import BearerAuth
from odoo.addons.connector.unit.backend_adapter.crud import CRUDAdapter
from odoo.addons.connector.unit.backend_adapter.http import HttpAdapter
from odoo.addons.connector.unit.binding.binder import Binder
from odoo.addons.connector.unit.exporter.bulk import BulkExporter
from odoo.addons.connector.unit.flow import ExportFlow, ImportFlow
from odoo.addons.connector.unit.importer.bulk import BulkBatchImporter
from odoo.addons.connector.unit.importer.record import RecordImporter
from odoo.addons.connector.unit.mapper.mapper import (
    ExportMapper,
    ImportMapper,
    changed_by,
    external_to_m2o,
    m2o_to_external,
    mapping,
    only_create,
)
from odoo.addons.connector.unit.webhook_receiver import WebhookReceiver
from odoo.addons.jobs_queue.exception import NetworkRetryableError

from .external import shop

webshop = Backend("test_shop")
webshop_1 = Backend(parent=webshop, version="1.0")
webshop_2 = Backend(parent=webshop, version="2.0")
webshop_http = Backend(parent=webshop, version="http")
webshop_file = Backend(parent=webshop, version="file")
webshop_oauth = Backend(parent=webshop, version="oauth")
webshop_person = Backend(parent=webshop, version="person")
webshop_listed = Backend(parent=webshop, version="listed")
webshop_flows = Backend(parent=webshop_listed, version="flows")
webshop_matched = Backend(parent=webshop_listed, version="matched")


@webshop
class ShopAdapter(CRUDAdapter):
    @property
    def table(self):
        return shop.table(self.environment.model_name)

    def search(self, filters=None):
        return [external_id for external_id, record in self.table.items() if (filters or {}).items() <= record.items()]

    def read(self, external_id, fields=None):
        record = self._find(external_id)
        return {name: value for name, value in record.items() if fields is None or name in fields}

    def create(self, data, idempotency_key=None):
        external_id = shop.next_id()
        self.table[external_id] = {"id": external_id, "key": idempotency_key, **data}
        shop.calls.append(("create", external_id, data))
        return external_id

    def find_by_key(self, idempotency_key):
        return next((id_ for id_, record in self.table.items() if record.get("key") == idempotency_key), None)

    def find_by_number(self, number):
        return [id_ for id_, record in self.table.items() if number in (record.get("number"), record.get("mail"))]

    def write(self, external_id, data):
        self._find(external_id).update(data)
        shop.calls.append(("write", external_id, data))

    def write_many(self, changes):
        shop.calls.append(("write_many", changes))
        return super().write_many(changes)

    def delete(self, external_id):
        del self.table[self._find(external_id)["id"]]
        shop.calls.append(("delete", external_id))

    def _find(self, external_id):
        for known_id, record in self.table.items():
            if str(known_id) == str(external_id):
                return record
        raise IDMissingInBackend(f"The shop has no {self.environment.model_name} {external_id}")


@webshop_http
class HttpShopAdapter(CRUDAdapter):
    """Adapter of a shop that is a process, which more than one of our processes can see."""

    def create(self, data, idempotency_key=None):
        response = requests.post(self._url, json={**data, "key": idempotency_key}, timeout=60)
        response.raise_for_status()
        return response.json()["id"]

    def find_by_key(self, idempotency_key):
        response = requests.get(self._url, params={"key": idempotency_key}, timeout=60)
        response.raise_for_status()
        return response.json()["id"]

    @property
    def _url(self):
        return self.backend_record.location


@webshop_file
class FileShopAdapter(CRUDAdapter):
    """Adapter that reads the files of a shop in a folder.

    The system does not speak HTTP, and nothing but a job can probe it.
    """

    _model_name = "test.shop.page"

    def read(self, external_id, fields=None):
        with self.guarded_call():
            folder = Path(self.backend_record.location)
            if not folder.exists():
                raise NetworkRetryableError(f"The folder {folder} is not there")
            try:
                return {"title": (folder / str(external_id)).read_text()}
            except FileNotFoundError:
                raise IDMissingInBackend(f"The shop has no page {external_id}") from None


@webshop_oauth
class OAuthShopAdapter(RestAdapter):
    """Adapter of a shop that gives a token for a refresh token, and accepts each of these once."""

    _model_name = "test.shop.page"
    base = field("location")
    auth = OAuth2(token="/oauth/token", client="odoo", refresh=secret("stored_webhook_secret"))
    path, paginator = "/pages", OnePage()


@webshop_listed
class ListedShopAdapter(RestAdapter):
    """Adapter of a shop whose list has pages of a hundred."""

    _model_name = "test.shop.partner"
    base = field("location")
    path, records = "/partners", "items"
    paginator = OffsetPages(size=100, total="total")
    filters = {
        "status": Choice(("paid", "Paid"), ("shipped", "Shipped"), at="status"),
        "tag": Choice(model="test.shop.tag", several=True),
        "since": Date(),
        "vip": Flag(label="VIP"),
    }


for number in range(10):
    part = {"_model_name": "test.shop.partner", "code": f"part_{number}", "label": f"Part {number}"}
    webshop_flows(type(f"Part{number}Flow", (ImportFlow,), part))


@webshop_flows
class PartImporter(BulkBatchImporter):
    """Importer of the part of the shop's partners that a flow is for."""

    _model_name = "test.shop.partner"

    def _filters_since(self, watermark):
        return {"part": self.environment.flow}


@webshop_matched
class CustomersFlow(ImportFlow):
    _model_name = "test.shop.partner"
    code, label = "customers", "Customers"


@webshop_matched
class CustomersExportFlow(ExportFlow):
    _model_name = "test.shop.partner"
    code, label = "customers_out", "Customers to the Shop"
    after = ("customers",)


@webshop_person
class AuthorisedShopAdapter(RestAdapter):
    """Adapter of a shop where a person authorises us."""

    _model_name = "test.shop.page"
    base = field("location")
    auth = OAuth2(token="/oauth/token", client="odoo", authorize="/oauth/authorize")
    path, paginator = "/pages", OnePage()


@webshop
class ShopImporter(RecordImporter):
    def _get_external_version(self):
        return self.external_record.get("changed")

    def _get_external_date(self):
        return self.external_record.get("date")


@webshop
class PartnerImporter(ShopImporter):
    _model_name = "test.shop.partner"

    def _import_dependencies(self):
        self._import_dependency(self.external_record.get("tag"), "test.shop.tag")
        self._import_dependency(self.external_record.get("parent"), "test.shop.partner")


@webshop_matched
class CustomerImporter(PartnerImporter):
    """Importer that recognises partners by their e-mail address."""

    _model_name = "test.shop.partner"

    def _match_key(self):
        return "email", self.external_record.get("mail")


@webshop
class PartnerImportMapper(ImportMapper):
    _model_name = "test.shop.partner"

    direct = [
        ("name", "name"),
        ("mail", "email"),
        ("points", "points"),
        ("discount", "discount"),
        ("newsletter", "newsletter"),
        ("nickname", "nickname"),
        (external_to_m2o("tag"), "main_tag_id"),
        (external_to_m2o("parent", binding="test.shop.partner"), "parent_id"),
    ]


@webshop
class PartnerExportMapper(ExportMapper):
    _model_name = "test.shop.partner"

    direct = [("name", "name"), ("email", "mail"), ("points", "points"), (m2o_to_external("main_tag_id"), "tag")]

    @mapping
    @changed_by("name", "nickname")
    def greeting(self, record):
        return {"greeting": f"Dear {record.nickname or record.name}"}

    @mapping
    @only_create
    def source(self, record):
        return {"source": "odoo"}


@webshop
class TagImportMapper(ImportMapper):
    _model_name = "test.shop.tag"
    direct = [("name", "name")]


@webshop
class PointsExporter(BulkExporter):
    _model_name = "test.shop.partner"
    _fields = ["points"]


@webshop
class TagExportMapper(ExportMapper):
    _model_name = "test.shop.tag"
    direct = [("name", "name")]


@webshop
class UserExportMapper(ExportMapper):
    _model_name = "test.shop.user"
    direct = [("name", "name")]


@webshop
class PageAdapter(HttpAdapter):
    """Adapter of the shop's site, which is a real server."""

    _model_name = "test.shop.page"

    @property
    def _base_url(self):
        return self.backend_record.location

    def _auth(self):
        return BearerAuth("s3cr3t")

    def read(self, external_id, fields=None):
        return self.request_json("GET", self.path("/pages", external_id))

    def create(self, data, idempotency_key=None):
        return self.request_json("POST", "/pages", json=data)["id"]


@webshop
class ShopWebhook(WebhookReceiver):
    """Webhook receiver of the shop, for pages."""

    _signature_header = "X-Shop-Signature"
    _signature_prefix = "sha256="
    _timestamp_header = "X-Shop-Time"
    _topic_header = "X-Shop-Topic"

    def process(self, topic, payload):
        return f"{topic}: {payload['title']}"


@webshop
class NoteBinder(Binder):
    _model_name = "test.shop.note"
    _external_field = "number"
    _odoo_field = "id"


@webshop
class NoteImportMapper(ImportMapper):
    _model_name = "test.shop.note"
    direct = [("name", "name")]


@webshop
class NoteExportMapper(ExportMapper):
    _model_name = "test.shop.note"
    direct = [("name", "name")]
