"""Imports that wait for something outside, such as a payment: what becomes of a ``NotYet``.

An importer raises it in any step; in ``_must_skip`` it costs least, as nothing was done by then.

- The job of a single record waits itself. It takes over from other jobs that wait for the record:
  these are cancelled, and the days count from the first of them.
- A record of a page gets a job of its own that waits, unless one waits already. The others go on.
- So does the record of a job for which others wait, such as the end of a listing: they would wait
  for days. The job is done.
- After its days it is given up: the job is done, and one checkpoint a reason lists such records. It
  imports them by a button, and takes off those that are imported after all. A failed job for each
  unpaid order would hide what has really failed.

A further message about the record, for instance that it was paid, is a job like any other: it does
not wait. Once it has imported the record, the job that waits is over, see ``unit/put_right.py``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NoReturn

from odoo.addons.jobs_queue import store
from odoo.addons.jobs_queue.exception import NotYet
from odoo.addons.jobs_queue.jobs.keys import stored_key
from odoo.addons.jobs_queue.store.superseded import Superseded
from odoo.addons.jobs_queue.texts import storable

from ..checkpoint import add_checkpoint
from ..connector_unit import external_id_text
from ..jobs.keys import import_key
from ..put_right import is_forced, waiting_jobs
from ..types import ExternalId
from .incoming import Incoming

if TYPE_CHECKING:
    from .record import RecordImporter

_DAY = 24 * 3600
#: Seconds until a record is looked at for the first time, if its importer does not say.
_FIRST = 600


def wait(importer: RecordImporter, external_id: ExternalId, force: bool, error: NotYet) -> str:
    """End the job of a record that has to wait, unless the job itself waits.

    :param error: what the importer has raised
    :return: what was done, for the user
    :raise NotYet: the job waits
    """
    session = importer.session
    if not session.owns_transaction:
        raise error
    session.rollback()
    others = waiting_jobs(session, [import_key(importer.model._name, importer.backend_record.id, external_id)])
    if not force:
        others = others.filtered(lambda job: not is_forced(session.env, job.payload))
    waited = max(_seconds_waited(importer, others), store.leases.seconds_waited(session.cr, session.job.id))
    if error.give_up_days is not None and waited >= error.give_up_days * _DAY:
        _end_others(importer, others)
        return _give_up(importer, external_id, error, int(waited // _DAY))
    if session.job.graph_uuid:
        incoming = Incoming(external_id, None, importer.model)
        leave_waiting(importer, [(incoming, error)], force)
        return importer._("Waits in a job of its own: %s", error)
    _wait_in_this_job(importer, others, error)


def _wait_in_this_job(importer: RecordImporter, others: Any, error: NotYet) -> NoReturn:
    error.since = min((job.waits_since for job in others if job.waits_since), default=None)
    if others:
        # before the job's own wait is written: if the worker dies in between, the job runs once
        # more, so the record is not forgotten
        _end_others(importer, others)
        importer.session.commit()
    raise error


def leave_waiting(importer: RecordImporter, page: Iterable[tuple[Incoming, NotYet]], force: bool = False) -> None:
    """Delay a job for each record of a page that has to wait; one that has such a job keeps it.

    :param page: list of records, each with what its importer has raised
    """
    errors = {incoming: error for incoming, error in page}
    names = importer.model._name, importer.backend_record.id
    keys = {incoming: import_key(*names, external_id_text(incoming.external_id)) for incoming in errors}
    known = set(waiting_jobs(importer.session, keys.values()).mapped("concurrency_key")) if keys else ()
    jobs = {}
    for incoming in importer.each([incoming for incoming in errors if stored_key(keys[incoming]) not in known]):
        seconds = errors[incoming].seconds
        job = importer._delay(force, eta=_FIRST if seconds is None else seconds)
        if job.id:
            jobs[job.id] = storable(errors[incoming])
    store.leases.note_waits(importer.env.cr, jobs)


def of_dependency(importer: RecordImporter, model_name: str, external_id: ExternalId, error: NotYet) -> NotYet:
    """Return what a record waits for if one on which it depends has to wait."""
    message = importer._(
        "%(model)s %(id)s: %(reason)s", model=importer.env[model_name]._description, id=external_id, reason=error
    )
    return NotYet(message, error.seconds, error.give_up_days)


def _seconds_waited(importer: RecordImporter, jobs: Iterable[Any]) -> float:
    return max((store.leases.seconds_waited(importer.env.cr, job.id) for job in jobs), default=0)


def _end_others(importer: RecordImporter, jobs: Iterable[Any]) -> None:
    """Note that other jobs that wait for the record are over; they are cancelled after the commit."""
    job_id = importer.session.job.id
    found = [Superseded("job", job.id, job.concurrency_key, job.eta) for job in jobs]
    if found:
        text = importer._("The same as job %s", job_id)
        importer.env["connector.put.right"].sudo()._insert(found, job_id, text, "cancelled")


def _give_up(importer: RecordImporter, external_id: ExternalId, error: NotYet, days: int) -> str:
    backend = importer.backend_record
    names = {"backend": importer.environment.backend_name, "days": error.give_up_days, "reason": error}
    message = importer._("Records of %(backend)s were given up after %(days)s days: %(reason)s", **names)
    add_checkpoint(
        importer.session,
        backend._name,
        backend.id,
        backend,
        message,
        severity="warning",
        to_import=(importer.model._name, [external_id]),
    )
    return importer._("Given up after %(days)s days: %(reason)s. A checkpoint lists it.", days=days, reason=error)
