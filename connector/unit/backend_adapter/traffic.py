"""Rate limit, holds and circuit breaker for the requests of an environment to its backend."""

import time
from typing import Any

from odoo.addons.jobs_queue.by_code import JOB, by_code
from odoo.addons.jobs_queue.exception import NetworkRetryableError, RetryableJobError

from ...exception import CredentialsRefused, IDMissingInBackend, InvalidDataError, ManyIDSInBackend
from ..connector_unit import Environment

#: Seconds for which a request waits in its job for the backend's rate limit. If it has to wait
#: longer, the job is run again later.
LONGEST_WAIT = 10

# Errors about one record: the system has looked for it, so it can be reached
_ABOUT_A_RECORD = (IDMissingInBackend, InvalidDataError, ManyIDSInBackend)


class Traffic:
    """The requests of an environment to its backend.

    Requests wait for their turn, and the backend is told how they end.

    :param environment: :class:`~odoo.addons.connector.connector.Environment`
    """

    def __init__(self, environment: Environment) -> None:
        # no reference to the environment: it ends when nothing refers to it any more
        self._backend = environment.backend_record.sudo()
        self._user_env = environment.user_session.env
        # a person who presses a button, to test the connection for instance, does not wait for the
        # holds of jobs
        self._is_admitted = not by_code(environment.env.context, JOB)
        status = self._backend._status()
        self._is_troubled = bool(status.failures) or status.state not in (False, "ready")

    def admit(self) -> None:
        """Wait for the turn of a request.

        :raise RetryableJobError: the turn is too far away; the attempt of the job is not counted
        """
        if not self._is_admitted:
            self._backend.check_may_work()
            self._is_admitted = True
        self._wait_for_token(LONGEST_WAIT)

    def limited(self, seconds: Any) -> Any:
        """Return how many seconds a part of a request may take.

        :param seconds: how many the adapter allows, None for no limit
        """
        return seconds

    def accepted(self) -> None:
        """Note a successful response."""
        if self._is_troubled:
            self._backend.note_accepted()
            self._is_troubled = False

    def refused(self, error: Exception) -> None:
        """Note on the backend what an exception means for it.

        :param error: the exception for an unsuccessful response
        """
        if isinstance(error, _ABOUT_A_RECORD):
            if self._is_troubled:
                self._is_troubled = self._backend.note_answered()
        elif isinstance(error, CredentialsRefused):
            self._backend.note_refused(str(error))
            self._is_troubled = True
        elif isinstance(error, RetryableJobError) and error.seconds:
            # a system that asks to wait has not failed
            error.ignore_retry = True
            self._backend.note_busy(str(error), error.seconds)

    def unreachable(self, error: NetworkRetryableError, model_name: str, was_sent: bool) -> None:
        """Note that the system has not answered.

        The attempt is not counted while the circuit breaker holds the jobs, or if the job cannot be
        the reason.

        :param error: the :class:`NetworkRetryableError`
        :param model_name: name of the model whose adapter has raised it
        :param was_sent: whether the request may have arrived, and so be the reason
        """
        is_paused = self._backend.note_unreachable(str(error), model_name)
        error.ignore_retry = is_paused or bool(self._backend.breaker_threshold and not was_sent)
        self._is_troubled = True

    def untrusted(self, error: NetworkRetryableError, model_name: str) -> None:
        """Note that the certificate of the system is not valid: no request was sent.

        The attempt is not counted if the jobs of the backend wait now.

        :param error: the :class:`NetworkRetryableError`
        :param model_name: name of the model whose adapter has raised it
        """
        error.ignore_retry = self._backend.note_untrusted(str(error), model_name)
        self._is_troubled = True

    def _wait_for_token(self, longest: float) -> None:
        if self._backend.rate_limit <= 0:
            return
        seconds = self._backend.take_token(longest)
        if seconds < 0:
            message = self._user_env._(
                "%s takes no more requests for now, by its rate limit", self._backend.display_name
            )
            raise RetryableJobError(message, seconds=-seconds, ignore_retry=True)
        time.sleep(seconds)
