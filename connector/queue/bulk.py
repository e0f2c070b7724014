"""Public import path of ``delay_many``, see :mod:`odoo.addons.jobs_queue.jobs.many`."""

from odoo.addons.jobs_queue.jobs.many import delay_many
