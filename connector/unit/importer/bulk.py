"""Bulk import: import pages of records with few queries, where a failing record stops no other."""

import logging
from collections import Counter, defaultdict
from functools import cached_property

from psycopg2.errors import UniqueViolation

from odoo.tools import partition, split_every

from odoo.addons.jobs_queue.exception import CONCURRENCY_ERRORS, FailedJobError, JobError, NothingToDoJob
from odoo.addons.jobs_queue.graph import chain, group
from odoo.addons.jobs_queue.jobs import job

from ...backend import general
from ...exception import CredentialsRefused
from ..backend_adapter.crud import checked_records
from ..binding.state import mark_error, mark_in_sync
from ..checkpoint import add_checkpoint
from ..connector_unit import external_id_text, get_environment
from ..jobs.channel import backend_channel
from ..jobs.related_action import open_backend
from ..synchronizer import Importer
from .batch import BatchImporter
from .lock import lock_new
from .record import RecordImporter
from .unsent import put_off

_logger = logging.getLogger(__name__)


@general
class BulkImporter(Importer):
    """Importer of a page of records.

    It uses the steps of the model's
    :class:`~odoo.addons.connector.unit.importer.record.RecordImporter`. They are called for each
    record of the page, except ``_read``, ``_get_binding`` and ``_create``: one query finds all
    bindings, one call reads the records that have to be read, and one batched ``create`` creates
    all new records. Dependencies of the page are imported first, as pages too. Records without
    changes are skipped. Changed records are written once each.

    A failing record is found by halving the page. It gets its own job, whose message tells the
    reason, and a checkpoint. The other records are imported. An error that concerns all records,
    such as a system that does not answer, ends the page, and its job is run again.
    """

    def __init__(self, environment):
        super().__init__(environment)
        self._importing = frozenset()  # (model name, external id) of the records whose import has led to this page
        self._force = False

    def run(self, external_records, force=False, read_at=None):
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
        return self._report(self._import_or_halve(self._renewed(external_records, read_at)))

    def run_ids(self, external_ids, force=False):
        """Read records and import them; see :meth:`run`.

        :param external_ids: list of ids in the external system
        """
        self._force = force
        return self._report(self._read_and_import(external_ids))

    def _read_and_import(self, external_ids):
        records = self._read(external_ids)
        found = {external_id_text(self.backend_adapter.id_of(record)) for record in records}
        missing = [id_ for id_ in external_ids if external_id_text(id_) not in found]
        return self._handle_missing(missing) + self._import_or_halve(records)

    # Pages and parts of them: all methods return a Counter of what was done

    def _handle_missing(self, external_ids):
        """Call the importer's ``_handle_missing`` for each record that does not exist any more."""
        done = Counter()
        for importer in self._importers(dict.fromkeys(external_ids)):
            try:
                with self.env.cr.savepoint():
                    importer._note_missing()
                    importer._handle_missing()
                done["missing"] += 1
            except Exception as error:
                if _concerns_all(error):
                    raise
                done += self._give_up(importer.external_id, error)
        return done

    def _import_or_halve(self, records):
        """Import a page; if it fails, import each half by itself, down to the record that fails."""
        if not records:
            return Counter()
        try:
            with self.env.cr.savepoint():
                return self._import_page(records)
        except Exception as error:
            if _concerns_all(error):
                raise
            failure = error
        if len(records) == 1:
            return self._give_up(self.backend_adapter.id_of(records[0]), failure)
        middle = len(records) // 2
        return self._import_or_halve(records[:middle]) + self._import_or_halve(records[middle:])

    def _import_page(self, records):
        done = Counter()
        changed, unchanged = [], []
        for importer in self._importers({self.backend_adapter.id_of(record): record for record in records}):
            if importer._reason_to_skip(force=False):
                done["skipped"] += 1
            elif not self._force and importer._is_up_to_date(importer.binding):
                unchanged.append(importer.binding)
            else:
                changed.append(importer)
        mark_in_sync(self.model.concat(*unchanged), "missing")
        done["unchanged"] = len(unchanged)
        if changed and (waiting := put_off(self.environment, changed)):
            done["put_off"] = len(waiting)
            changed = [importer for importer in changed if importer not in waiting]
        return done + self._import_changed(changed) if changed else done

    def _import_changed(self, importers):
        """Import the records of some importers, after their dependencies."""
        needed = self._needed_by(importers)
        mine = needed.get(self.model._name, {})
        page = {external_id_text(importer.external_id) for importer in importers}
        done = Counter()
        for model_name, external_ids in needed.items():
            others = [id_ for text, id_ in external_ids.items() if external_ids is not mine or text not in page]
            done += self._import_others(model_name, others, page)
        first, rest = partition(lambda importer: external_id_text(importer.external_id) in mine, importers)
        if not rest:  # they depend on each other in a circle: the mapping of each will say so
            return done + self._write(first)
        if first:
            done += self._import_changed(first)
        return done + self._write(rest)

    def _needed_by(self, importers):
        """Return the dependencies of some records that have to be imported first.

        Dependencies and records that are new in Odoo are locked.

        :return: dict, name of the binding model to a dict, external id as text to external id
        """
        noted = []
        for importer in importers:
            importer._noted = noted
            importer._import_dependencies()
        needed, always = defaultdict(dict), set()
        for model_name, text, external_id, is_always in noted:
            needed[model_name][text] = external_id
            if is_always:
                always.add((model_name, text))
        new = [importer for importer in importers if not importer.binding]
        unknown = {self.binder: [importer.external_id for importer in new]}
        for model_name, external_ids in needed.items():
            binder = self.binder_for(model_name)
            known = binder.to_internal_many(external_ids)
            unknown[binder] = [text for text in external_ids if text not in known]
            needed[model_name] = {
                text: external_id
                for text, external_id in external_ids.items()
                if text not in known or (model_name, text) in always
            }
        lock_new(unknown, new)
        return needed

    def _import_others(self, model_name, external_ids, importing):
        """Import dependencies that are not in this page."""
        if not external_ids:
            return Counter()
        importer = self.unit_for(BulkImporter, model_name)
        importer._importing = self._importing | {(self.model._name, text) for text in importing}
        done = importer._read_and_import(external_ids)
        return Counter(dependencies=done["created"] + done["updated"])

    def _write(self, importers):
        """Create new records by one call, and write each existing record once."""
        with self.mapper.page([importer.external_record for importer in importers]):
            values = {importer: self._values(importer) for importer in importers}
        known, new = partition(lambda importer: importer.binding, importers)
        if new:
            values_list = [{**values[importer], **importer._binding_values()} for importer in new]
            for importer, binding in zip(new, self._record_importer._create_many(values_list), strict=True):
                importer.binding = binding
            self._record_importer._note_created({importer.binding: values[importer] for importer in new})
        for importer in known:
            importer._update(importer.binding, values[importer])
        for importer in importers:
            importer._after_import(importer.binding)
        return Counter(created=len(new), updated=len(known))

    def _values(self, importer):
        map_record = importer._map_data()
        return importer._update_data(map_record) if importer.binding else importer._create_data(map_record)

    def _give_up(self, external_id, error):
        """Delay a job of its own for a failing record, and add a checkpoint."""
        if isinstance(error, NothingToDoJob):
            return Counter(skipped=1)
        (importer,) = self._importers({external_id: None})
        importer._delay()
        if isinstance(error, UniqueViolation):  # somebody else has created the same meanwhile: its job will find it
            return Counter(again=1)
        names = {"id": external_id, "backend": self.environment.backend_name, "error": str(error) or repr(error)}
        _logger.warning("%s %s of %s cannot be imported: %s", self.model._name, *names.values())
        binding = importer.binding
        mark_error(binding, names["error"])
        to_review = binding or self.backend_record
        message = self._("Record %(id)s of %(backend)s cannot be imported: %(error)s", **names)
        add_checkpoint(self.session, to_review._name, to_review.id, self.backend_record, message, severity="error")
        return Counter(failed=1)

    # Helpers

    @cached_property
    def _record_importer(self):
        importer = self.unit_for(RecordImporter)
        # shared, so that a page looks up each unit only once
        importer.mapper, importer.binder, importer.backend_adapter = self.mapper, self.binder, self.backend_adapter
        importer.export_mapper = self.export_mapper
        return importer

    def _importers(self, records):
        """Return a RecordImporter with its binding for each record.

        :param records: dict, external id to record
        """
        self._record_importer._importing = self._importing
        return self._record_importer._each_of(records)

    def _renewed(self, records, read_at):
        """Return the records that the job was given; outdated ones are read again."""
        importers = self._importers({self.backend_adapter.id_of(record): record for record in records})
        old = {
            external_id_text(importer.external_id): importer for importer in importers if importer._is_data_old(read_at)
        }
        if not old:
            return records
        fresh = self._read([importer.external_id for importer in old.values()])
        return [r for r in records if external_id_text(self.backend_adapter.id_of(r)) not in old] + fresh

    def _read(self, external_ids):
        records = self.backend_adapter.read_many(external_ids, self._record_importer._fields_to_read())
        return checked_records(self.backend_adapter, records, "read_many")

    def _report(self, done):
        texts = {
            "created": self._("%s created", done["created"]),
            "updated": self._("%s updated", done["updated"]),
            "dependencies": self._("%s more on which they depend", done["dependencies"]),
            "unchanged": self._("%s up to date", done["unchanged"]),
            "skipped": self._("%s skipped", done["skipped"]),
            "missing": self._("%s not there any more", done["missing"]),
            "put_off": self._("%s put off until what was done here is sent", done["put_off"]),
            "again": self._("%s exist by now and are left to jobs of their own", done["again"]),
            "failed": self._("%s failed and left to jobs of their own", done["failed"]),
        }
        return ", ".join(text for name, text in texts.items() if done[name]) or self._("Nothing to import.")


@general
class BulkBatchImporter(BatchImporter):
    """Batch importer that delays a job for each page of records.

    The watermark moves when all pages are done. A failed page can be requeued by itself.
    """

    _page_size = 500

    def _import_found(self, found, closing):
        pages = [self._page(items) for items in split_every(self._page_size, found, list)]
        chain(group(*pages), *([closing] if closing else [])).delay()
        return self._("%(records)s records to import, in %(pages)s jobs.", records=len(found), pages=len(pages))

    def _page(self, items):
        found = {"records": items, "read_at": self._read_at} if isinstance(items[0], dict) else {"external_ids": items}
        names = {"count": len(items), "records": self.model._description, "backend": self.environment.backend_name}
        return import_page.delayable(
            self.environment.user_session,
            self.model._name,
            self.backend_record.id,
            **found,
            description=self._("Import a page of %(records)s of %(backend)s: %(count)s records", **names),
        )


@job(
    default_channel=backend_channel,
    related_action=open_backend,
    former_names=["odoo.addons.connector.unit.bulk_importer.import_page"],
)
def import_page(session, model_name, backend_id, external_ids=None, records=None, force=False, read_at=None):
    """Import a page of records of an external system

    :param model_name: name of the binding model
    :param backend_id: id of the backend's record
    :param external_ids: list of ids in the external system
    :param records: list of records in place of their ids, if they were read already
    :param force: import also records without changes since the last import, see
        :meth:`BulkImporter.run`
    :param read_at: when the records were read, see
        :meth:`~odoo.addons.connector.unit.importer.record.RecordImporter.run`
    """
    importer = get_environment(session, model_name, backend_id).get_connector_unit(BulkImporter)
    return importer.run_ids(external_ids, force) if records is None else importer.run(records, force, read_at)


def _concerns_all(error):
    """Return whether an exception concerns all records of a page, not only one of them."""
    of_one = isinstance(error, FailedJobError | NothingToDoJob) and not isinstance(error, CredentialsRefused)
    return isinstance(error, (JobError, *CONCURRENCY_ERRORS)) and not of_one
