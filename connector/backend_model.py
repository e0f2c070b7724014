"""Aliases ``connector_backend`` and ``external_binding`` of the two abstract models."""

from .models.connector_backend import ConnectorBackend
from .models.external_binding import ExternalBinding

connector_backend = ConnectorBackend
external_binding = ExternalBinding
