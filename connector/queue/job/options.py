"""The options of job functions and of their calls, and which values they may have."""

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from ..retry import RetryPolicy

DEFAULT_PRIORITY = 10
DEFAULT_MAX_RETRIES = 5

#: What becomes of the jobs that wait with one identity key when it is their turn, see :func:`~.delaying.prepare`.
IDENTITY_POLICIES = ("skip", "replace", "debounce")


@dataclass(frozen=True)
class JobOptions:
    """What is known of a job function: from the code, and for a database from its ``queue.job.function`` record too."""

    name: str | None = None
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


# Each returns the value; where it is not valid they raise a ValueError that says what would be


def checked_channel(complete_name):
    if complete_name and complete_name.partition(".")[0] != "root":
        raise ValueError(
            f"default_channel is {complete_name!r}: all channels are below root, so call it 'root.{complete_name}'"
        )
    return complete_name


def checked_natural(name, value):
    if not isinstance(value, int) or not 0 <= value < 2**31:
        raise ValueError(f"{name} is {value!r}: it must be a whole number that is not negative, and below 2^31")
    return value


def checked_text(name, value):
    if value is None or value is False:
        return None
    if not isinstance(value, str):
        raise ValueError(f"{name} is {value!r}: it must be text")
    if "\0" in value:
        raise ValueError(f"{name} is {value!r}: PostgreSQL cannot store the character NUL")
    return value or None


def checked_positive(name, value):
    if not isinstance(value, int) or value < 1:
        raise ValueError(f"{name} is {value!r}: it must be a whole number from 1")
    return value


def checked_identity_policy(policy):
    if policy not in IDENTITY_POLICIES:
        raise ValueError(f"identity_policy is {policy!r}: it must be one of {', '.join(IDENTITY_POLICIES)}")
    return policy


def checked_key_function(function):
    if function is not None and not callable(function):
        raise ValueError(
            f"concurrency_key is {function!r}: it must be a function of the arguments, as in lambda args: args['order_id']"
        )
    return function


def parsed_eta(eta):
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
