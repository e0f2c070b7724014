"""Public import path of ``JobsQueue``, see :mod:`odoo.addons.jobs_queue.worker.jobs_queue`."""

from odoo.addons.jobs_queue.worker.jobs_queue import JobsQueue
