"""Locks for new records, so that transactions that import one at the same time create it once.

A lock alone is not enough. Odoo's transactions are REPEATABLE READ: a transaction that has waited
for a lock does not see the commit of the lock's former holder. So, while the lock is held, a
second, younger transaction looks for the record. If it exists by now, the first transaction begins
again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from typing import TYPE_CHECKING, Any

from psycopg2.errors import OutOfMemory

from odoo import api, sql_db
from odoo.models import BaseModel
from odoo.tools import SQL

from odoo.addons.jobs_queue.exception import RetryableJobError, TransactionOutdated
from odoo.addons.jobs_queue.session import ConnectorSession

from ..binding.binder import Binder
from ..connector_unit import external_id_text
from ..types import ExternalId, Links
from .incoming import Incoming
from .matching import MatchKey, check_not_bound, find_matches, match_keys, match_lock_names

if TYPE_CHECKING:
    from .record import RecordImporter

# Seconds; another page holds its locks until its transaction ends
_UNTIL_LOCKS_ARE_FREE = 60


def lock_new(unknown: Mapping[Links, Collection[Any]]) -> None:
    """Lock the import of unknown records until the end of the transaction.

    It waits for other transactions that import them. The records of several models are locked by
    one call: transactions that lock in several steps may wait for each other. Then PostgreSQL ends
    one of them, and its job begins again.

    :param unknown: dict, :class:`~odoo.addons.connector.unit.binding.binder.Binder` to external ids
        that it does not know
    :raise TransactionOutdated: one of them was imported since this transaction began
    :raise RetryableJobError: PostgreSQL has no place for so many locks at the moment
    """
    unknown = {binder: ids for binder, ids in unknown.items() if ids}
    if not unknown:
        return
    some_binder = next(iter(unknown))
    names = [
        f"import,{binder.model._name},{binder.backend_record.id},{external_id_text(external_id)}"
        for binder, ids in unknown.items()
        for external_id in ids
    ]
    _lock(some_binder, names)
    with _younger_env(some_binder.env) as env:
        session = ConnectorSession.from_env(env)
        for binder, ids in unknown.items():
            _check_unknown(binder, ids, session)


def lock_and_match(importer: RecordImporter, page: Iterable[Incoming]) -> None:
    """Lock the match keys of new records until the end of the transaction, and look for matches.

    It is done after the dependencies were imported, which may create the records that match: as a
    template brings its variants. Then :attr:`.Incoming.match` of each record with a key is set.

    :param importer: :class:`~odoo.addons.connector.unit.importer.record.RecordImporter`
    :param page: list of :class:`~.incoming.Incoming`, all new
    :raise TransactionOutdated: a record with one of the keys was created since this transaction
        began
    :raise RetryableJobError: PostgreSQL has no place for so many locks at the moment
    """
    if keys := match_keys(importer, page):
        _lock(importer.binder, match_lock_names(importer.binder, keys.values()))
        with _younger_env(importer.env) as env:
            find_matches(importer.binder, keys, env)


def lock_to_bind(binder: Binder, records: BaseModel, keys: Iterable[MatchKey]) -> dict[int, str]:
    """Lock Odoo records that are about to be bound by hand until the end of the transaction.

    An import that would bind them by a match key waits, as for another import of that key.

    :param records: recordset of the bound model
    :param keys: the match keys of these records, and of those there to which they are bound
    :return: dict, id of a record that is bound already to its external id
    :raise TransactionOutdated: one was bound since this transaction began
    :raise RetryableJobError: PostgreSQL has no place for so many locks at the moment
    """
    _lock(binder, match_lock_names(binder, keys))
    with _younger_env(binder.env) as env:
        return check_not_bound(binder, records, env)


def lock_to_create(binder: Links, name: str, exists: Callable[[api.Environment], object]) -> None:
    """Lock what is about to be created, as it was not found, until the transaction ends.

    It is for what is no external record, such as the settings for a code that the system uses.

    :param binder: any :class:`~odoo.addons.connector.unit.binding.binder.Binder` of the backend
    :param name: of the thing; transactions with the same name wait for each other
    :param exists: function that tells whether the thing exists in another, younger Odoo environment
    :raise TransactionOutdated: it was created since this transaction began
    """
    _lock(binder, [name])
    with _younger_env(binder.env) as env:
        if exists(env):
            raise TransactionOutdated(binder._("%s: created by another transaction since this one began", name))


@contextmanager
def _younger_env(env: api.Environment) -> Iterator[api.Environment]:
    """Give an Odoo environment of a new transaction, which sees all that is committed by now."""
    with sql_db.db_connect(env.cr.dbname).cursor() as cr:
        yield api.Environment(cr, env.uid, dict(env.context), su=env.su)


def _lock(binder: Links, names: list[str]) -> None:
    # Safe because all transactions take these locks in the order of their numbers, and PostgreSQL
    # releases them at the end of the transaction, also if the process dies
    query = SQL(
        """
        SELECT pg_advisory_xact_lock(number)
        FROM (SELECT DISTINCT hashtextextended(name, 0) AS number FROM unnest(%s::text[]) AS name ORDER BY number) AS key
        """,
        names,
    )
    try:
        binder.env.cr.execute(query)
    except OutOfMemory as error:
        message = binder._(
            "PostgreSQL has no place for %s more locks at the moment; if that happens often, "
            "raise its max_locks_per_transaction, or make the pages of imports smaller",
            len(names),
        )
        raise RetryableJobError(message, seconds=_UNTIL_LOCKS_ARE_FREE) from error


def _check_unknown(binder: Links, external_ids: Iterable[ExternalId], session: ConnectorSession) -> None:
    environment = copy(binder.environment)
    environment.session = session
    if known := type(binder)(environment).to_internal_many(external_ids):  # type: ignore[call-arg]  # of a unit
        raise TransactionOutdated(
            binder._(
                "%(model)s %(ids)s: imported by another transaction since this one began",
                model=binder.model._name,
                ids=", ".join(sorted(known)),
            )
        )
