"""Every exception that code of jobs may raise or catch."""

from psycopg2.errors import DeadlockDetected, LockNotAvailable, QueryCanceled, SerializationFailure

from odoo.exceptions import ConcurrencyError

from .seconds import Wait, as_seconds
from .stopped import ConnectorException as ConnectorException
from .stopped import JobError as JobError
from .stopped import JobStopped as JobStopped

#: What PostgreSQL, or Odoo, raises when another transaction was in the way: let it pass, and the job runs again, on a fresh transaction. A
#: statement that was cancelled without a reason that this process knows was meant for the job before.
CONCURRENCY_ERRORS = (SerializationFailure, DeadlockDetected, LockNotAvailable, QueryCanceled, ConcurrencyError)


class FailedJobError(JobError):
    """The job fails at once, whatever its retries left; the message is for the user."""


class RetryableJobError(JobError):
    """The job did not work this time and is worth another try.

    :param msg: why, shown on the job
    :param seconds: wait that long before the next try, a year at most; without it the retry policy of the job
        decides
    :param ignore_retry: do not count this try
    :raise ValueError: the seconds are no finite number
    """

    def __init__(self, msg: object, seconds: Wait | None = None, ignore_retry: bool = False) -> None:
        super().__init__(msg)
        self.seconds = None if seconds is None else as_seconds(seconds, "seconds", clamp=True)
        self.ignore_retry = ignore_retry


class NetworkRetryableError(RetryableJobError):
    """The external system could not be reached; try again later."""


class TransactionOutdated(RetryableJobError, ConcurrencyError):
    """The transaction cannot see what another one has committed since it began.

    A job begins again at once, in a new transaction that sees it; that counts as no try. A request does so too: Odoo sees to it.
    """

    def __init__(self, msg: object) -> None:
        super().__init__(msg, seconds=1, ignore_retry=True)


class NothingToDoJob(JobError):
    """The job found nothing to do: it is done, and the message says why."""


class NoSuchJobError(JobError):
    """The job does not exist (any more)."""


class NotReadableJobError(JobError):
    """What is stored of the job cannot be turned back into a call."""


class UnknownJobError(NotReadableJobError):
    """The code of this worker does not know the job's function, or a type or model of its arguments; that of another one may."""


class NotSerializableJobError(JobError, TypeError):
    """An argument of the job cannot be stored; the message names it."""


class JobCancelled(JobStopped):
    """Somebody has cancelled the running job."""


class LimitReached(JobStopped, RetryableJobError):
    """The running job has reached its limit of time or memory; that counts as a try."""


class TooLongForCron(JobStopped, FailedJobError):
    """The running job has reached the limit of Odoo's cron; another try there would end so too."""


class GraphError(JobError, ValueError):
    """Jobs cannot be combined to this graph; the message says which and why."""


class GroupResultError(JobError):
    """What does many things by one call did not return what has become of each of them, so that nobody knows which to do again."""


class LeaseLost(JobError):
    """The job is not this worker's any more: nothing that was done for it may be committed."""
