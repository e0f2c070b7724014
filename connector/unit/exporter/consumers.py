"""Ready-made consumers that delay an export when a record is created, written or deleted in Odoo.

::

    on_record_create.subscribe(delay_export, model_names="shop.product.product")
    products = ["product.product", "product.template"]
    on_record_write.subscribe(delay_export_all_bindings, model_names=products)
    gone = ["product.product", "shop.product.product"]
    on_record_unlink.subscribe(delay_delete, model_names=gone)

Subscribed to ``on_record_write``, they delay in the transaction of the change: the change and its
job are committed together or not at all. With ``on_record_change``, a record that is written often
in one transaction costs one job row, but the job is lost if the process dies right after its
commit. A comparison of both sides (:mod:`~odoo.addons.connector.unit.reconciler`) then finds the
difference.

Changes by an import are exported to all backends but the one of the import (``no_connector_export``
in the context, see :mod:`~odoo.addons.connector.event.no_export`).

Nothing is delayed for archived backends, for bindings that are not exported, for records outside of
the domain of the flow, and for changes of fields that the export's mapping does not read. The jobs
that wait for one record are one job: it exports all changes made until it is run.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any, TypeAlias

from odoo.fields import Domain
from odoo.models import BaseModel

from odoo.addons.jobs_queue.jobs import Job
from odoo.addons.jobs_queue.session import ConnectorSession

from ...event.change import Change
from ...event.no_export import forbids_all, forbids_any, forbids_export
from ...exception import NoConnectorUnitError
from ..binding.paths import paths_to
from ..binding.selecting import is_chosen, selection_of
from ..binding.selection import Selection, UnusableDomain
from ..connector_unit import get_environment
from ..flow import BulkExportFlow, ExportFlow, Flow, flow_argument, flow_class
from ..jobs.about import name_of
from ..jobs.keys import bulk_export_identity, delete_identity, export_identity
from ..mapper.mapper import ExportMapper
from ..synchronizer import Deleter
from .bind import delay_bindings
from .bulk import export_bulk
from .bulk_page import delay_pages
from .deleter import delete_created, delete_record
from .record import RecordExporter, export_record
from .unsent_changes import is_noted, mark_unsent, note_unsent

#: Written values, or the change of ``on_record_change``.
Written: TypeAlias = Mapping[str, Any] | Change


def delay_export(session: ConnectorSession, model_name: str, record_id: int, vals: Written) -> None:
    """Delay the export of a binding that was created or changed.

    :param model_name: name of the binding model
    :param record_id: id of the binding
    :param vals: dict of the written values, or the :class:`Change` of ``on_record_change``
    """
    binding = _as_superuser(session, model_name, record_id)
    # ``on_record_change`` calls after the commit: the binding may have been deleted since
    if not isinstance(vals, Change) or binding.exists():
        _delay_exports(session, binding, vals)


def delay_export_all_bindings(
    session: ConnectorSession,
    model_name: str,
    record_id: int,
    vals: Written,
    binding_models: Iterable[str] | None = None,
) -> None:
    """Delay the export of all bindings of a record that was changed.

    The bindings of a product are also those of its template: the given record may be one from which
    the bound record inherits (``_inherits``).

    :param model_name: name of the model of the record
    :param record_id: its id
    :param vals: as for :func:`delay_export`
    :param binding_models: names of the binding models; None: those of all connectors whose mappers
        export the record
    """
    record = session.env[model_name].browse(record_id)
    for name, path in paths_to(record):
        if binding_models is not None and name not in binding_models:
            continue
        if not isinstance(vals, Change) and _is_off_everywhere(record, name, path):
            note_unsent(session, record, name, path, vals, _delay_exports)
            continue
        bindings = _bindings(_as_superuser(session, model_name, record_id), name, path)
        for binding in bindings:
            _delay_exports(session, binding, vals)
        delay_bindings(session, record, name, path, bindings)


def delay_bulk_export(
    session: ConnectorSession, bindings: BaseModel, flow: str | None = None, **options: Any
) -> list[Job]:
    """Delay the bulk export of bindings.

    It is done by the :class:`~odoo.addons.connector.unit.exporter.bulk.BulkExporter` of their
    model. The connector's own consumers call this function when they have found the records that a
    change concerns. Bindings that are not exported, have no external id yet, or are outside of the
    domain of the flow, are left out. Those whose flow is switched off become *to export*.

    :param bindings: recordset of a binding model
    :param flow: code of a :class:`~odoo.addons.connector.unit.flow.BulkExportFlow`; None: the first
        one of the model
    :param options: options of ``delay``: priority, eta and so on
    :return: the jobs: one for each exported binding, or for each page of them
    """
    return delay_counted(session, bindings, flow, **options)[0]


def delay_counted(
    session: ConnectorSession, bindings: BaseModel, flow: str | None = None, **options: Any
) -> tuple[list[Job], int]:
    """Delay the bulk export of bindings; return the jobs, and of how many records they are.

    The arguments are those of :func:`delay_bulk_export`.
    """
    jobs: list[Job] = []
    number = 0
    with_all_rights = bindings.with_env(session.env(su=True))
    for backend, mine in with_all_rights.filtered("external_id").filtered(_is_exported).grouped("backend_id").items():
        argument = _argument_if_on(session, mine[:1], BulkExportFlow, flow)
        if argument is None:
            for binding in mine:
                mark_unsent(binding)
            continue
        selection = selection_of(session, mine, BulkExportFlow, flow)
        chosen = mine.filtered(partial(is_chosen, selection=selection))
        size = getattr(flow_class(backend.get_backend(), session, mine._name, BulkExportFlow, flow), "page_size", 1)
        number += len(chosen)
        if size > 1 and len(chosen) > 1:
            jobs += delay_pages(_session_for(session, chosen), chosen, size, argument, **options)
        else:
            jobs += [_delay_in_bulk(session, binding, argument, options) for binding in chosen]
    return jobs, number


def _delay_in_bulk(
    session: ConnectorSession, binding: BaseModel, argument: Mapping[str, str], options: Mapping[str, Any]
) -> Job:
    return export_bulk.delay(
        _session_for(session, binding),
        binding._name,
        binding.backend_id.id,
        binding.id,
        *argument.values(),
        description=_description_of_export(session, binding),
        identity_key=bulk_export_identity(binding._name, binding.id, argument.get("flow")),
        **{**_group_of(binding, argument), **options},
    )


def delay_delete(
    session: ConnectorSession, model_name: str, record_id: int, binding_models: Iterable[str] | None = None
) -> None:
    """Delay the deletion in the external systems of a record that is about to be deleted in Odoo.

    :param model_name: name of the model
    :param record_id: id of a binding, or of a record with bindings, which still exists
    :param binding_models: names of the binding models; None: those of all connectors
    """
    record = _as_superuser(session, model_name, record_id)
    for bindings in [record] if _is_binding(record) else _bindings_of(record, binding_models):
        for binding in bindings.filtered(_is_exported):
            if _argument_if_on(session, binding, ExportFlow) is None or not _deletes(session, binding):
                continue
            # the external id is read now: later the binding does not exist any more
            if binding.external_id:
                _delay_delete(session, binding)
            elif binding.env["connector.export.intent"]._of(binding):
                # The record may have been created there, and its id has not arrived. The job
                # deletes the intent: an export that still runs locks the binding first, then the
                # intent
                delete_created.delay(_session_for(session, binding), binding._name, binding.backend_id.id, binding.id)


def _delay_exports(session: ConnectorSession, binding: BaseModel, vals: Written) -> None:
    if not _is_exported(binding):
        return
    selection = selection_of(session, binding, ExportFlow)
    if not _matters(session, binding, vals, selection):
        return
    if _argument_if_on(session, binding, ExportFlow) is None or not is_chosen(binding, selection):
        mark_unsent(binding)
        return
    delay_exports(session, binding)


def delay_exports(session: ConnectorSession, bindings: BaseModel) -> None:
    """Delay the export of bindings, each by a job of its own."""
    for binding in bindings:
        export_record.delay(
            _session_for(session, binding),
            binding._name,
            binding.id,
            description=_description_of_export(session, binding),
            identity_key=export_identity(binding._name, binding.id),
        )


def _group_of(binding: BaseModel, argument: Mapping[str, str]) -> dict[str, str]:
    """Return the option that keeps the jobs of a flow together, also in a channel of several."""
    return {"group_key": ",".join([str(binding.backend_id.id), *argument.values()])} if argument else {}


def _argument_if_on(
    session: ConnectorSession, binding: BaseModel, kind: type[Flow], code: str | None = None
) -> dict[str, str] | None:
    """Return the argument ``flow`` of the jobs that export a binding; None: its flow is off."""
    backend = binding.backend_id
    flow = flow_class(backend.get_backend(), session, binding._name, kind, code)
    if flow is None:
        return {}
    # what the process remembers may come from a transaction that began before it was switched on
    flows = binding.env["connector.flow"]
    if not flows._is_on(backend, flow.code) and not flows._switch_now(backend, flow.code)[0]:
        return None
    return flow_argument(backend.get_backend(), session, flow, kind)


def _fields_of(selection: Selection) -> set[str]:
    try:
        return selection.field_names()
    except UnusableDomain:
        return set()


def _is_off_everywhere(record: BaseModel, binding_model: str, path: str) -> bool:
    """Return whether no backend is told of any change of a record.

    With something in the context that keeps some backend from being told, it is not looked at.
    """
    if forbids_any(record.env.context):
        return False
    return is_noted(record, binding_model, path) or record.env["connector.flow"]._are_exports_off(binding_model)


def _deletes(session: ConnectorSession, binding: BaseModel) -> bool:
    environment = get_environment(_session_for(session, binding), binding._name, binding.backend_id.id)
    return environment.get_connector_unit(Deleter).policy("deleted") == "delete"


def _description_of_export(session: ConnectorSession, binding: BaseModel) -> str:
    return session.env._(
        "Export %(record)s to %(backend)s",
        record=binding.display_name or binding._description,
        backend=binding.backend_id.name,
    )


def _delay_delete(session: ConnectorSession, binding: BaseModel) -> None:
    job = delete_record.delayable(
        _session_for(session, binding),
        binding._name,
        binding.backend_id.id,
        binding.external_id,
        description=session.env._(
            "Delete %(record)s in %(backend)s",
            record=binding.display_name or binding._description,
            backend=binding.backend_id.name,
        ),
        identity_key=delete_identity(binding._name, binding.backend_id.id, binding.external_id),
    )
    # the binding does not exist any more when the job is stored
    job.set_record(binding.external_id, name_of(binding))
    job.delay()


def _matters(session: ConnectorSession, binding: BaseModel, vals: Written, selection: Selection | None) -> bool:
    """Return whether the mapping of a binding's export reads a field that was written.

    So does a field on which the domain of its flow depends: the record may have come into it.

    A binding without an external id is exported whole. Writing the external id itself does not
    change the record, and a binding that is created with one binds a record that is there already:
    of it only what is written after the creation matters.
    """
    environment = get_environment(_session_for(session, binding), binding._name, binding.backend_id.id)
    try:
        changed_by = environment.get_connector_unit(ExportMapper).changed_by_fields()
    except NoConnectorUnitError:
        return False
    if not binding.external_id:
        return True
    written = set(vals.fields if isinstance(vals, Change) else vals)
    if selection and not written.isdisjoint(_fields_of(selection)):
        return True
    if "active" in written and environment.get_connector_unit(RecordExporter).policy("archived") != "export":
        return True  # whatever the mapping reads
    if "external_id" in written:
        if isinstance(vals, Change):
            written = written if vals.kind == "write" else set(vals.written)
        elif "backend_id" in written:  # they were given to ``create``
            return False
        written -= {"external_id", "backend_id"}
        if not written:
            return False
    return changed_by is None or not changed_by.isdisjoint(written)


def _is_exported(binding: BaseModel) -> bool:
    backend = binding.backend_id
    return backend.active and not binding.no_export and not forbids_export(binding.env.context, backend)


def _as_superuser(session: ConnectorSession, model_name: str, record_id: int) -> BaseModel:
    """Return a record with all rights.

    A user who changes a record need not have the right to see its bindings and backends.
    """
    return session.env[model_name].sudo().with_context(active_test=False).browse(record_id)


def _session_for(session: ConnectorSession, binding: BaseModel) -> ConnectorSession:
    """Return the session to delay the jobs of a binding.

    It is the user's session, with all rights, in the company of the backend.
    """
    return ConnectorSession.from_env(session.env(su=True)).with_company(binding.backend_id.company_id)


def _is_binding(record: BaseModel) -> bool:
    return "external_id" in record._fields and "backend_id" in record._fields


def _bindings_of(record: BaseModel, binding_models: Iterable[str] | None) -> Iterator[BaseModel]:
    """Yield the bindings of a record, a recordset for each binding model."""
    for name, path in paths_to(record):
        if binding_models is None or name in binding_models:
            yield _bindings(record, name, path)


def _bindings(record: BaseModel, name: str, path: str) -> BaseModel:
    """Return the bindings of a record in a model; nothing is searched if no export is allowed."""
    model = record.env[name]
    return model if forbids_all(record.env.context) else model.search(Domain(path, "=", record.id), order="id")
