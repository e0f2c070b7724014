"""Job queue: store calls in the caller's transaction, and run each in its own transaction.

::

    from odoo.addons.jobs_queue import RetryableJobError, Session, job

    @job
    def send_order(session: Session, model_name: str, order_id: int) -> str:
        \"\"\"Send an order to the warehouse\"\"\"

    send_order.delay(Session.from_env(self.env), "sale.order", order.id)
"""

from . import models
from .exception import (
    ConnectorException,
    FailedJobError,
    GraphError,
    GroupResultError,
    JobCancelled,
    JobError,
    JobStopped,
    LimitReached,
    NetworkRetryableError,
    NoSuchJobError,
    NotReadableJobError,
    NotSerializableJobError,
    NothingToDoJob,
    NotYet,
    RetryableJobError,
    UnknownJobError,
)
from .graph import chain, group, parent_results
from .hooks import post_init_hook, pre_init_hook, uninstall_hook
from .hosts.server import start_workers_with_servers
from .jobs import Job, job
from .jobs.many import delay_many
from .jobs.retry import Exponential, Fixed, Pattern, RetryPolicy
from .session import Session

__all__ = [
    "ConnectorException",
    "Exponential",
    "FailedJobError",
    "Fixed",
    "GraphError",
    "GroupResultError",
    "Job",
    "JobCancelled",
    "JobError",
    "JobStopped",
    "LimitReached",
    "NetworkRetryableError",
    "NoSuchJobError",
    "NotReadableJobError",
    "NotSerializableJobError",
    "NotYet",
    "NothingToDoJob",
    "Pattern",
    "RetryPolicy",
    "RetryableJobError",
    "Session",
    "UnknownJobError",
    "chain",
    "delay_many",
    "group",
    "job",
    "parent_results",
]

# Done at import, and not by post_load of the manifest: Odoo skips post_load if another addon has
# imported this one before.
start_workers_with_servers()
