"""Notes of what a transaction changes, kept with its cursor until the commit. A rollback forgets them, also one to a savepoint."""

import functools
from dataclasses import dataclass

from odoo import api

from odoo.addons.jobs_queue.savepoint import follow_savepoints

_KEY = "connector.event.notes"


@dataclass(frozen=True)
class Note:
    """One change of one or several records."""

    kind: str
    env: api.Environment
    model_name: str
    ids: tuple
    fields: frozenset
    old: dict  # of dicts, by id


def add_note(note, tell):
    """Note a change until the end of its transaction.

    :param note: :class:`Note`
    :param tell: ``function(notes)`` that is called after the commit, once, with what was noted
    """
    data = note.env.cr.postcommit.data
    if _KEY not in data:
        data[_KEY] = []
        note.env.cr.postcommit.add(functools.partial(_tell, data[_KEY], tell))
    data[_KEY].append(note)


def _tell(notes, tell):
    if notes:
        tell(notes)


def take_notes(cr):
    """Return what was noted in the cursor's transaction, as a list of :class:`Note`, and forget it."""
    notes = cr.postcommit.data.get(_KEY, [])
    taken = notes[:]
    notes.clear()
    return taken


def _count(cr):
    return len(cr.postcommit.data.get(_KEY, ()))


def _forget(cr, count):
    del cr.postcommit.data.get(_KEY, [])[count:]


follow_savepoints(_count, _forget)
