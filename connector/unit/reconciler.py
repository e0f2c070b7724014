"""Reconciliation: compare all records of both sides and repair the differences, in a job."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from odoo.fields import Domain
from odoo.models import BaseModel
from odoo.tools import split_every

from odoo.addons.jobs_queue.exception import NotYet
from odoo.addons.jobs_queue.jobs import job
from odoo.addons.jobs_queue.session import ConnectorSession

from ..backend import general
from .binding.selecting import selection_in
from .binding.state import is_in_conflict, mark_in_sync, recall, remember
from .connector_unit import external_id_text
from .exporter.bulk import BulkExporter
from .exporter.consumers import delay_bulk_export
from .exporter.record import export_record
from .flow import ImportFlow, open_flow
from .importer.bulk import PAGE_SIZE, import_page
from .importer.by_hand import kept_out, obey_decisions
from .importer.incoming import Incoming
from .importer.record import RecordImporter
from .jobs.channel import flow_channel
from .jobs.keys import export_identity
from .jobs.related_action import open_differences
from .synchronizer import Synchronizer
from .types import ExternalId

REPAIRS = (None, "import", "export")


@dataclass
class Difference:
    """The differences between the records of both sides; one without differences is false."""

    compared: int = 0
    missing: list[ExternalId] = field(default_factory=list)  # external ids of records that are not in Odoo
    extra: list[int] = field(default_factory=list)  # ids of bindings without an external record
    # external id of records that differ in content, to id of the binding
    different: dict[ExternalId, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.missing or self.extra or self.different)


@general
class Reconciler(Synchronizer):
    """Comparison of the bindings of a backend with all records of the external system.

    Differences are

    - *missing*: an external record that is not in Odoo. Records that the importer skips or lets
      wait do not count, nor those that people have not chosen for the flow
    - *extra*: a binding without an external record, as it was deleted there or never exported
    - *different*: a record that an import would change in Odoo: it was changed on one side, and the
      change did not arrive on the other. Its binding says so, until it is synchronised

    ``"import"`` imports missing and different records; of the records that were deleted there, the
    importer's policy decides what becomes of them here. No repair deletes a record. ``"export"``
    creates extra records in the external system and exports different ones, and it sends again the
    values that the system changes by itself (``_changes_there`` of a bulk exporter). Bindings whose
    external record was deleted are marked as missing.

    If there are too many records to read them all, a connector sets ``_compares_content`` to False:
    then only ids are compared.
    """

    _page_size: int = PAGE_SIZE
    _compares_content: bool = True

    def run(self, repair: Literal["import", "export"] | None = None) -> Difference:
        """Compare both sides, and delay the jobs that repair the differences.

        :param repair: None: only report; ``"import"`` or ``"export"``: see :class:`Reconciler`
        :return: :class:`Difference`
        :raise ValueError: there is no such repair
        """
        if repair not in REPAIRS:
            raise ValueError(f"repair is {repair!r}: it must be one of {', '.join(map(repr, REPAIRS))}")
        difference = self._compare()
        if self.session.owns_transaction:
            self.session.commit()  # the comparison may have taken long, and others have written bindings meanwhile
        difference.extra = self._confirm(difference.extra)
        self._mark_missing(difference, handles=repair == "import")
        self._mark_different(difference)
        if repair == "import":
            self._import([*difference.missing, *difference.different])
        elif repair == "export":
            self._export([*difference.extra, *difference.different.values()])
            self._send_what_changes_there()
        return difference

    def describe(self, difference: Difference) -> str:
        """Return a :class:`Difference` as a text for the user."""
        return self._(
            "Records compared with %(backend)s: %(compared)s. Missing here: %(missing)s, not there: %(extra)s, different: %(different)s.",
            compared=difference.compared,
            backend=self.environment.backend_name,
            missing=len(difference.missing),
            extra=len(difference.extra),
            different=len(difference.different),
        )

    # Records on both sides

    def _search_there(self) -> Iterable[Any]:
        """Return all records of the external system that could be in Odoo.

        :return: list of ids, or of records if the adapter lists whole records
        """
        adapter = self.backend_adapter
        if self._compares_content and adapter.lists_records:
            return adapter.search_read(None, self.unit_for(RecordImporter)._fields_to_read())
        return adapter.search()

    def _search_here(self) -> BaseModel:
        """Return the bindings that should have an external record.

        These are the bindings with an external id, and those that are to be exported.
        """
        of_backend = Domain(self.binder._backend_field, "=", self.backend_record.id)
        exported = Domain(self.binder._external_field, "!=", False) | Domain("no_export", "=", False)
        if selection := selection_in(self.environment):
            exported = Domain(self.binder._external_field, "!=", False) | (exported & selection.of_bindings())
        bindings = self.model.with_context(active_test=False)
        return bindings.search_fetch(of_backend & exported, [self.binder._external_field], order="id")

    # Comparison

    def _compare(self) -> Difference:
        # Odoo first, then the external system: a record that is created there and bound meanwhile
        # does not look as if it had been deleted there
        external_field = self.binder._external_field
        here = {binding.id: binding[external_field] for binding in self._search_here()}
        bound = set(here.values())
        there = {external_id_text(self._id_of(found)): found for found in self._search_there()}
        difference = Difference(
            compared=len(here) + len(there.keys() - bound),
            extra=[binding_id for binding_id, text in here.items() if text not in there],
        )
        if self._compares_content:
            self._compare_content(there, difference)
        else:
            known = bound | self.binder.to_internal_many(there.keys() - bound).keys()
            known |= kept_out(self, there.keys() - known)
            difference.missing = [self._id_of(found) for text, found in there.items() if text not in known]
        if difference.missing and self.environment.filters:
            chosen = self._chosen_there()
            difference.missing = [id_ for id_ in difference.missing if external_id_text(id_) in chosen]
        return difference

    def _chosen_there(self) -> set[str | None]:
        """Return the external ids of the records that people have chosen to import, as texts."""
        adapter = self.backend_adapter
        return {external_id_text(external_id) for external_id in adapter.search(adapter.with_chosen(None))}

    def _id_of(self, found: Any) -> ExternalId:
        return self.backend_adapter.id_of(found) if isinstance(found, dict) else found

    def _compare_content(self, there: Mapping[Any, Any], difference: Difference) -> None:
        done = 0
        for page in split_every(self._page_size, there.values(), list):
            importer = self.unit_for(RecordImporter)
            theirs = self._incoming(importer, page)
            obey_decisions(importer, theirs)
            for incoming in importer.each(theirs):
                if self.binder.is_alias(incoming.external_id, incoming.binding):
                    continue
                try:
                    if incoming.is_new:
                        if not incoming.outcome and not importer._must_skip():
                            difference.missing.append(incoming.external_id)
                    elif importer._would_change():
                        difference.different[incoming.external_id] = incoming.binding.id
                except NotYet:
                    continue  # no repair imports it now, and the comparison must not wait for it
            self.env.invalidate_all()
            done += len(page)
            if self.session.job:
                self.session.job.progress(done, len(there))

    def _incoming(self, importer: RecordImporter, page: list[Any]) -> list[Incoming]:
        """Return the :class:`.Incoming` records of a page of :meth:`_search_there`, as a list.

        Records of which only the id is known are read.
        """
        if isinstance(page[0], dict):
            return importer.page_of({self.backend_adapter.id_of(record): record for record in page})
        return importer.read_page(page)

    # Repair

    def _confirm(self, extra: list[int]) -> list[int]:
        """Return the bindings that really have no external record.

        The list of ids may be incomplete: a page was read while other records were deleted, or
        records were created since then.
        """
        bindings = self.model.browse(extra).exists()
        external_ids = bindings.filtered(self.binder._external_field).mapped(self.binder._external_field)
        there = {external_id_text(external_id) for external_id in self._search_again(external_ids)}
        return bindings.filtered(lambda binding: binding[self.binder._external_field] not in there).ids

    def _search_again(self, external_ids: Iterable[ExternalId]) -> Iterable[Any]:
        """Return the ids of the external records: of some, or of all."""
        if external_ids and not self._compares_content:
            return self._search_there()
        importer = self.unit_for(RecordImporter)
        pages = split_every(self._page_size, external_ids, list)
        return [theirs.external_id for page in pages for theirs in importer.read_page(page)]

    def _mark_missing(self, difference: Difference, handles: bool) -> None:
        """Mark bindings whose external record was deleted; unmark those whose record is back.

        :param handles: whether the importer's policy for missing records is applied to them
        """
        extra = self.model.browse(difference.extra).filtered(self.binder._external_field)
        importer = self.unit_for(RecordImporter)
        external_ids = dict.fromkeys(extra.mapped(self.binder._external_field))
        for _incoming in importer.each(importer.page_of(external_ids)):
            importer._note_missing()
            if handles:
                importer._handle_missing()
        there_again = Domain(self.binder._backend_field, "=", self.backend_record.id) & Domain(
            "sync_state", "=", "missing"
        )
        mark_in_sync(self.model.with_context(active_test=False).search(there_again) - extra, "missing")

    def _mark_different(self, difference: Difference) -> None:
        """Mark bindings whose records differ; unmark those whose records do not differ any more."""
        different = self.model.browse(difference.different.values()).exists()
        unmarked = different.filtered(lambda binding: recall(binding, "sync_state") in ("never", "in_sync"))
        remember(unmarked, {"sync_state": "different"})
        if "sync_state" in self.model._fields and self._compares_content:
            marked = self.model.with_context(active_test=False).search(
                [(self.binder._backend_field, "=", self.backend_record.id), ("sync_state", "=", "different")]
            )
            mark_in_sync(marked - different, "different")

    def _import(self, external_ids: Iterable[ExternalId]) -> None:
        """Import records in pages.

        A page skips records in conflict, and different records whose change in Odoo was not sent
        yet.
        """
        argument: dict[str, Any] = {"force": True, **self.environment.flow_argument}
        session = self.environment.user_session
        for page in split_every(self._page_size, external_ids, list):
            import_page.delay(session, self.model._name, self.backend_record.id, external_ids=page, **argument)

    def _export(self, binding_ids: Iterable[int]) -> None:
        bindings = self.model.browse(binding_ids).exists().filtered(self._is_to_be_exported)
        if selection := selection_in(self.environment):
            bindings = selection.among(bindings)
        gone = bindings.filtered(lambda binding: binding.sync_state == "missing")
        if self.backend_record.sudo().is_rehearsal:
            # nothing is created there in their place, so they stay bound
            bindings, gone = bindings - gone, gone.browse()
        remember(gone, {self.binder._external_field: False, "external_version": False, "import_checksum": False})
        remember(bindings, {"export_checksum": False, "sync_state": "to_export"})
        for binding in bindings:
            export_record.delay(
                self.environment.user_session,
                self.model._name,
                binding.id,
                identity_key=export_identity(self.model._name, binding.id),
            )

    def _send_what_changes_there(self) -> None:
        """Delay the bulk export of all bindings if the system changes its values by itself."""
        exporters = self.environment.backend.get_classes(
            BulkExporter, self.environment.session, self.environment.model_name
        )
        if any(exporter._changes_there for exporter in exporters):
            delay_bulk_export(self.environment.user_session, self._search_here())

    def _is_to_be_exported(self, binding: BaseModel) -> bool:
        return not binding.no_export and not is_in_conflict(binding)


@job(
    default_channel=flow_channel(ImportFlow),
    related_action=open_differences,
    concurrency_key=lambda args: f"reconcile,{args['model_name']},{args['backend_id']}",
)
def reconcile(
    session: ConnectorSession,
    model_name: str,
    backend_id: int,
    repair: Literal["import", "export"] | None = None,
    flow: str | None = None,
) -> str:
    """Compare all records with an external system

    :param model_name: name of the binding model
    :param backend_id: id of the backend's record
    :param repair: None: only report; ``"import"`` or ``"export"``, see :class:`Reconciler`
    :param flow: code of its flow; None: the first import flow of the model, if it has any
    """
    reconciler = open_flow(session, model_name, backend_id, ImportFlow, flow).get_connector_unit(Reconciler)
    return reconciler.describe(reconciler.run(repair))
