"""What keeps a change from being exported: the context key ``no_connector_export``, which the consumers of ``consumer.py`` obey.

It is True, or names one backend, as ``"shop.backend,3"``: what was imported from a shop is exported to the other backends only.
"""

NO_EXPORT = "no_connector_export"


def without_export(records, backend_record=None):
    """Return records in a context that keeps what is written on them from being exported.

    :param records: recordset
    :param backend_record: record of the backend to which it is not exported; None: it is exported to none at all
    """
    if backend_record is None or records.env.context.get(NO_EXPORT) is True:
        return records.with_context(**{NO_EXPORT: True})
    return records.with_context(**{NO_EXPORT: _name(backend_record)})


def forbids_export(context, backend_record):
    """Return whether a context keeps changes from being exported to a backend.

    :param context: dict
    :param backend_record: record of a model that inherits ``connector.backend``
    """
    forbidden = context.get(NO_EXPORT)
    return forbidden == _name(backend_record) if isinstance(forbidden, str) else bool(forbidden)


def forbidden_by_all(contexts):
    """Return the value of the key that forbids what each of several contexts forbids; False: nothing.

    :param contexts: list of dicts, one at least
    """
    forbidden = {context.get(NO_EXPORT) or False for context in contexts}
    if len(forbidden) > 1:
        forbidden.discard(True)  # what forbids all says no more than the others do
    return forbidden.pop() if len(forbidden) == 1 else False


def _name(backend_record):
    return f"{backend_record._name},{backend_record.id}"
