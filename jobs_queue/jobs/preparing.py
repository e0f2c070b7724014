"""Prepare jobs from calls: check the arguments, apply the options, delay the job."""

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Unpack

from odoo.api import Environment
from odoo.tools.translate import LazyGettext

from ..texts import shown
from . import arguments
from .functions import function_options, is_method, named_arguments
from .handle import Job
from .keys import OptionalText, checked_key, stored_key
from .options import (
    DEFAULT_PRIORITY,
    DelayOptions,
    Eta,
    IdentityPolicy,
    JobOptions,
    checked_channel,
    checked_description,
    checked_identity_policy,
    checked_natural,
    parsed_eta,
)


def delay(
    env: Environment,
    function: str,
    model_name: str | None,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    **options: Unpack[DelayOptions],
) -> Job:
    """Delay a call: prepare it, and store it if the caller's transaction commits.

    See :func:`prepare` and :meth:`Job.delay`.
    """
    return prepare(env, function, model_name, args, kwargs, **options).delay()


def prepare(
    env: Environment,
    function: str,
    model_name: str | None,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    *,
    priority: int | None = None,
    eta: Eta | None = None,
    max_retries: int | None = None,
    description: OptionalText | LazyGettext = None,
    channel: OptionalText = None,
    identity_key: OptionalText = None,
    identity_policy: IdentityPolicy | None = None,
    concurrency_key: OptionalText = None,
    time_limit: int | None = None,
    memory_limit: int | None = None,
    group_key: OptionalText = None,
) -> Job:
    """Make a job of a call; nothing is stored before :meth:`Job.delay`.

    :param priority: 0 runs first; 10 by default
    :param eta: do not run before: datetime (UTC if it names no zone), timedelta, or seconds from
        now
    :param max_retries: fail after so many attempts; 0 means without limit
    :param description: text for people in the list of jobs
    :param channel: complete name of an existing channel
    :param identity_key: only one of the jobs that wait with the same key will run. A job that is
        delayed while a job with its key runs, runs afterwards.
    :param identity_policy: selects that one. ``skip`` (default): the one whose turn comes first.
        ``replace``: the newest one, so the newest arguments win. ``debounce``: the one with the
        latest eta, so it runs when no other job was delayed for a while.
    :param concurrency_key: at most ``limit`` jobs with the same key run at once, see
        :func:`~.decorator.job`; one by default
    :param time_limit: see :func:`~.decorator.job`, in seconds
    :param memory_limit: see :func:`~.decorator.job`, in MB
    :param group_key: for a function with ``group_size``: jobs with the same key run together.
        Without it the first argument is the key.
    :raise TypeError: the function does not take these arguments
    :raise NotSerializableJobError: an argument cannot be stored
    :raise ValueError: an option is not valid
    """
    options = function_options(env, function)
    if options.signature is not None and not options.signature.takes(args, kwargs):
        _refuse(env, options, model_name, args, kwargs)
    concurrency_key = checked_key("concurrency_key", concurrency_key)
    named = functools.cache(functools.partial(named_arguments, env, options, model_name, args, kwargs))
    job = Job(
        env=env,
        function=function,
        model_name=model_name,
        payload=arguments.encode_call(args, kwargs, env),
        description=checked_description(description),
        priority=DEFAULT_PRIORITY if priority is None else checked_natural("priority", priority),
        max_retries=options.max_retries if max_retries is None else checked_natural("max_retries", max_retries),
        channel_id=_channel_id(env, channel) or _default_channel_id(options, named),
        identity_key=checked_key("identity_key", identity_key),
        identity_policy=options.identity_policy
        if identity_policy is None
        else checked_identity_policy(identity_policy),
        concurrency_key=concurrency_key or _concurrency_key(options, named),
        concurrency_limit=options.concurrency_limit,
        time_limit=options.time_limit if time_limit is None else checked_natural("time_limit", time_limit),
        memory_limit=options.memory_limit if memory_limit is None else checked_natural("memory_limit", memory_limit),
        group_key=_group_key(env, options, args, group_key, concurrency_key),
    )
    job.eta, job.eta_seconds = parsed_eta(eta)
    if options.about:
        job.set_record(*options.about(env, model_name, *args, **kwargs))
    return job


#: The names of the options of a call; arguments of the function cannot have these names.
OPTIONS = tuple(
    name
    for name, parameter in inspect.signature(prepare).parameters.items()
    if parameter.kind is inspect.Parameter.KEYWORD_ONLY
)


def _refuse(
    env: Environment, options: JobOptions, model_name: str | None, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> None:
    """Raise the error of a call with wrong arguments.

    :raise TypeError: always, except if a test has replaced the function whose signature was checked
    """
    try:
        named_arguments(env, options, model_name, args, kwargs)
    except TypeError as error:
        raise TypeError(_told(options, kwargs) or f"{options.name}: {error}") from None


def _told(options: JobOptions, kwargs: Mapping[str, Any]) -> str | None:
    """Return the error about unknown argument names, None if the mistake is another one."""
    names: Any = options.signature.names  # type: ignore[union-attr]  # what has none refuses no call
    unknown = sorted(kwargs.keys() - names) if names is not None else ()
    if not unknown:
        return None
    if is_method(options.name) and (misplaced := [name for name in unknown if name in OPTIONS]):
        return (
            f"{', '.join(misplaced)}: no argument of {options.name} ({', '.join(names)}), but an option of delay: "
            f"with_delay({misplaced[0]}=...)"
        )
    return (
        f"{', '.join(unknown)}: neither an argument of {options.name} ({', '.join(names)}) "
        f"nor an option of delay ({', '.join(OPTIONS)})"
    )


def _group_key(
    env: Environment, options: JobOptions, args: Sequence[Any], asked: OptionalText, concurrency_key: str | None
) -> str | None:
    """Return the key of the jobs that run together with this one.

    It is None if the function takes one call.
    """
    if not options.group_size:
        if asked is not None:
            raise ValueError(
                f"{options.name} takes one call: a group_key is for functions marked with @job(group_size=...)"
            )
        return None
    if concurrency_key or options.concurrency_key:
        raise ValueError(f"{options.name} takes a list of calls: its jobs cannot have a concurrency key")
    if asked is not None:
        return checked_key("group_key", asked) or ""
    return stored_key(arguments.encode(args[0], env)) if args else ""


def _channel_id(env: Environment, asked: OptionalText) -> int | None:
    name: Any = checked_channel("channel", asked)
    return name and env["queue.job.channel"]._id_of(name)


def _default_channel_id(options: JobOptions, named: Callable[[], dict[str, Any]]) -> int | None:
    asked = options.channel_of and options.channel_of(named())
    if asked is None or asked is False:
        return options.channel_id
    return checked_natural(f"the default_channel of {options.name}", asked) or options.channel_id


def _concurrency_key(options: JobOptions, named: Callable[[], dict[str, Any]]) -> str | None:
    """Return the concurrency key that the function's ``@job`` gives to a call, or None."""
    key = options.concurrency_key and options.concurrency_key(named())
    try:
        text = None if key is None else str(key)
    except Exception:
        raise ValueError(f"The concurrency_key of {options.name} is {shown(key)}, which has no text") from None
    return checked_key("concurrency_key", text)
