"""Delete a record in the external system: the deleter, and its job."""

from odoo.models import BaseModel

from odoo.addons.jobs_queue.exception import RetryableJobError
from odoo.addons.jobs_queue.jobs import job
from odoo.addons.jobs_queue.session import ConnectorSession

from ...backend import general
from ...exception import IDMissingInBackend
from ..backend_adapter.crud import CRUDAdapter
from ..backend_adapter.rehearsal import hold_back_own
from ..binding.clock import database_now
from ..checkpoint import add_checkpoint
from ..flow import ExportFlow, open_flow
from ..jobs.about import imported
from ..jobs.channel import flow_channel
from ..jobs.related_action import open_backend
from ..synchronizer import Deleter
from ..types import ExternalId
from .record import RecordExporter

#: Seconds for which a record is looked for that may still be created, and those before the second
#: look. Between two looks as much time passes as before the first of them
_LONGEST_CREATION = 3600
_FIRST_WAIT = 60


@general
class DeleteExporter(Deleter):
    """Deleter of one record in the external system."""

    def run(self, external_id: ExternalId) -> str:
        """Delete a record; it is a success if the record does not exist any more.

        :param external_id: id in the external system
        :return: what was done, for the user
        """
        self.external_id = external_id
        hold_back_own(self.backend_adapter, "delete", external_id, None)
        try:
            self.backend_adapter.delete(external_id)
        except IDMissingInBackend:
            return self._("%(backend)s has no record %(id)s any more.", **self._names())
        return self._("Deleted record %(id)s of %(backend)s.", **self._names())

    def run_created(self, binding_id: int) -> str:
        """Delete the record that an export may have created before its binding was deleted.

        The system may still be creating it: it is asked again from time to time, for an hour. A
        record that is bound here is left; if an import may have brought it back, a person is asked.
        So is one if the adapter has no ``find_by_key``, or if the exporter makes its keys itself: a
        SKU may be that of a record that was there before.

        :param binding_id: id of the deleted binding
        :return: what was done, for the user
        :raise RetryableJobError: the system does not have the record yet
        """
        intent = self.env["connector.export.intent"].sudo()._of(self.model.browse(binding_id))
        if not intent:
            return self._("Nothing is known of the creation any more: nothing was done.")
        message = self._delete_by_key(intent.idempotency_key, binding_id)
        intent.unlink()
        return message

    def _not_created(self) -> str:
        return self._("%s has not created the record.", self.environment.backend_name)

    def _delete_by_key(self, idempotency_key: str, binding_id: int) -> str:
        external_id = self.backend_adapter.find_by_key(idempotency_key)
        name = self.environment.backend_name
        if external_id is not None and (bound := self.binder.to_internal(external_id)):
            self.external_id = external_id
            if bound.id > binding_id:
                self._ask_about(bound)
            return self._("Record %(id)s of %(backend)s is bound here, and is left.", **self._names())
        if external_id is not None and self._has_random_keys():
            hold_back_own(self.backend_adapter, "delete", external_id, None)
            return self.run(external_id)
        if external_id is None and type(self.backend_adapter).find_by_key is not CRUDAdapter.find_by_key:
            return self._not_found()
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

    def _has_random_keys(self) -> bool:
        exporter = type(self.unit_for(RecordExporter))
        return exporter._get_idempotency_key is RecordExporter._get_idempotency_key

    def _not_found(self) -> str:
        """Return that there is no such record; within an hour, have it looked for once more."""
        waited = self._seconds_waited()
        if waited < _LONGEST_CREATION:
            raise RetryableJobError(self._not_created(), seconds=max(waited, _FIRST_WAIT), ignore_retry=True)
        return self._not_created()

    def _seconds_waited(self) -> float:
        """Return for how long the job has looked for the record; outside of a job it looks once."""
        began = getattr(self.session.job, "date_created", None)
        return (database_now(self.environment) - began).total_seconds() if began else _LONGEST_CREATION

    def _ask_about(self, bound: BaseModel) -> None:
        """Ask a person about a record that may be the deleted one, and is here again."""
        message = self._(
            "Deleted here while it was created in %(backend)s (record %(id)s), and here again: delete it, unless it is another one.",
            **self._names(),
        )
        record = self.binder.unwrap_binding(bound)
        add_checkpoint(self.session, record._name, record.id, self.backend_record, message, severity="warning")


RecordDeleter = DeleteExporter


@job(
    default_channel=flow_channel(ExportFlow),
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
    environment = open_flow(session, model_name, backend_id, ExportFlow)
    deleter = environment.get_connector_unit(DeleteExporter)
    hold_back_own(deleter.backend_adapter, "delete", external_id, None)
    return deleter.run(external_id)


@job(default_channel=flow_channel(ExportFlow), related_action=open_backend)
def delete_created(session: ConnectorSession, model_name: str, backend_id: int, binding_id: int) -> str:
    """Delete a record in an external system that was deleted here while it was created there

    :param model_name: name of the binding model
    :param backend_id: id of the backend's record
    :param binding_id: id of its deleted binding
    """
    deleter = open_flow(session, model_name, backend_id, ExportFlow).get_connector_unit(DeleteExporter)
    return deleter.run_created(binding_id)
