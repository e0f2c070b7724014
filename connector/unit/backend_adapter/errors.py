"""Interpret failed requests: exception, seconds of ``Retry-After``, and the cause in words."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any

import requests

from odoo.addons.jobs_queue.exception import FailedJobError, NetworkRetryableError, RetryableJobError
from odoo.addons.jobs_queue.seconds import as_seconds

from ...exception import CredentialsRefused, IDMissingInBackend, InvalidDataError, ManyIDSInBackend

_EXCEPTIONS = {
    300: ManyIDSInBackend,
    401: CredentialsRefused,
    403: FailedJobError,
    404: IDMissingInBackend,
    405: FailedJobError,
    407: CredentialsRefused,
    408: NetworkRetryableError,
    410: IDMissingInBackend,
    423: RetryableJobError,
    425: RetryableJobError,
    429: RetryableJobError,
    501: FailedJobError,
    505: FailedJobError,
}

# Seconds, several of them where more than one server has asked to wait
_NUMBERS = re.compile(r"[0-9]+(\.[0-9]*)?(\s*,\s*[0-9]+(\.[0-9]*)?)*")

#: Statuses of a proxy, or of the system itself, while it is down. 500 is not one: the record may be
#: its reason.
UNAVAILABLE = (502, 503, 504)
# Where an answer in JSON has its message for a person
_MESSAGES = ("message", "error_description", "detail", "title", "error")
#: Statuses of refusals that say no more than the status of an unsuccessful answer: of errors that
#: an adapter does not know.
VAGUE = (422, 500)


@dataclass(frozen=True)
class Refusal:
    """A refusal that a system expresses by the content of an answer, whatever its status.

    :param status: the HTTP status that it corresponds to, 300 to 599. It decides what happens, as
        for an answer with this status
    :param message: message of the system
    :param right: name of the right that our user lacks there; with status 403, or with 401 if the
        system says the same of credentials that are not valid any more
    :param seconds: for how long the system wants us to wait, where its header ``Retry-After`` does
        not say it
    """

    status: int
    message: str
    right: str | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.status, int) or not 300 <= self.status < 600:
            raise ValueError(f"Refusal(status={self.status!r}): it must be an HTTP status from 300 to 599")
        if self.right and self.status not in (401, 403):
            raise ValueError(
                f"Refusal(status={self.status}, right={self.right!r}): a right is missing by status 403 or 401"
            )


def exception_for(status: int) -> type[Exception]:
    """Return the class of exception for an HTTP status.

    =================================  ========================
    300                                ManyIDSInBackend
    other 3xx, 403, 405, 501, 505      FailedJobError
    401, 407                           CredentialsRefused
    404, 410                           IDMissingInBackend
    423, 425, 429                      RetryableJobError
    408, other 5xx                     NetworkRetryableError
    other 4xx                          InvalidDataError
    =================================  ========================
    """
    if status in _EXCEPTIONS:
        return _EXCEPTIONS[status]
    if status >= 500:
        return NetworkRetryableError
    return InvalidDataError if status >= 400 else FailedJobError


def noting(error: Exception, status: int, said: str, right: str | None = None) -> Exception:
    """Note on an exception what the system has answered, for who makes a sentence of his own of it.

    :param status: HTTP status, or the one that the refusal corresponds to
    :param said: message of the system, without secrets
    :param right: name of the right that our user lacks there, None if the system does not say it
    :return: the exception
    """
    error.status, error.said, error.right = status, said, right  # type: ignore[attr-defined]
    return error


def is_server_error(error: Exception) -> bool:
    """Return whether an exception of an adapter is for an answer with status 500.

    What was asked for may be its reason, as that of an answer about a record. A system that asks to
    wait knows another one.
    """
    return getattr(error, "status", None) == 500 and not getattr(error, "seconds", None)


def parse_date(text: Any) -> datetime | None:
    """Return an HTTP date as a datetime in UTC, None if it is not one."""
    try:
        return parsedate_to_datetime(text).astimezone(UTC).replace(tzinfo=None)
    except (OverflowError, TypeError, ValueError, IndexError):
        return None


def retry_after(response: requests.Response) -> float | None:
    """Return how many seconds a response asks to wait, at most a year; None if it does not ask."""
    value = response.headers.get("Retry-After", "").strip()
    if _NUMBERS.fullmatch(value):
        waiting: Decimal | timedelta = max(map(Decimal, value.split(",")))
    elif date := parse_date(value):
        # by the clock of the system, which may differ from ours
        waiting = date - (parse_date(response.headers.get("Date")) or datetime.now(UTC).replace(tzinfo=None))
    else:
        return None
    return max(0, as_seconds(waiting, "Retry-After", clamp=True))


def message_in(body: Any) -> str | None:
    """Return the message for a person in the JSON of an unsuccessful answer, None without one."""
    texts = map(body.get, _MESSAGES) if isinstance(body, dict) else ()
    return next((text for text in texts if isinstance(text, str)), None)


def what_happened(error: BaseException) -> str:
    """Return the text of the innermost cause of an exception, such as “Connection refused”.

    The exceptions that only pass it on are left out.
    """
    inner = innermost(error)
    return getattr(inner, "strerror", None) or str(inner)


def innermost(error: BaseException) -> BaseException:
    """Return the innermost cause of an exception, itself if it has no other one."""
    inner = error.__cause__ or next((arg for arg in reversed(error.args) if isinstance(arg, Exception)), None)
    return innermost(inner) if inner else error
