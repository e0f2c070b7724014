"""What a transaction changes is noted with its cursor until the commit. A rollback forgets it, also one to a savepoint."""

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


def note_change(kind, records, fields, old=None):
    """Note that records were changed, until the end of the transaction.

    :param kind: see :class:`~odoo.addons.connector.event.change.Change`
    :param records: recordset, which may be deleted by now
    :param fields: names of the fields
    :param old: dict of the old values by record id
    """
    if records:
        note = Note(kind, records.env, records._name, records._ids, frozenset(fields), old or {})
        _notes(records.env.cr).append(note)


def _notes(cr):
    """Return the list of what was noted in the cursor's transaction; after its commit the consumers are called."""
    notes = cr.postcommit.data.get(_KEY)
    if notes is None:
        notes = cr.postcommit.data[_KEY] = []
        cr.postcommit.add(functools.partial(_tell, notes))
    return notes


def _tell(notes):
    from .after_commit import tell_after_commit  # it builds on this module

    if notes:
        tell_after_commit(notes)


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
