"""The requests of a connection test: short, few, and without consequences for the backend."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any

import requests

from odoo.addons.jobs_queue.exception import FailedJobError

from ..backend_adapter.answer import TimedSession
from ..backend_adapter.errors import parse_date
from ..backend_adapter.traffic import Traffic
from ..binding.clock import database_now
from ..connector_unit import Environment

#: Seconds that one request may take.
SECONDS_OF_REQUEST = 10
#: Seconds after which a check sends no further request, and after which the test begins no further
#: check.
SECONDS_OF_CHECK = 10
SECONDS_OF_TEST = 40
#: Requests of a check: a login, a token, and the first pages of an adapter that always reads the
#: whole list.
MOST_REQUESTS = 5


class Enough(FailedJobError):
    """A check has sent as many requests, or has taken as long, as it may."""


class TestedTraffic(Traffic):
    """The requests of a test.

    They obey the rate limit. Neither their failures nor their successes are noted on the backend,
    and nothing that holds its jobs holds them.

    :ivar has_accepted: whether the system has accepted a request of this check
    :ivar is_distrusted: whether it has shown a certificate that is not valid, in this check
    :ivar last_answer: the last :class:`requests.Response` of this check, None if there was none
    :ivar clock_difference: how far its clock is ahead of ours, None if it has not told its time
    """

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self._environment_of_clock = environment
        self._ends = time.monotonic() + SECONDS_OF_TEST
        self.clock_difference: timedelta | None = None
        self.begin_check()

    @classmethod
    def of(cls, environment: Environment) -> TestedTraffic:
        """Return the traffic of all adapters of an environment, which has sent nothing yet."""
        traffic = environment.open("traffic", lambda: cls(environment))
        session = environment.open("http", TimedSession)
        session.hooks["response"].append(traffic._note)
        return traffic

    @property
    def is_over(self) -> bool:
        """Whether the test has taken so long that it begins no further check."""
        return time.monotonic() > self._ends

    def begin_check(self) -> None:
        """Begin another check, with requests and seconds of its own."""
        self.has_accepted = self.is_distrusted = False
        self.last_answer: requests.Response | None = None
        self._requests_left = MOST_REQUESTS
        self._check_ends = time.monotonic() + SECONDS_OF_CHECK

    def admit(self) -> None:
        """Wait for the turn of a request.

        :raise Enough: it would be one too many
        :raise RetryableJobError: the turn is too far away, by the rate limit
        """
        if not self._requests_left or time.monotonic() > self._check_ends:
            raise Enough(self._user_env._("It was not asked any further"))
        self._requests_left -= 1
        self._wait_for_token(SECONDS_OF_CHECK)

    def limited(self, seconds: Any) -> Any:
        return min(seconds or SECONDS_OF_REQUEST, SECONDS_OF_REQUEST)

    def accepted(self) -> None:
        self.has_accepted = True

    def refused(self, error: Exception) -> None:
        pass

    def unreachable(self, error: Any, model_name: str, was_sent: bool) -> None:
        pass

    def untrusted(self, error: Any, model_name: str) -> None:
        self.is_distrusted = True

    def _note(self, response: requests.Response, **_options: Any) -> None:
        self.last_answer = response
        there: datetime | None = parse_date(response.headers.get("Date"))
        if there and "Age" not in response.headers:  # else a cache has kept it
            self.clock_difference = there - database_now(self._environment_of_clock)
