"""``with_delay`` and ``delayable`` on all models: delay a method call as a job."""

from collections.abc import Callable
from typing import Any, Unpack

from odoo import api, models

from ..jobs import DelayOptions, Job, delay, prepare


class Delayable:
    """Proxy of records: a method call on it prepares or delays a job instead.

    See ``delayable`` and ``with_delay``, which return it.
    """

    def __init__(self, make_job: Callable[..., Job], records: models.BaseModel, options: DelayOptions) -> None:
        self._make_job = make_job
        self._records = records
        self._options = options

    def __getattr__(self, method_name: str) -> Callable[..., Job]:
        records = self._records
        name = f"{records._name}.{method_name}"
        if not callable(getattr(type(records), method_name, None)):
            raise AttributeError(f"{records._name} has no method {method_name!r} that could be delayed")

        def make_job(*args: Any, **kwargs: Any) -> Job:
            return self._make_job(records.env, name, records._name, (records, *args), kwargs, **self._options)

        return make_job


class Base(models.AbstractModel):
    _inherit = "base"

    @api.private
    def with_delay(self, **options: Unpack[DelayOptions]) -> Delayable:
        """Delay a method call on these records as a job.

        For example ``record.with_delay(priority=5).export_record(["name"])``.

        :param options: those of :func:`odoo.addons.jobs_queue.jobs.prepare`
        :return: an object on which the method is called; the call returns the
            :class:`~odoo.addons.jobs_queue.jobs.Job`
        """
        return Delayable(delay, self, options)

    @api.private
    def delayable(self, **options: Unpack[DelayOptions]) -> Delayable:
        """Prepare a method call on these records as a part of a graph, see ``graph.py``.

        Nothing is delayed yet.

        :param options: those of :func:`odoo.addons.jobs_queue.jobs.prepare`
        :return: an object on which the method is called; the call returns the
            :class:`~odoo.addons.jobs_queue.jobs.Job`
        """
        return Delayable(prepare, self, options)
