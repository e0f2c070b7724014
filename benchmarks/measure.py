"""Rows of the table: figures of several queues, and bars for the first one, which is ours."""

from collections.abc import Callable
from dataclasses import dataclass

#: All measures by name, in the order of the table; filled by :func:`measure`.
MEASURES = {}


@dataclass(frozen=True)
class Bar:
    """A limit for one of our figures.

    :param words: the text for the table
    :param value: function of our figure and of a dict, the name of each peer to its figure; it
        returns the value that is compared with the limit
    :param holds: function of that value that tells whether the bar holds
    :param shown: format of that value
    """

    words: str
    value: Callable
    holds: Callable
    shown: str

    def judge(self, ours, figures):
        """Return ``(text, whether it holds)``, or None if a peer was not measured.

        :param ours: name of the peer that is held against the others
        :param figures: dict, name of the peer to its figure
        """
        try:
            value = self.value(figures[ours], figures)
        except KeyError:
            return None
        return self.shown.format(value), self.holds(value)


def times(factor, peer):
    """Return the bar "our figure is at least ``factor`` times the figure of a peer"."""
    return Bar(
        f"at least {factor:g} x {peer}", lambda ours, all: ours / all[peer], lambda value: value >= factor, "{:.3g} x"
    )


def at_most(limit):
    """Return the bar "our figure is not above a limit"."""
    return Bar(f"at most {limit:g}", lambda ours, all: ours, lambda value: value <= limit, "{:.3g}")


def at_least(limit):
    """Return the bar "our figure is not below a limit"."""
    return Bar(f"at least {limit:g}", lambda ours, all: ours, lambda value: value >= limit, "{:.3g}")


@dataclass(frozen=True)
class Figure:
    """A number that a measure gives.

    :param unit: in words
    :param bar: the bar for our figure, if there is one
    """

    unit: str
    bar: Bar | None = None


@dataclass(frozen=True)
class Measure:
    """A row of the table.

    :param title: may contain ``{jobs}``, ``{backlog}`` and ``{records}``, the numbers of them
    :param peers: names of those that are measured; the first is ours
    :param figures: dict, name to :class:`Figure`
    :param run: ``function(peer, options)`` that measures a peer once; it returns a dict, name of a
        figure to number, in which figures may be missing
    """

    name: str
    title: str
    peers: tuple
    figures: dict
    run: Callable

    def titled(self, options):
        """Return the title with the numbers in it."""
        numbers = {name: f"{getattr(options, name):,}" for name in ("jobs", "backlog", "records")}
        return self.title.format(**numbers)


def measure(title, peers, **figures):
    """Register a function as a measure, under its name; see :class:`Measure`."""

    def register(function):
        MEASURES[function.__name__] = Measure(function.__name__, title, peers, figures, function)
        return function

    return register
