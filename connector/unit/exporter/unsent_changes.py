"""Changes here while nothing exports them: they are noted together, when the transaction ends.

A write of a record whose export is switched off costs next to nothing. The bindings become *to
export* when the transaction is flushed or committed, by one search for each binding model.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, TypeAlias

from odoo.fields import Domain
from odoo.models import BaseModel

from ..binding.state import recall, remember

#: ``function(binding, written fields)``: notes the change, or sends it if the export is on by now.
Tell: TypeAlias = Callable[[BaseModel, Mapping[str, Any]], None]

_KEY = "connector.unsent_changes"


def note_unsent(record: BaseModel, binding_model: str, path: str, fields: Iterable[str], tell: Tell) -> None:
    """Note that a record was changed, and that no backend is told.

    :param path: path of many2ones from the binding model to the record
    :param fields: names of the written fields
    """
    precommit = record.env.cr.precommit
    if _KEY not in precommit.data:
        precommit.data[_KEY] = defaultdict(lambda: defaultdict(set))
        precommit.add(partial(_tell_noted, record.browse(), tell))
    precommit.data[_KEY][binding_model, path][record.id].update(fields)


def mark_unsent(binding: BaseModel) -> None:
    """Note that a binding has a change that was not sent.

    A state that waits for a person or an import stays. An error does not: the change has to be sent
    also if the job that has failed is gone.
    """
    if recall(binding, "sync_state") in ("never", "in_sync", "different", "error"):
        remember(binding, {"sync_state": "to_export"})


def _tell_noted(model: BaseModel, tell: Tell) -> None:
    noted = model.env.cr.precommit.data.pop(_KEY, {})
    # who changes a record need not have the right to see its bindings
    model = model.sudo().with_context(active_test=False)
    for (binding_model, path), changes in noted.items():
        bindings = model.env[binding_model].search(Domain(path, "in", list(changes)), order="id")
        for binding in bindings:
            tell(binding, dict.fromkeys(changes[binding.mapped(path).id]))
