"""Public import path of ``QueueJob``, ``QueueWorker``, see :mod:`odoo.addons.jobs_queue.models`."""

from odoo.addons.jobs_queue.models.queue_job import QueueJob
from odoo.addons.jobs_queue.models.queue_worker import QueueWorker
