"""The synchronisation state of a binding, and the error of a failed synchronisation."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from psycopg2 import OperationalError

from odoo.exceptions import ConcurrencyError
from odoo.models import BaseModel

from odoo.addons.jobs_queue.exception import JobStopped, LeaseLost, NothingToDoJob, RetryableJobError
from odoo.addons.jobs_queue.session import ConnectorSession
from odoo.addons.jobs_queue.texts import storable

from ...event.no_export import without_export
from ...exception import IDMissingInBackend, ValueNotMatched

# Errors that say nothing about the record: another transaction was in the way, the job does not run
# any more, or it has ended well
_OF_THE_JOB = (OperationalError, ConcurrencyError, JobStopped, LeaseLost, NothingToDoJob)


class MissingThere(IDMissingInBackend):
    """The record of this binding does not exist in the external system any more.

    An ``IDMissingInBackend`` may also be about another record that was read meanwhile.

    :param binding: record of the binding model
    """

    def __init__(self, message: object, binding: BaseModel) -> None:
        super().__init__(message)
        self.binding = binding


@contextmanager
def mark_failure(session: ConnectorSession, binding: BaseModel) -> Iterator[None]:
    """Mark a binding with the error if the block, its synchronisation, fails for good.

    The job's transaction is rolled back, and the mark is committed in its place. The job's own
    cursor does that, so the mark is fenced like all its writes: a job that has lost its lease
    cannot commit it.

    No mark is left by an attempt after which another one follows, nor by a synchronisation that
    runs in the transaction of its caller.

    :param session: :class:`~odoo.addons.jobs_queue.session.ConnectorSession` of the job
    :param binding: record of the binding model
    """
    try:
        yield
    except Exception as error:
        if session.owns_transaction and is_final(session.job, error):
            session.rollback()
            is_missing = isinstance(error, MissingThere) and error.binding == binding
            message = storable(error) or type(error).__name__
            mark_error(binding.exists(), message, "missing" if is_missing else "error", last_job_id=session.job.id)
            if isinstance(error, ValueNotMatched):
                session.env["connector.match"].sudo()._ask_for(error)
            session.commit()
        raise


def is_final(job: Any, error: Exception) -> bool:
    """Return whether an exception is the end of a job's synchronisation: no other try follows."""
    if isinstance(error, _OF_THE_JOB):
        return False
    if isinstance(error, RetryableJobError):
        return not error.ignore_retry and 0 < job.max_retries <= job.attempt
    return True


def remember(bindings: BaseModel, values: Mapping[str, Any]) -> None:
    """Write the state of a synchronisation on bindings; it is not exported.

    :param bindings: recordset of a binding model
    :param values: dict, as for ``write``; fields that the model does not have are left out
    """
    known = {name: value for name, value in values.items() if name in bindings._fields}
    if bindings and known:
        without_export(bindings).write(known)


def recall(binding: BaseModel, name: str) -> Any:
    """Return the value of a field of :func:`remember`, False if the model has no such field."""
    return binding[name] if name in binding._fields else False


def is_in_conflict(binding: BaseModel) -> bool:
    """Return whether a binding is in conflict; only a person ends that."""
    return recall(binding, "sync_state") == "conflict"


def is_import_due(binding: BaseModel) -> bool:
    """Return whether a binding has to be imported even if its external state is known already.

    That is so if its last synchronisation has failed, or if an export has left something to import.
    """
    return recall(binding, "sync_state") in ("error", "to_import")


def mark_error(bindings: BaseModel, message: str, state: str = "error", **values: Any) -> None:
    """Mark bindings with the error of their synchronisation. A conflict stays a conflict.

    :param bindings: recordset of a binding model
    :param message: text for the user
    :param values: further fields to write
    """
    in_conflict = bindings.filtered(is_in_conflict)
    remember(in_conflict, values)
    remember(bindings - in_conflict, {**values, "sync_state": state, "sync_error": storable(message)})


def mark_in_sync(bindings: BaseModel, *states: str) -> None:
    """Mark as in sync those of the bindings that are in one of some states.

    :param states: names of states
    """
    remember(
        bindings.filtered(lambda binding: recall(binding, "sync_state") in states),
        {"sync_state": "in_sync", "sync_error": False},
    )
