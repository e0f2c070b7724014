"""Convert a wait, a number or a ``timedelta``, to seconds; refuse other values."""

from datetime import timedelta
from decimal import Decimal
from typing import TypeAlias

from .texts import shown

#: Seconds of a year (366 days): no wait is longer.
LATEST = 366 * 24 * 3600

#: The types of a wait. A bool is an int too, but is no wait.
WAITS = (int, float, Decimal, timedelta)

#: A wait: a number counts seconds.
Wait: TypeAlias = int | float | Decimal | timedelta


def as_seconds(value: object, name: str, clamp: bool = False) -> float:
    """Return a wait as a number of seconds; it is negative for a time in the past.

    :param value: a :data:`Wait`; other values are refused
    :param name: of the value, for the error
    :param clamp: shorten a wait that is longer than :data:`LATEST`, instead of refusing it
    :raise ValueError: it is of another type, not finite or too long; the message names it
    """
    if not isinstance(value, WAITS) or isinstance(value, bool):
        raise ValueError(f"{name} is {shown(value)}: it must be a number of seconds or a timedelta")
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    if isinstance(seconds, float | Decimal) and not Decimal(seconds).is_finite():
        raise ValueError(f"{name} is {shown(value)}: it must be a finite number of seconds")
    if not -LATEST <= seconds <= LATEST:
        if not clamp:
            raise ValueError(f"{name} is {shown(value)}: a wait is not longer than {LATEST} seconds (366 days)")
        return LATEST if seconds > 0 else -LATEST
    return int(seconds) if isinstance(seconds, int) else float(seconds)


def as_wait(value: object, name: str) -> float:
    """Return a wait as a number of seconds that is not negative.

    :raise ValueError: it is negative, or see :func:`as_seconds`
    """
    seconds = as_seconds(value, name)
    if seconds < 0:
        raise ValueError(f"{name} is {shown(value)}: it must not be negative")
    return seconds
