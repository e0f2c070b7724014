"""Jobs and workers as Odoo models, see :mod:`odoo.addons.jobs_queue.models`."""

from odoo.addons.jobs_queue.models import QueueJob, QueueWorker
