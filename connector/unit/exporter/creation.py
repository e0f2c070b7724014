"""Creation of a record in the external system exactly once, even if a job dies meanwhile."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

from psycopg2.errors import UniqueViolation

from odoo.models import BaseModel

from ...exception import Rehearsed
from ..backend_adapter.crud import CRUDAdapter
from ..backend_adapter.rehearsal import hold_back_own
from ..checkpoint import add_checkpoint
from ..types import ExternalId, Values
from .unanswered import is_refusal

if TYPE_CHECKING:
    from .record import RecordExporter


class Creation:
    """The creation of the external record by an exporter.

    Before the call, an intent with an idempotency key is committed (``connector.export.intent``).
    The commit that stores the returned id also deletes the intent. So a job that finds an intent
    knows that another job died in between, and

    - asks the adapter for the record by ``find_by_key(key)``, and uses it if it exists
    - otherwise creates it with the same key, by ``create(data, idempotency_key=key)``

    If the adapter supports one of the two, the record is created exactly once. If it supports
    neither, the record is created *at least once*: a checkpoint then asks a person to look for a
    second one.

    Both commits are made by the job's own cursor: a worker that was declared dead does not get as
    far as the call. An exporter that runs in the transaction of its caller, outside of a job,
    commits nothing and leaves no intent.

    :param exporter: :class:`~odoo.addons.connector.unit.exporter.record.RecordExporter`
    """

    def __init__(self, exporter: RecordExporter) -> None:
        self._exporter = exporter
        self._adapter = exporter.backend_adapter
        self._intents = exporter.env["connector.export.intent"].sudo()
        self._key: str | None = None
        self._is_found = False  # whether the intent is of a job before

    def run(self, values: Values) -> ExternalId:
        """Create the external record, unless a job that died has created it; return its id.

        :param values: dict of the values to send
        """
        intent = self._intents._of(self._exporter.binding)
        self._is_found = bool(intent)
        if intent:
            external_id = self._find_created(intent)
        else:
            intent, external_id = self._declare_intent(values), None
        if external_id is None:
            external_id = self._create_for(intent, values)
        intent.unlink()
        return external_id

    def key_argument(self) -> dict[str, str]:
        """Return the idempotency key as keyword arguments for the adapter's ``create``.

        They are empty if the method does not take the key.
        """
        return {"idempotency_key": self._key} if self._key and self._is_key_taken() else {}

    def _declare_intent(self, values: Values) -> BaseModel:
        """Return the committed intent to create the record.

        It is an empty recordset if nothing may be committed.
        """
        exporter = self._exporter
        if not exporter.session.owns_transaction:
            return self._intents
        key = exporter._get_idempotency_key(values)
        try:
            with exporter.env.cr.savepoint():
                intent = self._intents._declare(exporter.binding, exporter.backend_record, key)
        except UniqueViolation as violation:
            # it was committed after our snapshot, by a job that held the lock before us
            raise exporter._is_busy() from violation
        exporter._commit()
        exporter._lock()
        if exporter.external_id is not None:  # created meanwhile: nobody needs the intent
            intent.unlink()
            exporter._commit()
            raise exporter._is_busy()
        return intent

    def _find_created(self, intent: BaseModel) -> ExternalId | None:
        """Return the id of the record that a job has created before it died.

        :return: None if there is none, or if the adapter cannot find it
        """
        external_id = self._adapter.find_by_key(intent.idempotency_key)
        if external_id is None and not self._is_key_understood():
            self._report_doubt()
        return external_id

    def _create_for(self, intent: BaseModel, values: Values) -> ExternalId:
        self._key = intent.idempotency_key or None
        try:
            hold_back_own(self._adapter, "create", None, values)
            return self._exporter._create(values)
        except Exception as error:
            # there is nothing to look for, unless a job that died may have created it, and this
            # creation was held back
            if is_refusal(error) and not (self._is_found and isinstance(error, Rehearsed)):
                intent.unlink()
                self._exporter._commit()
            raise

    def _is_key_understood(self) -> bool:
        return self._is_key_taken() or type(self._adapter).find_by_key is not CRUDAdapter.find_by_key

    def _is_key_taken(self) -> bool:
        return "idempotency_key" in inspect.signature(self._adapter.create).parameters

    def _report_doubt(self) -> None:
        exporter = self._exporter
        record = exporter.binder.unwrap_binding(exporter.binding)
        message = exporter._(
            "A job ended while it created this record in %s. It was created again: look there for a second one.",
            exporter.environment.backend_name,
        )
        add_checkpoint(exporter.session, record._name, record.id, exporter.backend_record, message, severity="warning")
