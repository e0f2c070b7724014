"""What an import obeys of what people have decided about records that are not here yet.

The rows are those of ``connector.match``. A page asks for those of its new records by one query,
and by another one once they are created. No process remembers that there are none: somebody may
decide at any time.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from odoo.addons.jobs_queue.exception import NotYet

from ..connector_unit import external_id_text
from .incoming import Incoming

if TYPE_CHECKING:
    from ..synchronizer import Importer, Synchronizer
    from .record import RecordImporter


def obey_decisions(importer: RecordImporter, page: Iterable[Incoming]) -> None:
    """Let new records be skipped that are ignored, and not be matched that are said to be new.

    One for which ours was picked waits for *Bind*, however long that takes: its import would make a
    second one here. Once it is bound, or the pick was taken back, it is imported.

    :param page: list of :class:`~.incoming.Incoming`
    """
    new = {str(external_id_text(incoming.external_id)): incoming for incoming in page if incoming.is_new}
    decisions = _decisions(importer, new)
    for text, incoming in new.items():
        incoming.is_matched = decisions.get(text) != "create"
        if decisions.get(text) == "ignore":
            incoming.outcome = "skipped"
            incoming.reason = importer._(
                "Record %(id)s of %(backend)s is ignored: somebody has decided so in the matches of its flow.",
                id=incoming.external_id,
                backend=importer.environment.backend_name,
            )
        elif decisions.get(text) == "bind":
            reason = importer._("Ours was picked for it: press “Bind” in the matches.")
            incoming.outcome, incoming.wait = "waits", NotYet(reason, give_up_days=None)


def kept_out(unit: Synchronizer, external_ids: Iterable[str | None]) -> set[str]:
    """Return those of some external ids, as text, that are ignored or to be bound: not imported."""
    return {text for text, decision in _decisions(unit, external_ids).items() if decision != "create"}


def forget_decisions(importer: Importer, page: Iterable[Incoming]) -> None:
    """Delete what was to be decided about records that are bound now."""
    _rows(importer, (external_id_text(incoming.external_id) for incoming in page)).unlink()


def _decisions(unit: Synchronizer, external_ids: Iterable[str | None]) -> dict[str, str]:
    """Return what was decided about some records: a dict, external id to the decision."""
    return {row.external_id: row.decision for row in _rows(unit, external_ids) if row.decision}


def _rows(unit: Synchronizer, external_ids: Iterable[str | None]) -> Any:
    """Return the rows of some records there."""
    texts = [text for text in external_ids if text is not None]
    return unit.env["connector.match"].sudo()._of_records(unit.backend_record, unit.model._name, texts)
