"""The context key ``no_connector_export``, which keeps changes from being exported: the consumers of ``unit/exporter`` obey it.

:func:`without_export` sets it: to all backends, or to one, as ``shop.backend,3``: what was imported from a shop is exported to the other
backends only. What somebody sends over RPC under this key has no meaning.
"""

from odoo.addons.jobs_queue.by_code import ByCode, by_code

from ..backend import reference

NO_EXPORT = "no_connector_export"

_ALL = ByCode("all")


def without_export(records, backend_record=None):
    """Return records in a context that keeps what is written on them from being exported.

    :param records: recordset
    :param backend_record: record of the backend to which it is not exported; None: it is exported to none at all
    """
    if backend_record is None or forbids_all(records.env.context):
        return records.with_context(**{NO_EXPORT: _ALL})
    return records.with_context(**{NO_EXPORT: _name(backend_record)})


def forbids_export(context, backend_record):
    """Return whether a context keeps changes from being exported to a backend.

    :param context: dict
    :param backend_record: record of a model that inherits ``connector.backend``
    """
    forbidden = by_code(context, NO_EXPORT)
    return forbidden is not None and forbidden in (_ALL, _name(backend_record))


def forbids_all(context):
    """Return whether a context keeps changes from being exported to any backend."""
    return by_code(context, NO_EXPORT) == _ALL


def forbidden_by_all(contexts):
    """Return the value of the key that forbids what each of several contexts forbids; False: nothing.

    :param contexts: list of dicts, one at least
    """
    forbidden = {by_code(context, NO_EXPORT) or False for context in contexts}
    if len(forbidden) > 1:
        forbidden.discard(_ALL)  # what forbids all says no more than the others do
    return forbidden.pop() if len(forbidden) == 1 else False


def as_argument(context):
    """Return what a context forbids as the argument of a job, text or False; :func:`from_argument` makes the key's value of it again."""
    return str(by_code(context, NO_EXPORT) or "") or False


def from_argument(argument):
    """Return the value of the key for what :func:`as_argument` has returned; True is what older jobs have for all backends."""
    return _ALL if argument is True else ByCode(argument) if argument else False


def _name(backend_record):
    return ByCode(reference(backend_record))
