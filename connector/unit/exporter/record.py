"""Export an Odoo record to the external system: the exporter, and its job."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable
from functools import cached_property

from odoo.models import BaseModel

from odoo.addons.jobs_queue.exception import RetryableJobError
from odoo.addons.jobs_queue.jobs import job
from odoo.addons.jobs_queue.session import ConnectorSession

from ...backend import general
from ...exception import IDMissingInBackend, InvalidDataError, Rehearsed
from ..backend_adapter.rehearsal import hold_back_own
from ..binding.selecting import is_left_out
from ..binding.sent import not_sent, sent_with
from ..binding.state import MissingThere, mark_error, mark_failure, mark_in_sync, recall, remember
from ..conflict_policy import ConflictPolicy
from ..connector_unit import Environment
from ..flow import ExportFlow, FlowSwitchedOff, open_flow
from ..jobs.about import exported
from ..jobs.channel import flow_channel
from ..jobs.keys import export_group_key, export_identity
from ..jobs.put_right import note_exported, noting_failure
from ..jobs.related_action import open_exported
from ..mapper.record import MapRecord
from ..open_records import export_key, export_scope
from ..synchronizer import Deleter, a_moment
from ..types import ExternalId, Values
from .conflict import Conflict
from .creation import Creation
from .unanswered import forget_until_answered
from .unsent_changes import mark_unsent


@general
class RecordExporter(ConflictPolicy):
    """Exporter of one record.

    It exports the dependencies of the record first. Then it maps the record, creates or updates it
    in the external system, and binds it.

    A connector overrides steps as needed. Two attributes define what happens if both sides
    disagree:

    - ``_conflict_policy``: the record was changed on both sides, see
      :class:`~odoo.addons.connector.unit.conflict_policy.ConflictPolicy`
    - ``_missing_policy``: the external record does not exist any more. ``"fail"`` (the default):
      the job fails, and its message tells what to do. ``"recreate"``: the record is created again

    Of a record with an external id, only values that differ from the last sent ones are sent. The
    binding keeps checksums of these.

    Attributes during the run: ``binding``, and ``external_id``, which is None as long as the record
    has no external id.
    """

    _missing_policy: str = "fail"

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.binding: BaseModel = None
        # (model name, id) of the bindings whose export has led to this one
        self._exporting: frozenset[tuple[str, int]] = frozenset()

    @cached_property
    def _creation(self) -> Creation:
        return Creation(self)

    @cached_property
    def _conflict(self) -> Conflict:
        return Conflict(self)

    def run(self, binding_id: int, fields: Collection[str] | None = None) -> str:
        """Export a record.

        :param binding_id: id of the binding
        :param fields: names of the changed fields; None: all fields are compared. A record without
            an external id is exported whole
        :return: what was done, for the user
        :raise RetryableJobError: the same record is being exported or changed by another
            transaction
        :raise IDMissingInBackend: the external record does not exist any more, and the policy is to
            fail
        """
        self.binding = self.model.browse(binding_id).exists()
        if not self.binding:
            return self._("The record to export does not exist any more.")
        if recall(self.binding, "no_export"):
            return self._("Not exported: the binding says so.")
        self._lock()
        if reason := self._must_skip() or self._handle_archived():
            return reason
        self._export_dependencies()
        map_record = self._map_data()
        if self.external_id is None:
            return self._export_new(map_record)
        return self._export_changes(map_record, fields)

    # Steps, in the order in which they are called

    def _lock(self) -> None:
        """Lock the binding until the end of the transaction, and look up its external id.

        So two jobs do not create the same external record.
        """
        if not self.binding.try_lock_for_update(allow_referencing=True):
            raise self._is_busy()
        self.external_id = self.binder.to_external(self.binding)

    def _must_skip(self) -> str | None:
        """Return the reason why the record is not exported, None if it is exported."""
        return None

    def _handle_archived(self) -> str | None:
        """Apply the policy for records that are archived here.

        :return: what was done in place of the export, None if the record is exported
        """
        policy = self.policy("archived")
        if policy == "export":
            return None
        record = self.binder.unwrap_binding(self.binding)
        if "active" not in record._fields or record.active:
            return None
        if policy == "keep" or self.external_id is None:
            return self._("Archived here: not exported.")
        self._delete_there()
        return self._("Archived here: record %(id)s of %(backend)s is deleted.", **self._names())

    def _delete_there(self) -> None:
        """Delete the external record, and forget it."""
        hold_back_own(self.backend_adapter, "delete", self.external_id, None)
        self.unit_for(Deleter).run(self.external_id)
        forgotten = [self.binder._external_field, "external_version", "import_checksum", "export_checksum"]
        remember(self.binding, {**dict.fromkeys(forgotten, False), "sync_state": "never", "sync_error": False})

    def leave(self, binding_id: int) -> str:
        """Take a record out of the external system that people have not chosen any more.

        :param binding_id: id of the binding
        :return: what was done, for the user
        :raise RetryableJobError: the same record is being exported or changed by another
            transaction
        """
        self.binding = self.model.browse(binding_id)
        self._lock()
        if self.external_id is None or recall(self.binding, "no_export"):
            return self._("Nothing to take out.")
        hold_back_own(self.backend_adapter, "take out", self.external_id, None)
        done = self._handle_left()
        # when it is chosen again, all of it is sent
        remember(self.binding, {"export_checksum": False, "sync_state": "to_export"})
        return done

    def _handle_left(self) -> str:
        """Take the external record out of what is exported; a hook.

        By default it is deleted there. Override it where it is archived there in place of that, or
        is switched off.

        :return: what was done, for the user
        """
        external_id = self.external_id
        self._delete_there()
        names = {**self._names(), "id": external_id}
        return self._("Not chosen any more: record %(id)s of %(backend)s is deleted.", **names)

    def _export_dependencies(self) -> None:
        """Export the records that must exist in the external system first; a hook.

        See :meth:`_export_dependency`.
        """

    def _export_dependency(self, binding: BaseModel) -> None:
        """Export a record on which this one depends, unless it has an external id.

        A record that is already being exported, and depends on this one in turn, is not exported
        again.

        :param binding: its binding, or an empty recordset if there is none
        """
        exporting = self._exporting | {(self.model._name, self.binding.id)}
        if not binding or (binding._name, binding.id) in exporting:
            return
        if self.binder_for(binding._name).to_external(binding) is None:
            exporter = self.unit_for(RecordExporter, binding._name)
            exporter._exporting = exporting
            exporter.run(binding.id)
            self._lock()  # again: with the creation there a commit has ended our lock

    def _map_data(self) -> MapRecord:
        """Return the ``MapRecord`` of the binding."""
        return self.mapper.map_record(self.binding)

    def _export_new(self, map_record: MapRecord) -> str:
        values = self._create_data(map_record)
        self.external_id = self._creation.run(values)
        self._check_unbound()
        self._bind(values)
        self._commit()  # what comes after, calls to the other side among it, may fail without the id being lost
        self._remember_state()
        self._after_export()
        self._put_right()
        return self._("Created record %(id)s in %(backend)s.", **self._names())

    def _export_changes(self, map_record: MapRecord, fields: Collection[str] | None) -> str:
        values = not_sent(self.binding, self._update_data(map_record, fields))
        if not values:
            if fields is None:
                mark_in_sync(self.binding, "error", "missing", "to_export")
                self._put_right()
            return self._("Nothing to export.")
        if forget_until_answered(self.session, {self.binding: values}):
            # its commit has ended our lock: others may have changed the record, or what was last
            # sent, so begin again. It ends, as the second time there is nothing more to forget
            return self.run(self.binding.id, fields)
        try:
            if decision := self._conflict.resolve():
                return decision
            hold_back_own(self.backend_adapter, "write", self.external_id, values)
            self._update(values)
        except IDMissingInBackend as error:
            return self._handle_missing(map_record, error)
        self._bind(values)
        self._remember_state()
        self._after_export()
        if fields is None:
            self._put_right()
        return self._("Updated record %(id)s of %(backend)s.", **self._names())

    def _create_data(self, map_record: MapRecord) -> Values:
        values = map_record.values(for_create=True)
        self._validate_data(values)
        return values

    def _update_data(self, map_record: MapRecord, fields: Iterable[str] | None) -> Values:
        values = map_record.values(fields=fields)
        self._validate_data(values)
        return values

    def _validate_data(self, values: Values) -> None:
        """Check the values before they are sent; a hook.

        :raise InvalidDataError: they are not valid
        """

    def _create(self, values: Values) -> ExternalId:
        """Create the external record and return its id."""
        return self.backend_adapter.create(values, **self._creation.key_argument())

    def _get_idempotency_key(self, values: Values) -> str:
        """Return the idempotency key of a creation, a text, by default a random one.

        A connector may return a unique value of the record, its SKU for instance.

        :param values: dict of the values to send
        """
        return str(uuid.uuid4())

    def _update(self, values: Values) -> None:
        self.backend_adapter.write(self.external_id, values)

    def _handle_missing(self, map_record: MapRecord, error: Exception) -> str:
        """Handle an external record that does not exist any more; return the message for the user.

        :param error: the :class:`~odoo.addons.connector.exception.IDMissingInBackend` of the
            adapter
        """
        if self.policy("missing") == "recreate":
            # before it is unbound, which a rehearsal would keep
            self.backend_adapter.hold_back("create", None, self._create_data(map_record))
            self.external_id = None
            forgotten = [self.binder._external_field, "external_version", "import_checksum", "export_checksum"]
            remember(self.binding, dict.fromkeys(forgotten, False))
            return self._export_new(map_record)
        if self.policy("missing") == "archive" and self._archive_here(self.binding):
            message = self._("%(backend)s has no record %(id)s any more: it was archived here.", **self._names())
            mark_error(self.binding, message, "missing")
            return message
        message = self._("%s\nDelete the binding, or restore the record there; then requeue or cancel the job.", error)
        raise MissingThere(message, self.binding) from error

    def _bind(self, values: Values) -> None:
        """Store the id of the external record, and the checksums of the sent values."""
        self.binder.bind(self.external_id, self.binding)  # type: ignore[arg-type]  # it has one by now
        remember(self.binding, {"export_checksum": sent_with(self.binding, values)})

    def _remember_state(self) -> None:
        """Store the external state after the export; the record may have to be read for that."""
        remember(self.binding, self._conflict.state_to_remember())

    def _after_export(self) -> None:
        """Do further work after the export; a hook."""

    # Helpers

    def _put_right(self) -> None:
        """Note that failed exports of the record are put right: all of it was sent."""
        note_exported(self.session, self.model._name, [export_key(self.binding.id)])

    def _check_unbound(self) -> None:
        """Check that the created record is not the record of another binding.

        It may be, for instance if two records have the same idempotency key.

        :raise InvalidDataError: it is
        """
        other = self.binder.to_internal(self.external_id) - self.binding
        if other:
            names = {**self._names(), "record": other.display_name, "binding": other.id}
            raise InvalidDataError(
                self._("Record %(id)s of %(backend)s is bound to %(record)s already (binding %(binding)s).", **names)
            )

    def _commit(self) -> None:
        """Commit if the transaction is the job's own."""
        if self.session.owns_transaction:
            self.session.commit()

    def _is_busy(self) -> RetryableJobError:
        name = self.binding.exists().display_name or str(self.binding)  # somebody may have deleted it
        message = self._("%s is being exported or changed by somebody else", name)
        return RetryableJobError(message, seconds=a_moment(), ignore_retry=True)


@job(
    default_channel=flow_channel(ExportFlow),
    related_action=open_exported,
    about=exported,
    concurrency_key=export_group_key,
    former_names=["odoo.addons.connector.unit.exporter.export_record"],
)
def export_record(
    session: ConnectorSession,
    model_name: str,
    binding_id: int,
    fields: list[str] | None = None,
    flow: str | None = None,
) -> str:
    """Export a record to an external system

    :param model_name: name of the binding model
    :param binding_id: id of the binding
    :param fields: names of the changed fields; None: all fields are compared. So they are if the
        job has the key of the binding's exports: it stands for all that were delayed with it
    :param flow: code of its flow; None: the first export flow of the model, if it has any
    """
    if getattr(session.job, "identity_key", None) == export_identity(model_name, binding_id):
        fields = None
    binding = session.env[model_name].browse(binding_id).exists()
    if not binding:
        return session.env._("The record to export does not exist any more.")
    try:
        environment = open_flow(session, model_name, binding.backend_id.id, ExportFlow, flow)
    except FlowSwitchedOff:
        mark_unsent(binding)
        raise
    if session.job and is_left_out(environment, binding):
        mark_unsent(binding)
        return session.env._("Not exported: the flow is not for this record any more.")
    exporter = environment.get_connector_unit(RecordExporter)
    failed = export_scope(model_name), lambda: [export_key(binding_id)]
    try:
        with noting_failure(session, *failed), mark_failure(session, binding):
            return exporter.run(binding_id, fields)
    except Rehearsed:
        mark_unsent(binding)
        raise
