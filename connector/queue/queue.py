"""The job queue of one worker, see :mod:`odoo.addons.jobs_queue.worker.jobs_queue`."""

from odoo.addons.jobs_queue.worker.jobs_queue import JobsQueue
