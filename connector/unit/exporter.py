"""The flows that bring records of Odoo to the external system, and the jobs that run them."""

from ..backend import general
from ..connector import get_environment
from ..exception import IDMissingInBackend, RetryableJobError
from ..queue.job import job
from ..related_action import open_backend, open_exported
from .synchronizer import Deleter, Exporter, a_moment


@general
class RecordExporter(Exporter):
    """Exports one record: exports what it depends on, maps it, creates or updates it there, and binds it.

    A connector overrides the steps where it differs. The creation in the external system is *at least once*: if the job dies between the
    creation there and the commit here, the next try creates it again, unless the adapter's ``create`` finds what is already there.

    While it runs: ``binding``, and ``external_id``, None as long as the record is not known there.
    """

    def __init__(self, environment):
        super().__init__(environment)
        self.binding = None
        self.external_id = None

    def run(self, binding_id, fields=None):
        """Export a record.

        :param binding_id: id of the binding
        :param fields: names of the fields that have changed; None: export all. A record that is not known there is exported whole
        :return: what was done, for the user
        :raise RetryableJobError: the same record is being exported or changed by somebody else
        """
        self.binding = self.model.browse(binding_id).exists()
        if not self.binding:
            return self._("The record to export does not exist any more.")
        self._lock()
        self.external_id = self.binder.to_external(self.binding)
        if reason := self._must_skip():
            return reason
        self._export_dependencies()
        map_record = self._map_data()
        if self.external_id is not None:
            values = self._update_data(map_record, fields)
            if not values:
                return self._("Nothing to export.")
            self._update(values)
            message = self._("Updated record %(id)s of %(backend)s.", **self._names())
        else:
            self.external_id = self._create(self._create_data(map_record))
            message = self._("Created record %(id)s in %(backend)s.", **self._names())
        self.binder.bind(self.external_id, self.binding)
        self._after_export()
        return message

    # Steps, in the order in which they are called

    def _lock(self):
        """Lock the binding until the end of the transaction, so that two jobs do not create the same record there."""
        if not self.binding.try_lock_for_update():
            raise RetryableJobError(
                f"{self.binding} is being exported or changed by somebody else", seconds=a_moment(), ignore_retry=True
            )

    def _must_skip(self):
        """Return the reason why the record is not to be exported, None when it is."""
        return None

    def _export_dependencies(self):
        """Export the records that must exist there before this one; a hook, see :meth:`_export_dependency`."""

    def _export_dependency(self, binding):
        """Export a record on which this one depends, unless it is known there.

        :param binding: its binding, or an empty recordset when there is none
        """
        if binding and self.binder_for(binding._name).to_external(binding) is None:
            self.unit_for(RecordExporter, binding._name).run(binding.id)

    def _map_data(self):
        """Return the :class:`~odoo.addons.connector.unit.mapper.MapRecord` of the binding."""
        return self.mapper.map_record(self.binding)

    def _create_data(self, map_record):
        values = map_record.values(for_create=True)
        self._validate_data(values)
        return values

    def _update_data(self, map_record, fields):
        values = map_record.values(fields=fields)
        self._validate_data(values)
        return values

    def _validate_data(self, values):
        """Check the values before they are sent; a hook.

        :raise InvalidDataError: they are not valid
        """

    def _create(self, values):
        """Create the record there and return its id."""
        return self.backend_adapter.create(values)

    def _update(self, values):
        self.backend_adapter.write(self.external_id, values)

    def _after_export(self):
        """Do what comes after the export; a hook."""

    def _names(self):
        return {"id": self.external_id, "backend": self.environment.backend_name}


@general
class RecordDeleter(Deleter):
    """Deletes one record in the external system."""

    def run(self, external_id):
        """Delete a record; one that is not there any more is a success.

        :param external_id: id in the external system
        :return: what was done, for the user
        """
        names = {"id": external_id, "backend": self.environment.backend_name}
        try:
            self.backend_adapter.delete(external_id)
        except IDMissingInBackend:
            return self._("%(backend)s has no record %(id)s any more.", **names)
        return self._("Deleted record %(id)s of %(backend)s.", **names)


@job(related_action=open_exported)
def export_record(session, model_name, binding_id, fields=None):
    """Export a record to an external system

    :param model_name: name of the binding model
    :param binding_id: id of the binding
    :param fields: names of the fields that have changed; None: export all
    """
    binding = session.env[model_name].browse(binding_id).exists()
    if not binding:
        return session.env._("The record to export does not exist any more.")
    return (
        get_environment(session, model_name, binding.backend_id.id)
        .get_connector_unit(RecordExporter)
        .run(binding_id, fields)
    )


@job(related_action=open_backend)
def export_delete_record(session, model_name, backend_id, external_id):
    """Delete a record in an external system

    :param model_name: name of the binding model
    :param backend_id: id of the backend's record
    :param external_id: id in the external system
    """
    return get_environment(session, model_name, backend_id).get_connector_unit(RecordDeleter).run(external_id)
