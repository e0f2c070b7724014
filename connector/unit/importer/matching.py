"""Match new records of the external system with records that are here, by a SKU, an e-mail address and the like."""

from collections import defaultdict

from odoo.addons.jobs_queue.exception import TransactionOutdated

from ...exception import InvalidDataError, MappingError
from ...extension import class_name


def match_lock_names(importers):
    """Return the names to lock so that of two transactions that import one key, from whatever backends, one waits for the other.

    :param importers: list of importers of new records, see
        :meth:`~odoo.addons.connector.unit.importer.record.RecordImporter._match_key`
    """
    return [
        f"match,{importer.binder.unwrap_model()},{field},{value}"
        for importer, (field, value) in _keys(importers).items()
    ]


def find_matches(importers, younger_env):
    """Find the records that some new ones are: afterwards each importer that has a key has them as its ``match``.

    :param importers: list of importers of one model
    :param younger_env: Odoo environment of a transaction that sees all that was committed up to now
    :raise TransactionOutdated: one of the records was created by somebody else since this transaction began
    """
    keys = _keys(importers)
    if not keys:
        return
    binder = next(iter(keys)).binder
    found, found_later = (_search(binder, set(keys.values()), env) for env in (binder.env, younger_env))
    for key, records in found_later.items():
        unseen = set(records.ids) - set(found[key].ids)
        # what this transaction sees has lost the key by its own doing
        unseen.difference_update(binder.env[records._name].browse(unseen).exists().ids)
        if unseen:
            names = {"model": records._name, "ids": ", ".join(map(str, sorted(unseen))), "key": "{} {}".format(*key)}
            raise TransactionOutdated(
                binder._("%(model)s %(ids)s, %(key)s: created by another transaction since this one began", **names)
            )
    bound = _bound(binder, {record_id for records in found.values() for record_id in records.ids})
    for importer, key in keys.items():
        importer.match = found[key].filtered(lambda record: record.id not in bound)


def only_match(importer):
    """Return the record that a new one was recognised as.

    :raise InvalidDataError: there are several
    """
    if len(importer.match) > 1:
        field, value = importer._match_key()
        names = {
            "records": ", ".join(f"{record.display_name} (id {record.id})" for record in importer.match),
            "field": importer.match._fields[field]._description_string(importer.environment.user_session.env),
            "value": value,
        }
        raise InvalidDataError(
            importer._(
                "Several records here have the %(field)s %(value)s: %(records)s. "
                "Leave it to the one that is meant, then requeue the job.",
                **names,
            )
        )
    return importer.match


def _keys(importers):
    """Return the keys of the importers that have one: a dict, importer to the field and its value as it is stored."""
    keys = {}
    for importer in importers:
        field, value = _match_key(importer)
        if not (value is None or value is False or value == ""):
            model = importer.env[importer.binder.unwrap_model()]
            if field not in model._fields:
                raise MappingError(f"{class_name(type(importer))}._match_key(): {model._name} has no field {field!r}")
            keys[importer] = field, model._fields[field].convert_to_cache(value, model)
    return keys


def _match_key(importer):
    key = importer._match_key() or (None, None)
    if not isinstance(key, tuple | list) or len(key) != 2:
        raise TypeError(f"{class_name(type(importer))}._match_key() must return (field, value) or None, not {key!r}")
    return key


def _search(binder, keys, env):
    """Return the records that have some keys, archived ones included, as a dict, key to recordset; by one query a field."""
    model = env[binder.unwrap_model()].with_context(active_test=False)
    values = defaultdict(list)
    for field, value in keys:
        values[field].append(value)
    found = defaultdict(lambda: model)
    for field, its_values in values.items():
        domain = [(field, "in", its_values), *_of_company(binder.backend_record, model)]
        for record in model.search_fetch(domain, [field], order="id"):
            found[field, model._fields[field].convert_to_cache(record[field], record)] += record
    return found


def _of_company(backend, model):
    """Return the part of a domain that says which companies' records are meant: the backend's and those of none."""
    return [("company_id", "in", [backend.company_id.id, False])] if "company_id" in model._fields else []


def _bound(binder, ids):
    """Return which of some records are bound to the backend already, as a set of ids."""
    of_backend = [(binder._odoo_field, "in", list(ids)), (binder._backend_field, "=", binder.backend_record.id)]
    bindings = binder.model.sudo().with_context(active_test=False).search(of_backend)
    return set(bindings[binder._odoo_field].ids)
