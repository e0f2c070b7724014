"""Find the selection of an export flow: that of a running job, and that of a binding's flow."""

from __future__ import annotations

from odoo.models import BaseModel

from odoo.addons.jobs_queue.session import ConnectorSession

from ..connector_unit import Environment
from ..flow import Flow, flow_class, flow_classes, label_of
from .selection import Selection, UnusableDomain


def selection_in(environment: Environment) -> Selection | None:
    """Return what people have chosen for the flow whose job runs, None if they have chosen nothing.

    The database was asked for it when the job began, see ``open_flow()``.
    """
    if not environment.domain or not environment.flow:
        return None
    flow = flow_classes(environment.backend, environment.session)[environment.flow]
    return Selection(environment.model, environment.domain, label_of(flow, environment.user_session.env))


def is_left_out(environment: Environment, binding: BaseModel) -> bool:
    """Return whether the flow whose job runs is not for a binding.

    :raise UnusableDomain: its domain cannot be used
    """
    selection = selection_in(environment)
    return selection is not None and not selection.has(binding)


def is_chosen(binding: BaseModel, selection: Selection | None) -> bool:
    """Return whether a flow is for a binding; not if its domain cannot be used: its runs say so."""
    try:
        return selection is None or selection.has(binding)
    except UnusableDomain:
        return False


def selection_of(
    session: ConnectorSession, binding: BaseModel, kind: type[Flow], code: str | None = None
) -> Selection | None:
    """Return what people have chosen for the flow that exports a binding, as this process knows it.

    That costs no query. The job asks the database.

    :param kind: kind of the flow
    :param code: of the flow; None: the first one of the model and kind
    """
    backend = binding.backend_id
    flow = flow_class(backend.get_backend(), session, binding._name, kind, code)
    if flow is None:
        return None
    domain = binding.env["connector.flow"]._domain_of(backend, flow.code)
    return Selection(binding, domain, label_of(flow, session.env)) if domain else None
