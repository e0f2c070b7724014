"""Import many records of the external system: the importers, and their jobs."""

import hashlib
import json
import uuid
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from odoo import fields

from odoo.addons.jobs_queue.exception import NotYet
from odoo.addons.jobs_queue.graph import OnFailure, chain, group
from odoo.addons.jobs_queue.jobs import Job, job
from odoo.addons.jobs_queue.session import ConnectorSession

from ..backend_adapter.bookmark import Bookmark
from ..binding.clock import database_now
from ..flow import ImportFlow, open_flow
from ..jobs.channel import flow_channel
from ..jobs.keys import import_identity
from ..jobs.put_right import note_listed, noting_failure
from ..jobs.related_action import open_backend
from ..open_records import list_scope
from ..synchronizer import Importer
from ..types import ExternalId, ExternalRecord
from .listing import FirstItems, Listing, read_first, read_segment
from .record import RecordImporter, description_of_import, import_record
from .schema import check_and_count
from .waiting import leave_waiting

_USUAL_OVERLAP = timedelta(minutes=5)


class BatchImporter(Importer):
    """Base class of importers of all records that match a filter.

    Its subclasses import them in different ways:

    * :class:`DirectBatchImporter` imports them at once, one after the other;
    * :class:`DelayedBatchImporter` delays a job for each of them;
    * :class:`~odoo.addons.connector.unit.importer.bulk.BulkBatchImporter`, the usual one, delays a
      job for each page of them.

    If the system can tell which records have changed, its adapter declares how, by ``changed``, or
    a connector overrides :meth:`_filters_since`. The watermark moves at the end of the batch. The
    subclasses tell what happens if a record fails.
    """

    # Time of the list, by the clock of the database
    _read_at: datetime | None = None
    # Which listing is imported; None if no job closes it
    _listing: str | None = None
    # How often the flow had been switched off when the listing began
    _times_off = 0
    # What people had chosen when the listing began, see chosen_key(): its watermark counts for that
    _chosen = ""
    # What happens after a job that has failed: with "continue", the watermark moves all the same
    _on_failure: OnFailure = "stop"

    @property
    def _overlap(self) -> timedelta:
        """The time by which the watermark stays behind the clock.

        It must be longer than the difference of the two clocks, and than a change takes to become
        visible in the external system. By default what the adapter declares, or five minutes.
        """
        return self._changed.lag if self._changed else _USUAL_OVERLAP

    def run(self, filters: Any = None) -> str:
        """List and import records.

        A long list is read by a chain of jobs, see ``listing.py``. This is the first of them.

        :param filters: argument of the adapter's ``search``; None: the changes since the watermark,
            which then moves
        :return: what was done, for the user
        """
        self._read_at, self._times_off = database_now(self.environment), self.environment.times_off
        since = value = None
        moves = filters is None
        if moves:
            if running := self._running():
                return running[0]._told()
            since, filters = self._begin()
        bookmark = Bookmark()
        segment = read_segment(self, filters, bookmark)
        if moves and (value := self._get_next_watermark(self._read_at)) is not None:
            self._listing = str(uuid.uuid4())
        if bookmark.has_ended:
            self._check_found(segment.found)
            if moves:
                note_listed(self, self._flow_key, None)
            return self._import_whole(segment.found, self._closing(value, since))
        listing = Listing.begin(self, filters, moves, value, since)
        return listing.delay(segment, bookmark)

    def first_of_run(self, most: int) -> FirstItems:
        """Return the first items that the next run would import; nothing is imported.

        :param most: how many of them
        """
        self._read_at = database_now(self.environment)
        return read_first(self, self._begin()[1], most)

    def run_segment(self, listing_id: int, number: int, filters: Any) -> str:
        """List and import the next records of a listing.

        :param listing_id: id of the ``connector.listing`` record
        :param number: number of the segment, from 2 on
        :param filters: argument of the adapter's ``search``
        :return: what was done, for the user
        """
        self._read_at = database_now(self.environment)
        listing = Listing.going_on(self, listing_id, number, filters)
        if listing is None:
            return self._("The listing has ended, or was cancelled.")
        if listing.is_done:
            return self._("This part of the list was listed before.")
        self._listing, self._times_off = listing.record.key or None, listing.record.times_off
        self._chosen = listing.record.chosen or ""
        segment, bookmark = listing.read()
        return listing.delay(segment, bookmark)

    def _begin(self) -> tuple[str | None, Any]:
        """Return up to where the records were imported, and what the next run asks for.

        What people have chosen counts, too. A watermark that was moved by another choice is none.
        """
        self._chosen = chosen_key(self.environment.filters)
        since = self.env["connector.watermark"].value_of(
            self.backend_record, self.model._name, flow=self._flow_key, chosen=self._chosen
        )
        return since, self._chosen_since(since)

    def _chosen_since(self, since: str | None) -> Any:
        """Return the filters of what has changed since then, of what people have chosen."""
        filters = self._filters_since(since)
        return self.backend_adapter.with_chosen(filters) if self.environment.filters else filters

    def _running(self) -> Any:
        """Return the listings of the model's changes that go on by themselves, records."""
        return self.env["connector.listing"].sudo()._running(self.backend_record, self.model._name, self._flow_key)

    @property
    def _flow_key(self) -> str:
        """The code of the flow by which its watermark is stored; "" for the model's first one."""
        return self.environment.flow_argument.get("flow", "")

    def _filters_since(self, watermark: str | None) -> Any:
        """Return the filters that find the changes since a watermark; a hook.

        :param watermark: text; None: nothing was imported yet
        :return: argument of the adapter's ``search``; None: all records. By default what the
            adapter declares
        """
        return self._changed.filters(watermark, self._read_at) if self._changed and self._read_at else None

    def _filters_between(self, begin: datetime, end: datetime | None) -> Any:
        """Return the filters that find what was changed between two times; a hook.

        :param begin: naive datetime in UTC
        :param end: likewise; None: now
        :return: argument of the adapter's ``search``; None: the system cannot be asked for that. By
            default what the adapter declares
        """
        if not self._changed or (end and self._changed.until is None):
            return None
        return self._changed.filters(fields.Datetime.to_string(begin), end or self._now())

    def _now(self) -> datetime:
        return self._read_at or database_now(self.environment)

    def _get_next_watermark(self, began: datetime) -> str | None:
        """Return the watermark after all found records are imported, as text; None: it stays.

        If the adapter declares how it finds changes, the clock of the system counts where it is
        behind ours.

        :param began: start of the search, naive UTC datetime by the clock of the database
        """
        there = self.backend_adapter.list_clock if self._changed else None
        return fields.Datetime.to_string(min(began, there or began) - self._overlap)

    def _check_found(self, found: list[Any]) -> None:
        """Check the fields of the listed records, and count them; ids tell nothing.

        :param found: list of ids or records
        :raise FailedJobError: none of the records has a field that the mapper requires
        """
        if records := [item for item in found if isinstance(item, dict)]:
            check_and_count(self.unit_for(RecordImporter), records, self._listing)

    def _id_and_data(self, item: Any) -> tuple[ExternalId, ExternalRecord | None]:
        """Return the id of a found item, and the record or None."""
        return (self.backend_adapter.id_of(item), item) if isinstance(item, dict) else (item, None)

    def _closing(self, value: str | None, since: str | None, listing_id: int | None = None) -> Job | None:
        """Return the job that closes a listing, None if there is nothing to do.

        :param value: where the watermark moves, None: it stays
        :param listing_id: id of the ``connector.listing`` record of a long list
        """
        if value is None and listing_id is None:
            return None
        # only where they are needed: in the midst of an update, a worker may not know them yet
        further: dict[str, Any] = {"listing_id": listing_id} if listing_id else {}
        if times_off := self._times_off:
            further["times_off"] = times_off
        if self._chosen:
            further["chosen"] = self._chosen
        further.update(self.environment.flow_argument)
        session = self.environment.user_session
        return move_watermark.delayable(
            session, self.model._name, self.backend_record.id, value, since, listing=self._listing, **further
        )

    def _import_whole(self, found: list[Any], closing: Job | None) -> str:
        """Import the items of a list that was read as a whole, then run the job that closes it.

        :param found: list of ids or records
        :param closing: job to delay, or None
        :return: what was done, for the user
        """
        jobs = self._jobs_of(found)
        chain(group(*jobs), *([closing] if closing else []), on_failure=self._on_failure).delay()
        return self._told(found, jobs)

    def _jobs_of(self, found: list[Any]) -> dict[Job, int]:
        """Return the jobs that import items, prepared, or import them at once.

        :param found: list of ids or records
        :return: dict, job to the number of its items; empty: they are imported
        """
        raise NotImplementedError("Inherit DirectBatchImporter, DelayedBatchImporter or BulkBatchImporter")

    def _told(self, found: list[Any], jobs: Collection[Job]) -> str:
        """Return what was done, for the user."""
        return self._(
            "Records to import: %(records)s. Jobs that import them: %(jobs)s.", records=len(found), jobs=len(jobs)
        )


class DirectBatchImporter(BatchImporter):
    """Batch importer that imports the records at once, one after the other.

    If one fails, the batch fails, and the watermark does not move.
    """

    def _jobs_of(self, found: list[Any]) -> dict[Job, int]:
        for number, item in enumerate(found, 1):
            external_id, data = self._id_and_data(item)
            importer = self.unit_for(RecordImporter)
            try:
                # what was done by then would make it look imported
                with self.env.cr.savepoint():
                    importer.run(external_id, data=data, read_at=self._read_at)
            except NotYet as error:
                leave_waiting(importer, [(importer.incoming, error)])
            if self.session.job:
                self.session.job.progress(number, len(found))
        return {}

    def _told(self, found: list[Any], jobs: Collection[Job]) -> str:
        return self._("Records imported: %s.", len(found))


class DelayedBatchImporter(BatchImporter):
    """Batch importer that delays a job for each record, with its data if they are known.

    Without a watermark to move, only one of the jobs that wait for one record is run. In a batch
    that moves the watermark, each record has its own job. The watermark moves when all of them have
    ended: a failed job stays visible and can be requeued.
    """

    _on_failure = "continue"

    def _jobs_of(self, found: list[Any]) -> dict[Job, int]:
        if self._listing:
            return {self._prepare(*self._id_and_data(item)): 1 for item in found}
        for item in found:
            self._import_record(*self._id_and_data(item))
        return {}

    def _told(self, found: list[Any], jobs: Collection[Job]) -> str:
        return self._("Records to import, each in a job: %s.", len(found))

    def _import_record(self, external_id: ExternalId, data: ExternalRecord | None = None, **options: Any) -> None:
        """Delay the import of one record.

        :param data: the record, if it was read already
        :param options: ``force`` and the options of ``delay``: priority, eta, channel and so on
        """
        key = import_identity(self.model._name, self.backend_record.id, external_id, options.get("force"))
        # if the jobs have data, the newest one counts
        policy = "skip" if data is None else "replace"
        self._prepare(external_id, data, **{"identity_key": key, "identity_policy": policy, **options}).delay()

    def _prepare(self, external_id: ExternalId, data: ExternalRecord | None, **options: Any) -> Job:
        if data is not None:
            options.update(data=data, read_at=self._read_at)
        options.setdefault("description", description_of_import(self.environment, external_id))
        options.update(self.environment.flow_argument)
        session = self.environment.user_session
        return import_record.delayable(session, self.model._name, self.backend_record.id, external_id, **options)


def chosen_key(filters: Mapping[str, Any]) -> str:
    """Return a short text that stands for what people have chosen of an import flow; "" for all.

    A watermark has it: what other filters had left out is not behind it.
    """
    text = json.dumps(filters, sort_keys=True) if filters else ""
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest() if text else ""


@job(
    default_channel=flow_channel(ImportFlow),
    related_action=open_backend,
    former_names=["odoo.addons.connector.unit.batch_importer.import_batch"],
    # of two presses at once, the second one sees the listing of the first
    concurrency_key=lambda args: (
        ",".join(filter(None, ("import_batch", args["model_name"], str(args["backend_id"]), args["flow"])))
        if args["filters"] is None
        else None
    ),
)
def import_batch(
    session: ConnectorSession, model_name: str, backend_id: int, filters: Any = None, flow: str | None = None
) -> str:
    """Import the records of an external system that match

    :param model_name: name of the binding model
    :param backend_id: id of the backend's record
    :param filters: argument of the adapter's ``search``; None: the changes since the watermark
    :param flow: code of its flow; None: the first import flow of the model, if it has any. So it is
        for the functions below
    """
    environment = open_flow(session, model_name, backend_id, ImportFlow, flow)
    with noting_failure(session, list_scope(model_name, backend_id), lambda: [flow or ""] if filters is None else []):
        return environment.get_connector_unit(BatchImporter).run(filters)


@job(default_channel=flow_channel(ImportFlow), related_action=open_backend)
def import_segment(
    session: ConnectorSession,
    model_name: str,
    backend_id: int,
    listing_id: int,
    number: int,
    filters: Any = None,
    flow: str | None = None,
) -> str:
    """List the next records of an external system, and import them

    :param model_name: name of the binding model
    :param backend_id: id of the backend's record
    :param listing_id: id of the ``connector.listing`` record
    :param number: number of the segment, from 2 on
    :param filters: argument of the adapter's ``search``
    """
    importer = open_flow(session, model_name, backend_id, ImportFlow, flow).get_connector_unit(BatchImporter)
    return importer.run_segment(listing_id, number, filters)


@job(default_channel=flow_channel(ImportFlow), related_action=open_backend)
def end_segment(session: ConnectorSession, model_name: str, backend_id: int, flow: str | None = None) -> None:
    """Wait until what was listed so far is imported

    :param model_name: name of the binding model
    :param backend_id: id of the backend's record
    """


@job(
    default_channel=flow_channel(ImportFlow),
    related_action=open_backend,
    former_names=["odoo.addons.connector.unit.batch_importer.move_watermark"],
)
def move_watermark(
    session: ConnectorSession,
    model_name: str,
    backend_id: int,
    value: str | None,
    since: str | None = None,
    listing: str | None = None,
    listing_id: int | None = None,
    times_off: int = 0,
    chosen: str = "",
    flow: str | None = None,
) -> str:
    """Note up to where the records of an external system were imported

    :param model_name: name of the binding model
    :param backend_id: id of the backend's record
    :param value: new watermark, text; None: it stays
    :param since: watermark at the start of the batch, text or None; if it has changed since then,
        it does not move
    :param listing: which listing ends with it; its fields are noted, see ``schema.py``
    :param listing_id: id of its ``connector.listing`` record, if it was a long one
    :param times_off: how often the flow had been switched off when the batch began, or people had
        chosen anew what it imports; if they have since then, pages may have ended or left out
        records, and the watermark does not move
    :param chosen: what people had chosen when the batch began, see :func:`chosen_key`
    """
    environment = open_flow(session, model_name, backend_id, ImportFlow, flow)
    backend = environment.backend_record
    if listing:
        session.env["connector.external.field"].sudo()._note_listing(backend, model_name, listing)
    if listing_id:
        session.env["connector.listing"].sudo().browse(listing_id).exists().unlink()
    if value is None:
        return session.env._("All records of the list were imported.")
    if environment.times_off != times_off:
        return session.env._(
            "The flow was switched off meanwhile, what it imports was chosen anew, or all was asked for again: "
            "the watermark stays where it is."
        )
    if session.env["connector.watermark"].move(
        backend, model_name, value, since, flow=environment.flow_argument.get("flow", ""), chosen=chosen
    ):
        return session.env._("The next import begins at %s.", value)
    return session.env._("The watermark was moved by somebody else meanwhile: it stays there.")
