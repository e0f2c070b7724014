"""Calls of the consumers of ``on_record_change``: after the commit, in a new transaction.

They never disturb the caller: a call that raises is logged and becomes a job, which is retried as
all jobs are: after ``RetryableJobError``, or if another transaction was in the way. If the process
dies between the commit and the calls, they are not made. For what must not be lost even
then, delay a job from ``on_record_write`` or a similar event, in the transaction of the change.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from odoo import api
from odoo.models import BaseModel
from odoo.sql_db import BaseCursor

from odoo.addons.jobs_queue.exception import NothingToDoJob
from odoo.addons.jobs_queue.jobs import job
from odoo.addons.jobs_queue.session import ConnectorSession

from .change import Change
from .event import Consumer, consumer_name
from .no_export import NO_EXPORT, as_argument, forbidden_by_all, from_argument
from .notes import Note, add_note, take_notes
from .record import on_record_change

_logger = logging.getLogger(__name__)

#: Maximum number of rounds; each calls the consumers for the changes of the round before.
MAX_ROUNDS = 10
# Former name of a module with consumers to its name now: jobs that wait have the former one
_MOVED = {"odoo.addons.connector.consumer": "odoo.addons.connector.unit.exporter.consumers"}


def note_change(
    kind: str, records: BaseModel, fields: Iterable[str], old: dict[int, dict[str, Any]] | None = None
) -> None:
    """Note a change of records; the consumers are called for it after the commit.

    :param kind: see :class:`~odoo.addons.connector.event.change.Change`
    :param records: recordset; its records may be deleted already
    :param fields: names of the fields
    :param old: dict, id of a record to the dict of its old values
    """
    if records:
        note = Note(kind, records.env, records._name, records._ids, frozenset(fields), old or {})
        add_note(note, tell_after_commit)


def tell_after_commit(notes: list[Note]) -> None:
    """Call the consumers for the changes that a committed transaction has noted.

    No exception of theirs reaches the caller.

    :param notes: list of :class:`~.notes.Note`, at least one
    """
    try:
        tell(notes, notes[0].env.registry.cursor)
    except Exception:
        models = ", ".join(sorted({note.model_name for note in notes}))
        _logger.exception("The consumers could not be told of the changes of %s", models)


def tell(notes: list[Note], cursor: Callable[[], AbstractContextManager[BaseCursor]]) -> None:
    """Call the consumers for noted changes, then those for the changes that these consumers make.

    :param notes: list of :class:`~.notes.Note`
    :param cursor: function that returns a context manager with the cursor of a new transaction
    """
    for _round in range(MAX_ROUNDS):
        calls = list(_calls(notes))
        if not calls:
            return
        with cursor() as cr:
            _make(calls, cr)
            notes = take_notes(cr)
    names = ", ".join(sorted({consumer_name(call.consumer) for call in calls}))
    _logger.error(
        "Consumers change, again and again, what they are told about: %s. They are not called any more.", names
    )


def _make(calls: Iterable[_Call], cr: BaseCursor) -> None:
    try:
        with cr.savepoint():
            for call in calls:
                call.make(cr)
    except Exception:
        _logger.info("A consumer of changes has raised: all are called again, each by itself", exc_info=True)
        for call in calls:
            call.make_or_delay(cr)


def _calls(notes: list[Note]) -> Iterator[_Call]:
    """Yield a :class:`_Call` for each record and consumer."""
    by_record: defaultdict[tuple[str, int], list[Note]] = defaultdict(list)
    for note in notes:
        for record_id in note.ids:
            by_record[note.model_name, record_id].append(note)
    for (model_name, record_id), notes_of_record in by_record.items():
        change = _sum_up(record_id, notes_of_record)
        if change is not None:
            env = _env_of(notes_of_record)
            for subscription in on_record_change.subscriptions(env.registry, model_name):
                if subscription.wants(change):
                    yield _Call(env, subscription.consumer, model_name, record_id, subscription.seen(change))


def _sum_up(record_id: int, notes: list[Note]) -> Change | None:
    """Return the :class:`Change` of one record from its notes.

    :return: None if the record was created and deleted
    """
    kinds = {note.kind for note in notes}
    if kinds >= {"create", "unlink"}:
        return None
    kind = next(kind for kind in ("create", "unlink", "write") if kind in kinds)
    old: dict[str, Any] = {}
    written = frozenset[str]()
    if kind == "create":
        written = written.union(*(note.fields for note in notes if note.kind == "write"))
    else:
        for note in reversed(notes):  # the first value counts
            old.update(note.old.get(record_id, {}))
    return Change(kind, frozenset[str]().union(*(note.fields for note in notes)), old, written)


def _env_of(notes: list[Note]) -> api.Environment:
    """Return the environment of the last change of a record.

    It forbids only the exports that all changes of the record forbid.
    """
    env = notes[-1].env
    forbidden = forbidden_by_all([note.env.context for note in notes])
    if env.context.get(NO_EXPORT, False) == forbidden:
        return env
    return env(context={**env.context, NO_EXPORT: forbidden})


@dataclass(frozen=True)
class _Call:
    """The call of a consumer for a record."""

    env: api.Environment  # that of the change
    consumer: Consumer
    model_name: str
    record_id: int
    change: Change

    def make(self, cr: BaseCursor) -> None:
        session = ConnectorSession.from_env(self.env(cr=cr))
        self.consumer(session, self.model_name, self.record_id, self.change)

    def make_or_delay(self, cr: BaseCursor) -> None:
        try:
            with cr.savepoint():
                self.make(cr)
        except Exception:
            name = consumer_name(self.consumer)
            _logger.exception("%s has raised for %s %s: it becomes a job", name, self.model_name, self.record_id)
            call_consumer.delay(
                ConnectorSession.from_env(self.env(cr=cr)),
                self.model_name,
                name,
                self.record_id,
                self.change.kind,
                sorted(self.change.fields),
                self.change.old,
                as_argument(self.env.context),
                # a worker of an earlier version does not know this argument
                **({"written": sorted(self.change.written)} if self.change.written else {}),
            )


@job
def call_consumer(
    session: ConnectorSession,
    model_name: str,
    consumer: str,
    record_id: int,
    kind: str,
    fields: list[str],
    old: dict[str, Any],
    no_connector_export: str | bool,
    written: list[str] | None = None,
) -> object:
    """Tell a consumer about a changed record

    :param consumer: complete name of the function
    :param record_id: id of the record
    :param kind: see :class:`Change`, also for the next two
    :param no_connector_export: backends to which the change must not be exported, see
        :mod:`~odoo.addons.connector.event.no_export`
    :param written: see :class:`Change`; a job of an earlier version has None
    """
    module, _dot, function = consumer.rpartition(".")
    consumer = f"{_MOVED.get(module, module)}.{function}"
    for subscription in on_record_change.subscriptions(session.env.registry, model_name):
        if consumer_name(subscription.consumer) == consumer:
            change = Change(kind, frozenset(fields), old, frozenset(written or ()))
            session = session.with_context(**{NO_EXPORT: from_argument(no_connector_export)})
            return subscription.consumer(session, model_name, record_id, change)
    raise NothingToDoJob(
        session.env._("%(consumer)s is not called for %(model)s any more.", consumer=consumer, model=model_name)
    )
