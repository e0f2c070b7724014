"""When a job is tried again: strategies that turn the number of tries into seconds, and which exceptions are worth another try."""

import random
from dataclasses import dataclass

from ..exception import RetryableJobError

#: Seconds, a year: no try is later, whatever an exception or the header of a response asks for.
LATEST = 366 * 24 * 3600


@dataclass(frozen=True)
class Exponential:
    """Wait ``first`` seconds, ``factor`` times longer after each try, at most ``longest``.

    A part of it, ``jitter``, is left to chance, so that jobs that failed together do not come back together.
    """

    first: float = 10
    factor: float = 2
    longest: float = 3600
    jitter: float = 0.2

    def seconds(self, tries):
        """Return the seconds to wait after so many tries."""
        # no power beyond what a float holds: the limit is reached long before
        waiting = min(self.longest, self.first * self.factor ** min(tries - 1, 50))
        return waiting * random.uniform(1 - self.jitter, 1)


@dataclass(frozen=True)
class Fixed:
    """Wait the same number of seconds after each try."""

    every: float

    def seconds(self, tries):
        """Return the seconds to wait after so many tries."""
        return self.every


@dataclass(frozen=True)
class Pattern:
    """Wait the seconds that a table gives for the largest try number that was reached: ``{1: 10, 5: 60}``."""

    table: dict

    def __post_init__(self):
        """Turn the keys into numbers, as JSON has none; refuse what is not such a table."""
        try:
            table = {int(number): float(seconds) for number, seconds in self.table.items()}
        except (AttributeError, TypeError, ValueError):
            raise ValueError(
                f"{self.table!r} does not map numbers of tries to seconds, as in {{1: 10, 5: 60}}"
            ) from None
        if not table or min(table) < 1 or min(table.values()) < 0:
            raise ValueError(f"{self.table!r} needs at least one try, counted from 1, and no negative seconds")
        object.__setattr__(self, "table", table)

    def seconds(self, tries):
        """Return the seconds to wait after so many tries."""
        reached = [number for number in self.table if number <= tries]
        return self.table[max(reached, default=min(self.table))]


class RetryPolicy:
    """Which exceptions of a job are worth another try, and when.

    :param strategies: a strategy, for all exceptions that a job may raise to be tried again; a dict, number of the try to seconds, which is
        short for a :class:`Pattern`; or a dict, exception class to strategy: these exceptions are retried besides
        :class:`~odoo.addons.connector.exception.RetryableJobError`, and the nearest class in the exception's inheritance decides
    :raise ValueError: it is none of these
    """

    def __init__(self, strategies=None):
        by_class = isinstance(strategies, dict) and any(isinstance(key, type) for key in strategies)
        if not by_class:
            strategies = {RetryableJobError: strategies}
        self._strategies = {RetryableJobError: Exponential()}
        for exception, strategy in strategies.items():
            if not (isinstance(exception, type) and issubclass(exception, Exception)):
                raise ValueError(f"{exception!r} is no class of exceptions")
            self._strategies[exception] = _strategy(strategy)

    def with_pattern(self, table):
        """Return this policy with another table of seconds, for all the exceptions that it retries.

        :raise ValueError: see :class:`Pattern`
        """
        return RetryPolicy(dict.fromkeys(self._strategies, Pattern(table)))

    def is_retryable(self, error):
        """Return whether an exception is worth another try."""
        return isinstance(error, tuple(self._strategies))

    def seconds(self, error, tries):
        """Return the seconds until the next try.

        What the exception itself asks for wins: ``seconds`` of a :class:`RetryableJobError`, or ``retry_after`` (seconds).

        :param error: the exception of the last try
        :param tries: how many tries were counted, from 1
        """
        for asked in (getattr(error, "seconds", None), getattr(error, "retry_after", None)):
            if isinstance(asked, int | float):
                return min(LATEST, max(0, asked))
        for exception in type(error).__mro__:
            if exception in self._strategies:
                return self._strategies[exception].seconds(max(1, tries))
        return self._strategies[RetryableJobError].seconds(max(1, tries))


def _strategy(value):
    if value is None:
        return Exponential()
    if isinstance(value, dict):
        return Pattern(value)
    if not hasattr(value, "seconds"):
        raise ValueError(
            f"{value!r} is no retry strategy: give Exponential(), Fixed(seconds) or a dict {{try: seconds}}"
        )
    return value
