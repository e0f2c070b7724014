"""Grouped jobs: jobs that are rows of their own and run together, as one call of a function that takes a list.

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
backend's id), or ``delay(group_key=...)``. A group holds one lease, so it takes one place of a channel's capacity. ``session.job`` is None.
Jobs with an identity key are reduced to one of each key first, as ever; concurrency keys they cannot have.

All of it is one transaction: an error undoes the whole group. Errors that are worth another try retry the whole group; any other error
halves it, each half in a fresh transaction, until the guilty jobs stand alone, and only they fail. What the function does outside the
database may therefore happen more than once: send what is safe to repeat.
"""

from ..exception import GroupResultError, NothingToDoJob
from ..session import ConnectorSession
from . import codec, store
from .job import find_function


class Call(tuple):
    """The arguments of one job of a group.

    :ivar kwargs: dict of those that were given by name
    """

    def __new__(cls, args, kwargs):
        """Make the tuple of the arguments that were not given by name."""
        call = super().__new__(cls, args)
        call.kwargs = kwargs
        return call


class JobGroup:
    """Jobs that run as one call; a worker handles it as it does a :class:`~odoo.addons.connector.queue.job.Job`.

    :ivar members: the jobs
    """

    def __init__(self, members, run=None):
        self.members = members
        self.run = run
        first = members[0]
        self.id, self.function, self.model_name, self.user_id = (
            first.id,
            first.function,
            first.model_name,
            first.user_id,
        )
        self.time_limit = min((job.time_limit for job in members if job.time_limit), default=0)
        self.memory_limit = min((job.memory_limit for job in members if job.memory_limit), default=0)
        self.retry = max(job.retry for job in members)

    def __repr__(self):
        return f"<{len(self.members)} jobs from {self.id}: {self.function}>"

    def environment(self, cr):
        """Return the Odoo environment in which the jobs run; it is the same for all of them."""
        env = self.members[0].environment(cr)
        return env(context={key: value for key, value in env.context.items() if key != "job_id"})

    def perform(self, env):
        """Call the function and keep what it returns for each job."""
        perform_calls(env, find_function(env, self.function), self.members)

    def halves(self):
        """Return the two halves of the group, or nothing if it is a single job."""
        middle = len(self.members) // 2
        return [JobGroup(half, self.run) for half in (self.members[:middle], self.members[middle:])] if middle else []

    def lock_lease(self, cr, worker_id):
        """Lock the rows of the jobs until the end of the transaction; return False if one of the leases is not the worker's any more."""
        return store.lock_leases(cr, self.members, worker_id)

    def complete(self, cr, worker_id, worker_name):
        """Set the jobs to done; return False if one of the leases is not the worker's any more."""
        return store.complete_group(cr, self.members, worker_id, worker_name)


def perform_calls(env, func, jobs):
    """Call a function that takes a list once for several jobs, and keep what it returns for each.

    :raise GroupResultError: it does not return one result for each job
    """
    calls = [Call(*codec.decode_call(job.payload, env)) for job in jobs]
    try:
        results = func(ConnectorSession.from_env(env), jobs[0].model_name, calls)
    except NothingToDoJob as nothing:
        results = [str(nothing)] * len(jobs)
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
