"""Class ``JobBatch``: jobs that a worker runs, retries and ends like one job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from odoo.api import Environment
from odoo.sql_db import Cursor

from .. import store
from ..by_code import JOB
from ..store.ending import Holder
from .batches import perform_calls
from .functions import find_function

if TYPE_CHECKING:
    from .retry import RetryPolicy
    from .running import RunningJob


class JobBatch:
    """Jobs that run as one call; a worker treats the batch as one running job.

    See :class:`~odoo.addons.jobs_queue.jobs.RunningJob`.

    :ivar members: the jobs
    :ivar run: as that of a running job
    """

    retry_policy: RetryPolicy | None

    def __init__(self, members: list[RunningJob], run: Any = None) -> None:
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

    def __repr__(self) -> str:
        return f"<{len(self.members)} jobs from {self.id}: {self.function}>"

    def environment(self, cr: Cursor) -> Environment:
        """Return the Odoo environment in which the jobs run; it is the same for all of them."""
        first, *others = self.members
        env = first.environment(cr)
        for member in others:
            member.note(first.notes)
        self.retry_policy = first.retry_policy
        return env(context={key: value for key, value in env.context.items() if key not in ("job_id", JOB)})

    def perform(self, env: Environment) -> None:
        """Call the function and keep its result for each job."""
        for member in self.members:
            member.run, member.is_called = self.run, False
        perform_calls(env, find_function(env, self.function), self.members)

    def halves(self) -> list[JobBatch]:
        """Return the two halves of the batch, or an empty list for a single job."""
        middle = len(self.members) // 2
        return [JobBatch(half, self.run) for half in (self.members[:middle], self.members[middle:])] if middle else []

    def lock_lease(self, cr: Cursor, worker_id: int) -> bool:
        """Lock the rows of the jobs until the end of the transaction.

        :return: False if the worker has lost the lease of one of them
        """
        return store.batches.lock(cr, self.members, worker_id)

    def complete(self, cr: Cursor, worker: Holder, then: str = "") -> bool:
        """Set the jobs to done; return False if the worker has lost the lease of one of them."""
        return store.batches.complete(cr, self.members, worker, then)
