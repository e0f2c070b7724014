"""Import path of the model classes ``connector_backend`` and ``external_binding``."""

from .models.connector_backend import ConnectorBackend
from .models.external_binding import ExternalBinding

connector_backend = ConnectorBackend
external_binding = ExternalBinding
