"""Public import path of ``job`` and ``Job``, see :mod:`odoo.addons.jobs_queue.jobs`."""

from odoo.addons.jobs_queue.jobs import (
    BY_CODE,
    Job,
    code_options,
    delay,
    describe_arguments,
    find_function,
    function_options,
    has_jobs,
    installed_functions,
    job,
    name_to_delay,
    named_arguments,
    prepare,
)
from odoo.addons.jobs_queue.jobs import JobBatch as JobGroup
