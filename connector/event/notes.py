"""Notes of the changes of a transaction, kept with its cursor until the commit.

A rollback discards them, also a rollback to a savepoint.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from odoo import api
from odoo.sql_db import BaseCursor

from odoo.addons.jobs_queue.savepoint import follow_savepoints

_KEY = "connector.event.notes"


@dataclass(frozen=True)
class Note:
    """One change of one or several records."""

    kind: str
    env: api.Environment
    model_name: str
    ids: tuple[int, ...]
    fields: frozenset[str]
    old: dict[int, dict[str, Any]]  # by id


class Notes(list[Note]):
    """The notes of a transaction."""

    def __deepcopy__(self, memo: Any) -> Notes:
        """Copy the list alone, as Odoo's tests keep what is to be done after a commit.

        An environment cannot be copied.
        """
        return Notes(self)


#: Is called with the notes of a transaction.
Tell: TypeAlias = Callable[[list[Note]], object]


def add_note(note: Note, tell: Tell) -> None:
    """Keep a note until the end of its transaction.

    :param note: :class:`Note`
    :param tell: ``function(notes)`` that is called once, after the commit, with the notes of the
        transaction
    """
    data = note.env.cr.postcommit.data
    if _KEY not in data:
        data[_KEY] = Notes()
        note.env.cr.postcommit.add(functools.partial(_tell, data[_KEY], tell))
    data[_KEY].append(note)


def _tell(notes: list[Note], tell: Tell) -> None:
    if notes:
        tell(notes)


def take_notes(cr: BaseCursor) -> list[Note]:
    """Return the notes of the transaction of a cursor, and forget them.

    :return: list of :class:`Note`
    """
    notes = cr.postcommit.data.get(_KEY, [])
    taken = notes[:]
    notes.clear()
    return taken


def _count(cr: BaseCursor) -> int:
    return len(cr.postcommit.data.get(_KEY, ()))


def _forget(cr: BaseCursor, count: int | None) -> None:
    del cr.postcommit.data.get(_KEY, [])[count:]


follow_savepoints(_count, _forget)
