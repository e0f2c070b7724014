"""Import many records of the external system: the importers, and their jobs."""

import uuid
from datetime import datetime, timedelta
from typing import Any

from odoo import fields

from odoo.addons.jobs_queue.graph import chain, group
from odoo.addons.jobs_queue.jobs import Job, job
from odoo.addons.jobs_queue.session import ConnectorSession

from ..backend_adapter.crud import checked_ids, checked_records
from ..binding.clock import database_now
from ..connector_unit import get_environment
from ..jobs.channel import backend_channel
from ..jobs.keys import import_identity
from ..jobs.related_action import open_backend
from ..synchronizer import Importer
from ..types import ExternalId, ExternalRecord
from .failures import without_unusable
from .record import RecordImporter, description_of_import, import_record
from .schema import check_and_count

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

    # Start of the search, by the clock of the database
    _read_at: datetime | None = None
    # Which listing is imported; None if no job closes it
    _listing: str | None = None

    @property
    def _overlap(self) -> timedelta:
        """The time by which the watermark stays behind the clock.

        It must be longer than the difference of the two clocks, and than a change takes to become
        visible in the external system. By default what the adapter declares, or five minutes.
        """
        return self._changed.lag if self._changed else _USUAL_OVERLAP

    def run(self, filters: Any = None) -> str:
        """Search and import records.

        :param filters: argument of the adapter's ``search``; None: the changes since the watermark,
            which then moves
        :return: what was done, for the user
        """
        self._read_at = database_now(self.environment)
        self._listing = closing = None
        if filters is not None:
            found = self._search(filters)
        else:
            since = self.env["connector.watermark"].value_of(self.backend_record, self.model._name)
            found = self._search(self._filters_since(since))
            closing = self._closing(self._get_next_watermark(self._read_at), since)
        self._check_found(found)
        return self._import_found(found, closing)

    def _filters_since(self, watermark: str | None) -> Any:
        """Return the filters that find the changes since a watermark; a hook.

        :param watermark: text; None: nothing was imported yet
        :return: argument of the adapter's ``search``; None: all records. By default what the
            adapter declares
        """
        return self._changed.filters(watermark, self._read_at) if self._changed and self._read_at else None

    def _get_next_watermark(self, began: datetime) -> str | None:
        """Return the watermark after all found records are imported, as text; None: it stays.

        If the adapter declares how it finds changes, the clock of the system counts where it is
        behind ours.

        :param began: start of the search, naive UTC datetime by the clock of the database
        """
        there = self.backend_adapter.list_clock if self._changed else None
        return fields.Datetime.to_string(min(began, there or began) - self._overlap)

    def _search(self, filters: Any) -> list[Any]:
        """Return the ids to import, or the records if the adapter lists whole records."""
        adapter = self.backend_adapter
        if adapter.lists_records:
            found = adapter.search_read(filters, self.unit_for(RecordImporter)._fields_to_read())
            found = checked_records(adapter, found, "search_read")
        else:
            found = checked_ids(adapter, adapter.search(filters))
        return without_unusable(self, found, lambda item: self._id_and_data(item)[0])

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

    def _closing(self, value: str | None, since: str | None) -> Job | None:
        """Return the job that moves the watermark, None if it does not move."""
        if value is None:
            return None
        self._listing = str(uuid.uuid4())
        session = self.environment.user_session
        return move_watermark.delayable(
            session, self.model._name, self.backend_record.id, value, since, listing=self._listing
        )

    def _import_found(self, found: list[Any], closing: Job | None) -> str:
        """Import the found items, then run the job that closes the batch.

        :return: what was done, for the user
        :param found: list of ids or records
        :param closing: job to delay, or None
        """
        raise NotImplementedError("Inherit DirectBatchImporter, DelayedBatchImporter or BulkBatchImporter")


class DirectBatchImporter(BatchImporter):
    """Batch importer that imports the records at once, one after the other.

    If one fails, the batch fails, and the watermark does not move.
    """

    def _import_found(self, found: list[Any], closing: Job | None) -> str:
        for number, item in enumerate(found, 1):
            external_id, data = self._id_and_data(item)
            self.unit_for(RecordImporter).run(external_id, data=data, read_at=self._read_at)
            if self.session.job:
                self.session.job.progress(number, len(found))
        if closing:
            closing.delay()
        return self._("Records imported: %s.", len(found))


class DelayedBatchImporter(BatchImporter):
    """Batch importer that delays a job for each record, with its data if they are known.

    Without a watermark to move, only one of the jobs that wait for one record is run. In a batch
    that moves the watermark, each record has its own job. The watermark moves when all of them have
    ended: a failed job stays visible and can be requeued.
    """

    def _import_found(self, found: list[Any], closing: Job | None) -> str:
        if closing is None:
            for item in found:
                self._import_record(*self._id_and_data(item))
        else:
            jobs = [self._prepare(*self._id_and_data(item)) for item in found]
            chain(group(*jobs), closing, on_failure="continue").delay()
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
        session = self.environment.user_session
        return import_record.delayable(session, self.model._name, self.backend_record.id, external_id, **options)


@job(
    default_channel=backend_channel,
    related_action=open_backend,
    former_names=["odoo.addons.connector.unit.batch_importer.import_batch"],
)
def import_batch(session: ConnectorSession, model_name: str, backend_id: int, filters: Any = None) -> str:
    """Import the records of an external system that match

    :param model_name: name of the binding model
    :param backend_id: id of the backend's record
    :param filters: argument of the adapter's ``search``; None: the changes since the watermark
    """
    return get_environment(session, model_name, backend_id).get_connector_unit(BatchImporter).run(filters)


@job(
    default_channel=backend_channel,
    related_action=open_backend,
    former_names=["odoo.addons.connector.unit.batch_importer.move_watermark"],
)
def move_watermark(
    session: ConnectorSession,
    model_name: str,
    backend_id: int,
    value: str,
    since: str | None = None,
    listing: str | None = None,
) -> str:
    """Note up to where the records of an external system were imported

    :param model_name: name of the binding model
    :param backend_id: id of the backend's record
    :param value: new watermark, text
    :param since: watermark at the start of the batch, text or None; if it has changed since then,
        it does not move
    :param listing: which listing ends with it; its fields are noted, see ``schema.py``
    """
    backend = get_environment(session, model_name, backend_id).backend_record
    if listing:
        session.env["connector.external.field"].sudo()._note_listing(backend, model_name, listing)
    if session.env["connector.watermark"].move(backend, model_name, value, since):
        return session.env._("The next import begins at %s.", value)
    return session.env._("The watermark was moved by somebody else meanwhile: it stays there.")
