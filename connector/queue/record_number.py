"""Public import path of ``LookUp``, see :mod:`odoo.addons.jobs_queue.jobs.record_number`."""

from odoo.addons.jobs_queue.jobs.record_number import LookUp
