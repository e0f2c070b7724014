"""Import a record, or a page of records, by the same steps; the job that imports one record."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from datetime import datetime
from types import MappingProxyType
from typing import Any, TypeAlias

from psycopg2.errors import UniqueViolation

from odoo import api
from odoo.models import BaseModel
from odoo.tools import partition

from odoo.addons.jobs_queue.exception import FailedJobError, NotYet, RetryableJobError
from odoo.addons.jobs_queue.jobs import Job, job
from odoo.addons.jobs_queue.session import ConnectorSession
from odoo.addons.jobs_queue.texts import shown

from ...backend import general
from ...event.no_export import without_export
from ...exception import (
    IDMissingInBackend,
    InvalidDataError,
    MappingError,
    NoConnectorUnitError,
    Rehearsed,
    UnreadableAnswer,
)
from ...extension import class_name
from ..backend_adapter.crud import checked_id, checked_record, checked_records
from ..backend_adapter.errors import is_server_error
from ..binding.changes import changed_values
from ..binding.kept import written_together
from ..binding.sent import note_created, note_updated, would_send
from ..binding.state import is_import_due, is_in_conflict, mark_error, mark_failure, mark_in_sync, recall
from ..binding.writing import note_all_stored, write_together
from ..connector_unit import Environment, external_id_text
from ..flow import FlowSwitchedOff, ImportFlow, open_flow
from ..jobs.about import imported
from ..jobs.channel import flow_channel
from ..jobs.keys import import_identity
from ..jobs.put_right import note_imported, note_missing, noting_failure
from ..jobs.related_action import open_imported
from ..mapper.modifiers import is_one_of
from ..mapper.record import MapRecord
from ..open_records import import_key, import_scope
from ..synchronizer import Importer, a_moment
from ..types import ExternalId, ExternalRecord, Links, Values
from .by_hand import forget_decisions, obey_decisions
from .failures import concerns_all
from .incoming import Incoming
from .lock import lock_and_match, lock_new
from .matching import only_match, settle_duplicates
from .reading import Found, PageReader
from .unsent import put_off
from .waiting import wait

# json.dumps() makes an encoder each time
_as_json = json.JSONEncoder(sort_keys=True, default=str).encode

# Under which an external record usually has its name, if no mapper says it
_NAMES_THERE = ("name", "title", "label", "display_name", "code")

#: The model and the external id, as text, of a record that is being imported.
Importing: TypeAlias = tuple[str, str | None]
#: Imports the records of a model on which others depend.
ImportOthers: TypeAlias = Callable[[str, list[ExternalId], frozenset[Importing]], object]


@general
class RecordImporter(Importer):
    """Importer of the records of a model, one or a page of them, always by the same steps.

    A connector overrides steps as needed. The steps of a page are, each for all of its records
    before the next one begins:

    1. Leave out the records that are skipped, that have not changed, or that have to wait.
    2. Import the records on which they depend.
    3. Lock the new records, and look for Odoo records with their match keys.
    4. Map the records.
    5. Create the new ones by one call, and write each known one once.
    6. Do the work after the import.

    The import of one record is that of a page of one, see :meth:`run`. For pages, see
    :class:`~odoo.addons.connector.unit.importer.bulk.BulkImporter`.

    Two transactions that import the same new record create one record: the second waits for the
    first, and begins again.

    Attributes in a hook: ``incoming``, the :class:`~.incoming.Incoming` record that it is about;
    and, of that, ``external_id``; ``external_record``, as the adapter has read it; and ``binding``,
    empty as long as the record is not known in Odoo. The importer is the same one for all records
    of a page: a hook keeps nothing of one record on ``self``.
    """

    #: Context in which records are created and written: no chatter message for each field
    _import_context: Mapping[str, Any] = MappingProxyType({"tracking_disable": True})

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.incoming = Incoming(None, None, self.model)  # type: ignore[arg-type]  # none yet
        # (model name, external id) of the records whose import has led to this one
        self._importing: frozenset[Importing] = frozenset()
        # of Odoo: that of the records last given to _in_import(), and what they got there
        self._environments: tuple[api.Environment, api.Environment] | None = None
        # the dependencies of a page, while its records say what they depend on
        self._noted: list[tuple[str, str, Any, bool]] | None = None
        # when the records that were given were read; None: since the running job began
        self._read_at: datetime | None = None

    @property
    def external_id(self) -> ExternalId:  # type: ignore[override]  # of the incoming record
        return self.incoming.external_id

    @property
    def external_record(self) -> Any:
        return self.incoming.record

    @property
    def binding(self) -> BaseModel:
        return self.incoming.binding

    def run(
        self,
        external_id: ExternalId,
        force: bool = False,
        data: ExternalRecord | None = None,
        read_at: datetime | None = None,
    ) -> str:
        """Import a record.

        :param external_id: id in the external system
        :param force: import the record even if it has not changed since the last import, and
            overwrite changes that were not sent
        :param data: the record as the adapter would read it, if it was read already; it is read
            again if the binding was synchronised since then
        :param read_at: when it was read, by the clock of the database (naive UTC datetime); None:
            when the running job was delayed
        :return: what was done, for the user
        :raise InvalidDataError: ``external_id`` is not an external id
        :raise TransactionOutdated: the record was imported by another transaction since this one
            began
        :raise NotYet: it has to wait for something outside
        """
        _checked_id_text(external_id)
        incoming = self.incoming = Incoming(external_id, data, self.model, bool(self._importing))
        incoming.found(self._get_binding())
        self._read_at = None if data is None else read_at or getattr(self.session.job, "date_created", None)
        try:
            if data is None or self._is_data_old(read_at):
                incoming.record = self._read()
        except IDMissingInBackend:
            self._note_missing()
            message = self._handle_missing()
            note_missing(self, [external_id])
            return message
        if incoming.is_new:
            self._check_form_of_id()
        with self._unique_violation_is_retried():
            self.import_page([incoming], force, overwrite=force, alone=True)
        if incoming.wait:
            raise incoming.wait
        return self._told(incoming)

    def import_page(
        self,
        page: list[Incoming],
        force: bool = False,
        overwrite: bool = False,
        import_others: ImportOthers | None = None,
        alone: bool = False,
    ) -> None:
        """Import records that were read; :attr:`.Incoming.outcome` of each tells what was done.

        :param page: list of :class:`~.incoming.Incoming`, each record once
        :param force: import also records that have not changed since the last import
        :param overwrite: import also records in conflict, and those with changes that were not sent
        :param import_others: ``function(model_name, external_ids, importing)`` that imports the
            dependencies that are not in the page; by default one by one, and the first that fails
            ends the import. ``importing`` is the set of ``(model name, external id as text)`` that
            are being imported
        :param alone: explain the values if Odoo refuses them; for a page of one
        """
        due = self.due(page, force, overwrite)
        if due:
            self._import_due(due, import_others or self._import_one_by_one, alone)
        note_imported(self, page, force)

    def due(self, page: list[Incoming], force: bool = False, overwrite: bool = False) -> list[Incoming]:
        """Return those of a page that :meth:`import_page` imports; the others get their outcome."""
        due = []
        obey_decisions(self, page)
        for incoming in self.each([incoming for incoming in page if not incoming.outcome]):
            try:
                reason = self._reason_to_skip(overwrite)
            except NotYet as wait_for:
                incoming.outcome, incoming.wait = "waits", wait_for
                continue
            if reason:
                incoming.outcome, incoming.reason = "skipped", reason
            elif not force and self._is_up_to_date(incoming.binding):
                incoming.outcome = "unchanged"
            else:
                due.append(incoming)
        unchanged = [incoming.binding for incoming in page if incoming.outcome == "unchanged"]
        mark_in_sync(self.model.concat(*unchanged), "missing")
        if due and not overwrite:
            for incoming in self.each(put_off(self, due)):
                incoming.outcome = "put_off"
        return [incoming for incoming in due if not incoming.outcome]

    def _import_due(self, page: list[Incoming], import_others: ImportOthers, alone: bool) -> None:
        """Import the records of a page after those on which they depend."""
        needed = self._needed_by(page)
        mine = needed.get(self.model._name, {})
        texts = {external_id_text(incoming.external_id) for incoming in page}
        importing = self._importing | {(self.model._name, text) for text in texts}
        for model_name, external_ids in needed.items():
            others = [id_ for text, id_ in external_ids.items() if external_ids is not mine or text not in texts]
            if others:
                import_others(model_name, others, importing)
        first, rest = partition(lambda incoming: external_id_text(incoming.external_id) in mine, page)
        if rest and first:
            self._import_due(first, import_others, alone)
        # without a rest they depend on each other in a circle: the mapping of each will say so
        self._write_page(rest or first, alone)

    def _needed_by(self, page: list[Incoming]) -> dict[str, dict[str, ExternalId]]:
        """Return the dependencies of some records that have to be imported first.

        Dependencies and records that are new in Odoo are locked.

        :return: dict, name of the binding model to a dict, external id as text to external id
        """
        noted: list[tuple[str, str, Any, bool]] = []
        self._noted = noted
        try:
            for _incoming in self.each(page):
                self._import_dependencies()
        finally:
            self._noted = None
        needed: defaultdict[str, dict[str, ExternalId]] = defaultdict(dict)
        always: set[Importing] = set()
        for model_name, text, external_id, is_always in noted:
            needed[model_name][text] = external_id
            if is_always:
                always.add((model_name, text))
        unknown: dict[Links, list[Any]] = {self.binder: [incoming.external_id for incoming in page if incoming.is_new]}
        for model_name, external_ids in needed.items():
            binder = self.binder_for(model_name)
            known = binder.to_internal_many(external_ids)
            unknown[binder] = [text for text in external_ids if text not in known]
            needed[model_name] = {
                text: external_id
                for text, external_id in external_ids.items()
                if text not in known or (model_name, text) in always
            }
        lock_new(unknown)
        return needed

    def _import_one_by_one(
        self, model_name: str, external_ids: Iterable[ExternalId], importing: frozenset[Importing]
    ) -> None:
        importer = self.unit_for(RecordImporter, model_name)
        importer._importing = importing
        for external_id in external_ids:
            importer.run(external_id)

    def _write_page(self, page: list[Incoming], alone: bool) -> None:
        """Create the new records by one call, and write each known one once."""
        new, known = partition(lambda incoming: incoming.is_new, page)
        lock_and_match(self, new)
        new = settle_duplicates(self, new)
        page = [incoming for incoming in page if not incoming.outcome]
        if not page:
            return
        values: dict[Incoming, Values] = {}
        with self.mapper.page([incoming.record for incoming in page]):
            for incoming in self.each(page):
                map_record = self._map_data()
                with self._explaining(map_record) if alone else nullcontext():
                    values[incoming] = (self._create_data if incoming.is_new else self._update_data)(map_record)
                incoming.values = values[incoming]
        with self._explaining(map_record) if alone else nullcontext():
            if new:
                self._create_page(new, values)
            for incoming in self.each(known):
                self._update(incoming.binding, values[incoming])
                incoming.outcome = "updated"
        for incoming in self.each(page):
            self._after_import(incoming.binding)

    def _create_page(self, page: list[Incoming], values: Mapping[Incoming, Values]) -> None:
        values_list = [{**values[incoming], **self._binding_values()} for incoming in self.each(page)]
        if self._is_overridden("_create"):
            bindings = [self._create(values) for _incoming, values in zip(self.each(page), values_list, strict=True)]
        else:
            bindings = self._create_many(values_list)
        for incoming, binding in zip(page, bindings, strict=True):
            incoming.binding, incoming.outcome = binding, "created"
        note_all_stored(self.model.concat(*bindings), [values[incoming] for incoming in page])
        forget_decisions(self, page)
        if self.export_mapper:
            note_created(self.export_mapper, {incoming.binding: values[incoming] for incoming in page})

    def _told(self, incoming: Incoming) -> str:
        """Return what was done with a record, for the user."""
        if incoming.outcome == "created":
            return self._("Created from record %(id)s of %(backend)s.", **self._names())
        if incoming.outcome == "updated":
            return self._("Updated from record %(id)s of %(backend)s.", **self._names())
        if incoming.outcome == "unchanged":
            return self._("Already up to date.")
        if incoming.outcome == "put_off":
            return self._(
                "Put off: what was done here with record %(id)s must reach %(backend)s first.", **self._names()
            )
        if incoming.wait:
            return str(incoming.wait)
        return incoming.reason  # type: ignore[return-value]  # it was skipped for one

    # Pages of records

    def page_of(self, records: Mapping[Any, Any]) -> list[Incoming]:
        """Return a list of :class:`~.incoming.Incoming` for records that were read.

        :param records: dict, external id to record
        """
        bindings: dict[Any, BaseModel] = self.binder.to_internal_many(records)
        none, is_dependency = self.model, bool(self._importing)
        page = [
            Incoming(external_id, record, bindings.get(external_id_text(external_id), none), is_dependency)
            for external_id, record in records.items()
        ]
        if self._is_overridden("_get_binding"):
            for incoming in self.each(page):
                incoming.found(self._get_binding())
        return page

    def read_page(
        self, external_ids: Collection[ExternalId], give_up: Callable[[Incoming, Exception], object] | None = None
    ) -> list[Incoming]:
        """Read records, and return the :meth:`page_of` those that exist.

        A system may refuse all of them because of one: that one is found by halving, see
        :class:`~.reading.PageReader`. A system may give fewer records than it is asked for: it is
        asked again for those that it has left out, until that brings nothing new.

        :param give_up: ``function(incoming, error)`` for each record that exists but cannot be
            read; None: the first one's error is raised
        :raise InvalidDataError: what the adapter returns is not a list of records
        """
        if not external_ids:
            return []
        reader = PageReader(
            (lambda ids: self._by_id(self._read_many(ids))) if self._reads_many_at_once else None,
            self._read_one,
            takes_failures=give_up is not None,
        )
        found = more = reader.read(list(external_ids))
        known, unreadable = set(map(external_id_text, reader.failed)), reader.unreadable
        # an adapter whose records have another id than the one that is asked for leaves out none
        while self._reads_many_at_once and not more.keys().isdisjoint(map(external_id_text, external_ids)):
            left = [id_ for id_ in external_ids if external_id_text(id_) not in known | found.keys()]
            more = self._read_left(left, known, unreadable) if left else {}
            found = {**found, **more}
        for incoming in self.page_of(dict.fromkeys(unreadable)):
            if give_up is None:
                raise unreadable[incoming.external_id]
            give_up(incoming, unreadable[incoming.external_id])
        return self.page_of(dict(found.values()))

    def _read_left(
        self, external_ids: Sequence[ExternalId], known: set[str | None], unreadable: dict[ExternalId, Exception]
    ) -> Found:
        """Return those of some records that another call brings, as :meth:`_by_id`.

        By a refusal some systems say that none of them exists, and others that one does not. So the
        halves of what is refused are read, down to single records, which are read as a single
        import does. That takes at most two requests a record, and is better than to take a record
        for a missing one.

        :param known: set of ids as text, to which those are added that need not be asked for again
        :param unreadable: dict, id to exception, to which the records are added that are there and
            cannot be read
        """
        try:
            records = self._read_many(external_ids)
        except UnreadableAnswer:
            raise
        except (IDMissingInBackend, InvalidDataError):
            found: Found = {}
            middle = len(external_ids) // 2
            for half in (external_ids[:middle], external_ids[middle:]):
                if len(half) > 1:
                    found |= self._read_left(half, known, unreadable)
                elif half:
                    known.add(external_id_text(half[0]))
                    found |= self._read_one_left(half[0], unreadable)
            return found
        texts = set(map(external_id_text, external_ids))
        return {text: item for text, item in self._by_id(records).items() if text in texts}

    def _read_one_left(self, external_id: ExternalId, unreadable: dict[ExternalId, Exception]) -> Found:
        """Return a record of those that were refused together; see :meth:`_read_left`."""
        try:
            # its id may have another form: that is seen where the page is looked at
            return self._read_one(external_id)
        except Exception as error:
            if concerns_all(error) and not is_server_error(error):
                raise
            unreadable[external_id] = error
            return {}

    def _by_id(self, records: Any) -> Found:
        """Return what :meth:`_read_many` has returned, as a dict: id as text to (id, record)."""
        records = checked_records(self.backend_adapter, records, "read_many")
        items = ((self.backend_adapter.id_of(record), record) for record in records)
        return {external_id_text(external_id): (external_id, record) for external_id, record in items}

    def each(self, page: Iterable[Incoming]) -> Iterator[Incoming]:
        """Yield the records of a page; while one is worked on, the hooks are about it."""
        for incoming in page:
            self.incoming = incoming
            yield incoming

    # Steps, in the order in which they are called

    def _get_binding(self) -> BaseModel:
        """Return the binding of the record, empty if it is new."""
        return self.binder.to_internal(self.external_id)

    def _is_data_old(self, read_at: datetime | None) -> bool:
        """Return whether the binding was synchronised after the data were read.

        Then Odoo may have a newer state than the data.

        :param read_at: see :meth:`run`
        """
        read_at = read_at or getattr(self.session.job, "date_created", None)
        synchronised = recall(self.binding, self.binder._sync_date_field)
        return bool(read_at and synchronised and synchronised >= read_at.replace(microsecond=0))

    def _fields_to_read(self) -> Sequence[str] | None:
        """Return the names of the external fields to read; None: all."""
        return None

    def _read(self) -> ExternalRecord:
        """Return the record of the external system."""
        record = self.backend_adapter.read(self.external_id, self._fields_to_read())
        return checked_record(self.backend_adapter, record)

    def _check_form_of_id(self) -> None:
        """Refuse a new record that was asked for by another form of its id.

        A system may answer to ``0042`` with the customer 42. This customer would be here twice as
        soon as it comes by its own id. Only forms of one id are compared: a record may have an
        ``id`` beside the number by which it is asked for.

        :raise InvalidDataError: it was
        """
        try:
            own = external_id_text(self.backend_adapter.id_of(self.external_record))
        except (AttributeError, LookupError, NotImplementedError, TypeError, ValueError, InvalidDataError):
            return  # an adapter that reads single records need not know
        asked = external_id_text(self.external_id)
        if own is not None and own != asked and bare_id(own) == bare_id(asked):
            raise self.in_other_form(self.external_id, own)

    def in_other_form(self, external_id: ExternalId, own: ExternalId) -> InvalidDataError:
        """Return the error of a record that was asked for by another form of its own id."""
        return InvalidDataError(
            self._(
                "%(backend)s answers with record %(found)s to %(id)s, and so it could be here twice: import it by its own id. "
                "If its own id is %(id)s, let the method id_of() of the adapter return that.",
                found=own,
                id=external_id,
                backend=self.environment.backend_name,
            )
        )

    def _is_whole(self, record: ExternalRecord) -> bool:
        """Return whether a listed record has all its fields; a hook.

        What the system sends of a deleted record, such as ``{"id": 7, "deleted": true}``, does not
        show that a field has vanished. So it is not counted, see :mod:`.schema`.

        :param record: as the adapter lists or reads it
        """
        return True

    def _read_many(self, external_ids: Iterable[ExternalId]) -> Sequence[ExternalRecord]:
        """Return the records of a page that exist, by one call."""
        return self.backend_adapter.read_many(external_ids, self._fields_to_read())

    def _read_one(self, external_id: ExternalId) -> Found:
        """Return a record that is read by itself, as :meth:`_by_id`; nothing if it is missing."""
        self.incoming = Incoming(external_id, None, self.model)
        try:
            record = self._read()
        except IDMissingInBackend:
            return {}
        own = checked_id(self.backend_adapter, checked_record(self.backend_adapter, record))
        return {external_id_text(own): (own, record)}

    @property
    def _reads_many_at_once(self) -> bool:
        """Whether one call reads many records, and may so leave some out that exist."""
        # an adapter that is no CRUDAdapter has a read_many of its own
        return not self._is_overridden("_read") and getattr(self.backend_adapter, "reads_many_at_once", True)

    def _handle_missing(self) -> str:
        """Handle a record that does not exist (any more) in the external system.

        By default the policy for missing records decides whether it is archived here.

        :return: message for the user
        """
        if self.binding and self.policy("missing") == "archive" and self._archive_here(self.binding):
            return self._("%(backend)s has no record %(id)s any more: it was archived here.", **self._names())
        return self._("%(backend)s has no record %(id)s any more; nothing was changed here.", **self._names())

    def _must_skip(self) -> str | None:
        """Return the reason why the record is not imported, None if it is imported.

        :raise NotYet: it is imported later, such as an order once it is paid
        """
        return None

    def _is_up_to_date(self, binding: BaseModel) -> bool:
        """Return whether this state of the record is known already, and no import of it is due."""
        return bool(binding) and not is_import_due(binding) and self._is_known_state(binding)

    def _is_known_state(self, binding: BaseModel) -> bool:
        """Return whether a binding knows this state of the record.

        The version is compared or, without a version, the checksum.
        """
        version = self._get_external_version()
        if version is None:
            name, value = "import_checksum", self._get_checksum()
        else:
            name, value = "external_version", str(version)
        return recall(binding, name) == value

    def _would_change(self) -> bool:
        """Return whether an import would change the Odoo record.

        It is also True if the external record cannot be mapped.
        """
        try:
            return bool(changed_values(self.binding, self._map_data().values()))
        except MappingError:
            return True

    def _get_external_version(self) -> Any:
        """Return the version of the external record: its date of change, its revision or its etag.

        It is stored as text and compared for equality. None if the system has none: then a checksum
        is compared. Never return a time of our own clock.
        """
        return None

    def _get_external_date(self) -> datetime | None:
        """Return the date of change of the external record: datetime in UTC, None if unknown.

        An export with the policy ``"newest"`` compares it with the date of change of the Odoo
        record. By default it is the date that the adapter declares.
        """
        return self._changed.date_of(self.external_record) if self._changed else None

    def _get_checksum(self) -> str:
        """Return a checksum of the external record."""
        return hashlib.blake2b(_as_json(self.external_record).encode(), digest_size=16).hexdigest()

    def _match_key(self) -> tuple[str, Any] | None:
        """Return the field and the value by which a new record may match an Odoo record, or None.

        The Odoo record with this value, if it is not bound to this backend yet, is bound and
        updated, and no other one is created. Two imports of one key, also from different backends,
        are run one after the other.
        """
        return None

    def _name_there(self) -> str | None:
        """Return the name of the external record, for a person who matches it by hand; a hook.

        By default what the mapper takes as the name of the Odoo record, or else the first text
        under one of the usual names.
        """
        field = self._rec_name_here
        try:
            sources = [source for source, target in self.mapper.direct if target == field]
        except NoConnectorUnitError:
            sources = []
        for name in (*(getattr(source, "source", source) for source in sources), *_NAMES_THERE):
            value = self.external_record.get(name) if isinstance(name, str) else None
            if isinstance(value, str) and value.strip():
                return value.strip()
        return None

    @property
    def _rec_name_here(self) -> str:
        """The field of the Odoo model in which it keeps the names of its records."""
        return self.env[self.binder.unwrap_model()]._rec_name or "name"

    def _import_dependencies(self) -> None:
        """Import the records that must exist first; a hook, see :meth:`_import_dependency`."""

    def _import_dependency(
        self, external_id: ExternalId | None, model_name: str, always: bool = False, none_if: Iterable[object] = ()
    ) -> None:
        """Import a record on which this one depends, unless it is in Odoo already.

        Within the hook it is noted, and imported after it, together with those of the other
        records; elsewhere it is imported at once. A record that is already being imported, and
        depends on this one in turn, is not imported again.

        :param external_id: id in the external system; None, False and "" mean that there is none
        :param model_name: name of its binding model
        :param always: look for changes even if it is in Odoo already
        :param none_if: further values that mean that there is none, as in ``none_if=(0,)``; see the
            modifier of this name
        """
        if is_one_of(external_id, none_if):
            return
        text = external_id_text(external_id)
        if text is None or (model_name, text) in self._importing:
            return
        if self._noted is not None:
            self._noted.append((model_name, text, external_id, always))
        elif always or not self.binder_for(model_name).to_internal(external_id):
            mine = self.model._name, external_id_text(self.external_id)
            self._import_one_by_one(model_name, [external_id], self._importing | {mine})  # type: ignore[list-item]  # it is one

    def _map_data(self) -> MapRecord:
        """Return the ``MapRecord`` of the external record."""
        return self.mapper.map_record(self.external_record, binding=self.binding)

    def _create_data(self, map_record: MapRecord) -> Values:
        """Return the values of a new binding.

        They are those of a new record, or those that update the matched record.
        """
        if self.incoming.match:
            return {**self._update_data(map_record), self.binder._odoo_field: only_match(self, self.incoming).id}
        values = map_record.values(for_create=True)
        self._validate_data(values)
        return values

    def _update_data(self, map_record: MapRecord) -> Values:
        """Return the values of an existing record."""
        values = map_record.values(for_create=False)
        self._validate_data(values)
        return values

    def _validate_data(self, values: Values) -> None:
        """Check the values before they are written; a hook.

        :raise InvalidDataError: they are not valid
        """

    def _create(self, values: Values) -> BaseModel:
        """Create a binding, and with it the record, from complete values, and return it; a hook.

        If it is not overridden, all records of a page are created by one call of
        :meth:`_create_many`.
        """
        return self._create_many([values])

    def _create_many(self, values_list: list[Values]) -> BaseModel:
        """Create bindings, and with them the records, from complete values; return them in order.

        It is called once for all new records of a page.
        """
        return self._in_import(self.model).create(values_list).with_env(self.env)

    def _update(self, binding: BaseModel, values: Values) -> None:
        """Write the values that differ from those of the binding.

        What Odoo would compute anew because of them is written with them.
        """
        changed = changed_values(binding, values)
        self.mapper.check_adds_once(binding, changed)
        mapper = self.export_mapper if changed else None
        before: Any = mapper and would_send(mapper, binding, changed)
        unsaid = self.mapper.unsaid(self.external_record) if changed else ()
        together = written_together(binding, changed, values, self.mapper.written_with, unsaid=unsaid)
        write_together(self._in_import(binding), together, self._binding_values())
        if mapper:
            note_updated(mapper, binding, changed, before)

    def _after_import(self, binding: BaseModel) -> None:
        """Do further work after the import; a hook."""

    # Helpers

    def _is_overridden(self, name: str) -> bool:
        """Return whether a class overrides a step of one record; then no page does the step."""
        return getattr(type(self), name) is not getattr(RecordImporter, name)

    def _in_import(self, records: BaseModel) -> BaseModel:
        """Return records in the context of an import: changes are not exported to this backend."""
        # kept, as Odoo compares a context with that of each of its environments: 2 % of an update
        if self._environments is None or self._environments[0] is not records.env:
            found = without_export(records.with_context(**self._import_context), self.backend_record)
            self._environments = records.env, found.env
        return records.with_env(self._environments[1])

    def _reason_to_skip(self, overwrite: bool) -> str | None:
        """Return the reason why the record is not imported, None if it is imported.

        A conflict is a reason unless it is to be overwritten: only a person resolves it, and then
        imports by force.
        """
        if self.binder.is_alias(self.external_id, self.binding):
            return self._(
                "Record %(id)s of %(backend)s was merged into %(record)s here: it is not imported.",
                record=self.binding.display_name,
                **self._names(),
            )
        if not overwrite and is_in_conflict(self.binding):
            return self._("Not imported: its conflict waits for a person to keep ours or take theirs.")
        if self.environment.filters and not overwrite and not self._is_chosen():
            return self._(
                "Not imported: it is none of the records that the flow is for, see what is imported on the flow."
            )
        reason: Any = self._must_skip()
        if reason is True:
            raise TypeError(f"{class_name(type(self))}._must_skip() must return the reason as a text, None for none")
        return reason

    def _is_chosen(self) -> bool:
        """Return whether people have chosen the record, or it is here, or another one needs it."""
        incoming = self.incoming
        return not incoming.is_new or incoming.is_dependency or self.backend_adapter.is_chosen(incoming.record)

    def _binding_values(self) -> Values:
        """Return the values of the binding itself: its backend, external id and imported state."""
        values = {self.binder._backend_field: self.backend_record.id, **self._state_there()}
        known = {name: value for name, value in values.items() if name in self.model._fields}
        return {**known, **self.binder.bind_values(self.external_id, self.binding or None)}

    def _state_there(self) -> Values:
        """Return the values of a binding that store this state of the external record."""
        version = self._get_external_version()
        return {"external_version": version is not None and str(version), "import_checksum": self._get_checksum()}

    @contextmanager
    def _explaining(self, map_record: MapRecord) -> Iterator[None]:
        """Explain the values of a record if Odoo refuses them; the transaction stays usable."""
        with self.mapper.explaining(map_record), self.env.cr.savepoint():
            yield

    @contextmanager
    def _unique_violation_is_retried(self) -> Iterator[None]:
        """Turn a unique violation into a RetryableJobError.

        Another transaction has created the same record meanwhile. The next attempt will find it.
        """
        try:
            yield
        except UniqueViolation as violation:
            names = {"model": self.model._name, "id": self.external_id}
            names["detail"] = violation.diag.message_detail or violation
            message = self._("%(model)s %(id)s exists already: %(detail)s", **names)
            if self.session.job and self.session.job.attempt > 1:
                # not another import that runs at the same time
                message = self._(
                    "%(message)s\nThat was so at the last try too: let %(importer)s._match_key() find the record that is there.",
                    message=message,
                    importer=class_name(type(self)),
                )
            raise RetryableJobError(message, seconds=a_moment()) from violation

    def _keep_while_waiting(self) -> None:
        """Store what is to be kept of a record that has to wait; a hook.

        What its import has done by then was undone. It is called only for the job of a single
        record: a page keeps what was done for its other records.
        """

    def _note_missing(self) -> None:
        if self.binding:
            message = self._("%(backend)s has no record %(id)s any more.", **self._names())
            mark_error(self.binding, message, "missing")

    def _delay(self, force: bool = False, **options: Any) -> Job:
        """Delay a job that imports the record; of such jobs that wait, only one is run.

        :param force: import the record even if it has not changed, and overwrite changes that were
            not sent
        :param options: options of ``delay``: eta and so on
        """
        record = self.model._name, self.backend_record.id, self.external_id
        options.setdefault("description", description_of_import(self.environment, self.external_id))
        options.update(self.environment.flow_argument)
        identity = import_identity(*record, force)
        return import_record.delay(  # type: ignore[call-overload]  # the type of delay allows no options beside force
            self.environment.user_session, *record, force=force, identity_key=identity, **options
        )


def description_of_import(environment: Environment, external_id: ExternalId) -> str:
    """Return the description of a job that imports a record."""
    env = environment.user_session.env
    names = {
        "model": env[environment.model_name]._description,
        "id": external_id,
        "backend": environment.backend_name,
    }
    return env._("Import %(model)s %(id)s of %(backend)s", **names)


def bare_id(external_id: ExternalId | None) -> str:
    """Return what the forms of one external id have in common, as ``0042`` and ``42``.

    They differ in leading zeros, in spaces around them, or in case.
    """
    return (external_id_text(external_id) or "").strip().lstrip("0").casefold()


def _checked_id_text(external_id: object) -> str:
    text = external_id_text(external_id)
    if text is None:
        raise InvalidDataError(f"{shown(external_id)} is not an external id, so no record can be imported by it")
    return text


def _key(args: Mapping[str, Any]) -> str:
    return f"{args['model_name']},{args['backend_id']},{_checked_id_text(args['external_id'])}"


@job(
    default_channel=flow_channel(ImportFlow),
    related_action=open_imported,
    concurrency_key=_key,
    about=imported,
    former_names=["odoo.addons.connector.unit.importer.import_record"],
)
def import_record(
    session: ConnectorSession,
    model_name: str,
    backend_id: int,
    external_id: ExternalId,
    force: bool = False,
    data: ExternalRecord | None = None,
    read_at: datetime | None = None,
    flow: str | None = None,
) -> str:
    """Import a record of an external system

    The jobs of one record are run one after the other, so that each sees what the one before it has
    committed.

    :param model_name: name of the binding model
    :param backend_id: id of the backend's record
    :param external_id: id in the external system
    :param force: import the record even if it has not changed since the last import
    :param data: the record, if it was read already; it is read again if the binding was
        synchronised since then
    :param read_at: when it was read, see :meth:`RecordImporter.run`
    :param flow: code of its flow; None: the first import flow of the model, if it has any
    """
    try:
        environment = open_flow(session, model_name, backend_id, ImportFlow, flow)
    except FlowSwitchedOff as off:
        off.note_left_out([external_id], force)
        raise
    importer = environment.get_connector_unit(RecordImporter)
    failed = import_scope(model_name, backend_id), lambda: [import_key(external_id, force)]
    with noting_failure(session, *failed), mark_failure(session, importer.binder.to_internal(external_id)):
        try:
            return importer.run(external_id, force, data, read_at)
        except NotYet as error:
            return wait(importer, external_id, force, error, is_given=data is not None)
        except Rehearsed as error:  # the import is not done, and nobody would do it again
            raise FailedJobError(
                session.env._(
                    "Not imported, as this import also sends something. Requeue the job when the rehearsal is over. %s",
                    error,
                )
            ) from error
