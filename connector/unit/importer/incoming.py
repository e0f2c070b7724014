"""External record on its way into Odoo: what is known of it, and what was done with it."""

from dataclasses import dataclass
from typing import Any

from odoo.addons.jobs_queue.exception import NotYet

from ..types import ExternalId, ExternalRecord, Values


@dataclass(eq=False, slots=True)
class Incoming:
    """An external record on its way into Odoo.

    While a hook of an importer runs, ``self.incoming`` is the record that it is about.

    :ivar external_id: id in the external system
    :ivar record: the record as the adapter has read it; None: it was not read
    :ivar binding: its binding; empty as long as the record is not in Odoo
    :ivar is_new: whether it was not in Odoo when its import began
    :ivar is_dependency: whether it is imported because another record needs it
    :ivar is_matched: whether an Odoo record with its match key is looked for; False if a person has
        said that it is a new one
    :ivar match: the Odoo records with its match key, known after the dependencies were imported.
        None if it has no match key, or was in Odoo already
    :ivar duplicates: the Odoo records with its match key that are bound to another record of the
        backend already, known with ``match``
    :ivar values: the values that it was mapped to; None: it was not mapped
    :ivar outcome: what was done with it: ``"created"``, ``"updated"``, ``"unchanged"``,
        ``"skipped"``, ``"put_off"`` or ``"waits"``; None: nothing yet
    :ivar reason: why it was skipped, for the user
    :ivar wait: what it waits for, if it waits for something outside
    """

    external_id: ExternalId
    record: ExternalRecord | None
    binding: Any
    is_dependency: bool = False
    is_new: bool = False
    is_matched: bool = True
    match: Any = None
    duplicates: Any = None
    values: Values | None = None
    outcome: str | None = None
    reason: str | None = None
    wait: NotYet | None = None

    def __post_init__(self) -> None:
        self.found(self.binding)

    def found(self, binding: Any) -> None:
        """Note the binding of the record; empty if the record is new."""
        self.binding, self.is_new = binding, not binding

    def begin_again(self, model: Any) -> None:
        """Forget what a failed import has done, which is rolled back.

        :param model: the binding model, as an empty recordset
        """
        if self.is_new:
            self.binding = model
        self.match = self.duplicates = self.values = self.outcome = self.reason = self.wait = None
