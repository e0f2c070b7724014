"""The errors that end a worker's life or keep it from running a job, and what people read of those that end a job.

A job may raise anything: an exception whose text cannot be made, whose class denies itself, whose arguments are not what they seem.
Nothing here fails because of that.
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

#: Of a connection that is closed then; psycopg2 raises a plain DatabaseError, too, where the server's last word was not an answer.
CONNECTION_LOST = (psycopg2.DatabaseError, psycopg2.InterfaceError)

_FOR_PEOPLE = (FailedJobError, RetryableJobError, UserError)

# No open files left, no memory, no room on the disk
_NO_MEANS = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOSPC, errno.EDQUOT)

# How many causes of an exception are looked at
_CAUSES = 20


# So many frames of each of the exceptions that have led to one
_INNERMOST = 100


class LifeEnded(Exception):
    """This life of the worker is over: its connection is lost or it was declared dead. It starts again under another uuid."""


class NotReady(Exception):
    """The worker or the server had not what it takes to run a job, such as a connection: the job's code was not called."""


class RowLocked(Exception):
    """Another transaction keeps the row of a running job locked; while it runs that is most likely one of its own, on another cursor."""


class ConnectionLost(RetryableJobError):
    """The connection of a job was lost in the midst of its code, and its worker's was not: that counts as a try."""


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

# What the code of a job has decided, whatever error has led to it; so it has when it says in how many seconds to try again
_DECIDED = (FailedJobError, UserError)


def is_of(error: object, classes: type[_T] | tuple[type[_T], ...]) -> TypeGuard[_T]:
    """Return whether an error is of one of these classes, whatever it says of itself."""
    return issubclass(type(error), classes)


def is_concurrency_error(error: BaseException) -> bool:
    """Return whether an error says that another transaction was in the way, and nothing else."""
    return is_of(error, CONCURRENCY_ERRORS)


def comes_from(error: BaseException, classes: type[BaseException] | tuple[type[BaseException], ...]) -> bool:
    """Return whether an error, or one that has led to it or was being handled when it came, is of one of these classes."""
    return any(is_of(cause, classes) for cause in _causes(error, with_context=True))


def lacks_means(error: BaseException) -> bool:
    """Return whether an error says that the worker or the server had no means: connections, open files, memory, room on the disk.

    One that was given as its cause may say so, too; one that was only being handled when it came may have been dealt with. A limit that was
    set for the job's own statements is none of these.
    """
    return any(_lacks_means(cause) for cause in _causes(error))


def _causes(error: BaseException | None, with_context: bool = False) -> list[BaseException]:
    """Return an error and those that have led to it, up to where somebody has decided what that means for the job.

    :param with_context: follow also to what was being handled when an error came
    """
    causes: list[BaseException] = []
    # an exception of a job may not even have causes that can be read
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
    # an OperationalError of no kind: it could not connect, and psycopg2 tells the reason in words only
    return is_of(error, _WITHOUT_MEANS) or type(error) is psycopg2.OperationalError


def is_over_limit(error: BaseException) -> bool:
    """Return whether an error says that the job is beyond a limit that was set for statements, such as for their temporary files."""
    return is_of(error, ConfigurationLimitExceeded)


def is_for_people(error: BaseException) -> bool:
    """Return whether an error tells people what to do: its traceback is not worth a log entry."""
    return is_of(error, _FOR_PEOPLE)


def first_line(error: BaseException) -> str:
    """Return the first line of an error's text, its name if it has none."""
    lines = storable(error).strip().splitlines()
    return lines[0] if lines else _class_of(error, "__name__")


def name_of(error: BaseException) -> str:
    """Return the dotted name of an error's class."""
    return storable(f"{_class_of(error, '__module__')}.{_class_of(error, '__qualname__')}", NAME)


def message_of(error: BaseException) -> str | LazyGettext:
    """Return what a person reads: the text of an error meant for users, to be translated if it is the worker's, else its name too."""
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
