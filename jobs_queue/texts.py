"""Clean and cut texts for people, so that PostgreSQL can store them and a person can read them.

All texts for people, such as messages of jobs and errors, go through :func:`storable`. A text that
is too long keeps its beginning and its end. A note in between says how much was left out. A text is
cut before anything else is done with it.
"""

import reprlib
from collections import deque
from typing import Any, overload

from . import configuration
from .stopped import JobStopped

#: Limits in characters. Those from the configuration file are read when a process starts
# result of a job, or the reason why it failed, waits or was cancelled
MESSAGE = configuration.number("longest_message", 5_000, least=1_000)
ERROR = MESSAGE * 4 // 5  # what an exception says, which leaves room in a message for what is said around it
TRACEBACK = configuration.number("longest_traceback", 50_000, least=1_000)
LOG = configuration.number("longest_log", 100_000, least=1_000)  # all lines of an attempt
LOG_LINE = LOG // 10
PROGRESS = 500  # what is being done
REASON = 1_000  # why a channel is held, what has ended a worker
DESCRIPTION = 1_000  # of a job
NAME = 250  # of an exception, or of who has cancelled a job
ARGUMENTS = 20_000  # of a job, on the screen
VALUE = 200  # of a value that is refused, in the error

# Longer arguments are not shown one by one: formatting them would take seconds
ARGUMENTS_TO_LAY_OUT = 100_000

# Room for the note, so that a cut text is not longer than its limit
_LONGEST_NOTE = 60

_short = reprlib.Repr()
_short.maxstring = _short.maxother = _short.maxlong = VALUE


@overload
def storable(value: None, limit: int = MESSAGE) -> None: ...


@overload
def storable(value: str | bytes | BaseException, limit: int = MESSAGE) -> str: ...


@overload
def storable(value: object, limit: int = MESSAGE) -> str | None: ...


def storable(value: object, limit: int = MESSAGE) -> str | None:
    """Return a text that PostgreSQL can store: without zero bytes and lone surrogates, and cut.

    It takes every value and raises no error of the value. If a value has no text, the result says
    so.

    :param value: a text, an exception, bytes or anything else. None stays None.
    :param limit: in characters; of longer texts the beginning and the end are kept
    """
    if value is None:
        return None
    text = _cut(value if type(value) is str else _text_of(value), limit)
    if "\0" in text:
        text = text.replace("\0", "\N{REPLACEMENT CHARACTER}")
    try:
        text.encode()
    except UnicodeEncodeError:
        # each lone surrogate becomes six characters
        text = _cut(text.encode(errors="backslashreplace").decode(), limit)
    return text


def storable_or_none(value: object, limit: int = MESSAGE) -> str | None:
    """Return :func:`storable` of a value, or None for None, an empty text and False.

    An empty field of Odoo is False. The truth value of other values is not asked: that may raise.
    """
    return None if value is None or value is False else storable(value, limit) or None


def shown(value: object) -> str:
    """Return the ``repr`` of any value, cut, for an error that refuses this value."""
    try:
        return storable(_short.repr(value), VALUE)
    except JobStopped:
        raise
    except BaseException:
        return f"a value of type {type(value).__name__}"


class Log:
    """The lines that a job logs in one attempt.

    Above :data:`LOG` characters the first and the last lines are kept.
    """

    def __init__(self) -> None:
        self._first: list[str] = []
        self._last: deque[str] = deque()
        self._room = LOG // 2
        self._in_last = self._left_out = 0

    def add(self, line: Any) -> None:
        """Keep a line.

        :param line: text; other values are turned into text
        """
        line = storable("None" if line is None else line, LOG_LINE)
        size = len(line) + 1
        if size <= self._room:
            self._room -= size
            self._first.append(line)
            return
        self._room = 0  # what comes now is not among the first ones any more
        self._last.append(line)
        self._in_last += size
        while self._in_last > LOG // 2 - _LONGEST_NOTE:
            self._in_last -= len(self._last.popleft()) + 1
            self._left_out += 1

    def __str__(self) -> str:
        note = [f"[… {self._left_out:,} lines were left out here …]"] if self._left_out else []
        return "\n".join([*self._first, *note, *self._last])


def _text_of(value: object) -> str:
    """Return the text of any value."""
    try:
        if isinstance(value, str):
            return str.__str__(value)  # that of a subclass may be no text
        if isinstance(value, bytes | bytearray):
            return value.decode(errors="replace")
        return str.__str__(str(value))
    except JobStopped:  # raised in this thread from outside, and not by the value
        raise
    except BaseException as error:
        return f"[{type(value).__name__} without a text: {type(error).__name__}]"


def _cut(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    kept = max(0, limit - _LONGEST_NOTE)
    head, tail = text[: kept - kept // 2], text[len(text) - kept // 2 :]
    return f"{head}\n[… {len(text) - kept:,} characters were left out here …]\n{tail}"
