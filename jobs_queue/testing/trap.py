"""Assertions about calls that were delayed and wait to be run."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from odoo.models import BaseModel

from ..jobs import arguments, find_function
from ..jobs.job_function import JobFunction

if TYPE_CHECKING:
    from .cases import JobsCase


def arguments_of(job: BaseModel) -> dict[str, Any]:
    """Return the arguments of a ``queue.job`` record by name, as in the signature of its function.

    The records of a method are its ``self``. A function that takes many calls at once has one
    argument, ``call``, a tuple, and those that were given by name.
    """
    args, kwargs = arguments.decode_call(job.payload, job.env)
    function = find_function(job.env, job.function)
    options = getattr(function, "job_options", None)
    if options and options.group_size:
        return {"call": tuple(args), **kwargs}
    if not job.function.startswith("odoo.addons."):
        return inspect.signature(function).bind(*args, **kwargs).arguments
    _session, *named = inspect.signature(function).bind(None, job.model_name, *args, **kwargs).arguments.items()
    return dict(named)


class TrappedJobs:
    """The jobs that were delayed in the block of :meth:`~.cases.JobsCase.trap_jobs`.

    ``jobs`` are their ``queue.job`` records, oldest first.
    """

    def __init__(self, case: JobsCase) -> None:
        self.jobs = case.env["queue.job"]
        self._case = case

    def assert_delayed(self, function: JobFunction[..., Any] | str, /, **arguments: Any) -> BaseModel:
        """Assert that a call was delayed exactly once.

        :param function: job function, or the end of its name (``"res.partner.export"`` for a
            method)
        :param arguments: by name, only those of its arguments that are to be checked
        :return: its ``queue.job`` record, to check priority, channel and so on
        """
        found = self._find(function, arguments)
        self._case.assertEqual(len(found), 1, self._describe(function, arguments, "once"))
        return found

    def assert_not_delayed(self, function: JobFunction[..., Any] | str, /, **arguments: Any) -> None:
        """Assert that a call was not delayed.

        The arguments are those of :meth:`assert_delayed`.
        """
        self._case.assertFalse(self._find(function, arguments), self._describe(function, arguments, "not"))

    def _find(self, function: JobFunction[..., Any] | str, arguments: dict[str, Any]) -> BaseModel:
        return self.jobs.filtered(
            lambda job: job.function.endswith(_name(function)) and arguments.items() <= arguments_of(job).items()
        )

    def _describe(self, function: JobFunction[..., Any] | str, arguments: dict[str, Any], times: str) -> str:
        calls = "".join(f"\n- {job.function} {arguments_of(job)}" for job in self.jobs) or " nothing"
        return f"{_name(function)} {arguments or ''} should have been delayed {times}. Delayed was:{calls}"


def _name(function: JobFunction[..., Any] | str) -> str:
    return function if isinstance(function, str) else function.job_options.name
