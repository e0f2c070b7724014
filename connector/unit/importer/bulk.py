"""Bulk import: import pages of records with few queries, where a failing record stops no other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from datetime import datetime
from functools import cached_property, partial
from typing import Any

from odoo.tools import split_every

from odoo.addons.jobs_queue.exception import NothingToDoJob, NotYet
from odoo.addons.jobs_queue.jobs import Job, job
from odoo.addons.jobs_queue.session import ConnectorSession

from ...backend import general
from ..connector_unit import Environment, external_id_text
from ..flow import ImportFlow, open_flow
from ..jobs.channel import flow_channel
from ..jobs.put_right import keys_of_page, note_missing, noting_failure
from ..jobs.related_action import open_backend
from ..open_records import import_scope
from ..synchronizer import Importer
from ..types import ExternalId, ExternalRecord
from .batch import BatchImporter
from .failures import Failures, concerns_all, without_unusable
from .incoming import Incoming
from .record import Importing, RecordImporter, bare_id
from .schema import check_and_count, requires_fields
from .waiting import leave_waiting, of_dependency

#: Records that a job imports of very many.
PAGE_SIZE = 500


@general
class BulkImporter(Importer):
    """Importer of a page of records.

    The steps are those of the model's
    :class:`~odoo.addons.connector.unit.importer.record.RecordImporter`. One query finds all
    bindings, one call reads the records that have to be read, and one batched ``create`` creates
    all new records. Dependencies of the page are imported first, as pages too. Records without
    changes are skipped. Changed records are written once each.

    A failing record is found by halving the page, at reading it as well. It gets its own job, whose
    message tells the reason, and a checkpoint. The other records are imported. If all records of a
    page fail for one reason, that is seen after some of them: the others are not tried, and one
    checkpoint has a button that imports them all. An error that concerns all records, such as a
    system that does not answer, ends the page, and its job is run again.
    """

    # Whether the page is of a batch; and of which listing, if a job closes it. They are attributes,
    # so that a class may override run and run_ids without them
    _is_listed: bool = False
    _listing: str | None = None

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self._done: Counter[Any] = Counter()
        self._skipped: set[str | None] = set()  # the external ids of the records that say so at a step
        # of records that have to wait: external id to the record and what it waits for
        self._waiting: dict[str | None, tuple[Incoming, NotYet]] = {}
        self._force = False
        # name of a binding model to the importer of the dependencies of that model
        self._others: dict[str, BulkImporter] = {}
        self._dependencies = 0  # that the page has imported so far

    def run(
        self, external_records: Iterable[ExternalRecord], force: bool = False, read_at: datetime | None = None
    ) -> str:
        """Import records that were read already.

        :param external_records: list of records as the adapter reads them
        :param force: import also records without changes since the last import. Records with
            changes that wait to be sent, and records in conflict, are still skipped
        :param read_at: when they were read, see
            :meth:`~odoo.addons.connector.unit.importer.record.RecordImporter.run`
        :return: what was done, for the user
        :raise TransactionOutdated: one of the records was imported by another transaction since
            this one began
        """
        self._force = force
        self._importer._read_at = read_at or getattr(self.session.job, "date_created", None)
        id_of = self.backend_adapter.id_of
        records = without_unusable(self, external_records, id_of)
        self._check_fields(records)
        page = self._importer.page_of({id_of(record): record for record in records})
        self._import_or_halve(self._renewed(page, read_at))
        return self._report()

    def run_ids(self, external_ids: Iterable[ExternalId], force: bool = False) -> str:
        """Read records and import them; see :meth:`run`.

        :param external_ids: list of ids in the external system
        """
        self._force = force
        external_ids = without_unusable(self, external_ids, lambda external_id: external_id)
        page = self._read_page(external_ids)
        self._check_fields([incoming.record for incoming in page if incoming.record is not None])
        self._import_or_halve(page)
        return self._report()

    def _check_fields(self, records: list[ExternalRecord]) -> None:
        """Check the fields of a page of a batch, and count them."""
        if self._is_listed:
            check_and_count(self._importer, records, self._listing)

    def _read_and_import(self, external_ids: Iterable[ExternalId]) -> None:
        external_ids = without_unusable(self, external_ids, lambda external_id: external_id)
        self._import_or_halve(self._read_page(external_ids))

    def _read_page(self, external_ids: Collection[ExternalId]) -> list[Incoming]:
        """Return the page of the records that exist, after the missing ones were handled."""
        page = self._importer.read_page(external_ids, self._give_up)
        found = {external_id_text(incoming.external_id) for incoming in page}
        left = [id_ for id_ in external_ids if external_id_text(id_) not in found]
        if missing := [id_ for id_ in left if id_ not in self._failures and external_id_text(id_) not in self._skipped]:
            refused = self._refuse_other_forms(missing, page)
            self._handle_missing([id_ for id_ in missing if id_ not in refused])
            asked = set(map(external_id_text, external_ids))
            answers = set(map(external_id_text, refused.values())) - asked
            page = [incoming for incoming in page if external_id_text(incoming.external_id) not in answers]
        return page

    def _refuse_other_forms(self, missing: list[ExternalId], page: list[Incoming]) -> dict[ExternalId, ExternalId]:
        """Refuse the ids to which the system answers with a record that has another form of them.

        :param missing: list of the ids that were asked for, and that no record of the page has
        :return: dict, refused id to the record's own id
        """
        importer = self._importer
        own = {bare_id(incoming.external_id): incoming.external_id for incoming in page}
        refused = {id_: own[bare] for id_ in missing if (bare := bare_id(id_)) in own}
        for incoming in importer.page_of(dict.fromkeys(refused)):
            self._give_up(incoming, importer.in_other_form(incoming.external_id, refused[incoming.external_id]))
        return refused

    def _handle_missing(self, external_ids: Iterable[ExternalId]) -> None:
        """Call the importer's ``_handle_missing`` for each record that does not exist any more."""
        importer = self._importer
        handled: list[ExternalId] = []
        for incoming in importer.each(importer.page_of(dict.fromkeys(external_ids))):
            try:
                with self.env.cr.savepoint():
                    importer._note_missing()
                    importer._handle_missing()
                self._done["missing"] += 1
                handled.append(incoming.external_id)
            except Exception as error:
                if concerns_all(error):
                    raise
                self._give_up(incoming, error)
        note_missing(importer, handled)

    def _import_or_halve(self, page: list[Incoming]) -> None:
        """Import a page; if it fails, import each half by itself, down to the record that fails."""
        if not page:
            return
        if self._failures.have_one_reason and not self._done["created"] + self._done["updated"]:
            self._failures.add_all(self._importer.due(page, self._force))
            self._count(page)
            return
        self._dependencies = 0
        try:
            with self.env.cr.savepoint():
                self._importer.import_page(page, self._force, import_others=self._import_others)
        except Exception as error:
            if concerns_all(error):
                raise
            for incoming in page:
                incoming.begin_again(self.model)
            if len(page) == 1:
                self._give_up(page[0], error)
            else:
                middle = len(page) // 2
                self._import_or_halve(page[:middle])
                self._import_or_halve(page[middle:])
        else:
            self._count(page)
            self._done["dependencies"] += self._dependencies

    def _count(self, page: list[Incoming]) -> None:
        """Count what was done with the records of a page, and note those that have to wait."""
        self._done.update(incoming.outcome for incoming in page if incoming.outcome)
        self._waiting.update(
            {external_id_text(incoming.external_id): (incoming, incoming.wait) for incoming in page if incoming.wait}
        )

    def _import_others(
        self, model_name: str, external_ids: Iterable[ExternalId], importing: frozenset[Importing]
    ) -> None:
        """Import dependencies that are not in this page, unless they have failed in this run."""
        if model_name not in self._others:
            self._others[model_name] = self.unit_for(BulkImporter, model_name)
        others = self._others[model_name]
        others._importer._importing = importing
        before = others._done["created"] + others._done["updated"]
        due = [
            id_ for id_ in external_ids if id_ not in others._failures and external_id_text(id_) not in others._waiting
        ]
        others._read_and_import(due)
        self._dependencies += others._done["created"] + others._done["updated"] - before
        for text in map(external_id_text, external_ids):
            if text in others._waiting:
                raise of_dependency(self._importer, model_name, text, others._waiting[text][1])  # type: ignore[arg-type]  # an id

    def _give_up(self, incoming: Incoming, error: Exception) -> None:
        if isinstance(error, NothingToDoJob):
            self._done["skipped"] += 1
            self._skipped.add(external_id_text(incoming.external_id))
        elif isinstance(error, NotYet):
            incoming.outcome, incoming.wait = "waits", error
            self._count([incoming])
        else:
            self._failures.add(incoming, error)

    def _leave_failures(self) -> None:
        for others in self._others.values():
            others._leave_failures()
        self._done.update(self._failures.leave())
        leave_waiting(self._importer, self._waiting.values(), self._force)

    # Helpers

    @cached_property
    def _importer(self) -> RecordImporter:
        importer = self.unit_for(RecordImporter)
        # shared, so that a page looks up each unit only once
        importer.mapper, importer.binder, importer.backend_adapter = self.mapper, self.binder, self.backend_adapter
        importer.export_mapper = self.export_mapper
        return importer

    @cached_property
    def _failures(self) -> Failures:
        return Failures(self._importer)

    def _renewed(self, page: list[Incoming], read_at: datetime | None) -> list[Incoming]:
        """Return a page of the records that the job was given; outdated ones are read again."""
        importer = self._importer
        old = [incoming.external_id for incoming in importer.each(page) if importer._is_data_old(read_at)]
        if not old:
            return page
        texts = set(map(external_id_text, old))
        return [i for i in page if external_id_text(i.external_id) not in texts] + self._read_page(old)

    def _report(self) -> str:
        self._leave_failures()
        done = self._done
        texts = {
            "created": self._("%s created", done["created"]),
            "updated": self._("%s updated", done["updated"]),
            "dependencies": self._("%s more on which they depend", done["dependencies"]),
            "unchanged": self._("%s up to date", done["unchanged"]),
            "skipped": self._("%s skipped", done["skipped"]),
            "missing": self._("%s not there any more", done["missing"]),
            "put_off": self._("%s put off until what was done here is sent", done["put_off"]),
            "waits": self._("%s wait, each in a job of its own", done["waits"]),
            "again": self._("%s exist by now and are left to jobs of their own", done["again"]),
            "failed": self._("%s failed and left to jobs of their own", done["failed"]),
            "left": self._("%s failed for the same reason: a checkpoint has them", done["left"]),
        }
        return ", ".join(text for name, text in texts.items() if done[name]) or self._("Nothing to import.")


@general
class BulkBatchImporter(BatchImporter):
    """Batch importer that delays a job for each page of records.

    The watermark moves when all pages are done. A failed page can be requeued by itself.
    """

    _page_size: int = PAGE_SIZE

    def _jobs_of(self, found: list[Any]) -> dict[Job, int]:
        return {self._page(items): len(items) for items in split_every(self._page_size, found, list)}

    def _check_found(self, found: list[Any]) -> None:
        """Leave it to the jobs: each of them checks its page."""

    def _page(self, items: list[Any]) -> Job:
        found: dict[str, Any] = {"external_ids": items}
        if isinstance(items[0], dict):
            found = {"records": items, "read_at": self._read_at}
        # only where they are needed: in the midst of an update, a worker may not know them yet
        if self._listing:
            found["listing"] = self._listing
        elif requires_fields(self):
            found["is_listed"] = True
        found.update(self.environment.flow_argument)
        names = {"count": len(items), "records": self.model._description, "backend": self.environment.backend_name}
        return import_page.delayable(
            self.environment.user_session,
            self.model._name,
            self.backend_record.id,
            **found,
            description=self._("Import a page of %(records)s of %(backend)s (%(count)s)", **names),
        )


@job(
    default_channel=flow_channel(ImportFlow),
    related_action=open_backend,
    former_names=["odoo.addons.connector.unit.bulk_importer.import_page"],
)
def import_page(
    session: ConnectorSession,
    model_name: str,
    backend_id: int,
    external_ids: list[ExternalId] | None = None,
    records: list[ExternalRecord] | None = None,
    force: bool = False,
    read_at: datetime | None = None,
    listing: str | None = None,
    is_listed: bool = False,
    flow: str | None = None,
) -> str:
    """Import a page of records of an external system

    :param model_name: name of the binding model
    :param backend_id: id of the backend's record
    :param external_ids: list of ids in the external system
    :param records: list of records in place of their ids, if they were read already
    :param force: import also records without changes since the last import, see
        :meth:`BulkImporter.run`
    :param read_at: when the records were read, see
        :meth:`~odoo.addons.connector.unit.importer.record.RecordImporter.run`
    :param listing: of which listing they are a page, if a job closes it: their fields are counted
    :param is_listed: whether they are a page of a batch. Then, and with a listing, a page without a
        field that the mapper requires fails
    :param flow: code of its flow; None: the first import flow of the model, if it has any
    """
    importer = open_flow(session, model_name, backend_id, ImportFlow, flow).get_connector_unit(BulkImporter)
    importer._listing, importer._is_listed = listing, is_listed or listing is not None
    items: list[Any] = (external_ids if records is None else records) or []
    keys = partial(keys_of_page, importer, items, force)
    with noting_failure(session, import_scope(model_name, backend_id), keys):
        if records is None:
            return importer.run_ids(external_ids, force)  # type: ignore[arg-type]  # likewise
        return importer.run(records, force, read_at)
