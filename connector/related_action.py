"""What the button *Related* of a job opens, for the jobs of the flows."""

from .connector import Binder, get_environment
from .exception import NoConnectorUnitError
from .queue import codec


def open_imported(session, job):
    """Open the record that an import job is about: the job's arguments are ``(backend_id, external_id, ...)``. None when it is not here."""
    (backend_id, external_id, *_others), _kwargs = codec.decode_call(job.payload, session.env)
    environment = get_environment(session, job.model_name, backend_id)
    binding = environment.get_connector_unit(Binder).to_internal(external_id)
    return _open_bound(environment, binding)


def open_exported(session, job):
    """Open the record that an export job is about: the job's arguments are ``(binding_id, ...)``. None when it does not exist any more."""
    (binding_id, *_others), _kwargs = codec.decode_call(job.payload, session.env)
    binding = session.env[job.model_name].browse(binding_id).exists()
    if not binding:
        return None
    return _open_bound(get_environment(session, job.model_name, binding.backend_id.id), binding)


def open_backend(session, job):
    """Open the backend that a batch job is about: the job's arguments are ``(backend_id, ...)``."""
    (backend_id, *_others), _kwargs = codec.decode_call(job.payload, session.env)
    return get_environment(session, job.model_name, backend_id).backend_record.get_formview_action()


def _open_bound(environment, binding):
    """Return the action that opens the record that is bound, which has a form of its own more often than its binding."""
    if not binding:
        return None
    try:
        record = environment.get_connector_unit(Binder).unwrap_binding(binding)
    except NoConnectorUnitError:
        record = binding
    return record.get_formview_action()
