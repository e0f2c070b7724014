"""Context key ``no_connector_export``, which keeps changes from being exported.

The consumers of ``unit/exporter`` obey it. :func:`without_export` sets it for all backends or for
one, such as ``shop.backend,3``: what was imported from a shop is exported to the other backends
only. A value that somebody sends over RPC under this key has no effect.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from odoo.models import BaseModel

from odoo.addons.jobs_queue.by_code import ByCode, by_code

from ..backend import reference

NO_EXPORT = "no_connector_export"
_FORMER = "connector_no_export"

_ALL = ByCode("all")


def without_export(records: BaseModel, backend_record: BaseModel | None = None) -> BaseModel:
    """Return records in a context that keeps changes of them from being exported.

    :param records: recordset
    :param backend_record: record of the backend to which changes are not exported; None: they are
        exported to no backend
    """
    if backend_record is None or forbids_all(records.env.context):
        return records.with_context(**{NO_EXPORT: _ALL})
    return records.with_context(**{NO_EXPORT: _name(backend_record)})


def forbids_export(context: Mapping[str, Any], backend_record: BaseModel) -> bool:
    """Return whether a context forbids the export of changes to a backend.

    :param context: dict
    :param backend_record: record of a model that inherits ``connector.backend``
    """
    _refuse_former(context)
    forbidden = by_code(context, NO_EXPORT)
    return forbidden is not None and forbidden in (_ALL, _name(backend_record))


def forbids_all(context: Mapping[str, Any]) -> bool:
    """Return whether a context forbids the export of changes to all backends."""
    _refuse_former(context)
    return by_code(context, NO_EXPORT) == _ALL


def forbids_any(context: Mapping[str, Any]) -> bool:
    """Return whether a context forbids the export of changes to a backend, whichever it is."""
    _refuse_former(context)
    return by_code(context, NO_EXPORT) is not None


def forbidden_by_all(contexts: Iterable[Mapping[str, Any]]) -> ByCode | Literal[False]:
    """Return the value of the key that forbids only what all of several contexts forbid.

    :param contexts: list of dicts, at least one
    :return: value of the key; False: nothing is forbidden
    """
    forbidden: set[Any] = {by_code(context, NO_EXPORT) or False for context in contexts}
    if len(forbidden) > 1:
        forbidden.discard(_ALL)  # what forbids all says no more than the others do
    return forbidden.pop() if len(forbidden) == 1 else False


def as_argument(context: Mapping[str, Any]) -> str | Literal[False]:
    """Return what a context forbids, as the argument of a job.

    :func:`from_argument` makes the value of the key from it again.

    :return: text or False
    """
    return str(by_code(context, NO_EXPORT) or "") or False


def from_argument(argument: str | bool) -> ByCode | Literal[False]:
    """Return the value of the key for what :func:`as_argument` has returned.

    Older jobs have True for all backends.
    """
    return _ALL if argument is True else ByCode(argument) if argument else False


def _refuse_former(context: Mapping[str, Any]) -> None:
    """Refuse a context that wants no export by a key that has no effect here."""
    if context.get(_FORMER):
        raise ValueError(
            f"The context key {_FORMER} keeps nothing from being exported: write on without_export(records, backend_record) "
            "of odoo.addons.connector instead"
        )


def _name(backend_record: BaseModel) -> ByCode:
    return ByCode(reference(backend_record))
