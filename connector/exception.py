"""Every exception that a connector may raise or catch."""

from psycopg2.errors import DeadlockDetected, LockNotAvailable, QueryCanceled, SerializationFailure

from odoo.exceptions import ConcurrencyError

#: What PostgreSQL, or Odoo, raises when another transaction was in the way: let it pass, and the job runs again, on a fresh transaction. A
#: statement that was cancelled without a reason that this process knows was meant for the job before.
CONCURRENCY_ERRORS = (SerializationFailure, DeadlockDetected, LockNotAvailable, QueryCanceled, ConcurrencyError)


class ConnectorException(Exception):
    """Base of all exceptions of the connector framework."""


# Jobs


class JobError(ConnectorException):
    """Base of the exceptions that concern a job."""


class FailedJobError(JobError):
    """The job fails at once, whatever its retries left; the message is for the user."""


class RetryableJobError(JobError):
    """The job did not work this time and is worth another try.

    :param msg: why, shown on the job
    :param seconds: wait that long before the next try: a number or a timedelta, a year at most; without it the retry policy of the job
        decides
    :param ignore_retry: do not count this try
    :raise ValueError: the seconds are no finite number
    """

    def __init__(self, msg, seconds=None, ignore_retry=False):
        from .queue.seconds import as_seconds  # the queue builds on this module

        super().__init__(msg)
        self.seconds = None if seconds is None else as_seconds(seconds, "seconds", clamp=True)
        self.ignore_retry = ignore_retry


class NetworkRetryableError(RetryableJobError):
    """The external system could not be reached; try again later."""


class TransactionOutdated(RetryableJobError, ConcurrencyError):
    """The transaction cannot see what another one has committed since it began.

    A job begins again at once, in a new transaction that sees it; that counts as no try. A request does so too: Odoo sees to it.
    """

    def __init__(self, msg):
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


class JobStopped(JobError):
    """The running job was told to stop; its work since its last commit is rolled back."""


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


# Backends and units


class InvalidBackend(ConnectorException):
    """The backend (service and version) is unknown or declared wrongly."""


class ExtensionConflict(InvalidBackend):
    """The extensions of a unit cannot be combined in this database; the message names them and their addons."""


class NoConnectorUnitError(ConnectorException):
    """No registered unit serves what was asked for; the message lists what was considered."""


class ManyConnectorUnitError(ConnectorException):
    """Several registered units serve what was asked for, and nothing says which one to prefer."""


# Synchronisations


class CredentialsRefused(FailedJobError):
    """The external system refuses our credentials: the job fails at once, and the backend needs somebody who enters valid ones."""


class MappingError(ConnectorException):
    """A value could not be mapped; the message names the field."""


class InvalidDataError(ConnectorException):
    """The data of the other system, or ours for it, is not valid."""


class UnreadableAnswer(InvalidDataError):
    """The other system has answered what cannot be read as an answer, so that nobody knows what it has done."""


class IDMissingInBackend(ConnectorException):
    """The record does not exist (any more) in the external system."""


class ManyIDSInBackend(ConnectorException):
    """Several records of the external system match where one was expected."""


class NoExternalId(ConnectorException):
    """The binding has no external id yet: export it first."""
