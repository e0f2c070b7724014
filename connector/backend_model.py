"""The two abstract models that a connector builds on, by the names of the vocabulary."""

from .models.connector_backend import ConnectorBackend
from .models.external_binding import ExternalBinding

connector_backend = ConnectorBackend
external_binding = ExternalBinding
