"""The traffic of an environment: requests wait for their turn, and the backend learns how they end."""

import random
import time

from odoo.addons.jobs_queue import store
from odoo.addons.jobs_queue.by_code import JOB, by_code
from odoo.addons.jobs_queue.exception import NetworkRetryableError, RetryableJobError

from ...exception import CredentialsRefused, IDMissingInBackend, InvalidDataError, ManyIDSInBackend

#: Seconds for which a request waits in its job for the backend's rate limit; what has to wait longer is another try of the job.
LONGEST_WAIT = 10
#: Seconds until a job asks again whether its backend still is held, about; in its channel it then waits until it is not.
ASK_AGAIN = 10

# Who says such a thing of a record has looked for it, and so can be reached
_ABOUT_A_RECORD = (IDMissingInBackend, InvalidDataError, ManyIDSInBackend)


class Traffic:
    """The requests of an environment to its backend.

    :param environment: :class:`~odoo.addons.connector.connector.Environment`
    """

    def __init__(self, environment):
        # not the environment itself, which ends when nothing refers to it any more
        self._backend = environment.backend_record.sudo()
        self._user_env = environment.user_session.env
        # a person who presses a button, a test of the connection for instance, does not wait for what holds the jobs
        self._is_admitted = not by_code(environment.env.context, JOB)
        status = self._backend._status()
        self._is_troubled = bool(status.failures) or status.state not in (False, "ready")

    def admit(self):
        """Wait for the turn of a request.

        :raise RetryableJobError: it is far off, which costs the job no try
        """
        if not self._is_admitted:
            self._check_hold()
            self._is_admitted = True
        if self._backend.rate_limit > 0:
            self._wait_for_token()

    def accepted(self):
        """Note a response of success."""
        if self._is_troubled:
            self._backend.note_accepted()
            self._is_troubled = False

    def refused(self, error):
        """Note what the backend has to know of an exception.

        :param error: the exception for a response that is none of success
        """
        if isinstance(error, _ABOUT_A_RECORD):
            if self._is_troubled:
                self._is_troubled = self._backend.note_answered()
        elif isinstance(error, CredentialsRefused):
            self._backend.note_refused(str(error))
            self._is_troubled = True
        elif isinstance(error, RetryableJobError) and error.seconds:
            # who asks to wait has not failed
            error.ignore_retry = True
            self._backend.note_busy(str(error), error.seconds)

    def unreachable(self, error, model_name, was_sent):
        """Note that no system has answered. A try is not counted while the breaker sees to it, or where it cannot be due to the job.

        :param error: the :class:`NetworkRetryableError`
        :param model_name: name of the model whose adapter has met it
        :param was_sent: whether the request may have arrived, and be the reason
        """
        is_paused = self._backend.note_unreachable(str(error), model_name)
        error.ignore_retry = is_paused or bool(self._backend.breaker_threshold and not was_sent)
        self._is_troubled = True

    def untrusted(self, error, model_name):
        """Note that the system has shown no valid certificate: no request was sent, and no try is counted while its jobs wait.

        :param error: the :class:`NetworkRetryableError`
        :param model_name: name of the model whose adapter has met it
        """
        error.ignore_retry = self._backend.note_untrusted(str(error), model_name)
        self._is_troubled = True

    def _check_hold(self):
        if held := store.held(self._backend.env.cr, self._backend.channel_id.id):
            reason, _channel = held
            seconds = ASK_AGAIN * random.uniform(0.8, 1.2)
            raise NetworkRetryableError(reason, seconds=seconds, ignore_retry=True)

    def _wait_for_token(self):
        seconds = self._backend.take_token(LONGEST_WAIT)
        if seconds < 0:
            message = self._user_env._(
                "%s takes no more requests for now, by its rate limit", self._backend.display_name
            )
            raise RetryableJobError(message, seconds=-seconds, ignore_retry=True)
        time.sleep(seconds)
