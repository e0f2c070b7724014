"""Bind the records that an export flow is for and that have no binding yet, in jobs.

Only these jobs bind records for a flow. For a model and a backend they run one after the other, so
no record is bound twice; who binds one by another way meanwhile meets a constraint of the database.
"""

from __future__ import annotations

from collections.abc import Sequence

from psycopg2.errors import UniqueViolation

from odoo.fields import Domain
from odoo.models import BaseModel
from odoo.tools import split_every

from odoo.addons.jobs_queue.exception import RetryableJobError
from odoo.addons.jobs_queue.jobs import job
from odoo.addons.jobs_queue.session import ConnectorSession

from ...event.no_export import forbids_all, forbids_export
from ..binding.selecting import selection_in, selection_of
from ..binding.selection import Selection, UnusableDomain, record_field
from ..connector_unit import Environment
from ..flow import ExportFlow, open_flow
from ..jobs.channel import flow_channel
from ..jobs.keys import export_identity
from ..jobs.related_action import open_backend
from ..synchronizer import a_moment
from .record import export_record

#: Records that a job binds.
PAGE_SIZE = 500


def delay_pages(environment: Environment, selection: Selection) -> int:
    """Delay the jobs that bind what is chosen and has no binding; return the number of records.

    :param environment: of the flow
    """
    unbound = selection.unbound(environment.backend_record)
    for page in split_every(PAGE_SIZE, unbound.ids, list):
        _delay(environment.user_session, environment.model_name, environment.backend_record, page)
    return len(unbound)


def delay_bindings(
    session: ConnectorSession, record: BaseModel, binding_model: str, path: str, bindings: BaseModel
) -> None:
    """Delay the jobs that bind a record that was created or changed, where a flow is for it now.

    Where nobody has chosen anything, it costs no query.

    :param record: a record, or one from which it inherits, such as a template
    :param path: path of many2ones from the binding model to the record
    :param bindings: the bindings of the record
    """
    backend_ids = record.env["connector.flow"]._chosen_exports(binding_model)
    if not backend_ids or forbids_all(record.env.context):
        return
    model = record.env[binding_model].sudo()
    field, _dot, rest = path.partition(".")
    if field != record_field(model):
        return
    records = record.sudo().exists()
    if rest:
        records = model.env[model._fields[field].comodel_name].search(Domain(rest, "=", record.id))
    for backend in model.backend_id.browse(backend_ids):
        bound = bindings.filtered(lambda binding, backend=backend: binding.backend_id == backend)[field]
        unbound = (records - bound).ids
        if not unbound or forbids_export(record.env.context, backend):
            continue
        selection = selection_of(session, model.new({"backend_id": backend.id}), ExportFlow)
        try:
            chosen = [id_ for id_ in unbound if selection and selection.may_bind(id_, backend)]
        except UnusableDomain:
            continue  # whoever writes a record cannot help it: the runs of the flow say so
        if chosen:
            company = ConnectorSession.from_env(session.env(su=True)).with_company(backend.company_id)
            _delay(company, binding_model, backend, chosen)


def _delay(session: ConnectorSession, model_name: str, backend: BaseModel, record_ids: list[int]) -> None:
    bind_chosen.delay(
        session,
        model_name,
        backend.id,
        record_ids,
        description=session.env._(
            "Bind %(records)s for %(backend)s (%(count)s)",
            records=session.env[model_name]._description,
            backend=backend.sudo().name,
            count=len(record_ids),
        ),
        identity_key=f"bind,{model_name},{backend.id},{','.join(map(str, record_ids))}",
    )


@job(
    default_channel=flow_channel(ExportFlow),
    related_action=open_backend,
    concurrency_key=lambda args: f"bind,{args['model_name']},{args['backend_id']}",
)
def bind_chosen(session: ConnectorSession, model_name: str, backend_id: int, record_ids: Sequence[int]) -> str:
    """Bind records to an external system, and export them

    :param model_name: name of the binding model
    :param backend_id: id of the backend's record
    :param record_ids: ids of the records; those are left out that are bound by now, or for which
        the flow is not any more
    """
    environment = open_flow(session, model_name, backend_id, ExportFlow)
    selection = selection_in(environment)
    if selection is None:
        return session.env._("Nothing is chosen any more: what is bound is exported.")
    try:
        bindings = selection.bind(environment.backend_record, record_ids)
    except UniqueViolation as violation:
        message = session.env._("One of the records was bound by somebody else meanwhile")
        raise RetryableJobError(message, seconds=a_moment(), ignore_retry=True) from violation
    for binding in bindings:
        key = export_identity(model_name, binding.id)
        export_record.delay(environment.user_session, model_name, binding.id, identity_key=key)
    return session.env._("Records bound: %s.", len(bindings))
