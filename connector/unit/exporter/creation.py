"""Create a record in the external system exactly once, even if a job dies during the creation."""

import inspect
import uuid

from psycopg2.errors import UniqueViolation

from odoo.addons.jobs_queue.exception import FailedJobError, JobStopped, NetworkRetryableError, RetryableJobError

from ...exception import IDMissingInBackend, InvalidDataError, UnreadableAnswer
from ..backend_adapter.crud import CRUDAdapter
from ..checkpoint import add_checkpoint
from ..connector_unit import ConnectorUnit


class SafeCreation(ConnectorUnit):
    """The part of an exporter that creates the external record.

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
    """

    _idempotency_key = None

    def _create_once(self, values):
        """Create the external record, unless a job that died has created it; return its id."""
        intent = self.env["connector.export.intent"].sudo()._of(self.binding)
        if intent:
            external_id = self._find_created(intent)
        else:
            intent, external_id = self._declare_intent(values), None
        if external_id is None:
            external_id = self._create_for(intent, values)
        intent.unlink()
        return external_id

    def _get_idempotency_key(self, values):
        """Return the idempotency key of a creation, a text, by default a random one.

        A connector may return a unique value of the record, its SKU for instance.

        :param values: dict of the values to send
        """
        return str(uuid.uuid4())

    def _declare_intent(self, values):
        """Return the committed intent to create the record.

        It is an empty recordset if nothing may be committed.
        """
        intents = self.env["connector.export.intent"].sudo()
        if not self.session.owns_transaction:
            return intents
        try:
            with self.env.cr.savepoint():
                intent = intents._declare(self.binding, self.backend_record, self._get_idempotency_key(values))
        except UniqueViolation as violation:
            # it was committed after our snapshot, by a job that held the lock before us
            raise self._is_busy() from violation
        self._commit()
        self._lock()
        if self.external_id is not None:  # created meanwhile: nobody needs the intent
            intent.unlink()
            self._commit()
            raise self._is_busy()
        return intent

    def _find_created(self, intent):
        """Return the id of the record that a job has created before it died.

        :return: None if there is none, or if the adapter cannot find it
        """
        external_id = self.backend_adapter.find_by_key(intent.idempotency_key)
        if external_id is None and not self._is_key_understood():
            self._report_doubt()
        return external_id

    def _create_for(self, intent, values):
        self._idempotency_key = intent.idempotency_key or None
        try:
            return self._create(values)
        except Exception as error:
            if _is_refusal(error):  # there is nothing to look for
                intent.unlink()
                self._commit()
            raise

    def _key_for_create(self):
        """Return the idempotency key as keyword arguments for the adapter's ``create``.

        They are empty if the method does not take the key.
        """
        if self._idempotency_key and self._is_key_taken():
            return {"idempotency_key": self._idempotency_key}
        return {}

    def _is_key_understood(self):
        return self._is_key_taken() or type(self.backend_adapter).find_by_key is not CRUDAdapter.find_by_key

    def _is_key_taken(self):
        return "idempotency_key" in inspect.signature(self.backend_adapter.create).parameters

    def _report_doubt(self):
        record = self.binder.unwrap_binding(self.binding)
        message = self._(
            "A job ended while it created this record in %s. It was created again: look there for a second one.",
            self.environment.backend_name,
        )
        add_checkpoint(self.session, record._name, record.id, self.backend_record, message, severity="warning")

    def _commit(self):
        """Commit if the transaction is the job's own."""
        if self.session.owns_transaction:
            self.session.commit()


def _is_refusal(error):
    """Return whether the system has answered that it did not create the record.

    Without such an answer, the record may exist.
    """
    answered = isinstance(error, InvalidDataError | IDMissingInBackend | RetryableJobError | FailedJobError)
    return answered and not isinstance(error, NetworkRetryableError | JobStopped | UnreadableAnswer)
