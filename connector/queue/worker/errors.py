"""The errors that end a worker's life, and what people read of those that end a job."""

import traceback

import psycopg2

from odoo.exceptions import UserError
from odoo.tools.translate import LazyGettext

from ...exception import FailedJobError, RetryableJobError
from ..texts import ERROR, NAME, TRACEBACK, storable

#: Of a connection that is closed then; psycopg2 raises a plain DatabaseError, too, where the server's last word was not an answer.
CONNECTION_LOST = (psycopg2.DatabaseError, psycopg2.InterfaceError)

_FOR_PEOPLE = (FailedJobError, RetryableJobError, UserError)


# So many frames of each of the exceptions that have led to one
_INNERMOST = 100


class LifeEnded(Exception):
    """This life of the worker is over: its connection is lost or it was declared dead. It starts again under another uuid."""


def is_for_people(error):
    """Return whether an error tells people what to do: its traceback is not worth a log entry."""
    return isinstance(error, _FOR_PEOPLE)


def first_line(error):
    """Return the first line of an error's text, its name if it has none."""
    return next(iter(storable(error).strip().splitlines()), "") or type(error).__name__


def name_of(error):
    """Return the dotted name of an error's class."""
    return storable(f"{type(error).__module__}.{type(error).__qualname__}", NAME)


def message_of(error):
    """Return what a person reads: the text of an error meant for users, to be translated if it is the worker's, else its name too."""
    if error.args and isinstance(error.args[0], LazyGettext):
        return error.args[0]
    text = storable(error, ERROR)
    if is_for_people(error):
        return text
    name = storable(type(error).__name__, NAME)
    return f"{name}: {text}" if text else name


def traceback_of(error):
    """Return the traceback of an error as text, whatever the error is, and however long."""
    try:
        parts = traceback.TracebackException.from_exception(error, limit=-_INNERMOST).format()
        return storable("".join(storable(part) for part in parts), TRACEBACK)
    except Exception as problem:
        return storable(f"{name_of(error)}, of which no traceback can be made: {name_of(problem)}")
