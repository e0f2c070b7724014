"""Bulk export: small changes of many records, such as stock and prices, sent by one call.

It is run by a grouped job.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cached_property, partial
from typing import Any, TypeAlias

from odoo.models import BaseModel
from odoo.tools import split_every

from odoo.addons.jobs_queue.exception import GroupResultError, RetryableJobError
from odoo.addons.jobs_queue.jobs import job
from odoo.addons.jobs_queue.session import ConnectorSession

from ...exception import MappingError, NoExternalId, Rehearsed
from ...extension import class_name
from ..backend_adapter.rehearsal import hold_back_own
from ..binding.selecting import selection_in
from ..binding.sent import not_sent, sent_with
from ..binding.state import mark_error, mark_failure, recall, remember
from ..conflict_policy import ConflictPolicy
from ..connector_unit import external_id_text
from ..flow import BulkExportFlow, ExportFlow, FlowSwitchedOff, flow_class, open_flow
from ..importer.record import RecordImporter
from ..importer.unsent import ImportHold, with_failed_export
from ..jobs.about import exported_in_bulk
from ..jobs.channel import flow_channel
from ..jobs.keys import bulk_export_identity
from ..jobs.put_right import note_exported, noting_failure
from ..jobs.related_action import open_exported_in_bulk
from ..open_records import bulk_export_key, export_scope
from ..synchronizer import a_moment
from ..types import Values
from .unanswered import forget_until_answered
from .unsent_changes import mark_unsent

#: Exports bindings by an exporter: ``function(exporter, ids)``.
Export: TypeAlias = Callable[[Any, Sequence[int]], dict[int, str]]


class BulkExporter(ImportHold):
    """Exporter that sends the changes of many records by one call of ``write_many``.

    The flow, or ``_fields``, names the Odoo fields to send. The mapper of the model's export maps
    them to external fields::

        @shop
        class StockExporter(BulkExporter):
            _model_name = "shop.product"
            _fields = ["qty_available"]

        delay_bulk_export(session, bindings)

    Waiting jobs of one backend are run together, up to a hundred in one call. A record that the
    external system refuses gets a job of its own, which fails alone. A record that cannot be mapped
    is found by halving. A call may be repeated with the same values.

    While a bulk export of a record is not done, imports of that record are put off, see
    :mod:`~odoo.addons.connector.unit.importer.unsent`. If no import overwrites the fields, set
    ``_holds_imports = False``: then imports go on.
    """

    #: True for values that the external system changes by itself, such as stock that it lowers when
    #: it ships: then each export sends them, also if they are those that were sent last
    _changes_there: bool = False

    #: Maximum number of records of one call. Set it if the system takes fewer or more
    _page_size: int = 100

    def run(self, binding_ids: Sequence[int]) -> dict[int, str]:
        """Export records.

        :param binding_ids: list of ids of bindings
        :return: dict, id of the binding to what was done, for the user
        :raise RetryableJobError: one of the records is being exported by another transaction
        :raise MappingError: the class does not define the fields to send, or no mapping reads one
            of them
        :raise GroupResultError: the adapter does not return which records are refused
        :raise ConnectorException: the only record that was given is refused
        """
        self._check_fields()
        bindings = self.model.browse(dict.fromkeys(binding_ids)).exists()
        self._lock(bindings)
        changes = self._changes(bindings)
        while forget_until_answered(self.session, changes):
            # its commit has ended our locks: others may have changed the records since
            self._lock(bindings)
            changes = self._changes(bindings)
        messages = dict.fromkeys(binding_ids, self._("The record to export does not exist any more."))
        nothing, refusal = self._("Nothing to export."), self._("Not exported: the binding says so.")
        for binding in bindings:
            messages[binding.id] = refusal if binding.no_export else nothing
        refused = self._send(changes)
        self._sent.update(binding.id for binding in changes if binding not in refused)
        for binding in changes:
            messages[binding.id] = self._("Updated record %s.", binding.external_id)
        settled = [binding.id for binding in bindings if binding not in refused and not binding.no_export]
        note_exported(self.session, self.model._name, _keys(settled, self.environment.flow_argument))
        for binding, error in refused.items():
            if isinstance(error, Rehearsed):
                if self._is_kept:
                    mark_unsent(binding)
                messages[binding.id] = str(error)
            else:
                messages[binding.id] = self._leave_alone(binding, error, is_alone=len(bindings) == 1)
        return messages

    @cached_property
    def _sent(self) -> set[int]:
        """The ids of the bindings that were sent, and not refused."""
        return set()

    def _check_fields(self) -> None:
        fields = self._sent_fields
        if not fields or isinstance(fields, str):
            raise self._wrong_fields(f"{fields!r} is not a list of one or more names of fields")
        read = self.mapper.changed_by_fields()  # None: a mapping does not say what it reads
        for field in fields:
            if field not in self.model._fields:
                raise self._wrong_fields(f"{self.model._name} has no field {field!r}")
            if read is not None and field not in read:
                raise self._wrong_fields(f"no mapping of {class_name(type(self.mapper))} reads {field!r}")

    @cached_property
    def _sent_fields(self) -> Sequence[str]:
        if self._fields or not self.environment.flow:
            return self._fields
        flow = flow_class(self.backend, self.session, self.model._name, BulkExportFlow, self.environment.flow)
        return list(getattr(flow, "fields", ()))

    @property
    def _is_kept(self) -> bool:
        """Whether what was held back becomes *to export*, for which imports wait.

        Where no import would overwrite it, it need not: the next run of the flow finds it.
        """
        return self._holds_imports or not self.environment.flow

    def _wrong_fields(self, problem: str) -> MappingError:
        return MappingError(f"{class_name(type(self))}, _fields: {problem}")

    def _lock(self, bindings: BaseModel) -> None:
        if busy := bindings - bindings.try_lock_for_update(allow_referencing=True):
            name = busy.exists()[:1].display_name or str(busy)  # somebody may have deleted them
            message = self._("%s is being exported or changed by somebody else", name)
            raise RetryableJobError(message, seconds=a_moment(), ignore_retry=True)

    def _changes(self, bindings: BaseModel) -> dict[BaseModel, Values]:
        """Return the values to send, as a dict of binding to dict.

        Bindings without changes are left out, and those that say that they are not exported.
        """
        bindings = bindings.filtered(lambda binding: not binding.no_export)
        mapped = self.mapper.map_records(bindings).values(fields=self._sent_fields)
        changes = {
            binding: values if self._changes_there else not_sent(binding, values)
            for binding, values in zip(bindings, mapped, strict=True)
        }
        return {binding: values for binding, values in changes.items() if values}

    def _send(self, changes: dict[BaseModel, Values]) -> dict[BaseModel, Exception]:
        """Send changes by one call; return the refused ones, as a dict of binding to exception."""
        known = self.binder.to_external_many(changes)
        by_id = {known[binding.id]: binding for binding in changes if binding.id in known}
        seen = self._seen_before(by_id)
        errors = self._refused({id_: changes[by_id[id_]] for id_ in by_id}) if by_id else {}
        sent = {id_: binding for id_, binding in by_id.items() if id_ not in errors}
        self._remember(sent, changes, self._states_there(seen & sent.keys()))
        unknown: dict[BaseModel, Exception] = {b: self._unknown(b) for b in changes if b.id not in known}
        return unknown | {by_id[id_]: error for id_, error in errors.items()}

    def _seen_before(self, external_ids: Collection[str]) -> set[Any]:
        """Return the external ids of the records whose current external state is known.

        It is called before the export, which changes that state. It is empty if the conflict policy
        does not look for conflicts.
        """
        if not external_ids or self.unit_for(ConflictPolicy).policy("conflict") == "odoo_wins":
            return set()
        importer = self.unit_for(RecordImporter)
        return {
            external_id_text(theirs.external_id)
            for theirs in importer.each(importer.read_page(external_ids))
            if importer._is_known_state(theirs.binding)
        }

    def _states_there(self, external_ids: Collection[Any]) -> dict[Any, Values]:
        """Return the current external states of records.

        :return: dict, external id to values of the binding
        """
        importer = self.unit_for(RecordImporter)
        page = importer.each(importer.read_page(external_ids))
        return {external_id_text(theirs.external_id): importer._state_there() for theirs in page}

    def _remember(
        self, sent: Mapping[str, BaseModel], changes: dict[BaseModel, Values], states: Mapping[Any, Values]
    ) -> None:
        """Store the sent values of bindings, and the external state after the export.

        So the next export does not take this state for a conflict.
        """
        synchronised = self.binder.sync_values()
        bindings = self.model.concat(*sent.values())
        unsent = with_failed_export(self.environment, bindings.filtered(lambda b: recall(b, "sync_state") == "error"))
        waiting = {"conflict", "to_import"}
        if flow_class(self.backend, self.session, self.model._name, ExportFlow):
            waiting.add("to_export")  # only that flow knows whether it was all
        for external_id, binding in sent.items():
            values = {"export_checksum": sent_with(binding, changes[binding]), **states.get(external_id, {})}
            values.update(synchronised)
            if binding in unsent or recall(binding, "sync_state") in waiting:
                # what remains to be done with the record stays visible, with the job that tells it
                for name in ("sync_state", "sync_error", "last_job_id"):
                    values.pop(name, None)
            remember(binding, values)

    def _refused(self, changes: dict[str, Values]) -> dict[Any, Exception]:
        """Send changes and return the refused ones, as a dict: external id as text to exception.

        If the call is refused as a whole, the queue halves the group of jobs: each half is a
        transaction of its own, so what was accepted stays so.
        """
        hold_back_own(self.backend_adapter, "write_many", None, changes)
        returned = self._write_many(changes)
        if returned is None:
            return {}
        if not isinstance(returned, dict):
            raise self._wrong_result(repr(returned))
        for external_id, error in returned.items():
            if external_id_text(external_id) not in changes or not isinstance(error, Exception):
                raise self._wrong_result(f"{external_id!r}: {error!r}")
        return {external_id_text(external_id): error for external_id, error in returned.items()}

    def _write_many(self, changes: dict[str, Values]) -> Mapping[Any, Exception] | None:
        """Send changes by ``write_many`` of the adapter, and return its result."""
        return self.backend_adapter.write_many(changes)

    def _wrong_result(self, returned: str) -> GroupResultError:
        caller, adapter = class_name(type(self)), class_name(type(self.backend_adapter))
        return GroupResultError(
            f"{adapter} returned {returned} to {caller}._write_many(): it must return a dict, id of each record that is refused, "
            "of those that it was given, to the exception that says why; or None"
        )

    def _unknown(self, binding: BaseModel) -> NoExternalId:
        return NoExternalId(self._("%s is not known there yet: export it first.", binding.display_name))

    def _leave_alone(self, binding: BaseModel, error: Exception, is_alone: bool) -> str:
        """Delay a job of its own for a refused record, and mark its binding with the error."""
        if is_alone:
            raise error
        mark_error(binding, str(error))
        export_bulk.delay(
            self.environment.user_session,
            self.model._name,
            self.backend_record.id,
            binding.id,
            *self.environment.flow_argument.values(),
            group_key=f"alone {binding.id}",
            identity_key=bulk_export_identity(self.model._name, binding.id, self.environment.flow_argument.get("flow")),
        )
        return self._("Refused: %s\nA job of its own tries it once more.", error)


@job(
    default_channel=flow_channel(BulkExportFlow),
    group_size=100,
    related_action=open_exported_in_bulk,
    about=exported_in_bulk,
    former_names=["odoo.addons.connector.unit.bulk_exporter.export_bulk"],
)
def export_bulk(session: ConnectorSession, model_name: str, calls: list[Any]) -> list[str]:
    """Export changes of records to an external system, many by one call

    Each call is ``(backend_id, binding_id)``, or ``(backend_id, binding_id, flow)`` for a flow that
    is not the first one in bulk of the model.

    :param model_name: name of the binding model
    """
    binding_ids = [binding_id for _backend_id, binding_id, *_flow in calls]
    backend_id, _binding_id, *flow = calls[0]
    messages = export_bindings(session, model_name, backend_id, binding_ids, next(iter(flow), None), _in_calls)
    not_chosen = session.env._("Not exported: the flow is not for this record any more.")
    return [messages.get(binding_id, not_chosen) for _backend_id, binding_id, *_flow in calls]


def _in_calls(exporter: BulkExporter, binding_ids: Sequence[int]) -> dict[int, str]:
    """Export bindings by calls of as many records as the system takes."""
    messages: dict[int, str] = {}
    for page in split_every(exporter._page_size, binding_ids):
        messages |= exporter.run(page)
    return messages


def export_bindings(
    session: ConnectorSession,
    model_name: str,
    backend_id: int,
    binding_ids: Sequence[int],
    flow: str | None,
    export: Export,
) -> dict[int, str]:
    """Export bindings in a job of a bulk flow; note their failure if it fails for good.

    :param flow: code of the flow; None: the first one of the model
    :param export: ``function(exporter, ids)`` that exports them
    :return: dict, id of the binding to what was done; without those that the flow is not for
    """
    try:
        environment = open_flow(session, model_name, backend_id, BulkExportFlow, flow)
    except FlowSwitchedOff:
        _mark_all_unsent(session, model_name, binding_ids)
        raise
    exporter = environment.get_connector_unit(BulkExporter)
    if selection := selection_in(environment):
        binding_ids = selection.among(exporter.model.browse(binding_ids)).ids
    keys = partial(_keys, binding_ids, environment.flow_argument)
    failed = noting_failure(session, export_scope(model_name), keys)
    try:
        # if several calls fail, the failing one is found by halving, and is then alone
        with failed, mark_failure(session, exporter.model.browse(binding_ids)):
            return export(exporter, binding_ids)
    except Rehearsed:
        if exporter._is_kept:
            _mark_all_unsent(session, model_name, binding_ids)
        raise


def _mark_all_unsent(session: ConnectorSession, model_name: str, binding_ids: Sequence[int]) -> None:
    for binding in session.env[model_name].browse(binding_ids).exists():
        mark_unsent(binding)


def _keys(binding_ids: Iterable[int], flow_argument: Mapping[str, str]) -> list[str]:
    return [bulk_export_key(binding_id, flow_argument.get("flow")) for binding_id in binding_ids]
