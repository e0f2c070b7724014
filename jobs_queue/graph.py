"""Graphs of jobs: ``chain`` runs jobs one after the other, ``group`` side by side.

::

    chain(
        read_orders.delayable(session, "shop.sale.order", backend.id),
        group(*(order.delayable().confirm() for order in orders)),
        report.delayable(session, "shop.sale.order"),
    ).delay()

A part is a job that was prepared and not yet delayed, or another chain or group. A job is prepared
by ``function.delayable(session, ...)`` or by ``records.delayable(**options).method(...)``. The same
job may stand at several places. It runs once, after all jobs that come before it at any of them.

Records of ``queue.job`` are parts, too: jobs that are stored already, for which new ones wait::

    pages = self.env["queue.job"].browse(page_ids)
    chain(pages, report.delayable(session, "shop.sale.order"), on_failure="continue").delay()

A stored job has to be part of a graph itself; ``group(job).delay()`` makes it one. The new jobs
join that graph, or the first one if there are several. A stored job that has been deleted counts as
done.

A job starts when the jobs before it are done. If one of them fails, the job waits until that one is
requeued and done, or until somebody cancels the graph. With ``chain(..., on_failure="continue")``
it starts all the same. The results of the jobs before it are in ``session.job.parent_results``;
methods call ``parent_results(self.env)``.
"""

from __future__ import annotations

import uuid
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import Literal, TypeAlias

from odoo.models import BaseModel

from . import store
from .by_code import by_code
from .exception import GraphError
from .jobs import Job, arguments, buffer, prepare
from .jobs import job as job_function
from .jobs.parents import BARRIER, StoredParent, parent_results, stored_results, with_results
from .session import ConnectorSession

__all__ = ["ON_FAILURE", "Graph", "OnFailure", "barrier", "chain", "group", "parent_results"]

ON_FAILURE = ("stop", "continue")
OnFailure: TypeAlias = Literal["stop", "continue"]


def chain(*parts: Job | Graph | BaseModel, on_failure: OnFailure = "stop") -> Graph:
    """Return the graph in which each part starts when the part before it has ended.

    :param parts: prepared jobs, graphs, and records of ``queue.job``. An empty part is left out.
    :param on_failure: behaviour of a part if a job of the part before it has failed or was
        cancelled. ``stop``: wait until that job is requeued and done. ``continue``: start.
    :raise GraphError: a job would have to wait for itself, and the message names the jobs of the
        cycle; or a job that is stored already would have to wait
    """
    if on_failure not in ON_FAILURE:
        raise GraphError(f"on_failure is {on_failure!r}: it must be one of {', '.join(ON_FAILURE)}")
    graphs = [graph for graph in map(_graph_of, parts) if graph.first]
    result = _union(graphs)
    for before, after in pairwise(graphs):
        result._connect(before.last, after.first, on_failure)
    if graphs:
        result.first, result.last = graphs[0].first, graphs[-1].last
    result._check()
    return result


def group(*parts: Job | Graph | BaseModel) -> Graph:
    """Return the graph in which the parts do not wait for each other.

    :param parts: prepared jobs, graphs, and records of ``queue.job``
    :raise GraphError: a job would have to wait for itself; the message names the jobs of the cycle
    """
    graphs = [_graph_of(part) for part in parts]
    result = _union(graphs)
    result.first = list(dict.fromkeys(job for graph in graphs for job in graph.first))
    result.last = list(dict.fromkeys(job for graph in graphs for job in graph.last))
    result._check()
    return result


class Graph:
    """Jobs and their dependencies; made by :func:`chain` and :func:`group`.

    :ivar jobs: the new jobs, each after those for which it waits. Between two groups of several
        jobs each there is one more job, the barrier. It waits for all jobs of the first group, and
        all jobs of the second group wait for it.
    """

    def __init__(self) -> None:
        self._parents: dict[Job, dict[Job | StoredParent, str]] = {}  # job -> {parent: on_failure}
        self.first: list[Job | StoredParent] = []
        self.last: list[Job | StoredParent] = []

    @property
    def jobs(self) -> list[Job]:
        return list(self._parents)

    def delay(self, graph_uuid: str | None = None) -> Graph:
        """Delay the jobs of the graph in the caller's transaction.

        Jobs with ``connector_no_delay=BY_CODE`` in their context run at once.

        :param graph_uuid: a text by which the jobs become part of one graph with others that are
            delayed with it; None: that of the stored jobs for which they wait, or a new one
        :return: the graph itself
        :raise GraphError: one of the jobs was delayed before, or the jobs belong to several
            transactions; a stored job is not part of a graph; a job that runs at once would have to
            wait for a stored one
        """
        jobs = self.jobs
        for job in jobs:
            if job.is_delayed:
                raise GraphError(f"{job!r} was delayed before: prepare it anew for another graph")
            if job.env.cr is not jobs[0].env.cr:
                raise GraphError(f"{job!r} is of another transaction than {jobs[0]!r}: a graph is stored by one")
            if by_code(job.env.context, "connector_no_delay") and (stored := self._stored_parents(job)):
                raise GraphError(f"{job!r} runs at once (connector_no_delay), so it cannot wait for {stored[0]!r}")
        stored_graph = self._stored_graph()
        graph_uuid = graph_uuid or stored_graph or str(uuid.uuid4())
        for job in jobs:
            job.graph_uuid, job.parents = graph_uuid, self._parents[job]
        for job in jobs:
            if by_code(job.env.context, "connector_no_delay"):
                job.run_at_once(with_results(job.env, job.parents))
            else:
                buffer.add(job.env, job)
        return self

    def _stored_parents(self, job: Job) -> list[StoredParent]:
        return [parent for parent in self._parents[job] if isinstance(parent, StoredParent)]

    def _stored_graph(self) -> str | None:
        """Return the uuid of the graph that the jobs join, or None."""
        ids = list(dict.fromkeys(parent.id for job in self.jobs for parent in self._stored_parents(job)))
        uuids = store.dependencies.graphs_of(self.jobs[0].env.cr, ids) if ids else {}
        for id_, graph_uuid in uuids.items():
            if graph_uuid is None:
                raise GraphError(
                    f"{StoredParent(id_)!r} is not part of a graph, so no job can wait for it: delay it by group(job).delay()"
                )
        return next((uuids[id_] for id_ in ids if id_ in uuids), None)

    def _connect(
        self, parents: list[Job | StoredParent], children: list[Job | StoredParent], on_failure: OnFailure
    ) -> None:
        jobs = [_waiting(child, parents) for child in children]
        if len(parents) > 1 and len(jobs) > 1:
            # N + M edges in place of N x M
            border = prepare(jobs[0].env, BARRIER, None, (), {}, priority=0)
            self._parents[border] = dict.fromkeys(parents, on_failure)
            parents = [border]
        for job in jobs:
            self._parents[job].update(dict.fromkeys(parents, on_failure))

    def _check(self) -> None:
        """Sort the jobs, so that each comes after those for which it waits."""
        try:
            order = list(TopologicalSorter(self._parents).static_order())
        except CycleError as error:
            names = " → ".join(job.title for job in error.args[1] if job.function != BARRIER)
            raise GraphError(f"These jobs would wait for each other in a circle: {names}") from None
        self._parents = {job: self._parents[job] for job in order if isinstance(job, Job)}


def _waiting(job: Job | StoredParent, parents: list[Job | StoredParent]) -> Job:
    if isinstance(job, StoredParent):
        raise GraphError(f"{job!r} is stored already, so it cannot wait for {parents[0]!r}: name it before others")
    return job


def _graph_of(part: object) -> Graph:
    if isinstance(part, Graph):
        return part
    if isinstance(part, BaseModel) and part._name == "queue.job":
        graph = Graph()
        graph.first = graph.last = [StoredParent(id_) for id_ in part.ids]
        return graph
    if not isinstance(part, Job):
        raise GraphError(
            f"{part!r} is no part of a graph: a part is a job prepared with delayable(), a chain, a group, or records of queue.job"
        )
    if part.identity_key:
        raise GraphError(
            f"{part!r} has the identity key {part.identity_key!r}, which a job of a graph cannot have: should a job of the same key "
            "take its place, those after it would wait for ever"
        )
    graph = Graph()
    graph._parents = {part: {}}
    graph.first = graph.last = [part]
    return graph


def _union(graphs: list[Graph]) -> Graph:
    result = Graph()
    for graph in graphs:
        for job, parents in graph._parents.items():
            result._parents.setdefault(job, {}).update(parents)
    return result


@job_function(former_names=["odoo.addons.connector.queue.graph.barrier"])
def barrier(session: ConnectorSession, model_name: str | None) -> arguments.Stored:
    """Wait for a group of jobs"""
    return arguments.Stored(list(stored_results(session.env)))
