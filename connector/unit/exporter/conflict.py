"""Resolve a conflict that an export meets: a record that was changed on both sides."""

from ..binding.state import is_in_conflict, recall, remember
from ..checkpoint import add_checkpoint
from ..conflict_policy import ConflictPolicy
from ..importer.record import RecordImporter


class ConflictResolution(ConflictPolicy):
    """The part of an exporter that finds conflicts and decides them by its policy.

    The record there has a conflict with ours when its version is another than the one that we saw last, at an import or after an export;
    of a record without a version, when its checksum is. Both are told by the importer of the model. There is none when both sides are the
    same by now, as after a job that died when it had sent ours.
    """

    def _resolve_conflict(self):
        """Return what was done instead of the export, None when ours is to be sent."""
        is_known = recall(self.binding, "external_version") or recall(self.binding, "import_checksum")
        if self._conflict_policy == "odoo_wins" or not is_known:
            return None
        theirs = self._read_theirs()
        if theirs._is_known_state(self.binding) or not theirs._would_change():
            return None
        if self._conflict_policy == "ask":
            return self._ask()
        if self._conflict_policy == "external_wins" or self._are_theirs_newer(theirs):
            return self._import_theirs(theirs)
        return None

    def _read_theirs(self):
        """Return an importer that has read the record there as it is now."""
        importer = self.unit_for(RecordImporter)
        importer.binding, importer.external_id = self.binding, self.external_id
        importer.external_record = importer._read()
        return importer

    def _are_theirs_newer(self, theirs):
        date = theirs._get_external_date()
        if date is None:
            raise NotImplementedError(
                f"{type(theirs).__name__} does not say when a record was changed: the policy “newest” of {type(self).__name__} "
                "needs its method _get_external_date()"
            )
        return date > self.binder.unwrap_binding(self.binding).write_date

    def _import_theirs(self, theirs):
        # not by force: what is changed here until then must be exported first, and decided anew
        theirs._delay(force=is_in_conflict(self.binding))
        return self._("Changed in %(backend)s too: record %(id)s is imported and not exported.", **self._names())

    def _ask(self):
        message = self._("Changed here and in %(backend)s (record %(id)s): keep ours or take theirs.", **self._names())
        record = self.binder.unwrap_binding(self.binding)
        add_checkpoint(self.session, record._name, record.id, self.backend_record, message, severity="warning")
        remember(self.binding, {"sync_state": "conflict", "sync_error": message})
        return message

    def _state_to_remember(self):
        """Return the values by which the binding remembers the state there that our export has made.

        If the record there has changes besides ours, an import that follows brings them: of somebody, over whom we have won, or of the
        system itself, which writes names in capitals, for instance.
        """
        if self._conflict_policy == "odoo_wins":
            return {"import_checksum": False}  # unknown: the state before is worth an import if somebody restores it
        theirs = self._read_theirs()
        if not theirs._would_change():
            return theirs._state_there()
        theirs._delay()
        return {**theirs._state_there(), "sync_state": "to_import"}
