"""What an import or export puts right: failed jobs and checkpoints about the same records.

A record that is imported with success closes what tells that its import has failed: its failed
jobs, the failed page in which it was the last one, and its place in a checkpoint. A job that waits
for something outside is over, too. An export closes failed exports. Neither closes the other's.

It is only noted here, in the transaction of the import: one query a page, and one INSERT if
something is found. What was noted is closed after the commit, see
``models/connector_put_right.py``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

from odoo.addons.jobs_queue.jobs import arguments
from odoo.addons.jobs_queue.jobs.keys import stored_key
from odoo.addons.jobs_queue.session import ConnectorSession

from ..exception import InvalidDataError
from .binding.state import is_final
from .connector_unit import external_id_text
from .jobs.keys import import_key
from .types import ExternalId

if TYPE_CHECKING:
    from .importer.incoming import Incoming
    from .importer.record import RecordImporter

#: The outcomes after which another run of a failed import would do nothing more.
_SETTLED = ("created", "updated", "unchanged", "skipped")
#: Those after which that also holds for an import by force.
_WRITTEN = ("created", "updated")

#: The job functions that import a record, with the names that they had before.
_IMPORTS = (
    "odoo.addons.connector.unit.importer.record.import_record",
    "odoo.addons.connector.unit.importer.import_record",
)
_EXPORTS = (
    "odoo.addons.connector.unit.exporter.record.export_record",
    "odoo.addons.connector.unit.exporter.export_record",
    "odoo.addons.connector.unit.exporter.bulk.export_bulk",
    "odoo.addons.connector.unit.bulk_exporter.export_bulk",
)


def note_imported(importer: RecordImporter, page: Iterable[Incoming], force: bool) -> None:
    """Note what the import of a page puts right.

    :param importer: :class:`~odoo.addons.connector.unit.importer.record.RecordImporter`
    :param page: list of :class:`~.importer.incoming.Incoming`, with their outcomes
    :param force: whether the import was by force
    """
    settled = {
        external_id_text(incoming.external_id): force or incoming.outcome in _WRITTEN
        for incoming in page
        if incoming.outcome in _SETTLED
    }
    _note_imported(importer, settled)


def note_missing(importer: RecordImporter, external_ids: Iterable[ExternalId]) -> None:
    """Note what is put right as records do not exist there any more, and that was dealt with."""
    _note_imported(importer, dict.fromkeys(map(external_id_text, external_ids), True))


def _note_imported(importer: RecordImporter, settled: Mapping[str | None, bool]) -> None:
    if not settled:
        return
    names = importer.model._name, importer.backend_record.id
    keys = {stored_key(import_key(*names, text)): whole for text, whole in settled.items()}
    importer.env["connector.put.right"].sudo()._note(
        importer.session, concurrency=(_IMPORTS, keys), records=keys, read_at=importer._read_at
    )


def note_exported(session: ConnectorSession, identity_keys: Iterable[str]) -> None:
    """Note what the exports of whole records put right.

    :param identity_keys: of the exports
    """
    keys = dict.fromkeys(map(stored_key, identity_keys), True)
    if keys:
        session.env["connector.put.right"].sudo()._note(session, identity=(_EXPORTS, keys), records=keys)


@contextmanager
def noting_failed_page(importer: Any, items: Iterable[Any], force: bool) -> Iterator[None]:
    """Note which records a page has, if its import fails for good.

    The job's transaction is rolled back, and the note is committed in its place, as with
    :func:`~.binding.state.mark_failure`: so the job closes itself once others have imported them.

    :param importer: bulk importer of the model
    :param items: list of ids or records
    :param force: whether the import is by force
    """
    try:
        yield
    except Exception as error:
        session = importer.session
        if session.owns_transaction and is_final(session.job, error):
            session.rollback()
            names = importer.model._name, importer.backend_record.id
            importer.env["connector.open.record"].sudo()._add(
                [open_key(import_key(*names, text), force) for text in _ids(importer, items)], job_id=session.job.id
            )
            session.commit()
        raise


def _ids(importer: Any, items: Iterable[Any]) -> list[str]:
    """Return the ids of records as text, without those that cannot be used."""
    texts = []
    for item in items:
        try:
            text = external_id_text(importer.backend_adapter.id_of(item) if isinstance(item, dict) else item)
        except (InvalidDataError, LookupError, TypeError):
            continue
        if text is not None:
            texts.append(text)
    return list(dict.fromkeys(texts))


def open_key(key: str, force: bool = False) -> str:
    """Return the key by which the record of a failed import is found.

    :param force: only an import that writes the record puts an import by force right
    """
    return stored_key(key) + (",force" if force else "")


Direction = Literal["import", "export"]


def direction_of(session: ConnectorSession) -> Direction | None:
    """Return whether the running job imports or exports, None if it does neither."""
    function = getattr(session.job, "function", None) or ""
    if function.startswith("odoo.addons.connector.unit.importer."):
        return "import"
    return "export" if function in _EXPORTS else None


def waiting_jobs(session: ConnectorSession, keys: Iterable[str]) -> Any:
    """Return the jobs that wait with a ``NotYet`` for records, a recordset.

    :param keys: see :func:`~.jobs.keys.import_key`
    """
    return (
        session.env["queue.job"]
        .sudo()
        .search(
            [
                ("concurrency_key", "in", list(keys)),
                ("state", "=", "scheduled"),
                ("waits_for", "!=", False),
                ("function", "in", _IMPORTS),
            ]
        )
    )


def is_forced(env: Any, payload: str) -> bool:
    """Return whether the stored arguments of an import say that it is by force."""
    args, kwargs = arguments.decode_call(payload, env)
    return bool(kwargs.get("force", args[2] if len(args) > 2 else False))
