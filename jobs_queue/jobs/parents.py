"""Results of the parents of a job in a graph."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from odoo.api import Environment

from .. import store
from ..by_code import JOB, by_code
from . import arguments, environment
from .functions import current_name

if TYPE_CHECKING:
    from .handle import Job

#: The name of the job between two groups, :func:`~odoo.addons.jobs_queue.graph.barrier`. It passes
#: on the results of the first group, and has none of its own.
BARRIER = "odoo.addons.jobs_queue.graph.barrier"

# Key in the context of a job that runs at once: the results of its parents
_INLINE = "job_parent_results"


@dataclass(frozen=True)
class StoredParent:
    """A job that was stored before those that wait for it."""

    id: int

    def __repr__(self) -> str:
        return f"<stored Job {self.id}>"


class _Results(tuple[tuple[str, str | None], ...]):
    """Results set by code. Only this class counts: anybody could send others over RPC."""

    __slots__ = ()


def parent_results(env: Environment) -> list[Any]:
    """Return the results of the jobs for which the running job waited, in the order of the graph.

    None stands for a job that returned nothing. With ``on_failure="continue"`` it also stands for a
    job that has failed or was cancelled. For a job that was deleted it stands in any case.

    :param env: environment of the running job
    :raise FailedJobError: the result of one of them could not be stored; the message names the job
    """
    return [arguments.decode_stored(stored, env, partial(environment.as_given, env)) for stored in stored_results(env)]


def stored_results(env: Environment) -> Iterator[Any]:
    """Yield the results as they are stored: a barrier between two groups does not decode them."""
    rows = env.context.get(_INLINE)
    if not isinstance(rows, _Results):
        rows = store.dependencies.parent_results(env.cr, by_code(env.context, JOB))
    for function, result in rows:
        stored = arguments.load(result) if result else None
        if function and current_name(function) == BARRIER:
            yield from stored or []
        else:
            yield stored


def with_results(env: Environment, parents: Iterable[Job | StoredParent]) -> Environment:
    """Return the environment of a job that runs at once, after its parents did."""
    results = _Results((parent.function, parent.result) for parent in parents if not isinstance(parent, StoredParent))
    return env(context={**env.context, _INLINE: results})
