"""The requests for which a person waits in front of the screen: none is sent when time is up."""

from __future__ import annotations

import time
from typing import Any

from odoo.addons.jobs_queue.exception import RetryableJobError

from ..backend_adapter.traffic import LONGEST_WAIT, Traffic
from ..connector_unit import Environment

#: Seconds for which a person waits for the other system, all requests together.
SECONDS = 30
#: Seconds that one request may take.
SECONDS_OF_REQUEST = 15


class HurriedTraffic(Traffic):
    """The requests of one press of a button.

    They obey the rate limit. A request that is given up for lack of time says nothing of the
    system, so none counts for a pause of the backend.

    :param ends: when time is up, of ``time.monotonic()``
    """

    def __init__(self, environment: Environment, ends: float) -> None:
        super().__init__(environment)
        self._ends = ends

    @property
    def _left(self) -> float:
        """Seconds until time is up."""
        return self._ends - time.monotonic()

    def admit(self) -> None:
        """Wait for the turn of a request.

        :raise RetryableJobError: time is up, or the turn is too far away
        """
        if self._left <= 0:
            name = self._backend.display_name
            raise RetryableJobError(
                self._user_env._(
                    "%(backend)s did not answer all requests within %(seconds)s s.", backend=name, seconds=SECONDS
                )
            )
        self._wait_for_token(min(self._left, LONGEST_WAIT))

    def limited(self, seconds: Any) -> Any:
        return min(seconds or SECONDS_OF_REQUEST, SECONDS_OF_REQUEST, max(self._left, 0.1))

    def unreachable(self, error: Any, model_name: str, was_sent: bool) -> None:
        pass

    def untrusted(self, error: Any, model_name: str) -> None:
        pass
