"""JobGroup: jobs that run as one call."""

from .. import store
from ..by_code import JOB
from .batches import perform_calls
from .functions import find_function


class JobGroup:
    """Jobs that run as one call; a worker handles it as it does a :class:`~odoo.addons.jobs_queue.jobs.Job`.

    :ivar members: the jobs
    """

    def __init__(self, members, run=None):
        self.members = members
        self.run = run
        first = members[0]
        self.id, self.function, self.user_id, self.lease_token = (
            first.id,
            first.function,
            first.user_id,
            first.lease_token,
        )
        self.time_limit = min((job.time_limit for job in members if job.time_limit), default=0)
        self.memory_limit = min((job.memory_limit for job in members if job.memory_limit), default=0)
        self.retry = max(job.retry for job in members)
        self.retry_policy = None

    def __repr__(self):
        return f"<{len(self.members)} jobs from {self.id}: {self.function}>"

    def environment(self, cr):
        """Return the Odoo environment in which the jobs run; it is the same for all of them."""
        first, *others = self.members
        env = first.environment(cr)
        for member in others:
            member.note(first.notes)
        self.retry_policy = first.retry_policy
        return env(context={key: value for key, value in env.context.items() if key not in ("job_id", JOB)})

    def perform(self, env):
        """Call the function and keep what it returns for each job."""
        for member in self.members:
            member.run, member.is_called = self.run, False
        perform_calls(env, find_function(env, self.function), self.members)

    def halves(self):
        """Return the two halves of the group, or nothing if it is a single job."""
        middle = len(self.members) // 2
        return [JobGroup(half, self.run) for half in (self.members[:middle], self.members[middle:])] if middle else []

    def lock_lease(self, cr, worker_id):
        """Lock the rows of the jobs until the end of the transaction; return False if one of the leases is not the worker's any more."""
        return store.lock_leases(cr, self.members, worker_id)

    def complete(self, cr, worker_id, worker_name, then=""):
        """Set the jobs to done; return False if one of the leases is not the worker's any more."""
        return store.complete_group(cr, self.members, worker_id, worker_name, then)
