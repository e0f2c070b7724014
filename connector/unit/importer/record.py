"""Import a record of the external system into Odoo: the flow, and its job."""

import hashlib
import json
from contextlib import contextmanager
from copy import copy
from types import MappingProxyType

from psycopg2.errors import UniqueViolation

from odoo.addons.jobs_queue.exception import RetryableJobError
from odoo.addons.jobs_queue.jobs import job
from odoo.addons.jobs_queue.texts import shown

from ...backend import general
from ...event.no_export import without_export
from ...exception import IDMissingInBackend, InvalidDataError, MappingError
from ...extension import class_name
from ..backend_adapter.crud import checked_record
from ..binding.changes import changed_values, write_inherited
from ..binding.sent import note_created, note_updated, would_send
from ..binding.state import is_import_due, is_in_conflict, mark_error, mark_failure, mark_in_sync, recall
from ..connector_unit import external_id_text, get_environment
from ..jobs.about import imported
from ..jobs.channel import backend_channel
from ..jobs.keys import import_identity
from ..jobs.related_action import open_imported
from ..synchronizer import Importer, a_moment
from .lock import lock_new
from .matching import only_match
from .unsent import put_off


@general
class RecordImporter(Importer):
    """Importer of one record.

    It reads the record, imports its dependencies, maps it, creates or updates the Odoo record, and
    binds it. A connector overrides steps as needed. They are also used for pages of records, see
    :class:`~odoo.addons.connector.unit.importer.bulk.BulkImporter`.

    Two transactions that import the same new record create one record: the second waits for the
    first, and begins again.

    Attributes during the run: ``external_id``; ``external_record``, as the adapter has read it;
    ``binding``, empty as long as the record is not known in Odoo; and ``match``, the existing Odoo
    records with the match key of a new record, or None.
    """

    #: Context in which records are created and written: no chatter message for each field
    _import_context = MappingProxyType({"tracking_disable": True})

    def __init__(self, environment):
        super().__init__(environment)
        self.external_record = None
        self.binding = self.model
        self.match = None
        self._importing = frozenset()  # (model name, external id) of the records whose import has led to this one
        self._noted = None  # in a page: the list of the dependencies, which are imported later as pages

    def run(self, external_id, force=False, data=None, read_at=None):
        """Import a record.

        :param external_id: id in the external system
        :param force: import the record even if it has not changed since the last import
        :param data: the record as the adapter would read it, if it was read already; it is read
            again if the binding was synchronised since then
        :param read_at: when it was read, by the clock of the database (naive UTC datetime); None:
            when the running job was delayed
        :return: what was done, for the user
        :raise InvalidDataError: ``external_id`` is not an external id
        :raise TransactionOutdated: the record was imported by another transaction since this one
            began
        """
        self.external_id = external_id
        _checked_id_text(external_id)
        self.binding = self._get_binding()
        try:
            self.external_record = self._read() if data is None or self._is_data_old(read_at) else data
        except IDMissingInBackend:
            self._note_missing()
            return self._handle_missing()
        if reason := self._reason_to_skip(force):
            return reason
        if not force and self._is_up_to_date(self.binding):
            mark_in_sync(self.binding, "missing")
            return self._("Already up to date.")
        if not force and put_off(self.environment, [self]):
            return self._(
                "Put off: what was done here with record %(id)s must reach %(backend)s first.", **self._names()
            )
        if not self.binding:
            lock_new({self.binder: [external_id]}, [self])
        self._import_dependencies()
        map_record = self._map_data()
        with self.mapper.explaining(map_record), self._unique_violation_is_retried():
            if self.binding:
                self._update(self.binding, self._update_data(map_record))
                message = self._("Updated from record %(id)s of %(backend)s.", **self._names())
            else:
                values = self._create_data(map_record)
                self.binding = self._create(values)
                self._note_created({self.binding: values})
                message = self._("Created from record %(id)s of %(backend)s.", **self._names())
        self._after_import(self.binding)
        return message

    # Steps, in the order in which they are called

    def _get_binding(self):
        """Return the binding of the record, empty if it is new."""
        return self.binder.to_internal(self.external_id)

    def _is_data_old(self, read_at):
        """Return whether the binding was synchronised after the data were read.

        Then Odoo may have a newer state than the data.

        :param read_at: see :meth:`run`
        """
        read_at = read_at or getattr(self.session.job, "date_created", None)
        synchronised = recall(self.binding, self.binder._sync_date_field)
        return bool(read_at and synchronised and synchronised >= read_at.replace(microsecond=0))

    def _fields_to_read(self):
        """Return the names of the external fields to read; None: all."""
        return None

    def _read(self):
        """Return the record of the external system."""
        record = self.backend_adapter.read(self.external_id, self._fields_to_read())
        return checked_record(self.backend_adapter, record)

    def _handle_missing(self):
        """Handle a record that does not exist (any more) in the external system.

        :return: message for the user
        """
        return self._("%(backend)s has no record %(id)s any more; nothing was changed here.", **self._names())

    def _must_skip(self):
        """Return the reason why the record is not imported, None if it is imported."""
        return None

    def _is_up_to_date(self, binding):
        """Return whether this state of the record is known already, and no import of it is due."""
        return bool(binding) and not is_import_due(binding) and self._is_known_state(binding)

    def _is_known_state(self, binding):
        """Return whether a binding knows this state of the record.

        The version is compared or, without a version, the checksum.
        """
        version = self._get_external_version()
        if version is None:
            name, value = "import_checksum", self._get_checksum()
        else:
            name, value = "external_version", str(version)
        return recall(binding, name) == value

    def _would_change(self):
        """Return whether an import would change the Odoo record.

        It is also True if the external record cannot be mapped.
        """
        try:
            return bool(changed_values(self.binding, self._map_data().values()))
        except MappingError:
            return True

    def _get_external_version(self):
        """Return the version of the external record: its date of change, its revision or its etag.

        It is stored as text and compared for equality. None if the system has none: then a checksum
        is compared. Never return a time of our own clock.
        """
        return None

    def _get_external_date(self):
        """Return the date of change of the external record: datetime in UTC, None if unknown.

        An export with the policy ``"newest"`` compares it with the date of change of the Odoo
        record.
        """
        return None

    def _get_checksum(self):
        """Return a checksum of the external record."""
        content = json.dumps(self.external_record, sort_keys=True, default=str)
        return hashlib.blake2b(content.encode(), digest_size=16).hexdigest()

    def _match_key(self):
        """Return the field and the value by which a new record may match an Odoo record, or None.

        The Odoo record with this value, if it is not bound to this backend yet, is bound and
        updated, and no other one is created. Two imports of one key, also from different backends,
        are run one after the other.
        """
        return None

    def _import_dependencies(self):
        """Import the records that must exist first; a hook, see :meth:`_import_dependency`."""

    def _import_dependency(self, external_id, model_name, always=False):
        """Import a record on which this one depends, unless it is in Odoo already.

        In a page it is only noted, and imported with the others after the hook. A record that is
        already being imported, and depends on this one in turn, is not imported again.

        :param external_id: id in the external system; None, False and "" mean that there is none
        :param model_name: name of its binding model
        :param always: look for changes even if it is in Odoo already
        """
        text = external_id_text(external_id)
        if text is None or (model_name, text) in self._importing:
            return
        if self._noted is not None:
            self._noted.append((model_name, text, external_id, always))
            return
        importing = self._importing | {(self.model._name, external_id_text(self.external_id))}
        if (model_name, text) in importing:
            return
        if always or not self.binder_for(model_name).to_internal(external_id):
            importer = self.unit_for(RecordImporter, model_name)
            importer._importing = importing
            importer.run(external_id)

    def _map_data(self):
        """Return the ``MapRecord`` of the external record."""
        return self.mapper.map_record(self.external_record, binding=self.binding)

    def _create_data(self, map_record):
        """Return the values of a new binding.

        They are those of a new record, or those that update the matched record.
        """
        if self.match:
            return {**self._update_data(map_record), self.binder._odoo_field: only_match(self).id}
        values = map_record.values(for_create=True)
        self._validate_data(values)
        return values

    def _update_data(self, map_record):
        """Return the values of an existing record."""
        values = map_record.values(for_create=False)
        self._validate_data(values)
        return values

    def _validate_data(self, values):
        """Check the values before they are written; a hook.

        :raise InvalidDataError: they are not valid
        """

    def _create(self, values):
        """Create the binding, and with it the record, and return it.

        In a page, all records are created by one call of :meth:`_create_many` instead.
        """
        return self._create_many([{**values, **self._binding_values()}])

    def _create_many(self, values_list):
        """Create bindings from complete values and return them in the same order."""
        return self._in_import(self.model).create(values_list).with_env(self.env)

    def _update(self, binding, values):
        """Write the values that differ from those of the binding."""
        changed = changed_values(binding, values)
        mapper = self.export_mapper if changed else None
        before = mapper and would_send(mapper, binding, changed)
        write_inherited(self._in_import(binding), {**changed, **self._binding_values()})
        if mapper:
            note_updated(mapper, binding, changed, before)

    def _after_import(self, binding):
        """Do further work after the import; a hook."""

    # Helpers

    def _in_import(self, records):
        """Return records in the context of an import: changes are not exported to this backend."""
        return without_export(records.with_context(**self._import_context), self.backend_record)

    def _reason_to_skip(self, force):
        """Return the reason why the record is not imported, None if it is imported.

        A conflict is a reason unless ``force`` is set: only a person resolves it, and then imports
        by force.
        """
        if not force and is_in_conflict(self.binding):
            return self._("Not imported: its conflict waits for a person to keep ours or take theirs.")
        reason = self._must_skip()
        if reason is True:
            raise TypeError(f"{class_name(type(self))}._must_skip() must return the reason as a text, None for none")
        return reason

    def _note_created(self, written):
        """Note that the external system has the values that were written to new bindings.

        :param written: dict, binding to the values
        """
        if self.export_mapper:
            note_created(self.export_mapper, written)

    def _binding_values(self):
        """Return the values of the binding itself: its backend, external id and imported state."""
        values = {self.binder._backend_field: self.backend_record.id, **self._state_there()}
        known = {name: value for name, value in values.items() if name in self.model._fields}
        return {**known, **self.binder.bind_values(self.external_id, self.binding or None)}

    def _state_there(self):
        """Return the values of a binding that store this state of the external record."""
        version = self._get_external_version()
        return {"external_version": version is not None and str(version), "import_checksum": self._get_checksum()}

    @contextmanager
    def _unique_violation_is_retried(self):
        """Turn a unique violation into a RetryableJobError.

        Another transaction has created the same record meanwhile. The next attempt will find it.
        """
        try:
            with self.env.cr.savepoint():
                yield
        except UniqueViolation as violation:
            names = {"model": self.model._name, "id": self.external_id}
            names["detail"] = violation.diag.message_detail or violation
            message = self._("%(model)s %(id)s exists already: %(detail)s", **names)
            raise RetryableJobError(message, seconds=a_moment()) from violation

    def _each_of(self, records):
        """Return a copy of this importer for each record of a page, with record and binding.

        :param records: dict, external id to record
        """
        bindings = self.binder.to_internal_many(records)
        importers = []
        for external_id, record in records.items():
            importer = copy(self)
            importer.external_id, importer.external_record = external_id, record
            importer.binding = bindings.get(external_id_text(external_id), self.model)
            importers.append(importer)
        return importers

    def _read_each(self, external_ids):
        """Read a page of records, and return a copy of this importer for each that exists.

        See :meth:`_each_of`.
        """
        records = self.backend_adapter.read_many(external_ids, self._fields_to_read())
        return self._each_of({self.backend_adapter.id_of(record): record for record in records})

    def _note_missing(self):
        if self.binding:
            message = self._("%(backend)s has no record %(id)s any more.", **self._names())
            mark_error(self.binding, message, "missing")

    def _delay(self, force=False, **options):
        """Delay a job that imports the record; of such jobs that wait, only one is run.

        :param force: import the record even if it has not changed, and overwrite changes that were
            not sent
        :param options: options of ``delay``: eta and so on
        """
        record = self.model._name, self.backend_record.id, self.external_id
        options.setdefault("description", description_of_import(self.environment, self.external_id))
        identity = import_identity(*record, force)
        import_record.delay(self.environment.user_session, *record, force=force, identity_key=identity, **options)


def description_of_import(environment, external_id):
    """Return the description of a job that imports a record."""
    env = environment.user_session.env
    names = {
        "model": env[environment.model_name]._description,
        "id": external_id,
        "backend": environment.backend_name,
    }
    return env._("Import %(model)s %(id)s of %(backend)s", **names)


def _checked_id_text(external_id):
    text = external_id_text(external_id)
    if text is None:
        raise InvalidDataError(f"{shown(external_id)} is not an external id, so no record can be imported by it")
    return text


def _key(args):
    return f"{args['model_name']},{args['backend_id']},{_checked_id_text(args['external_id'])}"


@job(
    default_channel=backend_channel,
    related_action=open_imported,
    concurrency_key=_key,
    about=imported,
    former_names=["odoo.addons.connector.unit.importer.import_record"],
)
def import_record(session, model_name, backend_id, external_id, force=False, data=None, read_at=None):
    """Import a record of an external system

    The jobs of one record are run one after the other, so that each sees what the one before it has
    committed.

    :param model_name: name of the binding model
    :param backend_id: id of the backend's record
    :param external_id: id in the external system
    :param force: import the record even if it has not changed since the last import
    :param data: the record, if it was read already; it is read again if the binding was
        synchronised since then
    :param read_at: when it was read, see :meth:`RecordImporter.run`
    """
    importer = get_environment(session, model_name, backend_id).get_connector_unit(RecordImporter)
    with mark_failure(session, importer.binder.to_internal(external_id)):
        return importer.run(external_id, force, data, read_at)
