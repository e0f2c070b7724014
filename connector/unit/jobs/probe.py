"""The job that probes whether a paused backend can be reached again."""

from odoo.addons.jobs_queue.exception import NetworkRetryableError
from odoo.addons.jobs_queue.jobs import job
from odoo.addons.jobs_queue.jobs.retry import Exponential
from odoo.addons.jobs_queue.session import ConnectorSession

from ..backend_adapter.crud import BackendAdapter
from ..connector_unit import get_environment
from .related_action import open_backend

#: When a paused backend is probed: after a few seconds at first, then less and less often.
PROBING = Exponential(first=5, longest=300)


@job(
    default_channel="root.probe",
    max_retries=0,
    retry_pattern={NetworkRetryableError: PROBING},
    related_action=open_backend,
    former_names=["odoo.addons.connector.http.probe.probe_backend"],
)
def probe_backend(session: ConnectorSession, model_name: str, backend_id: int) -> str:
    """See whether a paused backend can be reached again

    :param model_name: name of the binding model whose adapter is used
    :param backend_id: id of the backend's record
    """
    with get_environment(session, model_name, backend_id, waits=False) as environment:
        backend = environment.backend_record
        if backend.state != "paused":
            return session.env._("It is not paused any more.")
        try:
            can_be_reached = environment.get_connector_unit(BackendAdapter).probe()
        except NetworkRetryableError as error:
            backend.note_probe_failed(str(error))
            raise
        if not can_be_reached:
            backend.note_probe_unable()
            return session.env._(
                "Only a job can tell whether %s can be reached: the next one does.", environment.backend_name
            )
        backend.note_probe_succeeded()
        return session.env._("%s can be reached again: its jobs go on.", environment.backend_name)
