"""Match new external records with Odoo records, by SKU, e-mail address and the like."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from odoo import api
from odoo.models import BaseModel

from odoo.addons.jobs_queue.exception import TransactionOutdated

from ...exception import InvalidDataError, MappingError
from ...extension import class_name
from ..binding.binder import Binder
from .incoming import Incoming

if TYPE_CHECKING:
    from .record import RecordImporter


#: A field, and its value as it is stored.
MatchKey: TypeAlias = tuple[str, Any]


def match_keys(importer: RecordImporter, page: Iterable[Incoming]) -> dict[Incoming, MatchKey]:
    """Return the match keys of records: a dict, record to its field and the value as it is stored.

    Records without a key are left out.

    :param importer: :class:`~odoo.addons.connector.unit.importer.record.RecordImporter`
    :param page: list of :class:`~.incoming.Incoming`
    """
    keys: dict[Incoming, MatchKey] = {}
    for incoming in importer.each(page):
        field, value = _match_key(importer)
        if not (value is None or value is False or value == ""):
            model = importer.env[importer.binder.unwrap_model()]
            if field not in model._fields:
                raise MappingError(f"{class_name(type(importer))}._match_key(): {model._name} has no field {field!r}")
            keys[incoming] = field, model._fields[field].convert_to_cache(value, model)
    return keys


def match_lock_names(binder: Binder, keys: Mapping[Incoming, MatchKey]) -> list[str]:
    """Return the names of the locks for match keys.

    By them, of two transactions that import one key, from whatever backends, one waits for the
    other.

    :param keys: result of :func:`match_keys`
    """
    return [f"match,{binder.unwrap_model()},{field},{value}" for field, value in keys.values()]


def find_matches(binder: Binder, keys: Mapping[Incoming, MatchKey], younger_env: api.Environment) -> None:
    """Find the Odoo records that match new external records, and set their ``match``.

    :param keys: result of :func:`match_keys`
    :param younger_env: Odoo environment of a transaction that sees all that was committed up to now
    :raise TransactionOutdated: one of the records was created by another transaction since this one
        began
    """
    found, found_later = (_search(binder, set(keys.values()), env) for env in (binder.env, younger_env))
    for key, records in found_later.items():
        unseen = set(records.ids) - set(found[key].ids)
        # a record that this transaction sees has lost the key by a change of this transaction
        unseen.difference_update(binder.env[records._name].browse(unseen).exists().ids)
        if unseen:
            names = {"model": records._name, "ids": ", ".join(map(str, sorted(unseen))), "key": "{} {}".format(*key)}
            raise TransactionOutdated(
                binder._("%(model)s %(ids)s, %(key)s: created by another transaction since this one began", **names)
            )
    bound = _bound(binder, {record_id for records in found.values() for record_id in records.ids})
    for incoming, key in keys.items():
        incoming.match = found[key].filtered(lambda record: record.id not in bound)


def only_match(importer: RecordImporter, incoming: Incoming) -> BaseModel:
    """Return the only match of a new record.

    :raise InvalidDataError: there are several
    """
    if len(incoming.match) > 1:
        field, value = importer._match_key()  # type: ignore[misc]  # by it the matches were found
        names = {
            "records": ", ".join(f"{record.display_name} (id {record.id})" for record in incoming.match),
            "field": incoming.match._fields[field]._description_string(importer.environment.user_session.env),
            "value": value,
        }
        raise InvalidDataError(
            importer._(
                "Several records here have the %(field)s %(value)s: %(records)s. "
                "Leave it to the one that is meant, then requeue the job.",
                **names,
            )
        )
    return incoming.match


def _match_key(importer: RecordImporter) -> tuple[Any, Any]:
    key = importer._match_key() or (None, None)
    if not isinstance(key, tuple | list) or len(key) != 2:
        raise TypeError(f"{class_name(type(importer))}._match_key() must return (field, value) or None, not {key!r}")
    return key


def _search(binder: Binder, keys: Iterable[MatchKey], env: api.Environment) -> dict[MatchKey, BaseModel]:
    """Return the records with some keys, archived ones included, as a dict of key to recordset.

    It takes one query for each field.
    """
    model = env[binder.unwrap_model()].with_context(active_test=False)
    values: defaultdict[str, list[Any]] = defaultdict(list)
    for field, value in keys:
        values[field].append(value)
    found: defaultdict[MatchKey, BaseModel] = defaultdict(lambda: model)
    for field, its_values in values.items():
        domain = [(field, "in", its_values), *_of_company(binder.backend_record, model)]
        for record in model.search_fetch(domain, [field], order="id"):
            found[field, model._fields[field].convert_to_cache(record[field], record)] += record
    return found


def _of_company(backend: BaseModel, model: BaseModel) -> list[tuple[str, str, list[Any]]]:
    """Return the part of a domain for records of the backend's company or of no company."""
    return [("company_id", "in", [backend.company_id.id, False])] if "company_id" in model._fields else []


def _bound(binder: Binder, ids: Iterable[int]) -> set[int]:
    """Return the ids of the records that are bound to the backend already, as a set."""
    of_backend = [(binder._odoo_field, "in", list(ids)), (binder._backend_field, "=", binder.backend_record.id)]
    bindings = binder.model.sudo().with_context(active_test=False).search(of_backend)
    return set(bindings[binder._odoo_field].ids)
