"""What an import does with a record that was changed or deleted here, and whose change was not sent yet.

An export that waits, runs or has failed is told by the identity key of its job; one that has failed counts until the binding is in sync
again, by a later export. Where the exporter's conflict policy lets the external system win, the import goes on. Else it is put off: it
leaves the record alone, and a job of its own comes back when the export may have ended, as often as it takes. So what was changed there
arrives too, once ours was sent, or the conflict decided, or the export cancelled.
"""

from itertools import chain

from ..queue.unfinished import seconds_waiting
from .conflict_policy import ConflictPolicy
from .identity import bulk_export_identity, delete_identity, export_identity
from .sync_state import has_succeeded

# An import comes back after the time that the export has waited by then, so that an export that has failed is not asked for all the time
_SOONEST = 60
_LATEST = 3600


def put_off(environment, importers):
    """Put off the imports that would overwrite what waits to be sent, and return which these are.

    :param environment: :class:`~odoo.addons.connector.connector.Environment` of the binding model
    :param importers: list of :class:`~odoo.addons.connector.unit.importer.RecordImporter`, which know their bindings, of the records
        that are about to be imported
    :return: list of those that must not go on
    """
    waiting = _seconds_waiting(environment, importers)
    if waiting and environment.get_connector_unit(ConflictPolicy)._conflict_policy == "external_wins":
        waiting = {importer: seconds for importer, seconds in waiting.items() if not importer.binding}
    for importer, seconds in waiting.items():
        importer._delay(identity_policy="debounce", eta=min(max(seconds, _SOONEST), _LATEST))
    return list(waiting)


def with_failed_export(environment, bindings):
    """Return those of some bindings of which an export has failed, whose job is still there.

    :param environment: :class:`~odoo.addons.connector.connector.Environment` of the binding model
    :param bindings: recordset
    """
    keys = {binding.id: export_identity(environment.model_name, binding.id) for binding in bindings}
    failed = seconds_waiting(environment.env, [], keys.values()) if keys else ()
    return bindings.filtered(lambda binding: keys[binding.id] in failed)


def _seconds_waiting(environment, importers):
    """Return for how long something has waited to be sent of the records of which something does, as a dict from importer to seconds."""
    keys = {importer: _keys(environment, importer) for importer in importers}
    failed_keys = [key for importer in importers if not has_succeeded(importer.binding) for key in keys[importer]]
    seconds = seconds_waiting(environment.env, chain.from_iterable(keys.values()), failed_keys)
    return {
        importer: max(seconds[key] for key in keys[importer] if key in seconds)
        for importer in importers
        if not seconds.keys().isdisjoint(keys[importer])
    }


def _keys(environment, importer):
    """Return the identity keys of the jobs that would send what was done here with a record: changed it or, if it is gone, deleted it."""
    model_name = environment.model_name
    if binding := importer.binding:
        return [export_identity(model_name, binding.id), bulk_export_identity(model_name, binding.id)]
    return [delete_identity(model_name, environment.backend_record.id, importer.external_id)]
