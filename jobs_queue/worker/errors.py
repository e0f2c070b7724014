"""Classify errors, such as a conflict or a lack of means, and put them into words for people.

A job may raise anything: an exception whose text cannot be made, whose class denies itself, or
whose arguments are not what they seem. Nothing here fails because of that.
"""

import contextlib
import errno
import traceback
from typing import TypeGuard, TypeVar

import psycopg2
from psycopg2.errors import (
    CannotConnectNow,
    ConfigurationLimitExceeded,
    DiskFull,
    InsufficientResources,
    OutOfMemory,
    TooManyConnections,
)
from psycopg2.pool import PoolError

from odoo.exceptions import UserError
from odoo.tools.translate import LazyGettext

from ..exception import CONCURRENCY_ERRORS, FailedJobError, RetryableJobError
from ..texts import ERROR, NAME, TRACEBACK, storable

_T = TypeVar("_T")

#: Errors of a lost connection; the connection is closed then. psycopg2 raises a plain
#: DatabaseError, too, if the last message of the server was not an answer.
CONNECTION_LOST = (psycopg2.DatabaseError, psycopg2.InterfaceError)

_FOR_PEOPLE = (FailedJobError, RetryableJobError, UserError)

# No open files left, no memory, no room on the disk
_NO_MEANS = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOSPC, errno.EDQUOT)

# How many causes of an exception are followed
_CAUSES = 20


# How many frames of each exception in the chain a traceback has
_INNERMOST = 100


class LifeEnded(Exception):
    """The life of a worker is over: its connection is lost, or it was declared dead.

    The worker starts again under another uuid.
    """


class NotReady(Exception):
    """The worker or the server lacks something to run a job, such as a connection.

    The job's code was not called.
    """


class RowLocked(Exception):
    """Another transaction keeps the row of a running job locked.

    While the job runs, that is most likely one of its own transactions, on another cursor.
    """


class ConnectionLost(RetryableJobError):
    """The connection of a job was lost while its code ran, but its worker's connection was not.

    That counts as an attempt.
    """


_WITHOUT_MEANS = (
    NotReady,
    RowLocked,
    PoolError,
    MemoryError,
    CannotConnectNow,
    DiskFull,
    InsufficientResources,
    OutOfMemory,
    TooManyConnections,
)

# Decisions of a job's code, whatever error has led to them; to say in how many seconds to try again
# is a decision, too
_DECIDED = (FailedJobError, UserError)


def is_of(error: object, classes: type[_T] | tuple[type[_T], ...]) -> TypeGuard[_T]:
    """Return whether an error is of one of these classes, whatever it says of itself."""
    return issubclass(type(error), classes)


def is_concurrency_error(error: BaseException) -> bool:
    """Return whether the only reason for an error is a conflict with another transaction."""
    return is_of(error, CONCURRENCY_ERRORS)


def comes_from(error: BaseException, classes: type[BaseException] | tuple[type[BaseException], ...]) -> bool:
    """Return whether an error, its causes or its contexts are of one of these classes."""
    return any(is_of(cause, classes) for cause in _causes(error, with_context=True))


def lacks_means(error: BaseException) -> bool:
    """Return whether the worker or the server had no connections, open files, memory or disk space.

    The cause of an error is looked at, too. An error that was only being handled when this one came
    is not: it may have been dealt with. A limit that was set for the job's own statements is no
    lack of resources.
    """
    return any(_lacks_means(cause) for cause in _causes(error))


def _causes(error: BaseException | None, with_context: bool = False) -> list[BaseException]:
    """Return an error and its causes, up to a decision of a job's code, see ``_DECIDED``.

    :param with_context: follow also the error that was being handled when an error came
    """
    causes: list[BaseException] = []
    # a job's exception may have causes that cannot even be read
    with contextlib.suppress(Exception):
        while error is not None and len(causes) < _CAUSES and not _is_decided(error):
            causes.append(error)
            error = error.__cause__ or (error.__context__ if with_context else None)
    return causes


def _is_decided(error: BaseException) -> bool:
    return is_of(error, _DECIDED) or (is_of(error, RetryableJobError) and error.seconds is not None)


def _lacks_means(error: BaseException) -> bool:
    if is_of(error, OSError):
        return getattr(error, "errno", None) in _NO_MEANS
    # a plain OperationalError: it could not connect, and psycopg2 gives the reason in words only
    return is_of(error, _WITHOUT_MEANS) or type(error) is psycopg2.OperationalError


def is_over_limit(error: BaseException) -> bool:
    """Return whether a job has reached a limit for statements, such as one for temporary files."""
    return is_of(error, ConfigurationLimitExceeded)


def is_for_people(error: BaseException) -> bool:
    """Return whether an error tells people what to do: no traceback of it is logged."""
    return is_of(error, _FOR_PEOPLE)


def first_line(error: BaseException) -> str:
    """Return the first line of an error's text, or its name if it has no text."""
    lines = storable(error).strip().splitlines()
    return lines[0] if lines else _class_of(error, "__name__")


def name_of(error: BaseException) -> str:
    """Return the dotted name of an error's class."""
    return storable(f"{_class_of(error, '__module__')}.{_class_of(error, '__qualname__')}", NAME)


def message_of(error: BaseException) -> str | LazyGettext:
    """Return the message of an error for people.

    An error that is meant for users gives its text. Any other error gives its name, too. A lazy
    translation, as the worker's own errors have, is returned as it is.
    """
    # it may have no arguments, or others than it seems
    with contextlib.suppress(Exception):
        if is_of(error.args[0], LazyGettext):
            return error.args[0]
    text = storable(error, ERROR)
    if is_for_people(error):
        return text
    name = storable(_class_of(error, "__name__"), NAME)
    return f"{name}: {text}" if text else name


def traceback_of(error: BaseException) -> str:
    """Return the traceback of an error as text, whatever the error is, and however long."""
    try:
        parts = traceback.TracebackException.from_exception(error, limit=-_INNERMOST).format()
        return storable("".join(storable(part) for part in parts), TRACEBACK)
    except BaseException as problem:
        return storable(f"{name_of(error)}, of which no traceback can be made: {name_of(problem)}")


def _class_of(error: BaseException, attribute: str) -> str:
    try:
        return str.__str__(str(getattr(type(error), attribute)))
    except BaseException:
        return "?"
