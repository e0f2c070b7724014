"""How one job, a segment, reads a part of a long list and delays the next segment.

A segment lists some pages. In its one transaction it delays the jobs that import them, a job that
waits for these and for all before (*barrier*), and the next segment, and inserts a row that says
where the list goes on. A segment that fails or is killed has left nothing: it is listed again from
where it began, and nothing is imported twice.

The next segment waits until the jobs of the segment before this one have ended, whether they failed
or not. So no more than two segments wait in the queue at once. The last segment delays the job that
moves the watermark, behind its jobs and the last barrier: it moves when all are done.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Collection, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg2.errors import ForeignKeyViolation, UniqueViolation

from odoo.addons.jobs_queue.exception import JobStopped, RetryableJobError, TransactionOutdated
from odoo.addons.jobs_queue.graph import chain, group
from odoo.addons.jobs_queue.jobs import Job, prepare

from ...exception import PlaceForgotten
from ..backend_adapter.bookmark import Bookmark, digest
from ..backend_adapter.crud import checked_ids, checked_records
from ..checkpoint import add_checkpoint
from ..connector_unit import external_id_text
from .failures import without_unusable
from .record import RecordImporter

if TYPE_CHECKING:
    from .batch import BatchImporter

#: A segment ends after so many pages with records, or with the page that is read after so many
#: seconds.
MOST_PAGES = 10
MOST_SECONDS = 20

_NOTHING = object()

#: Names of the job functions of ``batch.py``, which uses this module.
IMPORT_SEGMENT = "odoo.addons.connector.unit.importer.batch.import_segment"
END_SEGMENT = "odoo.addons.connector.unit.importer.batch.end_segment"


@dataclass
class Segment:
    """What one job of a listing has listed.

    :param found: ids or records
    :param pages: number of pages that were not empty
    """

    found: list[Any]
    pages: int


def read_segment(importer: BatchImporter, filters: Any, bookmark: Bookmark) -> Segment:
    """Read the next pages of a list, or all of it if it cannot go on later.

    :param importer: batch importer of the model
    :param filters: argument of the adapter's ``search``
    :param bookmark: where the list goes on; it is moved
    """
    adapter = importer.backend_adapter
    fields = importer.unit_for(RecordImporter)._fields_to_read() if adapter.lists_records else None
    found: list[Any] = []
    pages = asked = 0
    began, start = time.monotonic(), bookmark.place
    listed = iter(adapter.list_pages(deepcopy(filters), fields, bookmark))
    while not bookmark.has_ended:
        may_be_left = asked > 0 and bookmark.can_be_left and bookmark.place != start
        if may_be_left and (pages >= MOST_PAGES or time.monotonic() - began > MOST_SECONDS):
            break
        try:
            page = next(listed, _NOTHING)
        except RetryableJobError as error:
            if may_be_left and not isinstance(error, JobStopped):
                break  # what has come is kept; the next segment is tried again
            raise
        if page is _NOTHING:
            bookmark.end()
            break
        if adapter.lists_records:
            found += checked_records(adapter, page, "search_read")
        else:
            found += checked_ids(adapter, page)
        asked += 1
        pages += bool(page)
    return Segment(without_unusable(importer, found, lambda item: importer._id_and_data(item)[0]), pages)


class Listing:
    """A segment of a long list, while its job runs.

    :param importer: batch importer of the model
    :param record: the ``connector.listing`` record
    :param number: number of the segment
    :param filters: argument of the adapter's ``search``
    """

    def __init__(self, importer: BatchImporter, record: Any, number: int, filters: Any) -> None:
        self.record = record
        self._importer, self._number, self._filters = importer, number, filters
        self._before = record.segment_ids
        self._round = self._before[-1:].next_round or 1

    @classmethod
    def begin(
        cls, importer: BatchImporter, filters: Any, is_of_changes: bool, value: str | None, since: str | None
    ) -> Listing:
        """Return the first segment of a listing, whose record is created.

        :param is_of_changes: whether it lists what has changed since the watermark
        :param value: where the watermark moves at the end, None: it stays
        :param since: where it was at the beginning
        """
        backend = importer.backend_record
        record = importer.env["connector.listing"].sudo()
        return cls(
            importer,
            record.create(
                {
                    "backend_model": backend._name,
                    "backend_id": backend.id,
                    "company_id": backend.sudo().company_id.id,
                    "model_name": importer.model._name,
                    "flow": importer._flow_key,
                    "times_off": importer._times_off,
                    "chosen": importer._chosen,
                    "graph_uuid": str(uuid.uuid4()),
                    "began": importer._read_at,
                    "user_id": importer.environment.user_session.uid,
                    "is_of_changes": is_of_changes,
                    "key": importer._listing,
                    "value": value,
                    "since": since,
                }
            ),
            1,
            filters,
        )

    @classmethod
    def going_on(cls, importer: BatchImporter, listing_id: int, number: int, filters: Any) -> Listing | None:
        """Return a further segment of a listing, None if the listing was cancelled."""
        record = importer.env["connector.listing"].sudo().browse(listing_id).exists()
        return cls(importer, record, number, filters) if record else None

    @property
    def is_done(self) -> bool:
        """Whether the segment was listed before: somebody has requeued its job."""
        return len(self._before) >= self._number

    def read(self) -> tuple[Segment, Bookmark]:
        """Read the pages of the segment; return them, and where the list goes on.

        Where the system does not know the place any more, the list begins anew, once.

        :raise PlaceForgotten: it has begun anew before
        """
        bookmark = self.record._bookmark(self._round)
        try:
            return read_segment(self._importer, self._filters, bookmark), bookmark
        except PlaceForgotten as error:
            if self._round > 1:
                raise PlaceForgotten(
                    self._importer._("%s The list was begun anew before: cancel the listing on the backend.", error)
                ) from error
            self._round += 1
        bookmark = Bookmark()
        return read_segment(self._importer, self._filters, bookmark), bookmark

    def delay(self, segment: Segment, bookmark: Bookmark) -> str:
        """Delay the import of a segment, and what follows it; return what was done, for people."""
        importer = self._importer
        new = self._new_items(segment.found)
        found = list(new.values())
        importer._check_found(found)
        jobs = importer._jobs_of(found)
        is_lacking = bookmark.has_ended and self._lacks_records(bookmark)
        is_complete = bookmark.has_ended and not (is_lacking and self._round == 1)
        last = self._closing() if is_complete else self._barrier() if jobs else None
        self._import(jobs, last)
        barrier_id = last.id if last else self._before[-1:].barrier_id
        self._note(segment, list(new), bookmark, jobs, barrier_id, self._round + is_lacking)
        if is_complete:
            if is_lacking:
                self._tell_lack(bookmark)
            return importer._told(found, jobs)
        self._delay_next()
        return importer._(
            "Pages listed: %(pages)s, records to import: %(records)s. Another job lists what follows.",
            pages=segment.pages,
            records=len(found),
        )

    def _new_items(self, found: list[Any]) -> dict[bytes, Any]:
        """Return the items that were not listed before, or have changed since.

        Of an item that comes twice in a segment the later one counts: it is newer.

        :return: dict, digest of the item to the item
        """
        id_of = self._importer._id_and_data
        last = {external_id_text(id_of(item)[0]): item for item in found}
        known = self.record._listed_items()
        return {key: item for item in last.values() if (key := digest(item)) not in known}

    def _lacks_records(self, bookmark: Bookmark) -> bool:
        """Return whether a list that has ended has brought fewer records than the system says."""
        return bookmark.total is not None and bookmark.received.number < bookmark.total

    def _tell_lack(self, bookmark: Bookmark) -> None:
        importer = self._importer
        add_checkpoint(
            importer.session,
            importer.backend_record._name,
            importer.backend_record.id,
            importer.backend_record,
            importer._(
                "%(backend)s says that its list of %(records)s has %(total)s, but only %(listed)s came, also when it was listed once "
                "more. The others are hidden from our user there, or the list is in no stable order: ask for one by its id.",
                backend=importer.environment.backend_name,
                records=importer.model._description,
                total=bookmark.total,
                listed=bookmark.received.number,
            ),
            severity="warning",
        )

    def _closing(self) -> Job:
        closing = self._importer._closing(self.record.value or None, self.record.since or None, self.record.id)
        assert closing is not None  # a listing always has something to close
        return closing

    def _barrier(self) -> Job:
        return self._prepare(END_SEGMENT)

    def _import(self, jobs: Collection[Job], last: Job | None) -> None:
        """Delay jobs, and the one that waits for them and for all before."""
        if last is None:
            return
        graphs = [chain(group(*jobs), last, on_failure=self._importer._on_failure)]
        if barrier := self._stored([self._before[-1:].barrier_id]):
            graphs.append(chain(barrier, last))
        group(*graphs).delay(self.record.graph_uuid)

    def _delay_next(self) -> None:
        """Delay the next segment.

        It waits for the jobs of the segment before this one; not where the list was begun anew, as
        the system may not know the place any more when they have ended.
        """
        following = self._prepare(IMPORT_SEGMENT, self.record.id, self._number + 1, self._filters)
        before = self._stored(map(int, self._before[-1:].job_sizes or ())) if self._round == 1 else ()
        chain(*([before] if before else []), following, on_failure="continue").delay(self.record.graph_uuid)

    def _prepare(self, function: str, *args: Any) -> Job:
        importer = self._importer
        session = importer.environment.user_session
        return prepare(
            session.env,
            function,
            importer.model._name,
            (importer.backend_record.id, *args),
            importer.environment.flow_argument,
        )

    def _stored(self, ids: Iterable[int]) -> Any:
        return self._importer.env["queue.job"].sudo().browse(filter(None, ids))

    def _note(
        self,
        segment: Segment,
        new: list[bytes],
        bookmark: Bookmark,
        jobs: Mapping[Job, int],
        barrier_id: int | None,
        next_round: int,
    ) -> None:
        """Insert the row of the segment.

        :raise TransactionOutdated: the listing was cancelled meanwhile, or the segment ran twice
        """
        sizes = {job.id: size for job, size in jobs.items() if job.id}
        try:
            self.record.segment_ids._add(
                self.record, self._number, self._round, next_round, segment.pages, new, bookmark, sizes, barrier_id
            )
        except (ForeignKeyViolation, UniqueViolation) as error:
            raise TransactionOutdated(
                self._importer._("The listing was cancelled meanwhile, or another job has listed this part of it.")
            ) from error
