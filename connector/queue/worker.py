"""Public import path of ``Worker``, ``WorkerWatcher``, see :mod:`odoo.addons.jobs_queue.worker`."""

from odoo.addons.jobs_queue.worker import Worker, WorkerWatcher
