"""Delay a list of jobs, see :mod:`odoo.addons.jobs_queue.jobs.many`."""

from odoo.addons.jobs_queue.jobs.many import delay_many
