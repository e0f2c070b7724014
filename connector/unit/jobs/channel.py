"""The channels of connector jobs: each flow has its own, below that of its backend.

So a backend whose jobs stop does not stop the jobs of another one, and stock goes on while the
import of products is paused. A job may still name another channel.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from odoo import models
from odoo.exceptions import MissingError
from odoo.models import BaseModel

from odoo.addons.jobs_queue.session import ConnectorSession

from ...exception import InvalidBackend
from ..flow import Flow, flow_class

#: A function that ``@job`` takes as ``default_channel``.
ChannelOf: TypeAlias = Callable[[Mapping[str, Any]], int | None]


def backend_channel(arguments: Mapping[str, Any]) -> int | None:
    """Return the id of the channel of the backend of a job, None if it has no backend.

    A job function of a connector names it as its channel::

        @job(default_channel=backend_channel)
        def import_record(session, model_name, backend_id, external_id):

    The backend is

    - for ``model_name`` and ``backend_id``: that of the binding model with this id
    - for ``binding_id``: the one of the binding
    - for a method: its records themselves, or the backend of the binding
    - for a list of calls: the one whose id is the first argument of the first call
    """
    backend = _backend_of(arguments)
    try:
        return backend.sudo().channel_id.id if backend else None
    except MissingError:
        return None  # the job will say so


def flow_channel(kind: type[Flow]) -> ChannelOf:
    """Return a function that returns the channel of a job's flow, or else of its backend.

    :param kind: kind of the flow, such as :class:`~odoo.addons.connector.unit.flow.ImportFlow`;
        the argument ``flow`` of the job names the flow, or it is the first one of its model
    """

    def channel(arguments: Mapping[str, Any]) -> int | None:
        backend = _backend_of(arguments)
        try:
            if not backend:
                return None
            backend = backend.sudo()
            return _channel_of_flow(arguments, backend, kind) or backend.channel_id.id
        except (MissingError, InvalidBackend):
            return None  # the job will say so

    return channel


def _channel_of_flow(arguments: Mapping[str, Any], backend: BaseModel, kind: type[Flow]) -> int | None:
    code = next(iter(arguments["calls"][0][2:]), None) if "calls" in arguments else arguments.get("flow")
    session: ConnectorSession = arguments["session"]
    flow = flow_class(backend.get_backend(), session, arguments["model_name"], kind, code)
    return None if flow is None else backend.env["connector.flow"]._channel_id(backend, flow.code)


def _backend_of(arguments: Mapping[str, Any]) -> BaseModel | None:
    records = arguments.get("self")
    if records is not None:
        if "channel_id" in records._fields and "version" in records._fields:
            return records[:1]
        return records[:1].sudo().backend_id if "backend_id" in records._fields else None
    model = arguments["session"].env[arguments["model_name"]].sudo()
    if "backend_id" not in model._fields:
        return None
    if "binding_id" in arguments:
        return _browse(model, "binding_id", arguments["binding_id"]).backend_id
    backend_id = arguments["calls"][0][0] if "calls" in arguments else arguments.get("backend_id")
    return _browse(model.env[model._fields["backend_id"].comodel_name], "backend_id", backend_id)


def _browse(model: BaseModel, argument: str, record_id: Any) -> BaseModel:
    if isinstance(record_id, models.BaseModel):
        raise TypeError(f"{argument} is an id, not {record_id!r}")
    return model.browse(record_id)
