"""Retry policies: which exceptions are worth another attempt, and after how many seconds.

A strategy turns the number of attempts into seconds.
"""

import random
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol, TypeAlias

from ..exception import RetryableJobError
from ..seconds import Wait, as_seconds, as_wait
from ..texts import shown

#: Seconds that a :class:`Pattern` waits after attempts before its first one, as in the other
#: suites.
BEFORE_A_PATTERN = 600


# Limits of an Exponential: within them the result still fits into a float
_LARGEST_FACTOR, _LARGEST_POWER = 10**5, 50


class Strategy(Protocol):
    """Decide how long to wait after so many attempts, counted from 1."""

    def seconds(self, tries: int) -> Wait: ...


@dataclass(frozen=True)
class Exponential:
    """Wait ``first`` seconds, then ``factor`` times longer after each attempt, at most ``longest``.

    The part ``jitter`` of a wait is random, so jobs that failed together are not tried again
    together.

    :raise ValueError: a wait is not valid, see :func:`~..seconds.as_wait`; the factor is below 0 or
        too large; the jitter is not between 0 and 1
    """

    first: float = 10
    factor: float = 2
    longest: float = 3600
    jitter: float = 0.2

    def __post_init__(self) -> None:
        """Refuse values that cannot be used in the calculation."""
        _set(
            self,
            first=as_wait(self.first, "first"),
            factor=_number("factor", self.factor, _LARGEST_FACTOR),
            longest=as_wait(self.longest, "longest"),
            jitter=_number("jitter", self.jitter, 1),
        )

    def seconds(self, tries: int) -> float:
        """Return the seconds to wait after so many attempts."""
        # a higher power might not fit into a float; ``longest`` is reached long before
        waiting = min(self.longest, self.first * self.factor ** min(tries - 1, _LARGEST_POWER))
        return waiting * random.uniform(1 - self.jitter, 1)


@dataclass(frozen=True)
class Fixed:
    """Wait the same number of seconds after each attempt.

    :raise ValueError: it is no valid wait, see :func:`~..seconds.as_wait`
    """

    every: float

    def __post_init__(self) -> None:
        """Refuse a value that is no wait."""
        _set(self, every=as_wait(self.every, "every"))

    def seconds(self, tries: int) -> float:
        """Return the seconds to wait after so many attempts."""
        return self.every


@dataclass(frozen=True)
class Pattern:
    """Wait by a table from attempt numbers to seconds: ``{1: 10, 5: (60, 90)}``.

    The entry of the largest number that was reached holds. Two numbers are a range, and the wait is
    a random number in it. Attempts before the first one in the table wait :data:`BEFORE_A_PATTERN`
    seconds.

    :raise ValueError: it is no such table
    """

    table: dict[Any, Any]

    def __post_init__(self) -> None:
        """Convert the keys to numbers and the values to ranges; refuse other tables.

        JSON has no numbers as keys.
        """
        if not isinstance(self.table, dict) or not self.table:
            raise ValueError(f"{shown(self.table)} does not map numbers of tries to seconds, as in {{1: 10, 5: 60}}")
        _set(self, table={_try_number(number): _range(number, wait) for number, wait in self.table.items()})

    def seconds(self, tries: int) -> float:
        """Return the seconds to wait after so many attempts."""
        reached = max((number for number in self.table if number <= tries), default=None)
        if reached is None:
            return BEFORE_A_PATTERN
        shortest, longest = self.table[reached]
        return random.uniform(shortest, longest)


def _set(strategy: Strategy, **values: object) -> None:
    for name, value in values.items():
        object.__setattr__(strategy, name, value)


def _number(name: str, value: float | Decimal, largest: float) -> float:
    is_number = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    if not is_number or not Decimal(value).is_finite() or not 0 <= value <= largest:
        raise ValueError(f"{name} is {shown(value)}: it must be a number from 0 to {largest}")
    return float(value)


def _try_number(number: object) -> int:
    # JSON has only texts as keys
    value = int(number) if isinstance(number, str) and number.isdecimal() and len(number) < 10 else number
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{shown(number)} is no number of a try: they are counted from 1, as in {{1: 10, 5: 60}}")
    return int(value)


def _range(number: object, wait: object) -> tuple[float, float]:
    name = f"the wait after try {shown(number)}"
    if not isinstance(wait, list | tuple):
        return (as_wait(wait, name),) * 2
    if len(wait) != 2:
        raise ValueError(f"{name} is {shown(wait)}: it must be a number of seconds, or the two ends of a range")
    shortest, longest = (as_wait(end, name) for end in wait)
    if shortest > longest:
        raise ValueError(f"{name} is {shown(wait)}: the range ends before it begins")
    return shortest, longest


#: Values of ``retry_pattern`` of ``@job``, see :class:`RetryPolicy`.
Strategies: TypeAlias = Strategy | dict[Any, Any] | None


class RetryPolicy:
    """The exceptions of a job that are worth another attempt, and the waits before it.

    :param strategies: a strategy or a dict. A strategy holds for all exceptions that a job may
        raise to be tried again. A dict from attempt numbers to seconds is short for a
        :class:`Pattern`. A dict from exception classes to strategies: these exceptions are retried
        in addition to :class:`~odoo.addons.jobs_queue.exception.RetryableJobError`, and the nearest
        class in the exception's inheritance decides.
    :raise ValueError: it is none of these
    """

    def __init__(self, strategies: Strategies = None) -> None:
        by_class = isinstance(strategies, dict) and any(isinstance(key, type) for key in strategies)
        if not by_class:
            strategies = {RetryableJobError: strategies}
        self._strategies: dict[type[Exception], Strategy] = {RetryableJobError: Exponential()}
        for exception, strategy in strategies.items():  # type: ignore[union-attr]  # a dict in any case
            if not (isinstance(exception, type) and issubclass(exception, Exception)):
                raise ValueError(f"{shown(exception)} is no class of exceptions")
            self._strategies[exception] = _strategy(strategy)

    def with_pattern(self, table: dict[Any, Any]) -> "RetryPolicy":
        """Return this policy with another table of seconds, for all the exceptions that it retries.

        :raise ValueError: see :class:`Pattern`
        """
        return RetryPolicy(dict.fromkeys(self._strategies, Pattern(table)))

    def is_retryable(self, error: BaseException) -> bool:
        """Return whether an exception is worth another attempt."""
        return isinstance(error, tuple(self._strategies))

    def seconds(self, error: BaseException, tries: int) -> float:
        """Return the seconds until the next attempt.

        A wait that the exception itself gives comes first: ``seconds`` of a
        :class:`RetryableJobError`, or ``retry_after`` of any exception. It is a year at most.

        :param error: the exception of the last attempt
        :param tries: how many attempts were counted, from 1
        """
        for name in ("seconds", "retry_after"):
            try:
                return max(0, as_seconds(getattr(error, name), name, clamp=True))
            except Exception:  # it asks for nothing, or for nothing that can be used; then the policy decides
                continue
        strategy = next((self._strategies[kind] for kind in type(error).__mro__ if kind in self._strategies), None)
        strategy = strategy or self._strategies[RetryableJobError]
        return max(0, as_seconds(strategy.seconds(max(1, tries)), type(strategy).__name__, clamp=True))


def _strategy(value: Strategies) -> Strategy:
    if value is None:
        return Exponential()
    if isinstance(value, dict):
        return Pattern(value)
    if not callable(getattr(value, "seconds", None)):
        raise ValueError(
            f"{shown(value)} is no retry strategy: give Exponential(), Fixed(seconds) or a dict {{try: seconds}}"
        )
    return value
