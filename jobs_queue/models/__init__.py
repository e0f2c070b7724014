"""Odoo models of the queue."""

from . import base
from . import checked_access
from . import ir_actions_server
from . import ir_module_module
from . import queue_job
from . import queue_job_attempt
from . import queue_job_cancellation
from . import queue_job_channel
from . import queue_job_channel_bucket
from . import queue_job_channel_hold
from . import queue_job_channel_import
from . import queue_job_count
from . import queue_job_dependency
from . import queue_job_failure
from . import queue_job_function
from . import queue_job_graph
from . import queue_job_label
from . import queue_job_progress
from . import queue_job_schedule
from . import queue_job_schedule_owner
from . import queue_job_search
from . import queue_job_trouble
from . import queue_worker
from . import queue_worker_service
from .queue_job import QueueJob
from .queue_worker import QueueWorker
