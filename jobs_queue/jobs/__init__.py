"""Jobs: calls that are stored and run later, each in a transaction of its own.

A *job function* is a function at the top level of a module of an addon, decorated with :func:`job`.
It takes ``(session, model_name, ...)``. A method of a model is delayed with
``record.with_delay().method(...)``. It needs :func:`job` only for options.
"""

from ..by_code import BY_CODE
from .decorator import job
from .preparing import delay, prepare
from .functions import (
    code_options,
    current_name,
    describe_arguments,
    find_function,
    function_options,
    has_jobs,
    installed_functions,
    name_to_delay,
    named_arguments,
)
from .job_batch import JobBatch
from .handle import Job
from .running import RunningJob
from .stored import StoredJob
from .job_function import JobFunction
from .options import DelayOptions, JobOptions

__all__ = [
    "BY_CODE",
    "DelayOptions",
    "Job",
    "JobBatch",
    "JobFunction",
    "JobOptions",
    "RunningJob",
    "StoredJob",
    "code_options",
    "current_name",
    "delay",
    "describe_arguments",
    "find_function",
    "function_options",
    "has_jobs",
    "installed_functions",
    "job",
    "name_to_delay",
    "named_arguments",
    "prepare",
]
