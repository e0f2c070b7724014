"""Actions of the button *Related* for the jobs of synchronizers."""

import inspect
from collections.abc import Callable
from typing import Any, TypeAlias

from odoo.exceptions import UserError
from odoo.models import BaseModel

from odoo.addons.jobs_queue.jobs import arguments, find_function
from odoo.addons.jobs_queue.jobs.stored import StoredJob
from odoo.addons.jobs_queue.session import ConnectorSession

from ...exception import InvalidBackend, ManyConnectorUnitError, NoConnectorUnitError
from ..binding.binder import Binder
from ..connector_unit import Environment, get_environment

#: An action of Odoo's web client.
Action: TypeAlias = dict[str, Any]


def open_imported(session: ConnectorSession, job: StoredJob) -> Action | None:
    """Open the record of a job with the arguments ``backend_id`` and ``external_id``.

    :return: action; None if the record is not in Odoo
    """
    named = _arguments(session, job)
    environment = _environment(session, job, named["backend_id"])
    return _open_bound(environment, environment.get_connector_unit(Binder).to_internal(named["external_id"]))


def open_exported(session: ConnectorSession, job: StoredJob) -> Action | None:
    """Open the record of a job with the argument ``binding_id``.

    :return: action; None if the binding does not exist any more
    """
    return _open_exported(session, job, _arguments(session, job)["binding_id"])


def open_exported_in_bulk(session: ConnectorSession, job: StoredJob) -> Action | None:
    """Open the record of a call ``(backend_id, binding_id)`` of a function with ``group_size``.

    :return: see :func:`open_exported`
    """
    (_backend_id, binding_id), _kwargs = arguments.decode_call(job.payload, session.env)
    return _open_exported(session, job, binding_id)


def open_backend(session: ConnectorSession, job: StoredJob) -> Action:
    """Open the backend of a job with the argument ``backend_id``."""
    return _environment(session, job, _arguments(session, job)["backend_id"]).backend_record.get_formview_action()


def open_backend_of_page(session: ConnectorSession, job: StoredJob) -> Action:
    """Open the backend of a call ``(backend_id, ids)`` of a function with ``group_size``."""
    (backend_id, *_ids), _kwargs = arguments.decode_call(job.payload, session.env)
    return _environment(session, job, backend_id).backend_record.get_formview_action()


def open_matches(session: ConnectorSession, job: StoredJob) -> Action:
    """Open the records that people match by hand, of the model and backend of a job."""
    environment = _environment(session, job, _arguments(session, job)["backend_id"])
    return session.env["connector.match"]._open(environment.backend_record, environment.model_name)


def open_differences(session: ConnectorSession, job: StoredJob) -> Action:
    """Open the bindings that a comparison has found to be different or missing there.

    :return: action; that of the backend if there are none
    """
    environment = _environment(session, job, _arguments(session, job)["backend_id"])
    model, backend = environment.model, environment.backend_record
    domain = [("backend_id", "=", backend.id), ("sync_state", "in", ["different", "missing"])]
    if not {"backend_id", "sync_state"} <= model._fields.keys() or not model.search_count(domain, limit=1):
        return backend.get_formview_action()
    return {
        "type": "ir.actions.act_window",
        "name": session.env._("Differences of %s", backend.display_name),
        "res_model": model._name,
        "view_mode": "list,form",
        "domain": domain,
    }


def _open_exported(session: ConnectorSession, job: StoredJob, binding_id: int) -> Action | None:
    binding = session.env[job.model_name].browse(binding_id).exists()
    return _open_bound(_environment(session, job, binding.backend_id.id), binding) if binding else None


def _arguments(session: ConnectorSession, job: StoredJob) -> dict[str, Any]:
    """Return the arguments of a job by their names in its function."""
    args, kwargs = arguments.decode_call(job.payload, session.env)
    signature = inspect.signature(find_function(session.env, job.function))
    return signature.bind(session, job.model_name, *args, **kwargs).arguments


def _environment(session: ConnectorSession, job: StoredJob, backend_id: int) -> Environment:
    try:
        return get_environment(session, job.model_name, backend_id)  # type: ignore[arg-type]  # our jobs have a model
    except InvalidBackend as error:
        raise UserError(str(error)) from error


def _open_bound(environment: Environment, binding: Any) -> Action | None:
    """Return the action that opens the bound record of a binding.

    The bound record has its own form more often than the binding.

    :param binding: record or id, as the binder returns it
    """
    if not binding:
        return None
    try:
        binder = environment.get_connector_unit(Binder)
        record = _record(environment, binder.unwrap_model, binder.unwrap_binding(binding))
    except (NoConnectorUnitError, ManyConnectorUnitError):
        record = _record(environment, lambda: environment.model_name, binding)
    return record.get_formview_action() if record else None


def _record(environment: Environment, model_name: Callable[[], str], found: Any) -> BaseModel:
    """Return a record that was found; a binder of a connector may return ids."""
    return found if isinstance(found, BaseModel) else environment.env[model_name()].browse(found or ())
