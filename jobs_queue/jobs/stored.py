"""The call that is stored in a ``queue.job`` record, and its related action."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from odoo import fields
from odoo.api import Environment
from odoo.models import BaseModel

from ..session import ConnectorSession
from . import arguments
from .functions import function_options
from .running import record_of


@dataclass(frozen=True)
class StoredJob:
    """The call of a ``queue.job`` record, in any state."""

    id: int
    function: str
    model_name: str | None
    payload: str
    description: str | None
    identity_key: str | None
    priority: int
    user_id: int
    company_id: int

    @classmethod
    def load(cls, record: BaseModel) -> Self:
        """Return the call of a ``queue.job`` record.

        Users who may read the record may see the call.
        """
        record.ensure_one()
        record = record.sudo()
        return cls(
            id=record.id,
            function=record.function,
            model_name=record.model_name or None,
            payload=record.payload,
            description=record.description or None,
            identity_key=record.identity_key or None,
            priority=record.priority,
            user_id=record.user_id.id,
            company_id=record.company_id.id,
        )

    def record(self, env: Environment) -> BaseModel:
        """Return the ``queue.job`` record.

        :raise NoSuchJobError: it was deleted
        """
        return record_of(self, env)

    def related_action(self, env: Environment) -> dict[str, Any] | None:
        """Return the action that opens the record that the job is about, or None."""
        options = function_options(env, self.function)
        if options.related_action:
            return options.related_action(ConnectorSession.from_env(env), self)
        args, kwargs = arguments.decode_call(self.payload, env)
        for value in (*args, *kwargs.values()):
            if hasattr(value, "_name") and value.exists():
                return _open_records(value.exists())
        return None


def _open_records(records: BaseModel) -> dict[str, Any]:
    action = {
        "type": "ir.actions.act_window",
        "name": records._description,
        "res_model": records._name,
        "view_mode": "list,form",
    }
    if len(records) == 1:
        return {**action, "view_mode": "form", "views": [(False, "form")], "res_id": records.id}
    return {**action, "views": [(False, "list"), (False, "form")], "domain": fields.Domain("id", "in", records.ids)}
