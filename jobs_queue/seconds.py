"""Waits as seconds: whatever a caller, an exception or another system gives as one."""

from datetime import timedelta
from decimal import Decimal
from typing import TypeAlias

from .texts import shown

#: Seconds, a year: no wait is longer.
LATEST = 366 * 24 * 3600

#: The types of what can be a wait; of a bool nobody means one.
WAITS = (int, float, Decimal, timedelta)

#: A wait: a number is one of seconds.
Wait: TypeAlias = int | float | Decimal | timedelta


def as_seconds(value: object, name: str, clamp: bool = False) -> float:
    """Return a wait as a number of seconds; one that lies in the past is negative.

    :param value: a :data:`Wait`, or what is given as one
    :param name: of what is given, for the error
    :param clamp: make a wait of :data:`LATEST` of a longer one, in place of refusing it
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
    """Return a wait that may not lie in the past as a number of seconds.

    :raise ValueError: it is negative, or see :func:`as_seconds`
    """
    seconds = as_seconds(value, name)
    if seconds < 0:
        raise ValueError(f"{name} is {shown(value)}: it must not be negative")
    return seconds
