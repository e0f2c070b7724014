"""Exceptions that a connector may raise or catch: those of jobs and those of connectors."""

from odoo.models import BaseModel

from odoo.addons.jobs_queue.exception import (
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
    NotYet,
    RetryableJobError,
    TooLongForCron,
    TransactionOutdated,
    UnknownJobError,
)

__all__ = [
    "CONCURRENCY_ERRORS",
    "ConnectorException",
    "CredentialsRefused",
    "ExtensionConflict",
    "FailedJobError",
    "GraphError",
    "GroupResultError",
    "IDMissingInBackend",
    "InvalidBackend",
    "InvalidDataError",
    "JobCancelled",
    "JobError",
    "JobStopped",
    "LeaseLost",
    "LimitReached",
    "ManyConnectorUnitError",
    "ManyIDSInBackend",
    "MappingError",
    "NetworkRetryableError",
    "NoConnectorUnitError",
    "NoExternalId",
    "NoSuchJobError",
    "NotReadableJobError",
    "NotSerializableJobError",
    "NotYet",
    "NothingToDoJob",
    "Rehearsed",
    "RetryableJobError",
    "TooLongForCron",
    "TransactionOutdated",
    "UnknownJobError",
    "UnreadableAnswer",
    "ValueNotMatched",
]

# Backends and units


class InvalidBackend(ConnectorException):
    """The backend (service and version) is unknown or declared wrongly."""


class ExtensionConflict(InvalidBackend):
    """The extensions of a unit cannot be combined in this database.

    The message names them and their addons.
    """


class NoConnectorUnitError(ConnectorException):
    """No registered unit class serves the request; the message lists the candidates."""


class ManyConnectorUnitError(ConnectorException):
    """Several registered unit classes serve the request, and none of them is preferred."""


# Synchronisations


class CredentialsRefused(FailedJobError):
    """The external system refuses our credentials.

    The job fails at once. Somebody has to enter valid credentials in the backend.
    """


class MappingError(ConnectorException):
    """A value could not be mapped; the message names the field."""


class ValueNotMatched(MappingError):
    """A value there, such as a payment method, has no counterpart here: a person picks one.

    It is raised for models whose records people match by hand, and puts the value into their list.

    :param backend_record: record of the backend
    :param model_name: name of the binding model of the value
    :param external_id: id of the value in the external system
    """

    def __init__(self, message: object, backend_record: BaseModel, model_name: str, external_id: str | int) -> None:
        super().__init__(message)
        self.backend_record = backend_record
        self.model_name = model_name
        self.external_id = external_id


class InvalidDataError(ConnectorException):
    """The data of the other system, or our data for it, is not valid."""


class UnreadableAnswer(InvalidDataError):
    """The answer of the other system cannot be read.

    So nobody knows what that system has done.
    """


class PlaceForgotten(InvalidDataError):
    """The system refuses the cursor or link by which a long list was to go on later.

    Some systems know it for minutes only. The list begins anew then, once.
    """


class IDMissingInBackend(ConnectorException):
    """The record does not exist (any more) in the external system."""


class ManyIDSInBackend(ConnectorException):
    """Several records of the external system match where one was expected."""


class NoExternalId(ConnectorException):
    """The binding has no external id yet: export it first."""


class Rehearsed(NothingToDoJob):
    """A request that writes was held back: it is in the exchange log, and was not sent.

    The backend is in a rehearsal, or an import is only looked at.

    :ivar exchange_id: id of the ``connector.exchange``, None if it was not stored
    """

    def __init__(self, message: object, exchange_id: int | None = None) -> None:
        super().__init__(message)
        self.exchange_id = exchange_id
