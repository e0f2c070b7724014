"""Preview of an import: the first records of the list are imported, and all of it is rolled back.

The steps are those of the import itself, so what is found is what it would do. Nothing stays, see
:mod:`~odoo.addons.connector.event.trap`.

It keeps nobody waiting: it waits for the locks of others a second at most, and ends when somebody
waits for one of its own. That is looked at every few records.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from psycopg2.errors import QueryCanceled

from odoo.models import BaseModel

from odoo.addons.jobs_queue.exception import CONCURRENCY_ERRORS, ConnectorException
from odoo.addons.jobs_queue.jobs import function_options
from odoo.addons.jobs_queue.texts import storable

from ...event.trap import trapped
from ...exception import InvalidDataError, Rehearsed
from ..backend_adapter.traffic import Traffic
from ..binding.shown import Place, label_of_place, may_see, shown_values
from ..connector_unit import Environment, external_id_text
from ..types import Values
from .batch import BatchImporter
from .bulk import BulkImporter
from .incoming import Incoming
from .schema import check_and_count

_logger = logging.getLogger(__name__)

#: Records that are looked at.
MOST_RECORDS = 100
#: Seconds after which nothing more is looked at. The answer is then there within a minute.
MOST_SECONDS = 50
#: Seconds for which a lock of somebody else is waited for.
_LOCK_SECONDS = 1
#: Seconds that are left to tell what was found.
_SECONDS_TO_TELL = 10
#: Records and seconds between two looks at the time, and at who waits.
_MOST_AT_ONCE = 10
_SECONDS_AT_ONCE = 2
#: Records of one model that are named of those on which the others depend.
_MOST_OTHERS = 1000


@dataclass
class Look:
    """What the import would do with one record.

    :ivar outcome: ``new``, ``matched``, ``changed``, ``unchanged``, ``skipped``, ``refused``,
        ``sends`` (it would send something to the system, and what follows is not known), or
        ``other`` (it is created because another one needs it)
    :ivar external_id: text
    :ivar model_name: binding model
    :ivar name: for people; empty if nobody knows it
    :ivar record: the record here that it is, or matches; None if it is not here
    :ivar reason: why it is skipped or refused, or what it waits for
    :ivar changes: list of (name of the field, text before, text after)
    """

    outcome: str
    external_id: str
    model_name: str
    name: str = ""
    record: BaseModel | None = None
    reason: str = ""
    changes: list[tuple[str, str, str]] = field(default_factory=list)


@dataclass
class Preview:
    """What the next import would do.

    :ivar looks: list of :class:`Look`
    :ivar listed: number of records that were listed to be looked at
    :ivar total: how many the whole list has; None: nobody knows
    :ivar has_more: whether the list may have others
    :ivar stopped: why not all of them were looked at, for the user; None if all were
    :ivar jobs: dict, what the jobs do that would be delayed, to their number
    :ivar seconds: how long it took
    """

    looks: list[Look] = field(default_factory=list)
    listed: int = 0
    total: int | None = None
    has_more: bool = False
    stopped: str | None = None
    jobs: Counter[str] = field(default_factory=Counter)
    seconds: float = 0


@dataclass
class _Imported:
    """A record that was imported in the preview.

    :param before: what it was before, the binding or the record that it matches; None if it is new
    """

    incoming: Incoming
    before: BaseModel | None
    name: str
    after: dict[Place, str]
    values: Values


class _PreviewTraffic(Traffic):
    """Requests that end with the preview, and have no consequences for the backend."""

    def __init__(self, environment: Environment, ends: float) -> None:
        super().__init__(environment)
        self._ends = ends

    def limited(self, seconds: Any) -> Any:
        left = max(self._ends - time.monotonic(), 1)
        return min(seconds or left, left)

    def accepted(self) -> None:
        pass

    def refused(self, error: Exception) -> None:
        pass

    def unreachable(self, error: Any, model_name: str, was_sent: bool) -> None:
        pass

    def untrusted(self, error: Any, model_name: str) -> None:
        pass


class ImportPreview:
    """Looks at what the next import of a flow would do.

    :param environment: that of a job of the flow, see
        :func:`~odoo.addons.connector.unit.flow.open_flow`; nothing was asked in it yet
    :param most_seconds: after which nothing more is looked at
    """

    def __init__(self, environment: Environment, most_seconds: float = MOST_SECONDS) -> None:
        self._began = time.monotonic()
        self._ends = self._began + most_seconds
        environment.open("traffic", lambda: _PreviewTraffic(environment, self._ends))
        self._batch = environment.get_connector_unit(BatchImporter)
        self._bulk = environment.get_connector_unit(BulkImporter)
        self._importer = self._bulk._importer
        self._env = environment.env
        self._user_env = environment.user_session.env(su=False)
        self._backend = environment.backend_record
        self._preview = Preview()
        self._imported: list[_Imported] = []
        self._looks: dict[str | None, Look] = {}  # by external id; those that need no comparison
        self._marks: dict[str, int] = {}  # name of a binding model to its last id before

    def run(self) -> Preview:
        """Import the first records, roll that back, and return what was done.

        :raise ConnectorException: the records cannot be listed
        :raise NotImplementedError: the adapter lists nothing
        """
        preview = self._preview
        with trapped(self._env) as jobs:
            self._limit("lock_timeout", _LOCK_SECONDS)
            self._marks = {model._name: self._last_id(model) for model in self._binding_models()}
            first = self._batch.first_of_run(MOST_RECORDS)
            preview.listed, preview.total, preview.has_more = len(first.found), first.total, first.has_more
            self._look_at(self._usable(first.found))
            self._limit("statement_timeout", _SECONDS_TO_TELL)
            self._note_failures()
            others = list(self._others())
            preview.jobs = Counter(
                str(function_options(job.env, job.function).description or job.function) for job in jobs
            )
        preview.looks = [*map(self._compared, self._imported), *self._looks.values(), *others]
        preview.seconds = time.monotonic() - self._began
        return preview

    # What is imported

    def _usable(self, items: Iterable[Any]) -> dict[Any, Any]:
        """Return the items whose ids can be looked up, a dict of id to record, or to None."""
        usable: dict[Any, Any] = {}
        for item in items:
            external_id, record = self._batch._id_and_data(item)
            try:
                external_id_text(external_id)
            except InvalidDataError as error:
                text = storable(external_id) or "?"
                self._looks[text] = Look("refused", text, self._model_name, reason=str(error))
            else:
                usable[external_id] = record
        return usable

    def _look_at(self, items: dict[Any, Any]) -> None:
        read: list[Any] = []
        for part in self._parts(list(items)):
            try:
                with self._env.cr.savepoint():
                    page = self._read({external_id: items[external_id] for external_id in part})
                    self._bulk._import_or_halve(page)
                read += [incoming.record for incoming in page if incoming.record is not None]
                for incoming in page:
                    self._note(incoming)
                self._note_absent(part, page)
            except Exception as error:
                self._preview.stopped = self._reason_of(error)
                break
        try:
            check_and_count(self._importer, read, None)
        except ConnectorException as error:  # so all of them would fail
            self._preview.stopped = str(error)

    def _parts(self, external_ids: list[Any]) -> Iterator[list[Any]]:
        """Yield the ids by so many as take some seconds; end when there is a reason to stop."""
        done, began = 0, time.monotonic()
        while done < len(external_ids):
            if reason := self._reason_to_stop(done, len(external_ids)):
                self._preview.stopped = reason
                return
            seconds = (time.monotonic() - began) / done if done else _SECONDS_AT_ONCE / _MOST_AT_ONCE
            number = min(max(int(_SECONDS_AT_ONCE / max(seconds, 0.001)), 1), _MOST_AT_ONCE)
            self._limit("statement_timeout", max(self._ends - time.monotonic(), 1))
            yield external_ids[done : done + number]
            done += number

    def _read(self, items: dict[Any, Any]) -> list[Incoming]:
        if None in items.values():
            return self._bulk._read_page(list(items))
        return self._importer.page_of(items)

    # Why it stops

    def _reason_to_stop(self, done: int, number: int) -> str | None:
        if time.monotonic() > self._ends:
            return self._out_of_time(done, number)
        if self._somebody_waits():
            return self._importer._(
                "It stopped after %(done)s of %(number)s records, as somebody else needs what it has locked. Press Preview again.",
                done=done,
                number=number,
            )
        return None

    def _out_of_time(self, done: int, number: int) -> str:
        return self._importer._(
            "Its time was up after %(done)s of %(number)s records (%(seconds)s s).",
            done=done,
            number=number,
            seconds=round(time.monotonic() - self._began),
        )

    def _reason_of(self, error: Exception) -> str:
        done, number = len(self._imported) + len(self._looks), self._preview.listed
        if time.monotonic() > self._ends or isinstance(error, QueryCanceled):
            return self._out_of_time(done, number)
        if isinstance(error, CONCURRENCY_ERRORS):
            return self._importer._(
                "It stopped after %(done)s of %(number)s records: the next ones are just being imported or changed by somebody else. "
                "Press Preview again when that has ended.",
                done=done,
                number=number,
            )
        if not isinstance(error, ConnectorException):
            _logger.exception("A preview of %s has ended with an error", self._model_name)
        return self._importer._(
            "It stopped after %(done)s of %(number)s records: %(error)s",
            done=done,
            number=number,
            error=storable(error) or type(error).__name__,
        )

    def _somebody_waits(self) -> bool:
        """Return whether another transaction waits for a lock of this one."""
        # not pg_stat_activity, which stays as it is until the end of the transaction
        self._env.cr.execute(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid)))"
        )
        return bool(self._env.cr.fetchone()[0])

    def _limit(self, setting: str, seconds: float) -> None:
        """Set a limit of PostgreSQL until the rollback."""
        self._env.cr.execute("SELECT set_config(%s, %s, true)", (setting, str(int(seconds * 1000))))

    # What was done with each record

    def _note(self, incoming: Incoming) -> None:
        """Note what was done with a record of a page."""
        if incoming.outcome is None:  # see _note_failures()
            return
        text, binding = external_id_text(incoming.external_id), incoming.binding
        is_here = bool(binding) and not self._is_new(binding)
        if incoming.outcome in ("created", "updated") or (incoming.outcome == "unchanged" and not is_here):
            before = binding if is_here else (incoming.match or self._importer.model)[:1]
            values = {
                name: value
                for name, value in (incoming.values or {}).items()
                if name != self._importer.binder._odoo_field
            }
            after = shown_values(binding, values)
            self._imported.append(_Imported(incoming, before or None, binding.display_name, after, values))
            return
        outcome = "unchanged" if incoming.outcome == "unchanged" else "skipped"
        self._importer.incoming = incoming
        reason = "" if outcome == "unchanged" else self._waits(incoming) or self._importer._told(incoming)
        self._looks[text] = self._look_of_known(outcome, incoming, reason)

    def _waits(self, incoming: Incoming) -> str | None:
        """Return what a record waits for, as a text, None if it does not wait."""
        return self._importer._("Waits: %s", incoming.wait) if incoming.wait else None

    def _look_of_known(self, outcome: str, incoming: Incoming, reason: str) -> Look:
        binding = incoming.binding if incoming.binding and not self._is_new(incoming.binding) else None
        return Look(
            outcome,
            str(external_id_text(incoming.external_id)),
            self._model_name,
            binding.display_name if binding else "",
            binding and self._importer.binder.unwrap_binding(binding),
            reason,
        )

    def _note_absent(self, external_ids: Iterable[Any], page: list[Incoming]) -> None:
        """Note the records that are listed, and were not read."""
        found = {external_id_text(incoming.external_id) for incoming in page}
        for external_id in external_ids:
            text = external_id_text(external_id)
            if text in found or external_id in self._bulk._failures:
                continue
            told = self._bulk._skipped.get(text) or self._importer._("It is listed, but it is not there (any more).")
            if text in self._bulk._waiting:
                told = self._waits(self._bulk._waiting[text][0]) or told
            self._looks[text] = Look("skipped", str(text), self._model_name, reason=told)

    def _note_failures(self) -> None:
        """Note the records that are refused, those on which others depend among them."""
        for text, reason in self._bulk._skipped.items():
            self._looks.setdefault(text, Look("skipped", str(text), self._model_name, reason=reason))
        for bulk in self._importers(self._bulk):
            failures = bulk._failures
            refused = [
                (incoming, reason.text, reason.kind) for reason in failures._reasons for incoming in reason.incoming
            ]
            taken = self._importer._("Another record here has it already: let _match_key() of the importer find it.")
            refused += [(incoming, taken, Exception) for incoming in failures._taken]
            for incoming, text, kind in refused:
                outcome = "sends" if issubclass(kind, Rehearsed) else "refused"
                look = self._look_of_known(outcome, incoming, text)
                look.model_name = bulk.model._name
                key = external_id_text(incoming.external_id)
                self._looks[key if bulk is self._bulk else f"{bulk.model._name},{key}"] = look

    def _importers(self, bulk: BulkImporter) -> Iterator[BulkImporter]:
        yield bulk
        for others in bulk._others.values():
            yield from self._importers(others)

    def _compared(self, imported: _Imported) -> Look:
        """Return what would be done with a record, now that it is again as it was before."""
        before: Any = imported.before and imported.before.exists()
        old = shown_values(before, imported.values) if before else {}
        is_here = bool(before) and before._name == self._model_name
        changes = [
            self._change(place, old.get(place, ""), imported.after.get(place, ""))
            for place in dict.fromkeys([*old, *imported.after])
            if old.get(place, "") != imported.after.get(place, "")
        ]
        outcome = ("changed" if changes else "unchanged") if is_here else "matched" if before else "new"
        record = self._importer.binder.unwrap_binding(before) if is_here else before
        text = str(external_id_text(imported.incoming.external_id))
        name = before.display_name if before else imported.name
        return Look(outcome, text, self._model_name, name, record or None, changes=changes)

    def _change(self, place: Place, before: str, after: str) -> tuple[str, str, str]:
        model = self._importer.model
        label = label_of_place(model, place, self._user_env)
        return (label, before, after) if may_see(model, place, self._user_env) else (label, "***", "***")

    # On what they depend

    def _others(self) -> Iterator[Look]:
        """Yield the records that were created because others need them."""
        mine = {imported.incoming.binding for imported in self._imported}
        for model in self._binding_models():
            new = [("backend_id", "=", self._backend.id), ("id", ">", self._marks[model._name])]
            for binding in model.search(new, limit=_MOST_OTHERS, order="id"):
                if binding not in mine:
                    external_id = str(binding.external_id or "")
                    yield Look("other", external_id, model._name, binding.display_name)

    def _binding_models(self) -> Iterator[BaseModel]:
        """Yield the binding models of the backend."""
        for name in sorted(self._env.registry.descendants(["external.binding"], "_inherit")):
            model = self._env[name].sudo().with_context(active_test=False)
            if not model._abstract and model._fields["backend_id"].comodel_name == self._backend._name:
                yield model

    def _last_id(self, model: BaseModel) -> int:
        return model.search([], order="id desc", limit=1).id or 0

    def _is_new(self, binding: BaseModel) -> bool:
        """Return whether a binding was created in the preview."""
        return bool(binding.id > self._marks.get(binding._name, binding.id))

    @property
    def _model_name(self) -> str:
        return str(self._importer.model._name)
