"""Run grouped jobs: one function call with the list of their arguments.

::

    @job(group_size=100)
    def send_stock(session, model_name, calls):
        '''Send stock levels'''
        levels = [(sku, quantity) for backend_id, sku, quantity in calls]
        shop(session, calls[0][0]).send(levels)
        return [None] * len(calls)

    send_stock.delay(session, "shop.product", backend.id, "A-1", 12)

Each item of ``calls`` is a :class:`Call`, the tuple of one job's arguments. The function returns a list with one result for each, in their
order. Together run jobs of one function, one channel, one user and context, and one group key: the first argument (in most connectors the
backend's id), or ``delay(group_key=...)``. A group holds one lease, so it takes one place of a channel's capacity. ``session.job`` is the
job of a call that is alone; of several it is None. Jobs with an identity key are reduced to one of each key first, as ever; concurrency
keys they cannot have.

All of it is one transaction: an error undoes the whole group. Errors that are worth another try retry the whole group; any other error
halves it, each half in a fresh transaction, until the guilty jobs stand alone, and only they fail. What the function does outside the
database may therefore happen more than once: send what is safe to repeat.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Self

from odoo.api import Environment

from ..exception import GroupResultError, NothingToDoJob
from ..session import ConnectorSession
from ..texts import storable

if TYPE_CHECKING:
    from .running import RunningJob


class Call(tuple[Any, ...]):
    """The arguments of one job of a group.

    :ivar kwargs: those that were given by name
    """

    kwargs: dict[str, Any]

    def __new__(cls, args: Iterable[Any], kwargs: dict[str, Any]) -> Self:
        """Make the tuple of the arguments that were not given by name."""
        call = super().__new__(cls, args)
        call.kwargs = kwargs
        return call


def perform_calls(env: Environment, func: Callable[..., Any], jobs: Sequence[RunningJob]) -> None:
    """Call a function that takes a list once for several jobs, and keep what it returns for each.

    :raise GroupResultError: it does not return one result for each job
    """
    calls = [Call(*job.arguments(env)) for job in jobs]
    session = ConnectorSession.from_env(env, job=jobs[0] if len(jobs) == 1 else None)
    for job in jobs:
        job.is_called = True
    try:
        results = func(session, jobs[0].model_name, calls)
    except NothingToDoJob as nothing:
        results = [storable(nothing)] * len(jobs)
    if not isinstance(results, list | tuple):
        raise GroupResultError(
            f"{jobs[0].function} returned {type(results).__name__} for {len(jobs)} calls: it must return a list with one result for each"
        )
    if len(results) != len(jobs):
        raise GroupResultError(
            f"{jobs[0].function} returned {len(results)} results for {len(jobs)} calls: it must return one for each, in their order"
        )
    for job, value in zip(jobs, results, strict=True):
        job.keep(value)
