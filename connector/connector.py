"""Public import path of units, environments and binders."""

from .unit.binding.binder import Binder
from .unit.connector_unit import ConnectorUnit, Environment, external_id_text, get_environment

__all__ = ["Binder", "ConnectorUnit", "Environment", "external_id_text", "get_environment"]
