"""What a job is: a call that is stored and runs later, in a transaction of its own.

A *job function* is a function at the top level of a module of an addon, marked with :func:`job`; it takes ``(session, model_name, ...)``.
A method of a model is delayed with ``record.with_delay().method(...)``; :func:`job` on it is needed for options only.
"""

from ..by_code import BY_CODE
from .decorator import job
from .preparing import delay, prepare
from .functions import (
    code_options,
    describe_arguments,
    find_function,
    function_options,
    has_jobs,
    installed_functions,
    name_to_delay,
    named_arguments,
)
from .group import JobGroup
from .handle import Job
