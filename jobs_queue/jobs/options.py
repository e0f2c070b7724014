"""The options of job functions and of their calls, and the values that they may have."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypedDict

from odoo.tools.translate import LazyGettext

from ..seconds import WAITS, Wait, as_seconds
from ..texts import DESCRIPTION, shown, storable
from .keys import OptionalText, checked_text
from .retry import RetryPolicy
from .signature import Signature

if TYPE_CHECKING:
    from ..session import ConnectorSession
    from .stored import StoredJob

DEFAULT_PRIORITY = 10
DEFAULT_MAX_RETRIES = 5

#: Longest complete name of a channel, in characters. Its parts are names of channels
LONGEST_CHANNEL = 500
#: The screen divides done by total
LARGEST_PROGRESS = 10**15
#: Last year of an eta: people in other time zones must be able to see it
LAST_YEAR = 9998

#: Policies for jobs that wait with the same identity key: which of them runs, see
#: :func:`~.preparing.prepare`.
IDENTITY_POLICIES = ("skip", "replace", "debounce")
IdentityPolicy: TypeAlias = Literal["skip", "replace", "debounce"]

#: The earliest time of a job: a time (UTC if it names no zone), or a wait from now.
Eta: TypeAlias = datetime | Wait

# Functions that ``@job`` takes as options. The first two get the arguments of the call by name
ChannelOf: TypeAlias = Callable[[dict[str, Any]], int | Literal[False] | None]
KeyOf: TypeAlias = Callable[[dict[str, Any]], object]
RelatedAction: TypeAlias = "Callable[[ConnectorSession, StoredJob], dict[str, Any] | None]"
About: TypeAlias = Callable[..., tuple[object, object]]

# JobOptions get their name when their function is known
_WITHOUT_NAME: Any = None


class DelayOptions(TypedDict, total=False):
    """The options of a call, see :func:`~.preparing.prepare`.

    The arguments of the function are not among them.
    """

    priority: int | None
    eta: Eta | None
    max_retries: int | None
    description: OptionalText | LazyGettext
    channel: OptionalText
    identity_key: OptionalText
    identity_policy: IdentityPolicy | None
    concurrency_key: OptionalText
    time_limit: int | None
    memory_limit: int | None
    group_key: OptionalText


@dataclass(frozen=True)
class JobOptions:
    """The options of a job function.

    They come from the code. For a database they also come from its ``queue.job.function`` record.
    """

    name: str = _WITHOUT_NAME
    module: str | None = None
    description: str | None = None
    default_channel: str | None = None
    channel_of: ChannelOf | None = None
    channel_id: int | None = None
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    max_retries: int = DEFAULT_MAX_RETRIES
    identity_policy: str = "skip"
    concurrency_key: KeyOf | None = None
    concurrency_limit: int = 1
    time_limit: int = 0
    memory_limit: int = 0
    group_size: int = 0
    related_action: RelatedAction | None = None
    signature: Signature | None = None
    about: About | None = None
    former_names: tuple[str, ...] = ()


# Each of these functions returns the value. If it is not valid, they raise a ValueError that says
# which values are


def checked_channel(name: str, complete_name: object) -> str | None:
    complete_name = checked_text(name, complete_name)
    if complete_name and len(complete_name) > LONGEST_CHANNEL:
        raise ValueError(f"{name} is {shown(complete_name)}: a channel's name has at most {LONGEST_CHANNEL} characters")
    return complete_name


def checked_default_channel(complete_name: object) -> str | None:
    complete_name = checked_channel("default_channel", complete_name)
    if complete_name and complete_name.partition(".")[0] != "root":
        raise ValueError(
            f"default_channel is {complete_name!r}: all channels are below root, so call it 'root.{complete_name}'"
        )
    return complete_name


def checked_natural(name: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**31:
        raise ValueError(f"{name} is {shown(value)}: it must be a whole number that is not negative, and below 2^31")
    return value


def checked_positive(name: str, value: int) -> int:
    if checked_natural(name, value) < 1:
        raise ValueError(f"{name} is {value!r}: it must be a whole number from 1")
    return value


def checked_former_names(names: Iterable[str]) -> tuple[str, ...]:
    checked = (names,) if isinstance(names, str) else tuple(names)
    if isinstance(names, str) or not all(isinstance(name, str) and "." in name for name in checked):
        raise ValueError(
            f"former_names is {shown(names)}: it must be a list of names such as 'odoo.addons.shop.jobs.export'"
        )
    return checked


def checked_description(value: object) -> str | None:
    if value is not None and value is not False and not isinstance(value, str | LazyGettext):
        raise ValueError(f"description is {shown(value)}: it must be text")
    return storable(value or None, DESCRIPTION)


def checked_identity_policy(policy: object) -> str:
    if not isinstance(policy, str) or policy not in IDENTITY_POLICIES:
        raise ValueError(f"identity_policy is {shown(policy)}: it must be one of {', '.join(IDENTITY_POLICIES)}")
    return policy


def checked_key_function(function: KeyOf | None) -> KeyOf | None:
    if function is not None and not callable(function):
        raise ValueError(
            f"concurrency_key is {shown(function)}: it must be a function of the arguments, as in lambda args: args['order_id']"
        )
    return function


def checked_progress(name: str, value: float | Decimal) -> float:
    is_number = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    # NaN cannot be compared
    if not is_number or Decimal(value).is_nan() or not 0 <= value <= LARGEST_PROGRESS:
        raise ValueError(f"{name} is {shown(value)}: it must be a number from 0 to {LARGEST_PROGRESS}")
    return float(value)


def parsed_eta(eta: Eta | None) -> tuple[str | None, float | None]:
    """Return ``(ISO time in UTC or None, seconds from now or None)``."""
    if eta is None:
        return None, None
    if isinstance(eta, WAITS):
        return None, as_seconds(eta, "eta")
    if not isinstance(eta, datetime):
        raise ValueError(f"eta is {shown(eta)}: it must be a datetime, a timedelta or a number of seconds")
    try:
        if eta.tzinfo:
            eta = eta.astimezone(UTC).replace(tzinfo=None)
    except (OverflowError, ValueError):
        raise ValueError(f"eta is {shown(eta)}: in UTC it is outside of the years 1 to 9998") from None
    if eta.year > LAST_YEAR:
        raise ValueError(f"eta is {shown(eta)}: it must be before the year 9999, of which some zones see the next year")
    return eta.isoformat(), None
