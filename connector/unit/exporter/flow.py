"""The job that exports what waits to be sent, for a button or a schedule of an export flow."""

from odoo.addons.jobs_queue.jobs import job
from odoo.addons.jobs_queue.session import ConnectorSession

from ..binding.selecting import selection_in
from ..binding.state import recall, remember
from ..flow import BulkExportFlow, Flow, flow_class, open_flow
from ..jobs.channel import flow_channel
from ..jobs.related_action import open_backend
from .bind import delay_pages
from .consumers import delay_counted, delay_exports
from .left import settle_left
from .resend import forget_sent

#: States of bindings that wait for an export.
UNSENT = ("never", "to_export", "different")
#: States that only a person, an import or a new record there ends.
_WAITING = ("conflict", "to_import", "missing")


@job(default_channel=flow_channel(Flow), related_action=open_backend)
def export_flow(session: ConnectorSession, model_name: str, backend_id: int, flow: str, again: bool = False) -> str:
    """Export to an external system what has changed

    :param model_name: name of the binding model
    :param backend_id: id of the backend's record
    :param flow: code of the export flow. One in bulk looks at all its records, and sends the values
        that differ from the last sent ones
    :param again: export all of them, also what was sent before
    """
    environment = open_flow(session, model_name, backend_id, Flow, flow)
    found = flow_class(environment.backend, session, model_name, Flow, flow)
    assert found is not None  # by its code it is found, or it is an error
    bindings = found(environment).bindings()
    in_bulk = issubclass(found, BulkExportFlow)
    unbound = 0
    if selection := selection_in(environment):
        bindings = selection.among(bindings)
        if not in_bulk:
            unbound = delay_pages(environment, selection)
            settle_left(found(environment), selection)
    if again:
        forget_sent(bindings, getattr(found, "fields", None))
    if again and not in_bulk:
        # what waits for a person or for an import goes on waiting
        remember(bindings.filtered(lambda b: recall(b, "sync_state") not in _WAITING), {"sync_state": "to_export"})
    if in_bulk:
        _jobs, number = delay_counted(session, bindings, flow)
    else:
        bindings = bindings.filtered_domain([("sync_state", "in", UNSENT)])
        delay_exports(session, bindings)
        number = len(bindings)
    return session.env._("Records to export: %s.", number + unbound)
