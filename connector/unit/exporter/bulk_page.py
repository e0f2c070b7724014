"""Bulk exports by pages: one job exports hundreds of records, as after an inventory adjustment.

A flow asks for it by its ``page_size``, see
:class:`~odoo.addons.connector.unit.flow.BulkExportFlow`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from odoo.models import BaseModel
from odoo.tools import split_every

from odoo.addons.jobs_queue.jobs import Job, job
from odoo.addons.jobs_queue.session import ConnectorSession

from ...exception import IDMissingInBackend, InvalidDataError, MappingError
from ..flow import BulkExportFlow
from ..jobs.channel import flow_channel
from ..jobs.related_action import open_backend_of_page
from ..synchronizer import a_moment
from .bulk import BulkExporter, export_bindings

#: What an error of a whole call says about one of its records: it is found by halving.
_OF_A_RECORD = (InvalidDataError, IDMissingInBackend, MappingError)


def delay_pages(
    session: ConnectorSession, bindings: BaseModel, size: int, argument: Mapping[str, str], **options: Any
) -> list[Job]:
    """Delay the export of bindings of one backend, by one job for each page.

    :param bindings: recordset of a binding model
    :param size: maximum number of records of a page
    :param argument: argument ``flow`` of the jobs, see ``flow_argument()``
    :param options: options of ``delay``
    """
    backend = bindings.backend_id
    description = session.env._(
        "Export %(records)s to %(backend)s", records=bindings._description, backend=backend.name
    )
    return [
        export_page.delay(
            session,
            bindings._name,
            backend.id,
            list(page),
            *argument.values(),
            **{"description": description, "group_key": ",".join([str(backend.id), *argument.values()]), **options},
        )
        for page in split_every(size, bindings.ids)
    ]


@job(default_channel=flow_channel(BulkExportFlow), group_size=10, related_action=open_backend_of_page)
def export_page(session: ConnectorSession, model_name: str, calls: list[Any]) -> list[str]:
    """Export changes of many records to an external system, by few calls

    Each call is ``(backend_id, binding_ids)``, or ``(backend_id, binding_ids, flow)`` for a flow
    that is not the first one in bulk of the model. A record of several of them is exported once.

    :param model_name: name of the binding model
    """
    backend_id, _binding_ids, *flow = calls[0]
    binding_ids = list(dict.fromkeys(binding_id for _backend_id, page, *_flow in calls for binding_id in page))
    code = next(iter(flow), None)
    messages = export_bindings(session, model_name, backend_id, binding_ids, code, _export_pages)
    not_chosen = session.env._("Not exported: the flow is not for this record any more.")
    return [_summary(messages.get(binding_id, not_chosen) for binding_id in page) for _backend, page, *_flow in calls]


def _export_pages(exporter: BulkExporter, binding_ids: Sequence[int]) -> dict[int, str]:
    """Export bindings by calls of as many records as the exporter allows."""
    busy = _delay_busy(exporter, binding_ids)
    free = [binding_id for binding_id in binding_ids if binding_id not in busy]
    messages = dict(busy)
    for page in split_every(exporter._page_size, free):
        messages |= _export_halving(exporter, page)
    return messages | dict.fromkeys(exporter._sent, exporter._("Updated."))


def _export_halving(exporter: BulkExporter, binding_ids: Sequence[int]) -> dict[int, str]:
    """Export bindings by one call; if a record makes it fail, by two of half of them each.

    A record that is alone gets a job of its own, which tries it once more and then fails.
    """
    try:
        return exporter.run(binding_ids)
    except _OF_A_RECORD as error:
        if len(binding_ids) == 1:
            binding = exporter.model.browse(binding_ids)
            return {binding.id: exporter._leave_alone(binding, error, is_alone=False)}
    middle = len(binding_ids) // 2
    return _export_halving(exporter, binding_ids[:middle]) | _export_halving(exporter, binding_ids[middle:])


def _delay_busy(exporter: BulkExporter, binding_ids: Sequence[int]) -> dict[int, str]:
    """Delay the export of the bindings that another transaction has locked; lock the others.

    :return: dict, id of a locked binding to what was done with it
    """
    bindings = exporter.model.browse(binding_ids).exists()
    busy = bindings - bindings.try_lock_for_update(allow_referencing=True)
    if busy:
        environment = exporter.environment
        delay_pages(environment.user_session, busy, len(busy), environment.flow_argument, eta=a_moment())
    later = exporter._("Exported or changed by somebody else: a later job exports it.")
    return dict.fromkeys(busy.ids, later)


def _summary(messages: Iterable[str]) -> str:
    """Return what was done with the records of a page, for the user: how many have each message."""
    counted = Counter(message.partition("\n")[0] for message in messages)
    return "\n".join(f"{number}: {message}" for message, number in counted.most_common(20))
