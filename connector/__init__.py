"""Public names of the connector framework: backends, units, mappers, jobs and events.

The author of a connector imports them from here. The exceptions are in the module ``exception``,
the test kit is in the package ``testing``.

::

    from odoo.addons.connector import Backend, HttpAdapter, ImportMapper, mapping

    shop = Backend("shop")


    @shop
    class CustomerMapper(ImportMapper):
        _model_name = "shop.res.partner"
        direct = [("full_name", "name")]
"""

from odoo.addons.jobs_queue.graph import chain, group
from odoo.addons.jobs_queue.jobs import job
from odoo.addons.jobs_queue.jobs.many import delay_many
from odoo.addons.jobs_queue.session import ConnectorSession

from . import controllers, models, unit, wizards
from .backend import Backend, general
from .credentials.secret_char import SecretChar
from .first_run import FirstRunStep
from .unit.connector_unit import ConnectorUnit, Environment, external_id_text, get_environment
from .unit.binding.binder import Binder
from .unit.backend_adapter.bookmark import Bookmark
from .unit.backend_adapter.crud import BackendAdapter, CRUDAdapter
from .unit.backend_adapter.http import HttpAdapter
from .unit.backend_adapter.decoding import json_content
from .unit.backend_adapter.errors import Refusal
from .unit.backend_adapter.auth import BasicAuth, BearerAuth, HmacAuth
from .unit.backend_adapter.tokens import ClientCredentialsAuth
from .unit.mapper.mapper import (
    ExportMapper,
    ImportMapper,
    as_boolean,
    changed_by,
    convert,
    external_to_m2o,
    follow_m2o_relations,
    m2o_to_external,
    mapping,
    none,
    none_if,
    only_create,
)
from .unit.mapper.children import ExportMapChild, ImportMapChild
from .unit.flow import BulkExportFlow, ExportFlow, ImportFlow
from .unit.synchronizer import Deleter, Exporter, Importer, Synchronizer
from .unit.conflict_policy import ConflictPolicy
from .unit.importer.record import RecordImporter, import_record
from .unit.importer.batch import BatchImporter, DelayedBatchImporter, DirectBatchImporter, import_batch
from .unit.importer.lock import lock_to_create
from .unit.importer.bulk import BulkBatchImporter, BulkImporter, import_page
from .unit.exporter.record import RecordExporter, export_record
from .unit.exporter.bulk import BulkExporter, export_bulk
from .unit.exporter.deleter import DeleteExporter, delete_record
from .unit.exporter.resend import forget_sent
from .unit.exporter.consumers import delay_bulk_export, delay_delete, delay_export, delay_export_all_bindings
from .unit.reconciler import Reconciler, reconcile
from .unit.webhook_receiver import RegisteredWebhook, WebhookReceiver
from .unit.checkpoint import add_checkpoint
from .unit.jobs.channel import backend_channel
from .event import Change, Event, on_record_change, on_record_create, on_record_unlink, on_record_write
from .event.no_export import forbids_any, without_export

__all__ = [
    "Backend",
    "BackendAdapter",
    "BasicAuth",
    "BatchImporter",
    "BearerAuth",
    "Binder",
    "Bookmark",
    "BulkBatchImporter",
    "BulkExportFlow",
    "BulkExporter",
    "BulkImporter",
    "CRUDAdapter",
    "Change",
    "ClientCredentialsAuth",
    "ConflictPolicy",
    "ConnectorSession",
    "ConnectorUnit",
    "DelayedBatchImporter",
    "DeleteExporter",
    "Deleter",
    "DirectBatchImporter",
    "Environment",
    "Event",
    "ExportFlow",
    "ExportMapChild",
    "ExportMapper",
    "Exporter",
    "FirstRunStep",
    "HmacAuth",
    "HttpAdapter",
    "ImportFlow",
    "ImportMapChild",
    "ImportMapper",
    "Importer",
    "Reconciler",
    "RecordExporter",
    "RecordImporter",
    "Refusal",
    "RegisteredWebhook",
    "SecretChar",
    "Synchronizer",
    "WebhookReceiver",
    "add_checkpoint",
    "as_boolean",
    "backend_channel",
    "chain",
    "changed_by",
    "convert",
    "delay_bulk_export",
    "delay_delete",
    "delay_export",
    "delay_export_all_bindings",
    "delay_many",
    "delete_record",
    "export_bulk",
    "export_record",
    "external_id_text",
    "external_to_m2o",
    "follow_m2o_relations",
    "forbids_any",
    "forget_sent",
    "general",
    "get_environment",
    "group",
    "import_batch",
    "import_page",
    "import_record",
    "job",
    "json_content",
    "lock_to_create",
    "m2o_to_external",
    "mapping",
    "none",
    "none_if",
    "on_record_change",
    "on_record_create",
    "on_record_unlink",
    "on_record_write",
    "only_create",
    "reconcile",
    "without_export",
]
