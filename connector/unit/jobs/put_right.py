"""What an import or export puts right: failed jobs and checkpoints about the same records.

A record that is imported with success closes what tells that its import has failed: its failed
jobs, the failed page in which it was the last one, and its place in a checkpoint. A job that waits
for something outside is over, too. An export closes failed exports. Neither closes the other's.

Each failure of a record is a row of ``connector.open.record``. So an import asks one table that is
small, and by one query if nothing of its model and backend is open. It only notes what it has
found. That is closed after its commit, see ``models/connector_put_right.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from odoo.addons.jobs_queue.session import ConnectorSession

from ...exception import InvalidDataError
from ..binding.state import is_final
from ..connector_unit import external_id_text
from ..open_records import export_scope, import_key, import_scope, list_scope
from ..synchronizer import Importer
from ..types import ExternalId

#: The outcomes after which another run of a failed import would do nothing more.
_SETTLED = ("created", "updated", "unchanged", "skipped")
#: Those after which that also holds for an import by force.
_WRITTEN = ("created", "updated")

# What is put right


def note_imported(importer: Any, page: Iterable[Any], force: bool) -> None:
    """Note what the import of a page puts right.

    :param importer: :class:`~odoo.addons.connector.unit.importer.record.RecordImporter`
    :param page: list of :class:`~..importer.incoming.Incoming`, with their outcomes
    :param force: whether the import was by force
    """
    _note(
        importer,
        lambda: {
            incoming.external_id: force or incoming.outcome in _WRITTEN
            for incoming in page
            if incoming.outcome in _SETTLED
        },
    )


def note_missing(importer: Any, external_ids: Iterable[ExternalId]) -> None:
    """Note what is put right as records do not exist there any more, and that was dealt with."""
    _note(importer, lambda: dict.fromkeys(external_ids, True))


def _note(importer: Any, settled: Callable[[], Mapping[ExternalId, bool]]) -> None:
    scope = import_scope(importer.model._name, importer.backend_record.id)
    # asked once in a transaction, which sees no later rows
    if not importer.environment.open(
        f"failures of {scope}", lambda: importer.env["connector.open.record"].sudo()._is_any(scope)
    ):
        return
    keys = [
        import_key(external_id, force)
        for external_id, is_written in settled().items()
        for force in ((False, True) if is_written else (False,))
    ]
    importer.env["connector.put.right"].sudo()._note(importer.session, scope, keys, importer._read_at)


def note_listed(importer: Importer, flow_key: str, began: datetime | None) -> None:
    """Note that the changes of a model were listed: what failed to list them before is put right.

    The watermark has not moved since it failed, or has moved with another list. So this list has
    brought what that one would have brought.

    :param importer: batch importer of the model
    :param flow_key: code of its flow, "" for the model's first one
    :param began: when the list was begun, None: since the running job began
    """
    scope = list_scope(importer.model._name, importer.backend_record.id)
    if importer.env["connector.open.record"].sudo()._is_any(scope):
        importer.env["connector.put.right"].sudo()._note(importer.session, scope, [flow_key], began)


def note_exported(session: ConnectorSession, model_name: str, keys: Iterable[str]) -> None:
    """Note what the exports of whole records put right.

    :param keys: of the exports, see :func:`~..open_records.export_key`
    """
    scope = export_scope(model_name)
    if session.env["connector.open.record"].sudo()._is_any(scope):
        session.env["connector.put.right"].sudo()._note(session, scope, list(keys))


# What has failed


@contextmanager
def noting_failure(session: ConnectorSession, scope: str, keys: Callable[[], list[str]]) -> Iterator[None]:
    """Note which records a job has, if it fails for good.

    The job's transaction is rolled back, and the note is committed in its place, as with
    :func:`~..binding.state.mark_failure`. It is committed before the job has failed. The failures
    of jobs whose process died are noted a little later, when failed jobs are grouped.

    :param keys: function that returns the keys of the records in the scope
    """
    try:
        yield
    except Exception as error:
        if session.owns_transaction and is_final(session.job, error):
            session.rollback()
            session.env["connector.open.record"].sudo()._add(scope, keys(), session.job.id)
            session.commit()
        raise


def keys_of_page(importer: Any, items: Iterable[Any], force: bool) -> list[str]:
    """Return the keys of a page of ids or records, without those that cannot be used.

    :param importer: any unit of the model
    """
    keys = {}
    for item in items:
        try:
            external_id = importer.backend_adapter.id_of(item) if isinstance(item, dict) else item
            if external_id_text(external_id) is not None:
                keys[import_key(external_id, force)] = True
        except (InvalidDataError, LookupError, TypeError):
            continue
    return list(keys)
