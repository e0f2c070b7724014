"""Classes that run jobs, see :mod:`odoo.addons.jobs_queue.worker`."""

from odoo.addons.jobs_queue.worker import Worker, WorkerWatcher
