"""Conflict that an export meets: the record was changed on both sides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..binding.state import is_in_conflict, recall, remember
from ..checkpoint import add_checkpoint
from ..importer.incoming import Incoming
from ..importer.record import RecordImporter
from ..types import Values

if TYPE_CHECKING:
    from .record import RecordExporter


class Conflict:
    """The part of an export that finds a conflict and resolves it by the exporter's policy.

    The external record is in conflict if its version differs from the last known one, of an import
    or after an export. For a record without a version, its checksum is compared. The importer of
    the model returns both.

    There is no conflict if both sides have the same values by now, as after a job that died when it
    had sent its values.

    :param exporter: :class:`~odoo.addons.connector.unit.exporter.record.RecordExporter`
    """

    def __init__(self, exporter: RecordExporter) -> None:
        self._exporter = exporter
        self._policy = exporter.policy("conflict")

    def resolve(self) -> str | None:
        """Return what was done instead of the export, None if the Odoo record is to be sent."""
        binding = self._exporter.binding
        is_known = recall(binding, "external_version") or recall(binding, "import_checksum")
        if self._policy == "odoo_wins" or not is_known:
            return None
        theirs = self._read_theirs()
        if theirs._is_known_state(binding) or not theirs._would_change():
            return None
        if self._policy == "ask":
            return self._ask()
        if self._policy == "external_wins" or self._are_theirs_newer(theirs):
            return self._import_theirs(theirs)
        return None

    def state_to_remember(self) -> Values:
        """Return the values for the binding with the external state after our export.

        If the external record has other changes besides ours, an import is delayed to get them.
        They are changes of a person that we have overwritten, or of the system itself, which for
        instance writes names in capitals.
        """
        if self._policy == "odoo_wins":
            return {"import_checksum": False}  # unknown: the state before is worth an import if somebody restores it
        theirs = self._read_theirs()
        if not theirs._would_change():
            return theirs._state_there()
        theirs._delay()
        return {**theirs._state_there(), "sync_state": "to_import"}

    def _read_theirs(self) -> RecordImporter:
        """Return an importer that has read the current external record."""
        importer = self._exporter.unit_for(RecordImporter)
        importer.incoming = Incoming(self._exporter.external_id, None, self._exporter.binding)  # type: ignore[arg-type]  # it has an id
        importer.incoming.record = importer._read()
        return importer

    def _are_theirs_newer(self, theirs: RecordImporter) -> bool:
        date = theirs._get_external_date()
        if date is None:
            raise NotImplementedError(
                f"{type(theirs).__name__} does not say when a record was changed: the policy “newest” of "
                f"{type(self._exporter).__name__} needs its method _get_external_date(), or that the adapter declares "
                "changed = Since(..., order=...)"
            )
        return date > self._exporter.binder.unwrap_binding(self._exporter.binding).write_date

    def _import_theirs(self, theirs: RecordImporter) -> str:
        # with force only if it is in conflict, as the import would be skipped. Otherwise without:
        # changes made in Odoo until then must be exported first, and the conflict resolved again
        exporter = self._exporter
        theirs._delay(force=is_in_conflict(exporter.binding))
        return exporter._(
            "Changed in %(backend)s too: record %(id)s is imported and not exported.", **exporter._names()
        )

    def _ask(self) -> str:
        exporter = self._exporter
        message = exporter._(
            "Changed here and in %(backend)s (record %(id)s): keep ours or take theirs.", **exporter._names()
        )
        record = exporter.binder.unwrap_binding(exporter.binding)
        add_checkpoint(exporter.session, record._name, record.id, exporter.backend_record, message, severity="warning")
        remember(exporter.binding, {"sync_state": "conflict", "sync_error": message})
        return message
