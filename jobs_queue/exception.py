"""Exceptions of jobs: those to raise, those that stop a job, and conflicts not to be caught."""

from datetime import datetime

from psycopg2.errors import DeadlockDetected, LockNotAvailable, QueryCanceled, SerializationFailure

from odoo.exceptions import ConcurrencyError

from .seconds import Wait, as_seconds
from .stopped import ConnectorException as ConnectorException
from .stopped import JobError as JobError
from .stopped import JobStopped as JobStopped

#: Raised by PostgreSQL or by Odoo when another transaction was in the way. Do not catch them: the
#: job is run again in a fresh transaction. QueryCanceled is among them: if a statement was
#: cancelled and this process knows no reason, the cancellation was meant for the job that ran
#: before.
CONCURRENCY_ERRORS = (SerializationFailure, DeadlockDetected, LockNotAvailable, QueryCanceled, ConcurrencyError)


class FailedJobError(JobError):
    """The job fails at once, even if it has retries left. The message is for the user."""


class RetryableJobError(JobError):
    """The job did not succeed this time, and another attempt is worthwhile.

    :param msg: the reason, shown on the job
    :param seconds: wait before the next attempt, at most a year. Without it the retry policy of the
        job decides.
    :param ignore_retry: do not count this attempt
    :raise ValueError: the seconds are no finite number
    """

    def __init__(self, msg: object, seconds: Wait | None = None, ignore_retry: bool = False) -> None:
        super().__init__(msg)
        self.seconds = None if seconds is None else as_seconds(seconds, "seconds", clamp=True)
        self.ignore_retry = ignore_retry


class NotYet(RetryableJobError):
    """The job has to wait for something that nobody here can hasten, such as a payment.

    It is no error: no try is counted, and the list of jobs shows what the job waits for. It looks
    again after a time, and gives up after some days.

    ::

        raise NotYet("the order is not paid", give_up_days=14)

    :param msg: what it waits for, for the user
    :param seconds: until it looks again. Without it, as long as the job has waited so far: ten
        minutes at least, six hours at most. So what has just begun to wait is looked at most often
    :param give_up_days: after so many days of waiting the job fails, and says for what it has
        waited; None: never
    :raise ValueError: the seconds are no finite number, or the days are no positive number
    """

    def __init__(self, msg: object, seconds: Wait | None = None, give_up_days: float | None = 30) -> None:
        super().__init__(msg, seconds, ignore_retry=True)
        if give_up_days is not None and not as_seconds(give_up_days, "give_up_days") > 0:
            raise ValueError(f"give_up_days is {give_up_days!r}: it must be more than 0, or None for never")
        self.give_up_days = give_up_days
        #: When another job began to wait for the same, naive datetime in UTC; None: none did
        self.since: datetime | None = None


class NetworkRetryableError(RetryableJobError):
    """The external system could not be reached; try again later."""


class TransactionOutdated(RetryableJobError, ConcurrencyError):
    """The transaction cannot see data that another one has committed since it began.

    A job begins again at once, in a new transaction that sees the data. This does not count as an
    attempt. A request begins again too: Odoo does this.
    """

    def __init__(self, msg: object) -> None:
        super().__init__(msg, seconds=1, ignore_retry=True)


class NothingToDoJob(JobError):
    """The job found nothing to do: it is done, and the message gives the reason."""


class NoSuchJobError(JobError):
    """The job does not exist (any more)."""


class NotReadableJobError(JobError):
    """The stored data of the job cannot be turned back into a call."""


class UnknownJobError(NotReadableJobError):
    """This worker's code does not know the job's function, or a type or model of its arguments.

    The code of another worker may know it.
    """


class NotSerializableJobError(JobError, TypeError):
    """An argument of the job cannot be stored; the message names it."""


class JobCancelled(JobStopped):
    """Somebody has cancelled the running job."""


class LimitReached(JobStopped, RetryableJobError):
    """The running job has reached its limit of time or memory; this counts as an attempt.

    It is raised in the thread of the job without arguments.
    """

    def __init__(
        self, msg: object = "The job has reached a limit", seconds: Wait | None = None, ignore_retry: bool = False
    ) -> None:
        super().__init__(msg, seconds, ignore_retry)


class TooLongForCron(JobStopped, FailedJobError):
    """The running job has reached the time limit of Odoo's cron.

    Another attempt in the cron would end in the same way, so the job fails.
    """


class GraphError(JobError, ValueError):
    """Jobs cannot be combined into this graph; the message names the jobs and the reason."""


class GroupResultError(JobError):
    """A function that takes many calls did not return one result for each of them.

    So nobody knows which calls have to be done again.
    """


class LeaseLost(JobError):
    """This worker has lost the job's lease: it may commit nothing that was done for the job."""
