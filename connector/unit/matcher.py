"""Match by hand: list the records there that are not bound yet, and bind what people have decided.

People decide in the list of ``connector.match``, see there. Both parts are jobs that commit page by
page. One that is killed begins again: it finds its rows, and binds no record twice.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from psycopg2 import IntegrityError
from psycopg2.errors import UniqueViolation

from odoo.exceptions import UserError
from odoo.models import BaseModel
from odoo.tools import split_every

from odoo.addons.jobs_queue.exception import NotYet, RetryableJobError
from odoo.addons.jobs_queue.jobs import job
from odoo.addons.jobs_queue.session import ConnectorSession

from ..backend import general
from ..exception import InvalidDataError
from .backend_adapter.bookmark import Bookmark
from .backend_adapter.crud import checked_ids, checked_records
from .binding.clock import database_now
from .connector_unit import external_id_text
from .flow import ImportFlow, open_flow
from .importer.batch import BatchImporter
from .importer.bulk import PAGE_SIZE, import_page
from .importer.failures import without_unusable
from .importer.incoming import Incoming
from .importer.lock import lock_new, lock_to_bind
from .importer.matching import MatchKey, look_for_matches, match_keys
from .importer.record import RecordImporter
from .jobs.channel import flow_channel
from .jobs.related_action import open_matches
from .synchronizer import Importer, a_moment

# What one record may be wrong about, or has to wait for; anything else ends the job
_OF_ONE_RECORD = (InvalidDataError, LookupError, AttributeError, ValueError, NotYet)


@general
class Matcher(Importer):
    """Lists records there beside records here, and binds those that people have matched.

    What is listed is what the first import of the flow would import. The match keys are those of
    the model's :class:`~odoo.addons.connector.unit.importer.record.RecordImporter`.
    """

    _page_size: int = PAGE_SIZE

    # The list

    def run(self) -> str:
        """List all records there that are not bound yet; return what was found, for the user."""
        found: Counter[Any] = Counter()
        run = str(uuid.uuid4())
        for page in self._pages():
            self._list(page, run, found)
            self._keep(found.total())
        doubled = self._rows._end_of_list(self.backend_record, self.model._name, self.environment.flow, run)
        found["sure"], found["taken"] = found["sure"] - doubled, found["taken"] + doubled
        return self._(
            "Records of %(backend)s that are not bound yet: %(new)s. With exactly one counterpart here: %(sure)s, with several: "
            "%(several)s, with none: %(none)s. Bound already: %(bound)s.",
            backend=self.environment.backend_name,
            new=found.total() - found["bound"],
            sure=found["sure"],
            several=found["several"],
            none=found["none"] + found["taken"],
            bound=found["bound"],
        )

    def _pages(self) -> Iterator[list[Incoming]]:
        """Yield what the first import of the flow would import, by the page."""
        importer, batch = self._importer, self.unit_for(BatchImporter)
        adapter = importer.backend_adapter
        batch._read_at = database_now(self.environment)
        fields = importer._fields_to_read() if adapter.lists_records else None
        for listed in adapter.list_pages(batch._chosen_since(None), fields, Bookmark()):
            if adapter.lists_records:
                records = without_unusable(self, checked_records(adapter, listed, "search_read"), adapter.id_of)
                for page in split_every(self._page_size, records, list):
                    yield importer.page_of({adapter.id_of(record): record for record in page})
            else:
                ids = without_unusable(self, checked_ids(adapter, listed), lambda external_id: external_id)
                for page in split_every(self._page_size, ids, list):
                    yield importer.read_page(page, lambda incoming, error: None)

    def _list(self, page: list[Incoming], run: str, found: Counter[Any]) -> None:
        """Write the rows of a page, and delete those of records that are bound by now."""
        known = [incoming for incoming in page if not incoming.is_new]
        found["bound"] += len(known)
        self._rows._of_records(self.backend_record, self.model._name, _texts(known)).unlink()
        new = [incoming for incoming in self._importer.each(page) if incoming.is_new and not self._skips()]
        keys: dict[Incoming, MatchKey] = {}
        messages: dict[Incoming, str] = {}
        for incoming in new:
            try:
                keys |= match_keys(self._importer, [incoming]) or self._keys_by_name(incoming)
            except _OF_ONE_RECORD as error:
                messages[incoming] = str(error)
        look_for_matches(self.binder, keys)
        rows = {}
        for incoming in self._importer.each(new):
            row = self._row(incoming, keys.get(incoming), messages.get(incoming))
            found[row["found"]] += 1
            rows[external_id_text(incoming.external_id)] = {**row, "run": run}
        with _unique_violation_is_retried():
            self._rows._list(self.backend_record, self.model._name, rows)

    def _skips(self) -> bool:
        try:
            return bool(self._importer._must_skip())
        except _OF_ONE_RECORD:
            return False  # its import says so

    def _keys_by_name(self, incoming: Incoming) -> dict[Incoming, MatchKey]:
        """Return the key of a value that has none: its name."""
        field = self._importer._rec_name_here
        model = self.env[self.binder.unwrap_model()]
        if not self.model._matched_by_hand or field not in model._fields or not model._fields[field].store:
            return {}
        name = self._importer._name_there()
        return {incoming: (field, name)} if name else {}

    def _row(self, incoming: Incoming, key: MatchKey | None, message: str | None) -> dict[str, Any]:
        matches, duplicates = incoming.match or (), incoming.duplicates or ()
        count = len(matches)
        return {
            "flow": self.environment.flow,
            "name": self._importer._name_there(),
            "odoo_model": self.binder.unwrap_model(),
            "key_field": key[0] if key else False,
            "key_value": str(key[1]) if key else False,
            "found": "sure" if count == 1 else "several" if count else "taken" if duplicates else "none",
            "candidate_ids": [record.id for record in matches or duplicates],
            "message": message or False,
        }

    # Bindings

    def bind(self, ids: Iterable[int] | None = None) -> str:
        """Bind the records for which people have picked ours; return what was done, for the user.

        :param ids: of the rows; None: all on which people have decided
        """
        done: Counter[Any] = Counter()
        last = 0
        while page := self._to_bind(ids, last):
            last = page[-1].id
            self._bind_page(page, done)
            self._keep(done.total())
        return self._(
            "Bound: %(bound)s. Left as they are, and the list says why: %(refused)s.",
            bound=done["bound"],
            refused=done["refused"],
        )

    def _to_bind(self, ids: Iterable[int] | None, last: int) -> BaseModel:
        flow = self.environment.flow
        return self._rows._to_bind(self.backend_record, self.model._name, flow, ids, last, self._page_size)

    def _bind_page(self, page: BaseModel, done: Counter[Any]) -> None:
        """Bind the records of a page of rows, under the locks of imports."""
        known = self.binder.to_internal_many(page.mapped("external_id"))
        free = page.filtered(lambda row: row.external_id not in known)
        lock_new({self.binder: free.mapped("external_id")})
        new = free.filtered(lambda row: row.decision == "create")
        bound = lock_to_bind(self.binder, free._ours(), free._keys())
        there = set(free._ours().exists().ids)
        to_bind: dict[int, Any] = {}
        for row in page - new:
            reason = self._reason_to_refuse(row, known, bound, there, to_bind)
            if reason:
                self._refuse(row, reason, done)
            else:
                to_bind[row.res_id] = row
        rows = self._rows.union(*to_bind.values())
        bound_rows = self._create_or_halve(rows, done)
        done["bound"] += len(bound_rows)
        self._import((bound_rows | new).mapped("external_id"))
        bound_rows.unlink()

    def _reason_to_refuse(
        self,
        row: Any,
        known: Mapping[str, BaseModel],
        bound: Mapping[int, str],
        there: set[int],
        to_bind: Mapping[int, Any],
    ) -> str | None:
        if binding := known.get(row.external_id):
            return self._(
                "It was bound meanwhile, to %s. That stays.", self.binder.unwrap_binding(binding).display_name
            )
        if row.res_id not in there:
            return self._("The record that was picked here does not exist any more.")
        if row.res_id in bound:
            return self._(
                "%(ours)s is bound to record %(id)s there already.", ours=row._ours_name(), id=bound[row.res_id]
            )
        if other := to_bind.get(row.res_id):
            return self._("%(ours)s was picked for record %(id)s, too.", ours=row._ours_name(), id=other.external_id)
        return None

    def _create_or_halve(self, rows: BaseModel, done: Counter[Any]) -> BaseModel:
        """Create the bindings of rows; return the rows of those that Odoo does not refuse."""
        if not rows:
            return rows
        try:
            with _unique_violation_is_retried(), self.env.cr.savepoint():
                self._create(rows)
        except (UserError, IntegrityError, ValueError) as error:
            if len(rows) == 1:
                self._refuse(rows, str(error), done)
                return rows.browse()
            middle = len(rows) // 2
            return self._create_or_halve(rows[:middle], done) | self._create_or_halve(rows[middle:], done)
        return rows

    def _create(self, rows: Iterable[Any]) -> BaseModel:
        """Create the bindings of rows; the next import brings what is there."""
        # nothing was synchronised yet; of values nothing is
        to_import = (
            {} if self.model._matched_by_hand else {"sync_state": "to_import", self.binder._sync_date_field: False}
        )
        known = {name: value for name, value in to_import.items() if name in self.model._fields}
        return self._importer._in_import(self.model).create(
            [
                {
                    self.binder._backend_field: self.backend_record.id,
                    self.binder._odoo_field: row.res_id,
                    **self.binder.bind_values(row.external_id),
                    **known,
                }
                for row in rows
            ]
        )

    def _refuse(self, row: Any, reason: str, done: Counter[Any]) -> None:
        row.write({"decision": False, "message": reason})
        done["refused"] += 1

    def _import(self, external_ids: list[Any]) -> None:
        """Import records now, if their flow has begun: a watermark may have moved past them."""
        if external_ids and self._rows._has_begun(self.backend_record, self.model._name, self.environment.flow):
            further: dict[str, Any] = self.environment.flow_argument
            import_page.delay(
                self.environment.user_session,
                self.model._name,
                self.backend_record.id,
                external_ids=external_ids,
                **further,
            )

    # Helpers

    @cached_property
    def _importer(self) -> RecordImporter:
        return self.unit_for(RecordImporter)

    @property
    def _rows(self) -> Any:
        return self.env["connector.match"].sudo()

    def _keep(self, count: int) -> None:
        """Commit what was done: nothing of it has to be done again if the job is killed."""
        if self.session.owns_transaction:
            self.session.commit()
        self.env.invalidate_all()
        if self.session.job:
            self.session.job.progress(count)


@contextmanager
def _unique_violation_is_retried() -> Iterator[None]:
    """Let a job begin again after another transaction has created the same meanwhile."""
    try:
        yield
    except UniqueViolation as error:
        raise RetryableJobError(str(error.diag.message_detail or error), seconds=a_moment()) from error


def _texts(page: Iterable[Incoming]) -> list[str]:
    return [text for incoming in page if (text := external_id_text(incoming.external_id)) is not None]


def _key(args: Mapping[str, Any]) -> str:
    return f"match,{args['model_name']},{args['backend_id']}"


@job(default_channel=flow_channel(ImportFlow), related_action=open_matches, concurrency_key=_key)
def list_matches(session: ConnectorSession, model_name: str, backend_id: int, flow: str | None = None) -> str:
    """List the records of an external system that are not bound yet, to match them by hand

    :param model_name: name of the binding model
    :param backend_id: id of the backend's record
    :param flow: code of its flow; None: the first import flow of the model, if it has any
    """
    return open_flow(session, model_name, backend_id, ImportFlow, flow).get_connector_unit(Matcher).run()


@job(default_channel=flow_channel(ImportFlow), related_action=open_matches, concurrency_key=_key)
def bind_matches(
    session: ConnectorSession, model_name: str, backend_id: int, ids: list[int] | None = None, flow: str | None = None
) -> str:
    """Bind the records of an external system for which somebody has picked records here

    :param model_name: name of the binding model
    :param backend_id: id of the backend's record
    :param ids: ids of rows of ``connector.match``; None: all on which somebody has decided
    :param flow: code of its flow; None: the first import flow of the model, if it has any
    """
    return open_flow(session, model_name, backend_id, ImportFlow, flow).get_connector_unit(Matcher).bind(ids)
