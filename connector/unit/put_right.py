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
from typing import TYPE_CHECKING, Any, Literal

from odoo.addons.jobs_queue.jobs.keys import stored_key
from odoo.addons.jobs_queue.session import ConnectorSession

from ..exception import InvalidDataError
from .binding.state import is_final
from .connector_unit import external_id_text
from .jobs.keys import bulk_export_identity, export_identity
from .types import ExternalId

if TYPE_CHECKING:
    from .importer.incoming import Incoming
    from .importer.record import RecordImporter
    from .synchronizer import Importer

#: The outcomes after which another run of a failed import would do nothing more.
_SETTLED = ("created", "updated", "unchanged", "skipped")
#: Those after which that also holds for an import by force.
_WRITTEN = ("created", "updated")

#: The job functions whose failures are noted, with the names that they had before.
_IMPORTS = (
    "odoo.addons.connector.unit.importer.record.import_record",
    "odoo.addons.connector.unit.importer.import_record",
)
_PAGES = (
    "odoo.addons.connector.unit.importer.bulk.import_page",
    "odoo.addons.connector.unit.bulk_importer.import_page",
)
_EXPORTS = (
    "odoo.addons.connector.unit.exporter.record.export_record",
    "odoo.addons.connector.unit.exporter.export_record",
)
_BULK_EXPORTS = (
    "odoo.addons.connector.unit.exporter.bulk.export_bulk",
    "odoo.addons.connector.unit.bulk_exporter.export_bulk",
)
_LISTS = (
    "odoo.addons.connector.unit.importer.batch.import_batch",
    "odoo.addons.connector.unit.batch_importer.import_batch",
)
#: All of them.
NOTED = (*_IMPORTS, *_PAGES, *_LISTS, *_EXPORTS, *_BULK_EXPORTS)

Direction = Literal["import", "export"]


def import_scope(model_name: str, backend_id: int) -> str:
    """Return the scope of the failed imports of a model from a backend."""
    return f"import,{model_name},{backend_id}"


def import_key(external_id: object, force: bool = False) -> str:
    """Return the key of the failed import of a record.

    :param force: only an import that writes the record puts an import by force right
    """
    return stored_key(str(external_id_text(external_id))) + (",force" if force else "")


def list_scope(model_name: str, backend_id: int) -> str:
    """Return the scope of the lists of changes of a model; their keys are codes of flows, or ""."""
    return f"list,{model_name},{backend_id}"


def export_scope(model_name: str) -> str:
    """Return the scope of the failed exports of a binding model; their keys are identity keys."""
    return f"export,{model_name}"


def scope_and_keys(
    function: str, model_name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> tuple[str, list[str]]:
    """Return the scope and the keys of the records of a job, without keys if it does not tell them.

    :param function: one of :data:`NOTED`
    :param args: those of the job; a page has its ids, or dicts with ``id``
    """
    if function in _EXPORTS:
        return export_scope(model_name), [export_identity(model_name, args[0])]
    if function in _BULK_EXPORTS:
        return export_scope(model_name), [bulk_export_identity(model_name, *args[1:])]
    if function in _IMPORTS:
        force = kwargs.get("force", args[2] if len(args) > 2 else False)
        return import_scope(model_name, args[0]), [import_key(args[1], force)]
    if function in _LISTS:
        is_of_changes = kwargs.get("filters", args[1] if len(args) > 1 else None) is None
        return list_scope(model_name, args[0]), [kwargs.get("flow") or ""] if is_of_changes else []
    ids = kwargs.get("external_ids") or (args[1] if len(args) > 1 else None) or ()
    return import_scope(model_name, args[0]), [import_key(id_, bool(kwargs.get("force"))) for id_ in ids]


# What is put right


def note_imported(importer: RecordImporter, page: Iterable[Incoming], force: bool) -> None:
    """Note what the import of a page puts right.

    :param importer: :class:`~odoo.addons.connector.unit.importer.record.RecordImporter`
    :param page: list of :class:`~.importer.incoming.Incoming`, with their outcomes
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


def note_missing(importer: RecordImporter, external_ids: Iterable[ExternalId]) -> None:
    """Note what is put right as records do not exist there any more, and that was dealt with."""
    _note(importer, lambda: dict.fromkeys(external_ids, True))


def _note(importer: RecordImporter, settled: Callable[[], Mapping[ExternalId, bool]]) -> None:
    scope = import_scope(importer.model._name, importer.backend_record.id)  # type: ignore[arg-type]  # it has one
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
    scope = list_scope(importer.model._name, importer.backend_record.id)  # type: ignore[arg-type]  # it has one
    if importer.env["connector.open.record"].sudo()._is_any(scope):
        importer.env["connector.put.right"].sudo()._note(importer.session, scope, [flow_key], began)


def note_exported(session: ConnectorSession, model_name: str, identity_keys: Iterable[str]) -> None:
    """Note what the exports of whole records put right.

    :param identity_keys: of the exports
    """
    scope = export_scope(model_name)
    if session.env["connector.open.record"].sudo()._is_any(scope):
        session.env["connector.put.right"].sudo()._note(session, scope, list(identity_keys))


# What has failed


@contextmanager
def noting_failure(session: ConnectorSession, scope: str, keys: Callable[[], list[str]]) -> Iterator[None]:
    """Note which records a job has, if it fails for good.

    The job's transaction is rolled back, and the note is committed in its place, as with
    :func:`~.binding.state.mark_failure`. It is committed before the job has failed. The failures
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


def direction_of(session: ConnectorSession) -> Direction | None:
    """Return whether the running job imports or exports records, None if it does neither."""
    function = getattr(session.job, "function", None)
    if function in (*_IMPORTS, *_PAGES):
        return "import"
    return "export" if function in (*_EXPORTS, *_BULK_EXPORTS) else None
