"""Public import path of retry policies, see :mod:`odoo.addons.jobs_queue.jobs.retry`."""

from odoo.addons.jobs_queue.jobs.retry import Exponential, Fixed, Pattern, RetryPolicy
