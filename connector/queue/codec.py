"""Public import path of the arguments of jobs, see :mod:`odoo.addons.jobs_queue.jobs.arguments`."""

from odoo.addons.jobs_queue.jobs.arguments import decode, decode_call, encode, encode_call, register_type
