"""Public import path of ``by_code``, see :mod:`odoo.addons.jobs_queue.by_code`."""

from odoo.addons.jobs_queue.by_code import BY_CODE, by_code
