"""The number of the record that a job is about, see :mod:`odoo.addons.jobs_queue.jobs.record_number`."""

from odoo.addons.jobs_queue.jobs.record_number import LookUp
