"""Put off the import of a record whose change or deletion here was not sent yet.

An export that waits, runs or has failed is told by the identity key of its job; one that has failed counts until a later one with its key
was done, or the jobs of that time are deleted. One in bulk counts where the bulk exporter holds imports (:class:`ImportHold`).

Where the exporter's conflict policy lets the external system win, the import goes on. Else it is put off: it leaves the record alone, and
a job of its own comes back when the export may have ended, as often as it takes. So what was changed there arrives too, once ours was
sent, or the conflict decided, or the export cancelled.
"""

from itertools import chain

from odoo.addons.jobs_queue.jobs.unfinished import keys_of_failed, seconds_waiting

from ..conflict_policy import ConflictPolicy
from ..jobs.keys import bulk_export_identity, delete_identity, export_identity
from ..synchronizer import Exporter

# An import comes back after the time that the export has waited by then, so that an export that has failed is not asked for all the time
_SOONEST = 60
_LATEST = 3600


class ImportHold(Exporter):
    """The part of a :class:`~odoo.addons.connector.unit.exporter.bulk.BulkExporter` that says whether imports are put off while it has
    something to send."""

    #: False for what no import overwrites, such as stock: imports of the record go on while its export waits, runs or has failed
    _holds_imports = True


def put_off(environment, importers):
    """Put off the imports that would overwrite what waits to be sent, and return which these are.

    :param environment: :class:`~odoo.addons.connector.connector.Environment` of the binding model
    :param importers: list of :class:`~odoo.addons.connector.unit.importer.record.RecordImporter`, which know their bindings, of the records
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
    failed = keys_of_failed(environment.env, keys.values()) if keys else ()
    return bindings.filtered(lambda binding: keys[binding.id] in failed)


def _seconds_waiting(environment, importers):
    """Return for how long something has waited to be sent of the records of which something does, as a dict from importer to seconds."""
    in_bulk = _is_held_by_bulk_exports(environment)
    keys = {importer: _keys(environment, importer, in_bulk) for importer in importers}
    seconds = seconds_waiting(environment.env, chain.from_iterable(keys.values()))
    return {
        importer: max(seconds[key] for key in keys[importer] if key in seconds)
        for importer in importers
        if not seconds.keys().isdisjoint(keys[importer])
    }


def _is_held_by_bulk_exports(environment):
    # the model may have several, or none
    classes = environment.backend.get_classes(ImportHold, environment.session, environment.model_name)
    return any(unit_class._holds_imports for unit_class in classes)


def _keys(environment, importer, in_bulk):
    """Return the identity keys of the jobs that would send what was done here with a record: changed it or, if it is gone, deleted it."""
    model_name = environment.model_name
    if binding := importer.binding:
        keys = [export_identity(model_name, binding.id)]
        return [*keys, bulk_export_identity(model_name, binding.id)] if in_bulk else keys
    return [delete_identity(model_name, environment.backend_record.id, importer.external_id)]
