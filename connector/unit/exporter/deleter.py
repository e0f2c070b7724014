"""Delete a record in the external system: the deleter, and its job."""

from odoo.addons.jobs_queue.jobs import job
from odoo.addons.jobs_queue.session import ConnectorSession

from ...backend import general
from ...exception import IDMissingInBackend
from ..backend_adapter.crud import CRUDAdapter
from ..checkpoint import add_checkpoint
from ..connector_unit import get_environment
from ..jobs.about import imported
from ..jobs.channel import backend_channel
from ..jobs.related_action import open_backend
from ..synchronizer import Deleter
from ..types import ExternalId


@general
class DeleteExporter(Deleter):
    """Deleter of one record in the external system."""

    def run(self, external_id: ExternalId) -> str:
        """Delete a record; it is a success if the record does not exist any more.

        :param external_id: id in the external system
        :return: what was done, for the user
        """
        self.external_id = external_id
        try:
            self.backend_adapter.delete(external_id)
        except IDMissingInBackend:
            return self._("%(backend)s has no record %(id)s any more.", **self._names())
        return self._("Deleted record %(id)s of %(backend)s.", **self._names())

    def run_created(self, binding_id: int) -> str:
        """Delete the record that an export may have created before its binding was deleted.

        A key may be that of several records, such as a SKU: a record that is bound here is left. If
        the adapter has no ``find_by_key``, a person is asked to look.

        :param binding_id: id of the deleted binding; there is an intent to create its record
        :return: what was done, for the user
        """
        intent = self.env["connector.export.intent"].sudo()._of(self.model.browse(binding_id))
        message = self._delete_by_key(intent.idempotency_key) if intent else self._not_created()
        intent.unlink()
        return message

    def _not_created(self) -> str:
        return self._("%s has not created the record.", self.environment.backend_name)

    def _delete_by_key(self, idempotency_key: str) -> str:
        external_id = self.backend_adapter.find_by_key(idempotency_key)
        name = self.environment.backend_name
        if external_id is not None and self.binder.to_internal(external_id):
            return self._("Record %(id)s of %(backend)s is bound here, and is left.", id=external_id, backend=name)
        if external_id is not None:
            return self.run(external_id)
        if type(self.backend_adapter).find_by_key is not CRUDAdapter.find_by_key:
            return self._not_created()
        message = self._(
            "A record of %(model)s was deleted here while it was created in %(backend)s, with the key %(key)s: look for it there.",
            model=self.model._description,
            backend=name,
            key=idempotency_key,
        )
        add_checkpoint(
            self.session, self.backend_record._name, self.backend_record.id, self.backend_record, message, "warning"
        )
        return message


RecordDeleter = DeleteExporter


@job(
    default_channel=backend_channel,
    related_action=open_backend,
    about=imported,
    former_names=["odoo.addons.connector.unit.deleter.delete_record"],
)
def delete_record(session: ConnectorSession, model_name: str, backend_id: int, external_id: ExternalId) -> str:
    """Delete a record in an external system

    :param model_name: name of the binding model
    :param backend_id: id of the backend's record
    :param external_id: id in the external system
    """
    return get_environment(session, model_name, backend_id).get_connector_unit(DeleteExporter).run(external_id)


@job(default_channel=backend_channel, related_action=open_backend)
def delete_created(session: ConnectorSession, model_name: str, backend_id: int, binding_id: int) -> str:
    """Delete a record in an external system that was deleted here while it was created there

    :param model_name: name of the binding model
    :param backend_id: id of the backend's record
    :param binding_id: id of its deleted binding
    """
    deleter = get_environment(session, model_name, backend_id).get_connector_unit(DeleteExporter)
    return deleter.run_created(binding_id)
