"""Base class of adapters whose requests all go to one path: GraphQL and RPC."""

from __future__ import annotations

from urllib.parse import urlsplit

import requests

from odoo.addons.jobs_queue.exception import FailedJobError

from ..unit.backend_adapter.errors import noting
from .adapter import DeclaredAdapter
from .values import check_path_template

#: Statuses of HTTP by which there is no endpoint at the path.
NO_ENDPOINT = (404, 410)


class EndpointAdapter(DeclaredAdapter):
    """Base of the adapters whose requests all go to one path.

    So the status 404 says nothing about a record: only what stands in an answer does.
    """

    #: Path of the endpoint, below the base address
    path: str = "/"  # type: ignore[assignment]  # path() of HttpAdapter

    @classmethod
    def _check_declaration(cls, name: str) -> None:
        super()._check_declaration(name)
        check_path_template(cls._declaration_of("path") or "/", f"{name}, path", False)

    def _error_of(self, response: requests.Response) -> Exception:
        status = response.status_code
        if status not in NO_ENDPOINT or status in self._exceptions:
            return super()._error_of(response)
        said = self._mask(self._said(response))
        text = self._(
            "%(system)s has nothing at %(path)s (status %(status)s: %(message)s). Check in the backend: %(fields)s. "
            "Check, too, whether the system has what is asked for. Then requeue the job.",
            system=self._label,
            path=self._mask(urlsplit(response.url).path),
            status=status,
            message=said,
            fields=self._address_labels(),
        )
        return noting(FailedJobError(text), status, said)
