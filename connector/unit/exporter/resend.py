"""Forget which values the external system has, so that the next export sends them again."""

from collections.abc import Iterable

from odoo.models import BaseModel

from ..binding.sent import forget_fields
from ..binding.state import remember
from ..mapper.mapper import ExportMapper


def forget_sent(bindings: BaseModel, fields: Iterable[str] | None = None) -> None:
    """Forget which values the external system has, so that the next export sends them again.

    It is for values that the system changes by itself, such as stock that it lowers when it ships.

    :param bindings: recordset of a binding model
    :param fields: names of Odoo fields whose external values are forgotten; None: all
    """
    if fields is None:
        remember(bindings, {"export_checksum": False})
        return
    for backend, mine in bindings.grouped("backend_id").items():
        with backend.work_on(bindings._name) as environment:
            mapper = environment.get_connector_unit(ExportMapper)
            with mapper.page(list(mine), fields):
                for binding in mine:
                    forget_fields(mapper, binding, fields)
