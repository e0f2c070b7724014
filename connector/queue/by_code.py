"""Context keys that only code can set, see :mod:`odoo.addons.jobs_queue.by_code`."""

from odoo.addons.jobs_queue.by_code import BY_CODE, by_code
