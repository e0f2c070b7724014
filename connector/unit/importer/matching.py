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
from ..connector_unit import external_id_text
from .incoming import Incoming

if TYPE_CHECKING:
    from .record import RecordImporter


#: A field, and its value as it is stored.
MatchKey: TypeAlias = tuple[str, Any]


def match_keys(importer: RecordImporter, page: Iterable[Incoming]) -> dict[Incoming, MatchKey]:
    """Return the match keys of records: a dict, record to its field and the value as it is stored.

    Records without a key are left out, and so are those that a person has called new.

    :param importer: :class:`~odoo.addons.connector.unit.importer.record.RecordImporter`
    :param page: list of :class:`~.incoming.Incoming`
    """
    keys: dict[Incoming, MatchKey] = {}
    for incoming in importer.each(incoming for incoming in page if incoming.is_matched):
        field, value = _match_key(importer)
        if not (value is None or value is False or value == ""):
            model = importer.env[importer.binder.unwrap_model()]
            if field not in model._fields:
                raise MappingError(f"{class_name(type(importer))}._match_key(): {model._name} has no field {field!r}")
            keys[incoming] = field, model._fields[field].convert_to_cache(value, model)
    return keys


def match_lock_names(binder: Binder, keys: Iterable[MatchKey]) -> list[str]:
    """Return the names of the locks for match keys.

    By them, of two transactions that import one key, from whatever backends, one waits for the
    other.
    """
    return [f"match,{binder.unwrap_model()},{field},{value}" for field, value in keys]


def find_matches(binder: Binder, keys: Mapping[Incoming, MatchKey], younger_env: api.Environment) -> None:
    """Find the Odoo records that match new external records; set their ``match``, ``duplicates``.

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
    _note_matches(binder, keys, found)


def look_for_matches(binder: Binder, keys: Mapping[Incoming, MatchKey]) -> None:
    """Look for the Odoo records that match, for a person who reads it: nothing is locked.

    :param keys: result of :func:`match_keys`
    """
    _note_matches(binder, keys, _search(binder, set(keys.values()), binder.env))


def check_not_bound(binder: Binder, records: BaseModel, younger_env: api.Environment) -> dict[int, str]:
    """Return which of some Odoo records are bound already: a dict, their id to the external id.

    :param younger_env: as for :func:`find_matches`
    :raise TransactionOutdated: one was bound by another transaction since this one began
    """
    known, known_later = (_external_ids_of(binder, records, env) for env in (binder.env, younger_env))
    if unseen := known_later.keys() - known.keys():
        names = {"model": records._name, "ids": ", ".join(map(str, sorted(unseen)))}
        raise TransactionOutdated(
            binder._("%(model)s %(ids)s: bound by another transaction since this one began", **names)
        )
    return known


def _external_ids_of(binder: Binder, records: BaseModel, env: api.Environment) -> dict[int, str]:
    of_backend = [(binder._odoo_field, "in", records.ids), (binder._backend_field, "=", binder.backend_record.id)]
    bindings = env[binder.model._name].sudo().with_context(active_test=False).search(of_backend)
    return {binding[binder._odoo_field].id: binding[binder._external_field] or "" for binding in bindings}


def _note_matches(binder: Binder, keys: Mapping[Incoming, MatchKey], found: Mapping[MatchKey, BaseModel]) -> None:
    bound = _bound(binder, {record_id for records in found.values() for record_id in records.ids})
    for incoming, key in keys.items():
        incoming.match = found[key].filtered(lambda record: record.id not in bound)
        incoming.duplicates = found[key] - incoming.match


def settle_duplicates(importer: RecordImporter, page: list[Incoming]) -> list[Incoming]:
    """Apply the policy for duplicates to new records, and return those that are to be created.

    A record is a duplicate if its match key belongs to a record that is bound already, or to
    another new one of the page. Two records of a page are told apart by halving it: the first one
    is imported, and the second one is then the duplicate of a bound record.

    :param page: list of :class:`~.incoming.Incoming`, all new and matched
    :raise InvalidDataError: one of them is a duplicate, and the policy is to ask
    """
    with_key = [incoming for incoming in page if incoming.match is not None]
    if not with_key or (policy := importer.policy("duplicates")) == "create":
        return page
    seen: set[MatchKey] = set()
    for incoming in importer.each(with_key):
        if incoming.duplicates and not incoming.match:
            if policy == "ask":
                raise _is_duplicate(importer, incoming)
            _take_for_the_same(importer, incoming)
        elif (key := _match_key(importer)) in seen:
            raise _is_duplicate(importer, incoming)
        else:
            seen.add(key)
    return [incoming for incoming in page if not incoming.outcome]


def only_match(importer: RecordImporter, incoming: Incoming) -> BaseModel:
    """Return the match of a new record: of several the first, if the policy says so.

    :raise InvalidDataError: there are several, and the policy is another one
    """
    if len(incoming.match) > 1 and importer.policy("duplicates") != "bind_first":
        raise InvalidDataError(
            importer._(
                "Several records here have the %(field)s %(value)s: %(records)s. "
                "Leave it to the one that is meant, then %(again)s.",
                again=_again(importer),
                **_names(importer, incoming.match),
            )
        )
    return incoming.match[:1]


def _again(importer: RecordImporter) -> str:
    """Return how a person has the record imported once more, by what has imported it."""
    return importer.environment.again or importer._("requeue the job")


def _is_duplicate(importer: RecordImporter, incoming: Incoming) -> InvalidDataError:
    if not incoming.duplicates:
        return InvalidDataError(importer._("Another record of the page has the same match key."))
    return InvalidDataError(
        importer._(
            "Record %(id)s of %(backend)s has the %(field)s %(value)s, as %(records)s, which belongs to another record there. "
            "Correct one of them there, or choose on the flow what is done with duplicates; then %(again)s.",
            again=_again(importer),
            **importer._names(),
            **_names(importer, incoming.duplicates),
        )
    )


def _take_for_the_same(importer: RecordImporter, incoming: Incoming) -> None:
    """Let the record be found as the one that has its match key already; it is not imported."""
    record = incoming.duplicates[:1]
    of_record = [
        (importer.binder._odoo_field, "=", record.id),
        (importer.binder._backend_field, "=", importer.backend_record.id),
    ]
    binding = importer.model.with_context(active_test=False).search(of_record, limit=1)
    importer.env["connector.external.alias"].sudo()._add(binding, external_id_text(incoming.external_id))
    incoming.outcome = "skipped"
    incoming.reason = importer._(
        "Record %(id)s of %(backend)s is taken for %(record)s, which has the same match key: it is not imported.",
        record=record.display_name,
        **importer._names(),
    )


def _names(importer: RecordImporter, records: BaseModel) -> dict[str, Any]:
    field, value = _match_key(importer)
    return {
        "records": ", ".join(f"{record.display_name} (id {record.id})" for record in records),
        "field": records._fields[field]._description_string(importer.environment.user_session.env),
        "value": value,
    }


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
