"""Decorator ``@job``: turns a function into a job function, or gives options to a method."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, Concatenate, Literal, ParamSpec, Protocol, TypedDict, TypeVar, Unpack, overload

from ..registration import addon_of
from ..session import ConnectorSession, checked_session
from ..texts import DESCRIPTION, storable
from .batches import Call
from .functions import name_to_delay, note_addon, register
from .handle import Job
from .job_function import JobFunction
from .options import (
    DEFAULT_MAX_RETRIES,
    About,
    ChannelOf,
    IdentityPolicy,
    JobOptions,
    KeyOf,
    RelatedAction,
    checked_default_channel,
    checked_former_names,
    checked_identity_policy,
    checked_key_function,
    checked_natural,
    checked_positive,
)
from .preparing import OPTIONS, prepare
from .retry import RetryPolicy, Strategies
from .signature import named_parameters

_P = ParamSpec("_P")
_R = TypeVar("_R")
_Method = TypeVar("_Method", bound=Callable[..., Any])


class FunctionOptions(TypedDict, total=False):
    """All options of :func:`job` except ``group_size``."""

    default_channel: str | ChannelOf | None
    retry_pattern: Strategies
    max_retries: int
    identity_policy: IdentityPolicy
    concurrency_key: KeyOf | None
    limit: int
    time_limit: int
    memory_limit: int
    related_action: RelatedAction | None
    about: About | None
    former_names: Iterable[str]


class _Decorator(Protocol):
    @overload
    def __call__(self, func: Callable[Concatenate[ConnectorSession, Any, _P], _R], /) -> JobFunction[_P, _R]: ...

    @overload
    def __call__(self, func: _Method, /) -> _Method: ...


class _DecoratorOfBatches(Protocol):
    # The arguments of a delay are those of a single call
    def __call__(
        self, func: Callable[[ConnectorSession, Any, list[Call]], Sequence[_R]], /
    ) -> JobFunction[..., Sequence[_R]]: ...


@overload
def job(func: Callable[Concatenate[ConnectorSession, Any, _P], _R], /) -> JobFunction[_P, _R]: ...


@overload
def job(func: _Method, /) -> _Method: ...


@overload
def job(*, group_size: Literal[0] = 0, **options: Unpack[FunctionOptions]) -> _Decorator: ...


@overload
def job(*, group_size: int, **options: Unpack[FunctionOptions]) -> _DecoratorOfBatches: ...


def job(
    func: Callable[..., Any] | None = None,
    *,
    default_channel: str | ChannelOf | None = None,
    retry_pattern: Strategies = None,
    max_retries: int = DEFAULT_MAX_RETRIES,
    identity_policy: str = "skip",
    concurrency_key: KeyOf | None = None,
    limit: int = 1,
    time_limit: int = 0,
    memory_limit: int = 0,
    group_size: int = 0,
    related_action: RelatedAction | None = None,
    about: About | None = None,
    former_names: Iterable[str] = (),
    **unknown: object,
) -> object:
    """Make a job function of a function, or give options to a method that is delayed.

    ::

        @job(default_channel="root.shop", retry_pattern={1: 10, 5: 60})
        def import_record(session, model_name, backend_id, external_id):
            '''Import a record of the shop'''

        import_record.delay(session, "shop.res.partner", backend.id, "42", priority=5)

    :param default_channel: complete name of the channel of its jobs; without it, ``root``. The
        channel is created when the addon is installed. It may also be a ``function(args)`` that
        returns the id of a channel, or None for ``root``; ``args`` is as for ``concurrency_key``.
    :param retry_pattern: when a job is tried again, and after which exceptions, see
        :class:`~odoo.addons.jobs_queue.jobs.retry.RetryPolicy`. Without it, ten seconds, doubled
        with each attempt, at most an hour.
    :param max_retries: a job fails after this number of attempts; 0 means without limit
    :param identity_policy: policy for jobs that wait with the same identity key, see
        :func:`~odoo.addons.jobs_queue.jobs.prepare`
    :param concurrency_key: ``function(args)`` that returns the concurrency key of a job, a text or
        None. ``args`` is a dict with the arguments of the call by name:
        ``lambda args: f"order {args['order_id']}"``. The records of a method are ``args["self"]``.
    :param limit: how many jobs with the same concurrency key run at once, on all machines together
    :param time_limit: a running job is stopped after so many seconds, and this counts as an
        attempt; 0 means without limit
    :param memory_limit: a running job is stopped in the same way if the whole worker process uses
        more than so many MB of memory; 0 means without limit
    :param group_size: the function takes a list of at most so many calls, see ``jobs/batches.py``;
        0 means that it takes one call
    :param related_action: ``function(session, job)`` that returns the action of the button
        *Related*
    :param about: ``function(env, model_name, *args, **kwargs)`` that returns
        ``(external id, name)`` of the record that a call is about. Both are texts or None. People
        find the job by them. The function is called with each delay, so it should only read data
        that is read anyway. If the name must be looked up, it returns a
        :class:`~odoo.addons.jobs_queue.jobs.record_number.LookUp` as name.
    :param former_names: dotted paths that the function had before it was moved or renamed. Jobs
        that wait under them run, and the settings of the function stay.
    :raise TypeError: there is no such option
    :raise ValueError: an option is not valid, or an argument of the function has the name of an
        option of :func:`~odoo.addons.jobs_queue.jobs.delay`
    """
    if unknown:
        known = [
            name
            for name, parameter in inspect.signature(job).parameters.items()
            if parameter.kind is parameter.KEYWORD_ONLY
        ]
        hint = "; the channel is the default_channel" if "channel" in unknown else ""
        raise TypeError(f"@job has no option {', '.join(unknown)}{hint}. Its options are: {', '.join(known)}")
    options = JobOptions(
        default_channel=None if callable(default_channel) else checked_default_channel(default_channel),
        channel_of=default_channel if callable(default_channel) else None,
        retry=RetryPolicy(retry_pattern),
        max_retries=checked_natural("max_retries", max_retries),
        identity_policy=checked_identity_policy(identity_policy),
        concurrency_key=checked_key_function(concurrency_key),
        concurrency_limit=checked_positive("limit", limit),
        time_limit=checked_natural("time_limit", time_limit),
        memory_limit=checked_natural("memory_limit", memory_limit),
        group_size=checked_natural("group_size", group_size),
        related_action=related_action,
        about=about,
        former_names=checked_former_names(former_names),
    )
    decorate = functools.partial(_decorate, options)
    return decorate if func is None else decorate(func)


def _decorate(options: JobOptions, func: Any) -> Any:
    is_method = func.__qualname__ != func.__name__
    if options.group_size and is_method:
        raise ValueError(
            f"{func.__qualname__} is a method: only a function at the top level of a module takes a list of calls"
        )
    if options.former_names and is_method:
        raise ValueError(
            f"{func.__qualname__} is a method: only a function at the top level of a module has former names"
        )
    if clashes := [name for name in named_parameters(func) if name in OPTIONS]:
        raise ValueError(
            f"{func.__qualname__} has an argument {', '.join(clashes)}, which is called as an option of delay: give it another name"
        )
    doc = inspect.getdoc(func)
    func.job_options = replace(
        options,
        name=f"{func.__module__}.{func.__qualname__}",
        module=addon_of(func.__module__),
        description=storable(doc.splitlines()[0].rstrip("."), DESCRIPTION) if doc else None,
    )
    note_addon(func.job_options.module)
    func.delay = functools.partial(_delay, func)
    func.delayable = functools.partial(_prepare, func)
    if not is_method:
        register(func)
    return func


def _delay(
    func: JobFunction[..., Any],
    session: ConnectorSession | None = None,
    model_name: str | None = "",
    *args: Any,
    **kwargs: Any,
) -> Job:
    """Delay a call of a job function.

    :param session: the job runs as its user
    :param model_name: name of the model that the job is about, None if there is none
    :param args: further arguments of the function
    :param kwargs: further arguments of the function, and the options of :func:`~.preparing.delay`
    """
    return _prepare(func, session, model_name, *args, **kwargs).delay()


def _prepare(
    func: JobFunction[..., Any],
    session: ConnectorSession | None = None,
    model_name: str | None = "",
    *args: Any,
    **kwargs: Any,
) -> Job:
    """Prepare a call as :func:`_delay` does, for a graph, see ``graph.py``, or to delay it later.

    :raise TypeError: there is no session, or the function does not take these arguments
    :raise ValueError: the database has no such model
    """
    env, name = checked_session(session).env, name_to_delay(func)
    if model_name is not None and model_name not in env.registry:
        raise ValueError(
            f"{name} is delayed with (session, model_name, ...): this database has no model {model_name!r}"
        )
    options = {option: kwargs.pop(option) for option in OPTIONS if option in kwargs}
    return prepare(env, name, model_name, args, kwargs, **options)
