"""Jobs that are delayed as a list, see :mod:`odoo.addons.jobs_queue.jobs.many`."""

from odoo.addons.jobs_queue.jobs.many import delay_many
