"""Run a batch of jobs: one function call with the list of their arguments.

::

    @job(group_size=100)
    def send_stock(session, model_name, calls):
        '''Send stock levels'''
        levels = [(sku, quantity) for backend_id, sku, quantity in calls]
        shop(session, calls[0][0]).send(levels)
        return [None] * len(calls)

    send_stock.delay(session, "shop.product", backend.id, "A-1", 12)

Each item of ``calls`` is a :class:`Call`, the tuple of one job's arguments. The function returns a
list with one result for each call, in the same order.

Jobs run together if they have the same function, model, channel, user, company, context and group
key. The group key is the first argument, in most connectors the backend's id, or the ``group_key``
of ``delay``. A batch holds one lease, so it takes one place of a channel's capacity.
``session.job`` is the job if the list has a single call; with several calls it is None. Jobs with
an identity key are first reduced to one for each key, as usual. Jobs of a batch cannot have
concurrency keys.

The whole batch is one transaction: an error undoes all of it. After an error that is worth another
attempt, the whole batch is run again. Any other error halves the batch, and each half runs in a
fresh transaction. This goes on until each guilty job is alone, and only the guilty jobs fail. So
the effects of the function outside the database may happen more than once: send only what is safe
to repeat.
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
    """The arguments of one job of a batch.

    :ivar kwargs: the arguments that were given by name
    """

    kwargs: dict[str, Any]

    def __new__(cls, args: Iterable[Any], kwargs: dict[str, Any]) -> Self:
        """Make the tuple of the positional arguments."""
        call = super().__new__(cls, args)
        call.kwargs = kwargs
        return call


def perform_calls(env: Environment, func: Callable[..., Any], jobs: Sequence[RunningJob]) -> None:
    """Call a function that takes a list once for several jobs, and keep its result for each job.

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
