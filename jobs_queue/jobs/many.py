"""Delay many calls of one job function at once."""

from collections.abc import Iterable, Sequence
from typing import Any, Unpack

from ..exception import NotSerializableJobError
from ..session import ConnectorSession, checked_session
from . import prepare
from .functions import name_to_delay
from .handle import Job
from .job_function import JobFunction
from .options import DelayOptions


def delay_many(
    session: ConnectorSession,
    func: JobFunction[..., Any],
    model_name: str | None,
    list_of_arguments: Iterable[Sequence[Any] | dict[str, Any]],
    **options: Unpack[DelayOptions],
) -> list[Job]:
    """Delay a call of a job function for each item of a list.

    ::

        calls = [(backend.id, id_) for id_ in ids]
        delay_many(session, import_record, "shop.res.partner", calls, priority=20)

    The jobs are stored by one INSERT for each page of the buffer, see ``jobs/buffer.py``.

    :param session: the jobs run as its user
    :param model_name: name of the model that the jobs are about
    :param list_of_arguments: for each job a tuple of further arguments of the function, or a dict
        of named ones
    :param options: for all jobs, those of :func:`~odoo.addons.jobs_queue.jobs.prepare`
    :return: the jobs, in the same order
    :raise TypeError: there is no session, or the function does not take the arguments of a call;
        the message names the call. Nothing is delayed then.
    :raise NotSerializableJobError: an argument cannot be stored; the message names the call and the
        argument. Nothing is delayed then.
    :raise ValueError: an option is not valid, or an item of the list is no tuple and no dict
    """
    env, name = checked_session(session).env, name_to_delay(func)
    jobs: list[Job] = []
    args: Sequence[Any]
    kwargs: dict[str, Any]
    for number, arguments in enumerate(list_of_arguments, 1):
        if isinstance(arguments, dict):
            args, kwargs = (), arguments
        elif isinstance(arguments, tuple | list):
            args, kwargs = arguments, {}
        else:
            raise ValueError(
                f"Call {number} is {arguments!r}: it must be a tuple of arguments, or a dict of named ones"
            )
        try:
            jobs.append(prepare(env, name, model_name, args, kwargs, **options))
        except NotSerializableJobError as error:
            raise NotSerializableJobError(f"Call {number}, {error}") from None
        except TypeError as error:
            raise TypeError(f"Call {number}: {error}") from error
    for job in jobs:
        job.delay()
    return jobs
