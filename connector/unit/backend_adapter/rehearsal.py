"""Requests that write are held back in a rehearsal of a backend, and in a preview of an import.

What would be sent is in the exchange log, and
:class:`~odoo.addons.connector.exception.Rehearsed` is raised. An
:class:`~odoo.addons.connector.unit.backend_adapter.http.HttpAdapter` holds each of its requests
back. Of other adapters, exports hold back the calls of the four methods that write.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NoReturn

from ...event.trap import is_trapped
from ...exception import Rehearsed
from ..types import ExternalId
from .masking import masked_body, masked_headers, masked_url

if TYPE_CHECKING:
    from .crud import BackendAdapter

_JSON = "application/json"


def is_held_back(adapter: BackendAdapter) -> bool:
    """Return whether nothing that writes may be sent now."""
    return is_trapped(adapter.env.cr) or bool(adapter.backend_record.sudo().is_rehearsal)


def hold_back_own(adapter: BackendAdapter, method: str, external_id: ExternalId | None, data: Any) -> None:
    """Hold back the call of a method, for an adapter that does not hold back each request.

    The arguments are those of
    :meth:`~odoo.addons.connector.unit.backend_adapter.crud.BackendAdapter.hold_back`.

    :raise Rehearsed: it is held back
    """
    if not adapter.holds_back_requests:
        adapter.hold_back(method, external_id, data)


def hold_back_call(adapter: BackendAdapter, method: str, external_id: ExternalId | None, data: Any) -> NoReturn:
    """Hold back the call of a method of an adapter; see :func:`hold_back`."""
    name = " ".join(str(part) for part in (adapter.environment.model_name, external_id) if part is not None)
    body = None if data is None else json.dumps(data, default=str).encode()
    hold_back(adapter, method, name, {}, body, (), f"{method} {name}")


def hold_back(
    adapter: BackendAdapter, method: str, url: str, headers: Any, body: Any, secrets: Any, told: str
) -> NoReturn:
    """Store what would be sent in the exchange log, and end what wants to send it.

    :param secrets: texts that are masked in it
    :param told: what would be sent, for a person
    :raise Rehearsed: always
    """
    exchange_id = adapter.backend_record.log_exchange(
        {
            "model_name": adapter.environment.model_name,
            "method": method,
            "url": masked_url(url, secrets),
            "request_headers": masked_headers(headers, secrets),
            "request_body": masked_body(body, secrets, headers.get("Content-Type", _JSON)),
            "is_rehearsed": True,
        }
    )
    if is_trapped(adapter.env.cr):
        message = adapter._(
            "It would send to %(backend)s: %(told)s", backend=adapter.environment.backend_name, told=told
        )
    else:
        message = adapter._(
            "Rehearsed, not sent to %(backend)s: %(told)s", backend=adapter.environment.backend_name, told=told
        )
    raise Rehearsed(message, exchange_id)
