"""Context key for values that are written though unchanged: no consumer is told of them.

An import writes some values again only to keep them, see
:mod:`~odoo.addons.connector.unit.binding.kept`. That is no change for an export.
"""

from collections.abc import Iterable
from typing import Any

from odoo.models import BaseModel

UNCHANGED = "connector_unchanged"


class Unchanged(frozenset[tuple[str, int, str]]):
    """The written values that are equal, each as (model, id, field). Only code can make one."""


def with_unchanged(records: BaseModel, values: Iterable[tuple[str, int, str]]) -> BaseModel:
    """Return records in a context that says which written values are equal already.

    :param records: recordset
    :param values: iterable of (name of the model, id of the record, name of the field)
    """
    unchanged = Unchanged(values)
    return records.with_context(**{UNCHANGED: unchanged}) if unchanged else records


def told_values(records: BaseModel, vals: dict[str, Any]) -> list[tuple[BaseModel, dict[str, Any]]]:
    """Return the written values of which consumers are told: a list of (records, dict of values).

    :param records: recordset that was written
    :param vals: dict of the values that were given to ``write``
    """
    unchanged = records.env.context.get(UNCHANGED)
    if type(unchanged) is not Unchanged:
        return [(records, vals)]
    told = [
        (record, {name: value for name, value in vals.items() if (record._name, record.id, name) not in unchanged})
        for record in records
    ]
    return [(record, values) for record, values in told if values]
