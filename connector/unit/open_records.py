"""Scopes and keys of the rows of ``connector.open.record``: which records have failed.

A scope is a direction, a model and, for imports, a backend. A key is a record in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from odoo.addons.jobs_queue.jobs.keys import stored_key
from odoo.addons.jobs_queue.session import ConnectorSession

from .connector_unit import external_id_text

#: The job functions whose failures are noted, with the names that they had before.
_IMPORTS = (
    "odoo.addons.connector.unit.importer.record.import_record",
    "odoo.addons.connector.unit.importer.import_record",
)
_PAGES = (
    "odoo.addons.connector.unit.importer.bulk.import_page",
    "odoo.addons.connector.unit.bulk_importer.import_page",
)
_EXPORTS = (
    "odoo.addons.connector.unit.exporter.record.export_record",
    "odoo.addons.connector.unit.exporter.export_record",
)
_BULK_EXPORTS = (
    "odoo.addons.connector.unit.exporter.bulk.export_bulk",
    "odoo.addons.connector.unit.bulk_exporter.export_bulk",
)
_BULK_PAGES = ("odoo.addons.connector.unit.exporter.bulk_page.export_page",)
_LISTS = (
    "odoo.addons.connector.unit.importer.batch.import_batch",
    "odoo.addons.connector.unit.batch_importer.import_batch",
)
#: All of them.
NOTED = (*_IMPORTS, *_PAGES, *_LISTS, *_EXPORTS, *_BULK_EXPORTS, *_BULK_PAGES)


def import_scope(model_name: str, backend_id: int) -> str:
    """Return the scope of the failed imports of a model from a backend."""
    return f"import,{model_name},{backend_id}"


def import_key(external_id: object, force: bool = False) -> str:
    """Return the key of the failed import of a record.

    :param force: only an import that writes the record puts an import by force right
    """
    return stored_key(str(external_id_text(external_id))) + (",force" if force else "")


def list_scope(model_name: str, backend_id: int) -> str:
    """Return the scope of the lists of changes of a model; their keys are codes of flows, or ""."""
    return f"list,{model_name},{backend_id}"


def export_scope(model_name: str) -> str:
    """Return the scope of the failed exports of a binding model."""
    return f"export,{model_name}"


def export_key(binding_id: int) -> str:
    """Return the key of the failed export of a record."""
    return str(binding_id)


def bulk_export_key(binding_id: int, flow: str | None = None) -> str:
    """Return the key of the failed bulk export of a record.

    :param flow: code of its flow, if it is not the first bulk export of the model
    """
    return f"{binding_id},bulk,{flow or ''}"


def scope_and_keys(
    function: str, model_name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> tuple[str, list[str]]:
    """Return the scope and the keys of the records of a job, without keys if it does not tell them.

    :param function: one of :data:`NOTED`
    :param args: those of the job; a page has its ids, or dicts with ``id``
    """
    if function in _EXPORTS:
        return export_scope(model_name), [export_key(args[0])]
    if function in _BULK_EXPORTS:
        return export_scope(model_name), [bulk_export_key(*args[1:])]
    if function in _BULK_PAGES:
        return export_scope(model_name), [bulk_export_key(binding_id, *args[2:]) for binding_id in args[1]]
    if function in _IMPORTS:
        force = kwargs.get("force", args[2] if len(args) > 2 else False)
        return import_scope(model_name, args[0]), [import_key(args[1], force)]
    if function in _LISTS:
        is_of_changes = kwargs.get("filters", args[1] if len(args) > 1 else None) is None
        return list_scope(model_name, args[0]), [kwargs.get("flow") or ""] if is_of_changes else []
    ids = kwargs.get("external_ids") or (args[1] if len(args) > 1 else None) or ()
    return import_scope(model_name, args[0]), [import_key(id_, bool(kwargs.get("force"))) for id_ in ids]


def direction_of(session: ConnectorSession) -> Literal["import", "export"] | None:
    """Return whether the running job imports or exports records, None if it does neither."""
    function = getattr(session.job, "function", None)
    if function in (*_IMPORTS, *_PAGES):
        return "import"
    return "export" if function in (*_EXPORTS, *_BULK_EXPORTS, *_BULK_PAGES) else None
