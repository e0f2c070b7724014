"""Steps of the check list that leads through the first run of a backend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from odoo.models import BaseModel


def states(env: Any) -> list[tuple[str, str]]:
    """Return the states of a step, each with its name in the language of an environment."""
    return [
        ("done", env._("Done")),
        ("to_do", env._("To Do")),
        ("trouble", env._("In Trouble")),
        ("unknown", env._("Not Known")),
    ]


@dataclass(frozen=True)
class FirstRunStep:
    """A step of the check list of a new backend, as it is now.

    :param code: its name in code, such as ``"worker"``
    :param label: its name for the user
    :param state: ``"done"``, ``"to_do"``, ``"trouble"``, or ``"unknown"``: nobody can tell. What
        was not looked at yet is to do, never done
    :param text: one sentence: what is so, or what to do
    :param place: steps are shown in the order of their places. Ours have 10 (the connection), 20
        (rights), 30 (language and company), 40 (decisions), 50 (matches), 60 (the worker) and 70
        (flows)
    :param button: label of the button that mends it
    :param method: the button's method: a public one, which looks at the rights of who calls it
    :param record: the record of the method, by default the backend. The label of the step opens it
    :param field: in place of a method, the field of the backend where the button leads
    """

    code: str
    label: str
    state: Literal["done", "to_do", "trouble", "unknown"]
    text: str
    place: int
    button: str = ""
    method: str = ""
    record: BaseModel | None = None
    field: str = ""

    def shown(self, backend: BaseModel) -> dict[str, Any]:
        """Return what the check list of a backend shows of the step.

        :param backend: record of a model that inherits ``connector.backend``
        """
        record = backend if self.record is None else self.record
        return {
            "code": self.code,
            "label": self.label,
            "state": self.state,
            "state_label": dict(states(backend.env))[self.state],
            "text": self.text,
            "button": self.button if backend.has_access("write") else "",
            "method": self.method,
            "field": self.field,
            "model": record._name,
            "id": record.id,
            "opens": record != backend,
        }
