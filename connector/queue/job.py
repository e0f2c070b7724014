"""What a job is: a call that is stored and runs later, in a transaction of its own.

A *job function* is a function at the top level of a module of an addon, marked with :func:`job`; it takes ``(session, model_name, ...)``.
A method of a model is delayed with ``record.with_delay().method(...)``; :func:`job` on it is needed for options only.
"""

import functools
import importlib
import inspect
import json
import logging
import math
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pprint import pformat

from odoo import api, fields

from ..exception import FailedJobError, NoSuchJobError, NothingToDoJob, NotReadableJobError
from ..registration import addon_of, is_installed
from ..session import ConnectorSession
from . import codec, store
from .retry import RetryPolicy

_logger = logging.getLogger(__name__)

DEFAULT_PRIORITY = 10
DEFAULT_MAX_RETRIES = 5

#: The keys of the context that a job takes over from the code that delays it.
CONTEXT_KEYS = ("lang", "tz", "allowed_company_ids", "active_test")

_DELAY_OPTIONS = (
    "priority",
    "eta",
    "max_retries",
    "description",
    "channel",
    "identity_key",
    "identity_policy",
    "concurrency_key",
    "time_limit",
    "memory_limit",
    "group_key",
)

#: What becomes of the jobs that wait with one identity key when it is their turn, see :func:`delay`.
IDENTITY_POLICIES = ("skip", "replace", "debounce")

_ADDONS = "odoo.addons."

# Every job function that was imported, of all addons, by name; which of them exist in a database is decided by its registry
_functions = {}


@dataclass(frozen=True)
class JobOptions:
    """What is known of a job function: from the code, and for a database from its ``queue.job.function`` record too."""

    name: str
    module: str | None = None
    description: str | None = None
    default_channel: str | None = None
    channel_of: object = None
    channel_id: int | None = None
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    max_retries: int = DEFAULT_MAX_RETRIES
    identity_policy: str = "skip"
    concurrency_key: object = None
    concurrency_limit: int = 1
    time_limit: int = 0
    memory_limit: int = 0
    group_size: int = 0
    related_action: object = None


_TAKES_ONE_CALL = JobOptions("")


def job(
    func=None,
    *,
    default_channel=None,
    retry_pattern=None,
    max_retries=DEFAULT_MAX_RETRIES,
    identity_policy="skip",
    concurrency_key=None,
    limit=1,
    time_limit=0,
    memory_limit=0,
    group_size=0,
    related_action=None,
):
    """Make a job function of a function, or give options to a method that is delayed.

    ::

        @job(default_channel="root.shop", retry_pattern={1: 10, 5: 60})
        def import_record(session, model_name, backend_id, external_id):
            '''Import a record of the shop'''

        import_record.delay(session, "shop.res.partner", backend.id, "42", priority=5)

    :param default_channel: complete name of the channel of its jobs; without, ``root``. It is created when the addon is installed. Or
        ``function(args)`` that returns the id of a channel, None for ``root``; ``args`` is as for ``concurrency_key``
    :param retry_pattern: when a job is tried again, and after which exceptions, as for
        :class:`~odoo.addons.connector.queue.retry.RetryPolicy`; without, ten seconds, doubled with each try, at most an hour
    :param max_retries: a job fails after so many tries; 0 means without limit
    :param identity_policy: what becomes of jobs that wait with one identity key: see :func:`delay`
    :param concurrency_key: ``function(args)`` that returns the concurrency key of a job, text, or None; ``args`` is a dict with the
        arguments of the call by their names: ``lambda args: f"order {args['order_id']}"``. A method's records are ``args["self"]``
    :param limit: how many jobs with the same concurrency key run at once, on all machines together
    :param time_limit: seconds after which a running job is stopped, which counts as a try; 0 means without limit
    :param memory_limit: MB of memory of the whole worker process above which the job is stopped likewise; 0 means without limit
    :param group_size: the function takes a list of up to so many calls, see ``grouped.py``; 0 means that it takes one call
    :param related_action: ``function(session, job)`` that returns the action of the button *Related*
    :raise ValueError: an option is not valid
    """
    if func is None:
        return functools.partial(
            job,
            default_channel=default_channel,
            retry_pattern=retry_pattern,
            max_retries=max_retries,
            identity_policy=identity_policy,
            concurrency_key=concurrency_key,
            limit=limit,
            time_limit=time_limit,
            memory_limit=memory_limit,
            group_size=group_size,
            related_action=related_action,
        )
    if group_size and func.__qualname__ != func.__name__:
        raise ValueError(
            f"{func.__qualname__} is a method: only a function at the top level of a module takes a list of calls"
        )
    doc = inspect.getdoc(func)
    func.job_options = JobOptions(
        name=f"{func.__module__}.{func.__qualname__}",
        module=addon_of(func.__module__),
        description=doc.splitlines()[0].rstrip(".") if doc else None,
        default_channel=None if callable(default_channel) else _channel(default_channel),
        channel_of=default_channel if callable(default_channel) else None,
        retry=RetryPolicy(retry_pattern),
        max_retries=_natural("max_retries", max_retries),
        time_limit=_natural("time_limit", time_limit),
        memory_limit=_natural("memory_limit", memory_limit),
        identity_policy=_identity_policy(identity_policy),
        concurrency_key=_key_function(concurrency_key),
        concurrency_limit=_positive("limit", limit),
        group_size=_natural("group_size", group_size),
        related_action=related_action,
    )
    func.delay = functools.partial(_delay_function, func)
    func.delayable = functools.partial(_prepare_function, func)
    if func.__qualname__ == func.__name__:
        _functions[func.job_options.name] = func
    return func


def _delay_function(func, session, model_name, *args, **kwargs):
    """Delay a call of a job function.

    :param session: :class:`~odoo.addons.connector.session.ConnectorSession`; the job runs as its user
    :param model_name: name of the model that the job is about
    :param args: further arguments of the function
    :param kwargs: further arguments of the function, and the options of :func:`delay`
    :return: :class:`Job`
    """
    return _prepare_function(func, session, model_name, *args, **kwargs).delay()


def _prepare_function(func, session, model_name, *args, **kwargs):
    """Prepare what :func:`_delay_function` delays: a part of a graph, see ``graph.py``, or a job to delay later.

    :return: :class:`Job`
    """
    options = {option: kwargs.pop(option) for option in _DELAY_OPTIONS if option in kwargs}
    return prepare(session.env, name_to_delay(func), model_name, args, kwargs, **options)


def name_to_delay(func):
    """Return the name under which a job function is delayed.

    :raise ValueError: it cannot be delayed
    """
    if not hasattr(func, "job_options"):
        raise ValueError(f"{func!r} is no job function: mark it with @job")
    name = func.job_options.name
    if name not in _functions:
        raise ValueError(
            f"{name} cannot be delayed: a job function is defined at the top level of a module of an addon"
        )
    return name


def delay(env, function, model_name, args, kwargs, **options):
    """Delay a call: prepare it, and store it with the commit of the caller's transaction. See :func:`prepare` and :meth:`Job.delay`."""
    return prepare(env, function, model_name, args, kwargs, **options).delay()


def prepare(
    env,
    function,
    model_name,
    args,
    kwargs,
    *,
    priority=None,
    eta=None,
    max_retries=None,
    description=None,
    channel=None,
    identity_key=None,
    identity_policy=None,
    concurrency_key=None,
    time_limit=None,
    memory_limit=None,
    group_key=None,
):
    """Make a job of a call; nothing is stored before :meth:`Job.delay`.

    :param priority: 0 runs first; 10 by default
    :param eta: run not before: datetime (UTC if it names no zone), timedelta, or seconds from now
    :param max_retries: fail after so many tries; 0 means without limit
    :param description: what a person reads in the list of jobs
    :param channel: complete name of an existing channel
    :param identity_key: of the jobs that wait with one key only one will run; one that is delayed while such a job runs, runs afterwards
    :param identity_policy: which one: ``skip`` (default) the one whose turn it is first, ``replace`` the newest one, so that the newest
        arguments win, ``debounce`` the one with the latest eta, so that it runs when no other was delayed for a while
    :param concurrency_key: of the jobs with one key only as many run at once as ``limit`` of :func:`job` says, one by default
    :param time_limit: see :func:`job`, in seconds
    :param memory_limit: see :func:`job`, in MB
    :param group_key: of a function with ``group_size``: jobs with the same key run together; without, the first argument is the key
    :return: :class:`Job`
    :raise NotSerializableJobError: an argument cannot be stored
    :raise ValueError: an option is not valid
    """
    options = function_options(env, function)
    named = functools.cache(functools.partial(named_arguments, env, options, model_name, args, kwargs))
    job = Job(
        env=env,
        function=function,
        model_name=model_name,
        payload=codec.encode_call(args, kwargs),
        description=_text("description", description),
        priority=DEFAULT_PRIORITY if priority is None else _natural("priority", priority),
        max_retries=options.max_retries if max_retries is None else _natural("max_retries", max_retries),
        channel_id=env["queue.job.channel"]._id_of(channel) if channel else _default_channel_id(options, named),
        identity_key=_text("identity_key", identity_key),
        identity_policy=options.identity_policy if identity_policy is None else _identity_policy(identity_policy),
        concurrency_key=_text("concurrency_key", concurrency_key) or _concurrency_key(options, named),
        concurrency_limit=options.concurrency_limit,
        time_limit=options.time_limit if time_limit is None else _natural("time_limit", time_limit),
        memory_limit=options.memory_limit if memory_limit is None else _natural("memory_limit", memory_limit),
        group_key=_group_key(options, args, group_key, concurrency_key),
    )
    job.eta, job.eta_seconds = _parse_eta(eta)
    return job


def _group_key(options, args, asked, concurrency_key):
    """Return the key of the jobs that run together with this one, None if its function takes one call."""
    if not options.group_size:
        if asked is not None:
            raise ValueError(
                f"{options.name} takes one call: a group_key is for functions marked with @job(group_size=...)"
            )
        return None
    if concurrency_key or options.concurrency_key:
        raise ValueError(f"{options.name} takes a list of calls: its jobs cannot have a concurrency key")
    if asked is not None:
        return _text("group_key", asked) or ""
    return codec.encode(args[0]) if args else ""


def _channel(complete_name):
    if complete_name and complete_name.partition(".")[0] != "root":
        raise ValueError(
            f"default_channel is {complete_name!r}: all channels are below root, so call it 'root.{complete_name}'"
        )
    return complete_name


def _natural(name, value):
    if not isinstance(value, int) or not 0 <= value < 2**31:
        raise ValueError(f"{name} is {value!r}: it must be a whole number that is not negative, and below 2^31")
    return value


def _text(name, value):
    if value is None or value is False:
        return None
    if not isinstance(value, str):
        raise ValueError(f"{name} is {value!r}: it must be text")
    if "\0" in value:
        raise ValueError(f"{name} is {value!r}: PostgreSQL cannot store the character NUL")
    return value or None


def _positive(name, value):
    if not isinstance(value, int) or value < 1:
        raise ValueError(f"{name} is {value!r}: it must be a whole number from 1")
    return value


def _identity_policy(policy):
    if policy not in IDENTITY_POLICIES:
        raise ValueError(f"identity_policy is {policy!r}: it must be one of {', '.join(IDENTITY_POLICIES)}")
    return policy


def _key_function(function):
    if function is not None and not callable(function):
        raise ValueError(
            f"concurrency_key is {function!r}: it must be a function of the arguments, as in lambda args: args['order_id']"
        )
    return function


def named_arguments(env, options, model_name, args, kwargs):
    """Return the arguments of a call by their names, for the options that are functions of them.

    The list of a function with ``group_size`` has this call alone.

    :raise TypeError: the function does not take these arguments
    """
    implicit = (ConnectorSession.from_env(env), model_name) if options.name.startswith(_ADDONS) else ()
    if options.group_size:
        args, kwargs = ([args],), {}
    call = inspect.signature(find_function(env, options.name)).bind(*implicit, *args, **kwargs)
    call.apply_defaults()
    return call.arguments


def _default_channel_id(options, named):
    return (options.channel_of and options.channel_of(named())) or options.channel_id


def _concurrency_key(options, named):
    """Return the concurrency key that the function's ``@job`` gives to a call, or None."""
    key = options.concurrency_key and options.concurrency_key(named())
    return None if key is None else _text("concurrency_key", str(key))


def _parse_eta(eta):
    """Return ``(ISO time in UTC or None, seconds from now or None)``."""
    if eta is None:
        return None, None
    if isinstance(eta, timedelta):
        return None, eta.total_seconds()
    if isinstance(eta, int | float) and not isinstance(eta, bool) and math.isfinite(eta):
        return None, eta
    if isinstance(eta, datetime):
        if eta.tzinfo:
            eta = eta.astimezone(UTC).replace(tzinfo=None)
        return eta.isoformat(), None
    raise ValueError(f"eta is {eta!r}: it must be a datetime, a timedelta or a number of seconds")


def function_options(env, name):
    """Return the :class:`JobOptions` of a job function or ``model.method`` in a database."""
    return env["queue.job.function"]._options(name)


def code_options(env, name):
    """Return the options that the code gives to a job function or ``model.method``; bare ones where it is unknown or says nothing."""
    try:
        options = getattr(find_function(env, name), "job_options", None)
    except NotReadableJobError:
        options = None
    return replace(options, name=name) if options else JobOptions(name=name)


def find_function(env, name):
    """Return the job function, or the method of a model's class, of that name in this database.

    :raise NotReadableJobError: there is none; the message says why
    """
    if name.startswith(_ADDONS):
        return _find_job_function(env, name)
    model_name, _dot, method_name = name.rpartition(".")
    if model_name not in env.registry:
        raise NotReadableJobError(
            env._(
                "The model “%s” of the job does not exist in this database: is its addon still installed?", model_name
            )
        )
    method = getattr(env.registry[model_name], method_name, None)
    if not callable(method):
        raise NotReadableJobError(
            env._(
                "The model “%(model)s” has no method “%(method)s” any more: cancel the job, or bring the method back.",
                model=model_name,
                method=method_name,
            )
        )
    return method


def _find_job_function(env, name):
    module_name = name.rpartition(".")[0]
    addon = addon_of(module_name)
    if not is_installed(env.registry, addon):
        raise NotReadableJobError(
            env._(
                "The addon “%(addon)s” of the job function “%(function)s” is not installed in this database.",
                addon=addon,
                function=name,
            )
        )
    if name not in _functions:
        try:
            importlib.import_module(module_name)
        except ImportError as error:
            raise NotReadableJobError(
                env._(
                    "The module “%(module)s” of the job cannot be imported: %(error)s", module=module_name, error=error
                )
            ) from error
    if name not in _functions:
        raise NotReadableJobError(env._("“%s” is not a job function any more: it has gone, or lost its @job.", name))
    return _functions[name]


def describe_arguments(env, function, payload):
    """Return the arguments of a stored call as a person reads them: a line each, with its name in the function's signature.

    :raise NotReadableJobError: the function or an argument is unknown here
    :raise TypeError: the function does not take these arguments
    """
    args, kwargs = codec.decode_call(payload, env)
    # the session and the model's name are not among the arguments of a job function; the records of a method are
    implicit = 2 if function.startswith(_ADDONS) else 0
    call = inspect.signature(find_function(env, function)).bind(*[None] * implicit, *args, **kwargs)
    return "\n".join(f"{name} = {pformat(value)}" for name, value in list(call.arguments.items())[implicit:])


def installed_functions(env):
    """Return ``{name: JobOptions}`` of all job functions and decorated methods of the addons installed in this database."""
    found = {
        name: func.job_options
        for name, func in _functions.items()
        if is_installed(env.registry, func.job_options.module)
    }
    for model_name, model_class in env.registry.items():
        for method_name, method in inspect.getmembers_static(model_class, inspect.isfunction):
            if hasattr(method, "job_options") and not model_class._abstract:
                name = f"{model_name}.{method_name}"
                found[name] = replace(method.job_options, name=name)
    return found


class Job:
    """A call that was delayed: the handle that ``delay`` returns, and what a worker runs.

    Its ``id`` is known once it is stored; reading it stores what the transaction has delayed so far.
    """

    __slots__ = (
        "_id", "env", "function", "model_name", "payload", "context", "description", "priority", "max_retries", "channel_id",
        "identity_key", "identity_policy", "concurrency_key", "concurrency_limit", "eta", "eta_seconds", "user_id", "company_id", "su",
        "retry", "lease_token", "ready_seq", "date_created", "result", "message", "time_limit", "memory_limit", "run", "log_lines",
        "graph_uuid", "parents", "is_delayed", "group_key",
    )  # fmt: skip

    def __init__(self, *, env=None, id=None, **values):
        self.env = env  # that of the code that delayed it
        self._id = id
        self.retry = 0
        self.is_delayed = False
        self.graph_uuid, self.parents, self.group_key = None, {}, None
        self.eta = self.eta_seconds = self.result = self.message = self.lease_token = self.run = None
        self.log_lines = []
        if env is not None:
            context = {key: env.context[key] for key in CONTEXT_KEYS if key in env.context}
            self.context = json.dumps(context) if context else None
            self.user_id, self.su, self.company_id = env.uid, env.su, env.company.id
        for name, value in values.items():
            setattr(self, name, value)

    def __repr__(self):
        return f"<Job {self._id or 'not stored yet'}: {self.function}>"

    @classmethod
    def load(cls, record):
        """Return the job of a ``queue.job`` record."""
        record.ensure_one()
        values = record.sudo().read(
            [
                "function",
                "model_name",
                "payload",
                "context",
                "description",
                "priority",
                "max_retries",
                "identity_key",
                "concurrency_key",
                "time_limit",
                "memory_limit",
                "su",
                "retry",
            ]
        )[0]
        record = record.sudo()
        return cls(
            **values, user_id=record.user_id.id, company_id=record.company_id.id, channel_id=record.channel_id.id
        )

    @property
    def id(self):
        """The id of the job's row."""
        if self._id is None and self.env is not None:
            self.env.cr.flush()
        return self._id

    def delay(self):
        """Delay the job in the caller's transaction: it is stored with the transaction's commit, or not at all.

        With ``connector_no_delay`` in the context it runs at once, in the caller's transaction.

        :return: the job itself
        :raise ValueError: it was delayed before
        """
        if self.is_delayed:
            raise ValueError(f"{self!r} was delayed before: prepare it anew to run it once more")
        if self.env.context.get("connector_no_delay"):
            self.is_delayed = True
            self.perform(self.env)
        else:
            from . import buffer  # it builds on this module

            buffer.add(self.env, self)
        return self

    def stored_as(self, id):
        """Say which row stands for the job."""
        self._id = id

    @property
    def lang(self):
        """The language of the code that delayed the job, in which the job's own messages are, and those of its worker."""
        return (json.loads(self.context) if self.context else {}).get("lang") or "en_US"

    @property
    def attempt(self):
        """The number of the try that runs, from 1."""
        return self.retry + 1

    def record(self, env):
        """Return the job's ``queue.job`` record.

        :raise NoSuchJobError: it was rolled back or deleted
        """
        record = env["queue.job"].browse(self.id).exists() if self.id else env["queue.job"]
        if not record:
            raise NoSuchJobError(f"{self!r} does not exist (any more)")
        return record

    def environment(self, cr):
        """Return the Odoo environment in which the job runs: user, superuser mode and context of the code that delayed it.

        :raise FailedJobError: its user is archived or does not exist any more, and it does not run as superuser
        """
        context = json.loads(self.context) if self.context else {}
        env = api.Environment(cr, self.user_id, {**context, "job_id": self._id}, su=self.su)
        if not self.su and not env["queue.job"]._may_work(self.user_id):
            raise FailedJobError(
                env._(
                    "The user of the job (id %s) is archived or does not exist any more: delay it again as another user, or restore it.",
                    self.user_id,
                )
            )
        return env

    # For the code of the job while it runs, as ``session.job``

    def progress(self, done, total=None, message=None):
        """Show people how far the job is, at once and not with its commit; more often than twice a second is not written.

        :param done: how many units of work are done
        :param total: of how many, where it is known
        :param message: what is being done
        """
        if self.run is not None:
            self.run.report_progress(done, total, message)

    def log(self, text):
        """Keep a line with this attempt, whatever its end; people read it on the job."""
        self.log_lines.append(text)

    @property
    def log_text(self):
        """What the job has logged in this attempt, or None."""
        return "\n".join(self.log_lines) or None

    @property
    def usage(self):
        """What this attempt has used, see :meth:`~odoo.addons.connector.queue.run.Run.usage`; that of a group is not its members'."""
        return self.run.usage() if self.run is not None and self.run.job is self else (None, None, None)

    def check_cancelled(self):
        """Stop here if somebody has cancelled the job, or it has reached one of its limits.

        :raise JobStopped: it was; let it pass
        """
        if self.run is not None and self.run.stopped:
            raise self.run.stopped

    @property
    def parent_results(self):
        """What the jobs returned for which this one waited: a list, see :func:`~odoo.addons.connector.queue.graph.parent_results`."""
        from .graph import parent_results  # it builds on this module

        return parent_results(self.env)

    @property
    def title(self):
        """What a person reads: the description, its own or its function's."""
        return self.description or function_options(self.env, self.function).description or self.function

    def perform(self, env):
        """Call the function and keep what it returns: as the message if it is text, and as the result.

        A function that raises :class:`NothingToDoJob` has ended well, and what it wrote before is kept.

        :raise NotReadableJobError: the function or an argument is unknown here
        :raise NotSerializableJobError: what it returns cannot be stored
        """
        self.env = env
        func = find_function(env, self.function)
        if getattr(func, "job_options", _TAKES_ONE_CALL).group_size:
            from .grouped import perform_calls  # it builds on this module

            perform_calls(env, func, [self])
            return
        try:
            value = self._call(env, func)
        except NothingToDoJob as nothing:
            value = str(nothing)
        self.keep(value)

    def keep(self, value):
        """Keep what the function returned for this job.

        :raise NotSerializableJobError: it cannot be stored
        """
        self.message = value if isinstance(value, str) else None
        self.result = None if value is None else codec.encode(value)

    @property
    def members(self):
        """The jobs of this one: itself; a :class:`~odoo.addons.connector.queue.grouped.JobGroup` has several."""
        return [self]

    def halves(self):
        """Return nothing: a single job has no halves, see :class:`~odoo.addons.connector.queue.grouped.JobGroup`."""
        return []

    def lock_lease(self, cr, worker_id):
        """Lock the job's row until the end of the transaction; return False if its lease is not the worker's any more."""
        return store.lock_lease(cr, self, worker_id)

    def complete(self, cr, worker_id, worker_name):
        """Set the job to done; return False if its lease is not the worker's any more."""
        return store.complete(cr, self, worker_id, worker_name, self.message, self.result, self.log_text, self.usage)

    def _call(self, env, func):
        args, kwargs = codec.decode_call(self.payload, env)
        if self.function.startswith(_ADDONS):
            session = ConnectorSession.from_env(env, job=self)
            return func(session, self.model_name, *args, **kwargs)
        return func(*args, **kwargs)

    def related_action(self, env):
        """Return the action that opens what the job is about, or None."""
        options = function_options(env, self.function)
        if options.related_action:
            return options.related_action(ConnectorSession.from_env(env), self)
        args, kwargs = codec.decode_call(self.payload, env)
        for value in (*args, *kwargs.values()):
            if hasattr(value, "_name") and value.exists():
                return _open_records(value.exists())
        return None

    def column_values(self):
        """Return the columns of a new row."""
        return {
            "function": self.function,
            "model_name": self.model_name,
            "payload": self.payload,
            "context": self.context,
            "description": self.description,
            "channel_id": self.channel_id,
            "priority": self.priority,
            "max_retries": self.max_retries,
            "identity_key": self.identity_key,
            "identity_policy": self.identity_key and self.identity_policy,
            "concurrency_key": self.concurrency_key,
            "concurrency_limit": self.concurrency_key and self.concurrency_limit,
            "time_limit": self.time_limit,
            "memory_limit": self.memory_limit,
            "user_id": self.user_id,
            "company_id": self.company_id,
            "su": self.su,
            "eta": self.eta,
            "eta_seconds": self.eta_seconds,
            # most jobs have none, and what is missing is NULL
            **({"graph_uuid": self.graph_uuid, "waits": bool(self.parents)} if self.graph_uuid else {}),
            **({"group_key": self.group_key} if self.group_key is not None else {}),
        }


def _open_records(records):
    action = {
        "type": "ir.actions.act_window",
        "name": records._description,
        "res_model": records._name,
        "view_mode": "list,form",
    }
    if len(records) == 1:
        return {**action, "view_mode": "form", "views": [(False, "form")], "res_id": records.id}
    return {**action, "views": [(False, "list"), (False, "form")], "domain": fields.Domain("id", "in", records.ids)}
