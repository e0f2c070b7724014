"""Delay an import again while a change or deletion of the record in Odoo is not sent yet.

An export that waits, is running or has failed is found by the identity key of its job. A failed one
counts until a later one with its key is done, or until the jobs of that time are deleted. A bulk
export counts if the bulk exporter holds imports (:class:`ImportHold`).

While an export is switched off, or only rehearsed, a change has no job: the binding is *to export*,
which counts too, until the first run of the export after it was switched on again.

If the exporter's conflict policy lets the external system win, the import goes on. Otherwise it is
put off: the record is not changed, and a job of its own comes back when the export may have ended,
as often as needed. So the external change arrives too, once ours was sent, the conflict was
decided, or the export was cancelled.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import TYPE_CHECKING

from odoo.models import BaseModel

from odoo.addons.jobs_queue.jobs.unfinished import keys_of_failed, seconds_waiting

from ..binding.selecting import is_chosen, selection_of
from ..binding.state import recall
from ..conflict_policy import ConflictPolicy
from ..connector_unit import Environment
from ..flow import BulkExportFlow, ExportFlow, Flow, flow_classes
from ..jobs.keys import bulk_export_identity, delete_identity, export_identity
from ..mapper.mapper import ExportMapper
from ..synchronizer import Exporter
from .incoming import Incoming

if TYPE_CHECKING:
    from .record import RecordImporter

# Seconds. An import comes back after the time that the export has waited by then, so that an export
# that has failed is not checked all the time
_SOONEST = 60
_LATEST = 3600


class ImportHold(Exporter):
    """The part of a bulk exporter that defines whether imports wait for its exports.

    See :class:`~odoo.addons.connector.unit.exporter.bulk.BulkExporter`.
    """

    #: False for fields that no import overwrites, such as stock: imports of the record go on while
    #: its export waits, is running or has failed
    _holds_imports: bool = True

    #: Names of the Odoo fields to send. By default those of the flow
    _fields: Sequence[str] = ()


def put_off(importer: RecordImporter, page: Iterable[Incoming]) -> list[Incoming]:
    """Put off the imports that would overwrite changes that wait to be sent, and return them.

    :param importer: :class:`~odoo.addons.connector.unit.importer.record.RecordImporter`
    :param page: list of the :class:`~.incoming.Incoming` records that are about to be imported
    :return: list of those that must not go on
    """
    waiting = _seconds_waiting(importer.environment, page)
    if waiting and importer.unit_for(ConflictPolicy).policy("conflict") == "external_wins":
        waiting = {incoming: seconds for incoming, seconds in waiting.items() if incoming.is_new}
    for incoming in importer.each(waiting):
        importer._delay(identity_policy="debounce", eta=min(max(waiting[incoming], _SOONEST), _LATEST))
    return list(waiting)


def with_failed_export(environment: Environment, bindings: BaseModel) -> BaseModel:
    """Return the bindings with a failed export whose job still exists.

    :param environment: :class:`~odoo.addons.connector.connector.Environment` of the binding model
    :param bindings: recordset
    """
    keys = {binding.id: export_identity(environment.model_name, binding.id) for binding in bindings}
    failed = keys_of_failed(environment.env, keys.values()) if keys else ()
    return bindings.filtered(lambda binding: keys[binding.id] in failed)


def is_sent_in_bulk(environment: Environment) -> bool:
    """Return whether all that is exported of a model is sent in bulk, such as its stock.

    :param environment: of the model
    """
    exporters = environment.backend.get_classes(ImportHold, environment.session, environment.model_name)
    if not exporters:
        return False
    flows = flow_classes(environment.backend, environment.session).values()
    in_bulk = [
        flow.fields for flow in flows if issubclass(flow, BulkExportFlow) and flow._model_name == environment.model_name
    ]
    in_bulk += [exporter._fields for exporter in exporters]
    exported = environment.get_connector_unit(ExportMapper).changed_by_fields()
    return exported is not None and exported <= {name for names in in_bulk for name in names}


def _seconds_waiting(environment: Environment, page: Iterable[Incoming]) -> dict[Incoming, float]:
    """Return for how many seconds changes of records have waited to be sent, by record.

    Records without such changes are left out.
    """
    page = list(page)
    in_bulk = _is_held_by_bulk_exports(environment)
    keys = {incoming: _keys(environment, incoming, in_bulk) for incoming in page}
    seconds = seconds_waiting(environment.env, chain.from_iterable(keys.values()))
    in_jobs = {
        incoming: max(seconds[key] for key in keys[incoming] if key in seconds)
        for incoming in page
        if not seconds.keys().isdisjoint(keys[incoming])
    }
    return {**dict.fromkeys(_noted(environment, page, in_bulk), float(_LATEST)), **in_jobs}


def _noted(environment: Environment, page: Iterable[Incoming], in_bulk: bool) -> list[Incoming]:
    """Return the records with a change here that has no job.

    So it is while its export is switched off, and while exports are only rehearsed.
    """
    noted = [incoming for incoming in page if recall(incoming.binding, "sync_state") == "to_export"]
    if not noted:
        return noted
    if environment.backend_record.sudo().is_rehearsal:
        return noted if in_bulk or not is_sent_in_bulk(environment) else []
    kinds = (ExportFlow, BulkExportFlow) if in_bulk else (ExportFlow,)
    flows = environment.env["connector.flow"]
    kept = [
        flow
        for flow in flow_classes(environment.backend, environment.session).values()
        if flow._model_name == environment.model_name
        and issubclass(flow, kinds)
        and flows._keeps_unsent(environment.backend_record, flow.code)
    ]
    return [incoming for incoming in noted if any(_is_sent_by(environment, incoming, flow) for flow in kept)]


def _is_sent_by(environment: Environment, incoming: Incoming, flow: type[Flow]) -> bool:
    """Return whether a flow is for a record, as people have chosen."""
    kind = BulkExportFlow if issubclass(flow, BulkExportFlow) else ExportFlow
    return is_chosen(incoming.binding, selection_of(environment.session, incoming.binding, kind, flow.code))


def _is_held_by_bulk_exports(environment: Environment) -> bool:
    # the model may have several, or none
    classes = environment.backend.get_classes(ImportHold, environment.session, environment.model_name)
    return any(unit_class._holds_imports for unit_class in classes)


def _bulk_keys(environment: Environment, binding_id: int) -> Iterable[str]:
    yield bulk_export_identity(environment.model_name, binding_id)
    for flow in flow_classes(environment.backend, environment.session).values():
        if flow._model_name == environment.model_name and issubclass(flow, BulkExportFlow):
            yield bulk_export_identity(environment.model_name, binding_id, flow.code)


def _keys(environment: Environment, incoming: Incoming, in_bulk: bool) -> list[str]:
    """Return the identity keys of the jobs that would send changes of a record.

    They send its change or, if it does not exist any more, its deletion.
    """
    model_name = environment.model_name
    if binding := incoming.binding:
        keys = [export_identity(model_name, binding.id)]
        return [*keys, *_bulk_keys(environment, binding.id)] if in_bulk else keys
    return [delete_identity(model_name, environment.backend_record.id, incoming.external_id)]
