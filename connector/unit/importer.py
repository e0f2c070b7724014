"""The flows that bring records of the external system into Odoo, and the jobs that run them."""

from contextlib import contextmanager

from psycopg2.errors import UniqueViolation

from odoo.tools import SQL

from ..backend import general
from ..connector import external_id_text, get_environment
from ..exception import IDMissingInBackend, RetryableJobError
from ..queue.job import job
from ..related_action import open_backend, open_imported
from .synchronizer import Importer, a_moment


@general
class RecordImporter(Importer):
    """Imports one record: reads it, imports what it depends on, maps it, creates or updates it here, and binds it.

    A connector overrides the steps where it differs. Two jobs that import the same record at the same time end with one record:
    the second one waits for its next try, or, where it began before the first one's commit, meets the unique constraint of the
    bindings and tries again.

    While it runs: ``external_id``, and ``external_record`` with what the adapter has read.
    """

    def __init__(self, environment):
        super().__init__(environment)
        self.external_id = None
        self.external_record = None
        self._importing = frozenset()  # (model name, external id) of the records whose import has led to this one

    def run(self, external_id, force=False):
        """Import a record.

        :param external_id: id in the external system
        :param force: import even what has not changed since the last time
        :return: what was done, for the user
        :raise RetryableJobError: the same record is being imported by somebody else
        """
        self.external_id = external_id
        self._lock()
        try:
            self.external_record = self._read()
        except IDMissingInBackend:
            return self._handle_missing()
        if reason := self._must_skip():
            return reason
        binding = self._get_binding()
        if not force and self._is_up_to_date(binding):
            return self._("Already up to date.")
        self._import_dependencies()
        map_record = self._map_data()
        with _unique_violation_is_retried(self.env.cr, f"{self.model._name} {self.external_id}"):
            if binding:
                self._update(binding, self._update_data(map_record))
                message = self._("Updated from record %(id)s of %(backend)s.", **self._names())
            else:
                binding = self._create(self._create_data(map_record))
                message = self._("Created from record %(id)s of %(backend)s.", **self._names())
            self.binder.bind(self.external_id, binding)
        self._after_import(binding)
        return message

    # Steps, in the order in which they are called

    def _lock(self):
        lock_import(self.env.cr, self.backend_record, self.model._name, self.external_id)

    def _read(self):
        """Return the record of the external system."""
        return self.backend_adapter.read(self.external_id)

    def _handle_missing(self):
        """Decide what happens when the external system has no such record (any more); return what to tell the user."""
        return self._("%(backend)s has no record %(id)s any more; nothing was changed here.", **self._names())

    def _must_skip(self):
        """Return the reason why the record is not to be imported, None when it is."""
        return None

    def _get_binding(self):
        """Return the binding of the record, empty when it is new here."""
        return self.binder.to_internal(self.external_id)

    def _get_external_version(self):
        """Return what the external system calls this state of the record: its date of change, its revision, its etag.

        It is kept as text and compared for equality. None when it does not say: then the record is imported each time. Never our own
        clock.
        """
        return None

    def _get_external_date(self):
        """Return when the external system last changed the record: datetime in UTC, None when it does not say.

        An export with the policy ``"newest"`` compares it with the date of change here.
        """
        return None

    def _is_up_to_date(self, binding):
        """Return whether this state of the record is the one that was last imported."""
        version = self._get_external_version()
        return bool(binding) and version is not None and binding.external_version == str(version)

    def _import_dependencies(self):
        """Import the records that must exist before this one; a hook, see :meth:`_import_dependency`."""

    def _import_dependency(self, external_id, model_name, always=False):
        """Import a record on which this one depends, unless it is here.

        A record that is just being imported, and depends on this one in turn, is not imported again.

        :param external_id: id in the external system; None, False and "" mean that there is none
        :param model_name: name of its binding model
        :param always: look for changes even if it is here
        """
        text = external_id_text(external_id)
        importing = self._importing | {(self.model._name, external_id_text(self.external_id))}
        if text is None or (model_name, text) in importing:
            return
        if always or not self.binder_for(model_name).to_internal(external_id):
            importer = self.unit_for(RecordImporter, model_name)
            importer._importing = importing
            importer.run(external_id)

    def _map_data(self):
        """Return the :class:`~odoo.addons.connector.unit.mapper.MapRecord` of the external record."""
        return self.mapper.map_record(self.external_record)

    def _create_data(self, map_record):
        return self._complete_data(map_record.values(for_create=True))

    def _update_data(self, map_record):
        return self._complete_data(map_record.values())

    def _complete_data(self, values):
        version = self._get_external_version()
        if version is not None:
            values["external_version"] = str(version)
        self._validate_data(values)
        return values

    def _validate_data(self, values):
        """Check the values before they are written; a hook.

        :raise InvalidDataError: they are not valid
        """

    def _create(self, values):
        """Create the binding, and with it the record, and return it."""
        model = self.model.with_context(no_connector_export=True, tracking_disable=True)
        binding = model.create({**values, self.binder._backend_field: self.backend_record.id})
        return binding.with_env(self.env)

    def _update(self, binding, values):
        binding.with_context(no_connector_export=True).write(values)

    def _after_import(self, binding):
        """Do what comes after the import; a hook."""

    def _names(self):
        return {"id": self.external_id, "backend": self.environment.backend_name}


class BatchImporter(Importer):
    """Imports all records that match; how each of them is imported is said by its subclasses."""

    def run(self, filters=None):
        """Search and import records.

        :param filters: what the adapter's ``search`` takes
        :return: what was done, for the user
        """
        count = 0
        for external_id in self.backend_adapter.search(filters):
            self._import_record(external_id)
            count += 1
        return self._report(count)

    def _import_record(self, external_id, **kwargs):
        raise NotImplementedError("Inherit DirectBatchImporter or DelayedBatchImporter")

    def _report(self, count):
        raise NotImplementedError("Inherit DirectBatchImporter or DelayedBatchImporter")


class DirectBatchImporter(BatchImporter):
    """Imports the records one after the other, at once."""

    def _import_record(self, external_id, **kwargs):
        self.unit_for(RecordImporter).run(external_id, **kwargs)

    def _report(self, count):
        return self._("%s records imported.", count)


@general
class DelayedBatchImporter(BatchImporter):
    """Delays a job for each record. Of the jobs that wait for one record only one will run."""

    def _import_record(self, external_id, **kwargs):
        """Delay the import of a record.

        :param kwargs: ``force`` and the options of ``delay``: priority, eta, channel and so on
        """
        force = kwargs.get("force", False)
        backend = self.backend_record
        kwargs.setdefault(
            "identity_key", f"import,{self.model._name},{backend.id},{external_id}{',force' if force else ''}"
        )
        import_record.delay(self.environment.user_session, self.model._name, backend.id, external_id, **kwargs)

    def _report(self, count):
        return self._("%s records to import were delayed.", count)


def lock_import(cr, backend_record, model_name, external_id):
    """Lock the import of a record until the end of the transaction.

    :raise RetryableJobError: another transaction holds the lock
    """
    # Safe because it never waits, so it cannot deadlock, and PostgreSQL releases it with the transaction, also when the process
    # dies. What it does not do is show what the previous holder has committed since our snapshot was taken: there the unique
    # constraint of the bindings comes in.
    key = f"{backend_record._name},{backend_record.id},{model_name},{external_id}"
    cr.execute(SQL("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", key))
    if not cr.fetchone()[0]:
        raise RetryableJobError(
            f"{model_name} {external_id} is being imported by another job", seconds=a_moment(), ignore_retry=True
        )


@contextmanager
def _unique_violation_is_retried(cr, what):
    """Turn a unique violation into a RetryableJobError: somebody else has created the same at the same time, the next try will find it."""
    try:
        with cr.savepoint():
            yield
    except UniqueViolation as violation:
        detail = violation.diag.message_detail or violation
        raise RetryableJobError(f"{what} exists already: {detail}", seconds=a_moment()) from violation


@job(related_action=open_backend)
def import_batch(session, model_name, backend_id, filters=None):
    """Import the records of an external system that match

    :param model_name: name of the binding model
    :param backend_id: id of the backend's record
    :param filters: what the adapter's ``search`` takes
    """
    return get_environment(session, model_name, backend_id).get_connector_unit(BatchImporter).run(filters)


@job(related_action=open_imported)
def import_record(session, model_name, backend_id, external_id, force=False):
    """Import a record of an external system

    :param model_name: name of the binding model
    :param backend_id: id of the backend's record
    :param external_id: id in the external system
    :param force: import even what has not changed since the last time
    """
    return (
        get_environment(session, model_name, backend_id)
        .get_connector_unit(RecordImporter)
        .run(external_id, force=force)
    )
