"""Every exception that a connector may raise or catch: those of jobs, and its own."""

from odoo.addons.jobs_queue.exception import (  # noqa: F401
    CONCURRENCY_ERRORS,
    ConnectorException,
    FailedJobError,
    GraphError,
    GroupResultError,
    JobCancelled,
    JobError,
    JobStopped,
    LeaseLost,
    LimitReached,
    NetworkRetryableError,
    NoSuchJobError,
    NothingToDoJob,
    NotReadableJobError,
    NotSerializableJobError,
    RetryableJobError,
    TooLongForCron,
    TransactionOutdated,
    UnknownJobError,
)

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
