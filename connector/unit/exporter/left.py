"""What leaves the domain of an export flow: it is kept there, deleted there, or asked about.

Only a record of which the flow knows that it was for it can leave it, see
``connector.flow.member``. So a record that was imported and never chosen stays as it is.
"""

from __future__ import annotations

from odoo.models import BaseModel

from odoo.addons.jobs_queue.jobs import Job, job
from odoo.addons.jobs_queue.session import ConnectorSession

from ...exception import Rehearsed
from ..binding.selecting import selection_in
from ..binding.selection import Selection
from ..checkpoint import add_checkpoint
from ..connector_unit import Environment
from ..flow import ExportFlow, Flow, FlowSwitchedOff, open_flow
from ..jobs.about import exported
from ..jobs.channel import flow_channel
from ..jobs.keys import export_group_key
from ..jobs.related_action import open_exported
from .record import RecordExporter


def settle_left(flow: Flow, selection: Selection) -> None:
    """Apply the policy to the records that have left the domain since the last run.

    What was bound before anybody chose is never deleted without a question: it may have been there
    before there was a connector.
    """
    environment = flow.environment
    policy = flow.unit_for(RecordExporter).policy("left")
    if policy == "keep":
        return
    row = environment.backend_record.sudo().flow(flow.code)
    members = row.env["connector.flow.member"]
    members._become(row, members._back(row, selection), "chosen")
    left, before = members._left(row, selection, "chosen"), members._left(row, selection, "before")
    if policy == "archive":
        delay_leaving(environment, left)
        # if a job fails, the flow says what is still there; the next run does not add another one
        members._become(row, left, "asked")
        left = left.browse()
    if asked := left | before:
        backend = environment.backend_record
        message = members.with_context(lang=environment.user_session.env.lang)._ask(row, asked)
        add_checkpoint(environment.session, backend._name, backend.id, backend, message, severity="warning")
    members._note(row, selection.of_bindings(), "chosen")


def delay_leaving(environment: Environment, bindings: BaseModel) -> list[Job]:
    """Delay the jobs that delete there the records of bindings that are not chosen any more.

    :param environment: of the flow
    """
    return [
        leave_record.delay(
            environment.user_session,
            environment.model_name,
            binding.id,
            *environment.flow_argument.values(),
            identity_key=f"leave,{environment.model_name},{binding.id}",
        )
        for binding in bindings
    ]


@job(
    default_channel=flow_channel(ExportFlow),
    related_action=open_exported,
    about=exported,
    concurrency_key=export_group_key,
)
def leave_record(session: ConnectorSession, model_name: str, binding_id: int, flow: str | None = None) -> str:
    """Delete in an external system a record that is not chosen any more

    :param model_name: name of the binding model
    :param binding_id: id of the binding
    :param flow: code of its flow; None: the first export flow of the model
    """
    binding = session.env[model_name].browse(binding_id).exists()
    if not binding:
        return session.env._("The record does not exist here any more.")
    try:
        environment = open_flow(session, model_name, binding.backend_id.id, ExportFlow, flow)
    except FlowSwitchedOff as off:
        _try_again(off.environment, binding)
        raise
    selection = selection_in(environment)
    if selection is None or selection.has(binding):
        return session.env._("It is chosen again: nothing was done.")
    row = environment.backend_record.sudo().flow(environment.flow)
    members = row.env["connector.flow.member"]
    if not members._lock_asked(row, binding):
        return session.env._("Somebody has decided to leave it there: nothing was done.")
    try:
        done = environment.get_connector_unit(RecordExporter).leave(binding_id)
    except Rehearsed:
        _try_again(environment, binding)
        raise
    members._forget(row, binding)
    return done


def _try_again(environment: Environment, binding: BaseModel) -> None:
    """Have the next run find that a record has left the domain, as its job has done nothing."""
    row = environment.backend_record.sudo().flow(environment.flow)
    members = row.env["connector.flow.member"]
    if members._lock_asked(row, binding):
        members._become(row, binding, "chosen")
