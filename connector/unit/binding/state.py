"""The state of a binding after a synchronization, and why it has failed."""

from contextlib import contextmanager

from psycopg2 import OperationalError

from odoo.exceptions import ConcurrencyError

from odoo.addons.jobs_queue.exception import JobStopped, LeaseLost, NothingToDoJob, RetryableJobError
from odoo.addons.jobs_queue.texts import storable

from ...event.no_export import without_export
from ...exception import IDMissingInBackend

# What says nothing about the record: another transaction was in the way, the job does not run any more, or it has ended well
_OF_THE_JOB = (OperationalError, ConcurrencyError, JobStopped, LeaseLost, NothingToDoJob)


class MissingThere(IDMissingInBackend):
    """The record of a binding does not exist in the external system any more, rather than another one that was asked for.

    :param binding: record of the binding model
    """

    def __init__(self, message, binding):
        super().__init__(message)
        self.binding = binding


@contextmanager
def mark_failure(session, binding):
    """Keep on a binding why the block, its synchronisation, has failed for good.

    The job's transaction is rolled back and the note committed in its place, by the job's own cursor and so as fenced as the rest. A try
    after which another one follows leaves no note, nor does a synchronisation that runs in the transaction of its caller.

    :param session: :class:`~odoo.addons.jobs_queue.session.ConnectorSession` of the job
    :param binding: record of the binding model
    """
    try:
        yield
    except Exception as error:
        if session.owns_transaction and _is_final(session.job, error):
            session.rollback()
            is_missing = isinstance(error, MissingThere) and error.binding == binding
            message = storable(error) or type(error).__name__
            mark_error(binding.exists(), message, "missing" if is_missing else "error", last_job_id=session.job.id)
            session.commit()
        raise


def _is_final(job, error):
    if isinstance(error, _OF_THE_JOB):
        return False
    if isinstance(error, RetryableJobError):
        return not error.ignore_retry and 0 < job.max_retries <= job.attempt
    return True


def remember(bindings, values):
    """Write on bindings what their synchronisation has to remember; that is not exported.

    :param bindings: recordset of a binding model
    :param values: dict, as for ``write``; what the model has no field for is left out
    """
    known = {name: value for name, value in values.items() if name in bindings._fields}
    if bindings and known:
        without_export(bindings).write(known)


def recall(binding, name):
    """Return the value of a field in which :func:`remember` keeps something, False where the model of the binding has no such field."""
    return binding[name] if name in binding._fields else False


def is_in_conflict(binding):
    """Return whether a conflict of a binding waits for a person, who alone ends it."""
    return recall(binding, "sync_state") == "conflict"


def is_import_due(binding):
    """Return whether the record of a binding is to be imported also in a state that we have seen: its last synchronisation has failed, or
    an export has left something to import."""
    return recall(binding, "sync_state") in ("error", "to_import")


def mark_error(binding, message, state="error", **values):
    """Keep on a binding why its synchronisation has failed. A conflict stays one.

    :param message: text for the user
    :param values: further fields to write
    """
    if not is_in_conflict(binding):
        values.update(sync_state=state, sync_error=storable(message))
    remember(binding, values)


def mark_in_sync(bindings, *states):
    """Note that bindings are in sync, of which one of some states said that they are not.

    :param states: names of states
    """
    remember(
        bindings.filtered(lambda binding: recall(binding, "sync_state") in states),
        {"sync_state": "in_sync", "sync_error": False},
    )
