"""What a failed synchronisation leaves on the binding."""

from contextlib import contextmanager

from psycopg2 import OperationalError

from odoo.exceptions import ConcurrencyError

from ..exception import IDMissingInBackend, JobStopped, LeaseLost, NothingToDoJob, RetryableJobError

# What says nothing about the record: another transaction was in the way, the job does not run any more, or it has ended well
_OF_THE_JOB = (OperationalError, ConcurrencyError, JobStopped, LeaseLost, NothingToDoJob)


@contextmanager
def note_failure(session, binding):
    """Keep on a binding why the block, its synchronisation, has failed for good.

    The job's transaction is rolled back and the note committed in its place, by the job's own cursor and so as fenced as the rest. A try
    after which another one follows leaves no note, nor does a synchronisation that runs in the transaction of its caller.

    :param session: :class:`~odoo.addons.connector.session.ConnectorSession` of the job
    :param binding: record of the binding model
    """
    try:
        yield
    except Exception as error:
        if session.owns_transaction and _is_final(session.job, error):
            session.rollback()
            _write(binding, error, session.job)
            session.commit()
        raise


def _is_final(job, error):
    if isinstance(error, _OF_THE_JOB):
        return False
    if isinstance(error, RetryableJobError):
        return not error.ignore_retry and 0 < job.max_retries <= job.attempt
    return True


def _write(binding, error, job):
    binding = binding.with_context(no_connector_export=True).exists()
    state = "missing" if isinstance(error, IDMissingInBackend) else "error"
    binding.write({"sync_state": state, "sync_error": str(error) or type(error).__name__, "last_job_id": job.id})
