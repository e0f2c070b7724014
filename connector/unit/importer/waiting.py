"""Imports that wait for something outside, such as a payment: what becomes of a ``NotYet``.

An importer raises it in any step; in ``_must_skip`` it costs least, as nothing was done by then.

- The job of a single record waits itself. It takes over from other jobs that wait for the record:
  these are cancelled, and the days count from the first of them.
- A record of a page gets a job of its own that waits, unless one waits already. The others go on.
- So does the record of a job for which others wait, such as the end of a listing: they would wait
  for days. And that of a job that was given its data: it would look at the same data again each
  time. The job is done.
- After its days it is given up: the job is done, and one checkpoint a reason lists such records. It
  imports them by a button, and takes off those that are imported after all. A failed job for each
  unpaid order would hide what has really failed.

A further message about the record, for instance that it was paid, is a job like any other: it does
not wait. Once it has imported the record, the job that waits is over, see
``unit/jobs/put_right.py``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from odoo.models import BaseModel

from odoo.addons.jobs_queue import store
from odoo.addons.jobs_queue.exception import NotYet
from odoo.addons.jobs_queue.texts import storable

from ..checkpoint import add_checkpoint
from ..open_records import import_key, import_scope
from ..types import ExternalId
from .incoming import Incoming

if TYPE_CHECKING:
    from .record import RecordImporter

_DAY = 24 * 3600
#: Seconds until a record is looked at for the first time, if its importer does not say.
_FIRST = 600


def wait(importer: RecordImporter, external_id: ExternalId, force: bool, error: NotYet, is_given: bool) -> str:
    """End the job of a record that has to wait, unless the job itself waits.

    :param error: what the importer has raised
    :param is_given: whether the job was given the data of the record
    :return: what was done, for the user
    :raise NotYet: the job waits
    """
    session = importer.session
    if not session.owns_transaction:
        raise error
    session.rollback()
    importer._keep_while_waiting()
    rows = session.env["connector.open.record"].sudo()
    scope, key = import_scope(importer.model._name, importer.backend_record.id), import_key(external_id, force)
    others = rows._of_waiting_jobs(scope, [key]).get(key, session.env["queue.job"].sudo())
    waited = _seconds_waited(importer, [session.job.id, *others.ids])
    if error.give_up_days is not None and waited >= error.give_up_days * _DAY:
        _take_over(importer, others)
        return _give_up(importer, external_id, error, int(waited // _DAY))
    job: Any = session.job
    if job.graph_uuid or is_given:
        leave_waiting(importer, [(Incoming(external_id, None, importer.model), error)], force)
        return importer._("Waits in a job of its own: %s", error)
    error.since = min((job.waits_since for job in others), default=None)
    if not rows.search_count([("job_id", "=", session.job.id), ("key", "=", key)], limit=1):
        rows._add(scope, [key], session.job.id)
    # before the job's own wait is written: if the worker dies in between, the job runs once more,
    # so the record is not forgotten
    _take_over(importer, others)
    session.commit()
    raise error


def leave_waiting(importer: RecordImporter, page: Iterable[tuple[Incoming, NotYet]], force: bool = False) -> None:
    """Delay a job for each record of a page that has to wait; one that has such a job keeps it.

    :param page: list of records, each with what its importer has raised
    """
    errors = {import_key(incoming.external_id, force): (incoming, error) for incoming, error in page}
    if not errors:
        return
    rows = importer.env["connector.open.record"].sudo()
    scope = import_scope(importer.model._name, importer.backend_record.id)
    reasons, keys = {}, []
    known = rows._of_waiting_jobs(scope, list(errors))
    for key in [key for key in errors if key not in known]:
        importer.incoming, error = errors[key]
        job = importer._delay(force, eta=_FIRST if error.seconds is None else error.seconds)
        if job.id:  # else it was run at once
            reasons[job.id] = storable(error)
            keys.append(key)
    store.leases.note_waits(importer.env.cr, reasons)
    rows._add(scope, keys, list(reasons))


def of_dependency(importer: RecordImporter, model_name: str, external_id: ExternalId, error: NotYet) -> NotYet:
    """Return what a record waits for if one on which it depends has to wait."""
    message = importer._(
        "%(model)s %(id)s: %(reason)s", model=importer.env[model_name]._description, id=external_id, reason=error
    )
    return NotYet(message, error.seconds, error.give_up_days)


def _seconds_waited(importer: RecordImporter, job_ids: Iterable[int]) -> float:
    return max(store.leases.seconds_waited(importer.env.cr, job_id) for job_id in job_ids)


def _take_over(importer: RecordImporter, others: BaseModel) -> None:
    if others:
        importer.env["connector.put.right"].sudo()._note_taken_over(others, importer.session.job.id)


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
