"""Registry of job functions: those of the installed addons, and look-ups by name.

The name of a job function is its dotted path, ``odoo.addons.…``. The name of a method is
``model.method``.
"""

import functools
import importlib
import inspect
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pprint import pformat
from typing import Any

from odoo.api import Environment

from ..exception import UnknownJobError
from ..registration import addon_of, is_installed
from ..session import ConnectorSession
from . import arguments
from .job_function import JobFunction
from .options import JobOptions
from .signature import Signature

_ADDONS = "odoo.addons."

# All imported job functions of all addons by name. The registry of a database decides which of them
# exist there
_functions: dict[str, JobFunction[..., Any]] = {}

# Former names of job functions to current names; stored jobs may have the former ones
_names: dict[str, str] = {}

_WITHOUT_OPTIONS = JobOptions()


# The addons with job functions or decorated methods
_addons: set[str] = set()


def register(func: JobFunction[..., Any]) -> None:
    """Register a job function under its name."""
    options = func.job_options
    _functions[options.name] = func
    _names.update(dict.fromkeys(options.former_names, options.name))


def note_addon(addon: str) -> None:
    """Remember that an addon has job functions or decorated methods."""
    _addons.add(addon)


def has_jobs(addon: str) -> bool:
    """Return whether an addon has job functions or decorated methods.

    Only code that was imported counts.
    """
    return addon in _addons


def is_method(name: str) -> bool:
    """Return whether a name is that of a method; methods take no session and no model name."""
    return not name.startswith(_ADDONS)


def name_to_delay(func: object) -> str:
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


def options_of(func: Callable[..., Any]) -> JobOptions:
    """Return the options that ``@job`` gives to a function; the defaults without ``@job``."""
    return getattr(func, "job_options", _WITHOUT_OPTIONS)


def function_options(env: Environment, name: str) -> JobOptions:
    """Return the options of a job function or ``model.method`` in a database."""
    return env["queue.job.function"]._options(name)


def code_options(env: Environment, name: str) -> JobOptions:
    """Return the options that the code gives to a job function or ``model.method``.

    They are the defaults if the function is unknown or has no ``@job``.
    """
    try:
        func = find_function(env, name)
    except UnknownJobError:
        return replace(_WITHOUT_OPTIONS, name=name)
    return replace(options_of(func), name=name, signature=_signature(func, name))


def _signature(func: Callable[..., Any], name: str) -> Signature | None:
    """Return the signature of a function.

    It is None if the function takes a list of calls, or does not tell its parameters.
    """
    if options_of(func).group_size:
        return None
    try:
        # a job function takes the session and the model's name before its arguments; the first
        # argument of a method is its records
        return Signature(func, 0 if is_method(name) else 2)
    except (TypeError, ValueError):
        return None


def named_arguments(
    env: Environment, options: JobOptions, model_name: str | None, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the arguments of a call by name, for the options that are functions of them.

    The list of a function with ``group_size`` holds this call alone.

    :raise TypeError: the function does not take these arguments
    """
    implicit: tuple[object, ...] = () if is_method(options.name) else (ConnectorSession.from_env(env), model_name)
    if options.group_size:
        args, kwargs = ([args],), {}
    call = inspect.signature(find_function(env, options.name)).bind(*implicit, *args, **kwargs)
    call.apply_defaults()
    return call.arguments


def current_name(name: str) -> str:
    """Return the current name of a job function; stored jobs may have a former one."""
    return _names.get(name, name)


def find_function(env: Environment, name: str) -> Callable[..., Any]:
    """Return the job function, or the method of a model's class, with a name or former name.

    :raise UnknownJobError: this database has none; the message gives the reason
    """
    name = current_name(name)
    return _find_method(env, name) if is_method(name) else _find_job_function(env, name)


def _find_method(env: Environment, name: str) -> Callable[..., Any]:
    model_name, _dot, method_name = name.rpartition(".")
    if model_name not in env.registry:
        raise UnknownJobError(
            env._(
                "The model “%s” of the job does not exist in this database: is its addon still installed?", model_name
            )
        )
    method = getattr(env.registry[model_name], method_name, None)
    if not callable(method):
        raise UnknownJobError(
            env._(
                "The model “%(model)s” has no method “%(method)s” any more: cancel the job, or bring the method back.",
                model=model_name,
                method=method_name,
            )
        )
    return method


def _find_job_function(env: Environment, name: str) -> JobFunction[..., Any]:
    module_name = name.rpartition(".")[0]
    addon = addon_of(module_name)
    if not is_installed(env.registry, addon):
        raise UnknownJobError(
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
            raise UnknownJobError(
                env._(
                    "The module “%(module)s” of the job cannot be imported: %(error)s", module=module_name, error=error
                )
            ) from error
    if name not in _functions:
        raise UnknownJobError(env._("“%s” is not a job function any more: it has gone, or lost its @job.", name))
    return _functions[name]


def describe_arguments(env: Environment, function: str, payload: str) -> str:
    """Return the arguments of a stored call for a person: a line each, with the parameter's name.

    :raise NotReadableJobError: the function or an argument is unknown here
    :raise TypeError: the function does not take these arguments
    """
    args, kwargs = arguments.decode_call(payload, env)
    # a call has no session and no model name for a job function, but it has the records of a method
    implicit = 0 if is_method(function) else 2
    call = inspect.signature(find_function(env, function)).bind(*[None] * implicit, *args, **kwargs)
    return "\n".join(f"{name} = {pformat(value)}" for name, value in list(call.arguments.items())[implicit:])


def installed_functions(env: Environment) -> dict[str, JobOptions]:
    """Return by name the options of all job functions and decorated methods in this database.

    Only the addons that are installed in the database count.
    """
    found = {
        name: func.job_options
        for name, func in _functions.items()
        if is_installed(env.registry, func.job_options.module)
    }
    for model_name, model_class in env.registry.items():
        for method_name, method in ({} if model_class._abstract else _attributes(model_class)).items():
            if inspect.isfunction(method) and hasattr(method, "job_options"):
                name = f"{model_name}.{method_name}"
                found[name] = replace(method.job_options, name=name)
    return found


def _attributes(model_class: type) -> dict[str, Any]:
    """Return the attributes of a class, with those that it inherits.

    `inspect.getmembers_static` takes seconds for all models.
    """
    return functools.reduce(operator.or_, map(vars, reversed(model_class.__mro__)), {})
