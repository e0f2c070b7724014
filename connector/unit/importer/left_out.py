"""Import the records whose imports have ended because their flow was off, when it is on again."""

from typing import Any

from odoo.tools import split_every

from odoo.addons.jobs_queue.jobs import job
from odoo.addons.jobs_queue.session import ConnectorSession

from ..flow import ImportFlow, open_flow
from ..jobs.channel import flow_channel
from ..jobs.keys import import_identity
from ..jobs.related_action import open_backend
from .bulk import PAGE_SIZE, import_page
from .record import import_record


@job(default_channel=flow_channel(ImportFlow), related_action=open_backend)
def import_left_out(session: ConnectorSession, model_name: str, backend_id: int, flow: str | None = None) -> str:
    """Import the records that were left out while their flow was off

    If it is off again by then, they stay noted.

    :param model_name: name of the binding model
    :param backend_id: id of the backend's record
    :param flow: code of the flow; None: the first import flow of the model
    """
    environment = open_flow(session, model_name, backend_id, ImportFlow, flow)
    forced, others = session.env["connector.flow.left.out"]._take(environment.backend_record, environment.flow)
    session = environment.user_session
    argument: dict[str, Any] = {**environment.flow_argument}
    for page in split_every(PAGE_SIZE, others, list):
        import_page.delay(session, model_name, backend_id, external_ids=page, **argument)
    for external_id in forced:  # a page never overwrites what was changed here
        argument["identity_key"] = import_identity(model_name, backend_id, external_id, force=True)
        import_record.delay(session, model_name, backend_id, external_id, True, **argument)
    return session.env._("Records to import: %s.", len(forced) + len(others))
